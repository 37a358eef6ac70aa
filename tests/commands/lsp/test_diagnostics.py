"""Diagnostics, as they are typed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from support.language_client import ClientBeside, Message, serving, spot_at, write_catalogue
from support.paths import DERIVATIVES, NATIVES

beside = partial(serving, kind=ClientBeside)
GILD = "self: grad * luster"
# A line of its own, so that the test finds the place again; a comment at the end of the line above.
HERE = "# here\n"


def codes(found: list[Message]) -> list[str]:
    return [one["code"] for one in found]


def test_a_mistake_and_its_end_are_told(tmp_path: Path) -> None:
    with beside(tmp_path) as client:
        assert client.published[client.uri(DERIVATIVES)]["diagnostics"] == []
        (found,) = client.replace(DERIVATIVES, GILD, "self: grads[1] * luster")
        assert (found["code"], found["severity"], found["source"]) == ("DL410", 1, "derivload")
        text = client.texts[DERIVATIVES]
        at = text.index("grads[1] * luster")
        assert found["range"]["start"] == spot_at(text, at)
        assert found["range"]["end"] == spot_at(text, at + len("grads[1]"))
        assert client.replace(DERIVATIVES, "self: grads[1] * luster", GILD) == []


def test_the_code_leads_to_the_page_of_the_rule(tmp_path: Path) -> None:
    with beside(tmp_path) as client:
        (found,) = client.replace(DERIVATIVES, GILD, "self: grads[1]")
        page = Path(urlsplit(found["codeDescription"]["href"]).path)
        assert page.read_text("utf-8").startswith("# DL410")
    assert not page.exists()


def test_a_change_of_a_function_shows_what_it_does_to_definitions(tmp_path: Path) -> None:
    with beside(tmp_path) as client:
        client.replace(NATIVES, "- func: cleave(", "- func: cleaver(")
        found = client.published[client.uri(DERIVATIVES)]["diagnostics"]
        assert "DL405" in codes(found)


def test_a_file_that_no_editor_has_open_is_told_of_too(tmp_path: Path) -> None:
    write_catalogue(tmp_path)
    path = tmp_path / DERIVATIVES
    path.write_text(path.read_text("utf-8").replace(GILD, "self: grads[1]"), "utf-8")
    with ClientBeside(tmp_path) as client:
        client.until(lambda m: m.get("params", {}).get("uri") == client.uri(DERIVATIVES))
        assert codes(client.published[client.uri(DERIVATIVES)]["diagnostics"]) == ["DL410"]


def test_a_save_of_a_file_that_no_editor_has_open_is_seen(tmp_path: Path) -> None:
    write_catalogue(tmp_path)
    path = tmp_path / DERIVATIVES
    with ClientBeside(tmp_path) as client:
        client.open(NATIVES)
        text = path.read_text("utf-8")
        path.write_text(text.replace(GILD, "self: grads[1]"), "utf-8")
        # The editor tells it too, if it is asked to; one of the two is enough.
        client.tell("workspace/didChangeWatchedFiles", {"changes": []})
        client.until(lambda m: m.get("params", {}).get("uri") == client.uri(DERIVATIVES))
        assert codes(client.published[client.uri(DERIVATIVES)]["diagnostics"]) == ["DL410"]


def test_a_document_that_is_closed_counts_as_it_is_on_the_disk(tmp_path: Path) -> None:
    with beside(tmp_path) as client:
        assert client.replace(DERIVATIVES, GILD, "self: grads[1]")
        uri = client.uri(DERIVATIVES)
        client.tell("textDocument/didClose", {"textDocument": {"uri": uri}})
        client.until(lambda m: m.get("params", {}).get("uri") == uri)
        assert client.published[uri]["diagnostics"] == []


def test_the_options_of_the_settings_hold(tmp_path: Path) -> None:
    write_catalogue(tmp_path, settings='[lsp]\nignore = ["DL602"]\n')
    with ClientBeside(tmp_path) as client:
        client.open(DERIVATIVES)
        assert client.replace(DERIVATIVES, GILD, "self: grad * lustre") == []


def test_mistakes_in_the_settings_are_shown(tmp_path: Path) -> None:
    write_catalogue(tmp_path, settings="derivatvies = 1\n")
    with ClientBeside(tmp_path) as client:
        told = client.until(lambda m: m.get("method") == "window/showMessage")
        assert "derivload.toml" in told["params"]["message"]


def test_settings_are_followed_also_through_a_mistake_in_them(tmp_path: Path) -> None:
    write_catalogue(tmp_path)
    settings = tmp_path / "derivload.toml"
    good = settings.read_text("utf-8")
    with ClientBeside(tmp_path) as client:
        client.open(DERIVATIVES)
        assert codes(client.replace(DERIVATIVES, GILD, "self: grad * lustre")) == ["DL602"]
        settings.write_text("nonsense = 1\n", "utf-8")
        client.tell("workspace/didChangeWatchedFiles", {"changes": []})
        client.until(lambda m: m.get("method") == "window/showMessage")
        settings.write_text(f'{good}[lsp]\nignore = ["DL602"]\n', "utf-8")
        client.tell("workspace/didChangeWatchedFiles", {"changes": []})
        client.until(lambda m: m.get("params", {}).get("uri") == client.uri(DERIVATIVES))
        assert client.published[client.uri(DERIVATIVES)]["diagnostics"] == []


def test_inputs_whose_folder_was_away_for_a_while_are_found_again(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    write_catalogue(own)
    settings = own / "derivload.toml"
    name = f"own/{DERIVATIVES}"
    with ClientBeside(tmp_path) as client:
        client.open(name)
        assert codes(client.replace(name, GILD, "self: grad * lustre")) == ["DL602"]
        own.rename(tmp_path / "away")
        client.tell("workspace/didChangeWatchedFiles", {"changes": []})
        client.until(lambda m: m.get("params", {}).get("uri") == client.uri(name))
        assert client.published[client.uri(name)]["diagnostics"] == []
        (tmp_path / "away").rename(own)
        settings.write_text(settings.read_text("utf-8") + '[lsp]\nselect = ["DL602"]\n')
        client.tell("workspace/didChangeWatchedFiles", {"changes": []})
        client.until(lambda m: m.get("params", {}).get("uri") == client.uri(name))
        assert codes(client.published[client.uri(name)]["diagnostics"]) == ["DL602"]


def test_inputs_are_found_from_a_document_if_no_folder_is_open(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "project").mkdir()
    write_catalogue(tmp_path / "project")
    with ClientBeside(tmp_path / "elsewhere") as client:
        client.folder = tmp_path / "project"
        client.open(DERIVATIVES)
        assert codes(client.replace(DERIVATIVES, GILD, "self: grads[1]")) == ["DL410"]


def test_a_line_that_is_half_typed_never_floods_the_file(tmp_path: Path) -> None:
    lines = [
        f"  {GILD}",
        "  result: self_t.gild(luster)",
        "- name: gild(Tensor self, float luster=0.5) -> Tensor",
    ]
    with beside(tmp_path) as client:
        for line in lines:
            client.replace(DERIVATIVES, f"\n{line}\n", f"\n{HERE}\n")
            typed = ""
            for key in line:
                found = client.replace(DERIVATIVES, f"{HERE}{typed}\n", f"{HERE}{typed}{key}\n")
                typed += key
                assert len(found) <= 3
            assert found == [], line
            client.replace(DERIVATIVES, f"\n{HERE}{line}\n", f"\n{line}\n")


def test_each_settings_file_has_a_set_of_inputs_of_its_own(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        write_catalogue(tmp_path / folder)
    (tmp_path / "two" / "derivload.toml").write_text(
        (tmp_path / "two" / "derivload.toml").read_text("utf-8") + '[lsp]\nignore = ["DL602"]\n'
    )
    one, two = f"one/{DERIVATIVES}", f"two/{DERIVATIVES}"
    with ClientBeside(tmp_path) as client:
        assert client.open(one) == []
        assert codes(client.replace(one, GILD, "self: grad * lustre")) == ["DL602"]
        assert client.open(two) == []
        assert client.replace(two, GILD, "self: grad * lustre") == []
        assert codes(client.replace(two, "self: grad * lustre", "self: grads[1]")) == ["DL410"]
        # Answers are those of the set that the document is of, whichever was the last one.
        assert client.ask_at("hover", one, "result: auto_linear", "auto_linear")
        assert codes(client.replace(one, "grad * lustre", "grad * luster + lutser")) == ["DL602"]
        found = client.ask_at("definition", two, "name: gild(", "gild")
        assert [place["uri"] for place in found] == [client.uri(f"two/{NATIVES}")]
        settings = tmp_path / "one" / "derivload.toml"
        settings.write_text(settings.read_text("utf-8") + '[lsp]\nignore = ["DL602"]\n')
        client.tell("workspace/didChangeWatchedFiles", {"changes": []})
        client.until(lambda m: m.get("params", {}).get("uri") == client.uri(one))
        assert client.published[client.uri(one)]["diagnostics"] == []
        assert codes(client.published[client.uri(two)]["diagnostics"]) == ["DL410"]


def test_symbols_of_the_workspace_are_those_of_all_sets(tmp_path: Path) -> None:
    names = [f"{folder}/{DERIVATIVES}" for folder in ("one", "two")]
    for name in names:
        (tmp_path / name).parent.mkdir()
        write_catalogue((tmp_path / name).parent)
    with ClientBeside(tmp_path) as client:
        for name in names:
            client.open(name)
        found = client.ask("workspace/symbol", {"query": "gild"})
        assert {client.uri(name) for name in names} <= {one["location"]["uri"] for one in found}


def test_a_file_of_no_set_changes_nothing(tmp_path: Path) -> None:
    write_catalogue(tmp_path)
    (tmp_path / "other.yaml").write_text("- name: gild\n")
    with ClientBeside(tmp_path) as client:
        client.open(DERIVATIVES)
        text = "- name: nothing(\n"
        item = {"uri": client.uri("other.yaml"), "languageId": "yaml", "version": 1, "text": text}
        client.tell("textDocument/didOpen", {"textDocument": item})
        assert codes(client.replace(DERIVATIVES, GILD, "self: grads[1]")) == ["DL410"]


def test_what_was_said_of_a_file_that_is_no_input_any_more_is_taken_back(tmp_path: Path) -> None:
    write_catalogue(tmp_path)
    settings = tmp_path / "derivload.toml"
    with ClientBeside(tmp_path) as client:
        client.open(DERIVATIVES)
        assert codes(client.replace(DERIVATIVES, GILD, "self: grads[1]")) == ["DL410"]
        (tmp_path / "other.yaml").write_bytes((tmp_path / DERIVATIVES).read_bytes())
        settings.write_text(settings.read_text("utf-8").replace(DERIVATIVES, "other.yaml"))
        client.tell("workspace/didChangeWatchedFiles", {"changes": []})
        client.until(lambda m: m.get("params", {}).get("uri") == client.uri(DERIVATIVES))
        assert client.published[client.uri(DERIVATIVES)]["diagnostics"] == []
