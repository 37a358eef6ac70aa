"""The server between an editor and the inputs: what is taken, looked at, told and ended."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

import pytest
from lsprotocol import types

from derivload.commands.lsp.server import _paths
from support.language_client import ClientBeside, Message, place, serving, write_catalogue
from support.paths import DERIVATIVES, NATIVES, TAGS

beside = partial(serving, kind=ClientBeside)
GILD = "self: grad * luster"


def came(client: ClientBeside) -> list[tuple[str, int | None]]:
    """The files of which something was told meanwhile, and for which version of each."""
    found = []
    while client._came:
        params = client.read().get("params") or {}
        if "diagnostics" in params:
            found.append((Path(params["uri"]).name, params.get("version")))
    return found


@pytest.mark.parametrize(
    ("encoding", "character"), [("utf-8", 7), ("utf-16", 5), ("utf-32", 4), (None, 5)]
)
def test_positions_count_what_was_agreed_on(
    encoding: str | None, character: int, tmp_path: Path
) -> None:
    write_catalogue(tmp_path)
    can = {} if encoding is None else {"general": {"positionEncodings": [encoding]}}
    with ClientBeside(tmp_path, capabilities=can) as client:
        assert client.beside.encoding == (encoding or "utf-16")
        client.open(DERIVATIVES, "# \N{GRINNING FACE} x\n")
        at = place(0, character)
        client.change(DERIVATIVES, {"range": {"start": at, "end": at}, "text": "y"})
        document = client.beside._documents[client.uri(DERIVATIVES)]
        assert document.text == "# \N{GRINNING FACE} yx\n"
        client.change(DERIVATIVES, {"text": "- name: 3\n"})
        assert document.text == "- name: 3\n"
        assert not client.beside.is_shut_down


def test_a_document_has_the_address_that_the_editor_gave_it(tmp_path: Path) -> None:
    write_catalogue(tmp_path)
    with ClientBeside(tmp_path) as client:
        uri = client.uri(DERIVATIVES).replace("derivatives", "%64erivatives")
        item = {"uri": uri, "languageId": "yaml", "version": 7, "text": "- name: 3\n"}
        client.tell("textDocument/didOpen", {"textDocument": item})
        told = client.until(lambda m: m.get("params", {}).get("version") == 7)
        assert told["params"]["uri"] == uri
        assert told["params"]["diagnostics"]


def test_only_what_changed_is_told(tmp_path: Path) -> None:
    with beside(tmp_path) as client:
        assert isinstance(client, ClientBeside)
        came(client)
        client.replace(DERIVATIVES, GILD, "self: grad * (luster)")
        assert came(client) == []
        text = client.texts[DERIVATIVES]
        client.replace(DERIVATIVES, "(luster)", "grads[1]")
        client.tell("textDocument/didClose", {"textDocument": {"uri": client.uri(TAGS)}})
        assert [name for name, _ in came(client)] == [TAGS]
        # On the disk it is still as it was.
        client.tell("textDocument/didClose", {"textDocument": {"uri": client.uri(DERIVATIVES)}})
        assert (DERIVATIVES, None) in came(client)
        assert client.published[client.uri(DERIVATIVES)]["diagnostics"] == []
        client.tell("textDocument/didChange", _change(client, DERIVATIVES, text))
        assert came(client) == []
        with (tmp_path / "derivload.toml").open("a") as file:
            file.write("extend-ignore = ['DL602']\n")
        client.tell("workspace/didChangeWatchedFiles", {"changes": []})
        assert client.published[client.uri(DERIVATIVES)]["diagnostics"] == []


def _change(client: ClientBeside, name: str, text: str) -> Message:
    identified = {"uri": client.uri(name), "version": 9}
    return {"textDocument": identified, "contentChanges": [{"text": text}]}


def test_where_there_are_no_inputs_it_says_why(tmp_path: Path) -> None:
    with ClientBeside(tmp_path) as client:
        assert client._came == []
        client.tell("textDocument/didClose", {"textDocument": {"uri": client.uri("x.yaml")}})
        item = {"uri": client.uri("x.yaml"), "languageId": "yaml", "version": 1, "text": ""}
        client.tell("textDocument/didOpen", {"textDocument": item})
        told = client.read()
        assert told["method"] == "window/logMessage"
        assert told["params"]["type"] == types.MessageType.Warning
        assert told["params"]["message"].startswith("nothing names the inputs")
        below = tmp_path / "below"
        below.mkdir()
        write_catalogue(below)
        (below / DERIVATIVES).rename(below / "d.yml")
        settings = below / "derivload.toml"
        settings.write_text(settings.read_text().replace(DERIVATIVES, "d.yml"))
        for name, is_found in (("below/x.txt", False), ("below/d.yml", True)):
            item = {"uri": client.uri(name), "languageId": "yaml", "version": 3, "text": "- x"}
            client.tell("textDocument/didOpen", {"textDocument": item})
            assert (("d.yml", 3) in came(client)) == is_found


def _open(client: ClientBeside, name: str, text: str) -> list[str | None]:
    """Open a document. The methods of the messages that came of it, and of what came before."""
    item = {"uri": client.uri(name), "languageId": "yaml", "version": 3, "text": text}
    client.tell("textDocument/didOpen", {"textDocument": item})
    methods = []
    while client._came:
        methods.append(client.read().get("method"))
    return methods


def test_inputs_that_are_found_later_have_what_is_open_then(tmp_path: Path) -> None:
    with ClientBeside(tmp_path) as client:
        for name in (DERIVATIVES, NATIVES):
            _open(client, f"below/{name}", "- name: 3\n")
        closed = {"textDocument": {"uri": client.uri(f"below/{NATIVES}")}}
        client.tell("textDocument/didClose", closed)
        (tmp_path / "below").mkdir()
        write_catalogue(tmp_path / "below")
        _open(client, f"below/{TAGS}", (tmp_path / "below" / TAGS).read_text("utf-8"))
        bench = client.beside._bench
        assert bench is not None
        open_names = [name for name in (DERIVATIVES, NATIVES, TAGS) if _is_open(client, name)]
        assert open_names == [DERIVATIVES, TAGS]


def _is_open(client: ClientBeside, name: str) -> bool:
    found = client.beside.bench_of(client.uri(f"below/{name}"))
    return found is not None and found[0].is_open(found[1])


def test_settings_that_cannot_be_read_are_told_for_a_yaml_that_is_no_input_yet(
    tmp_path: Path,
) -> None:
    below = tmp_path / "below"
    below.mkdir()
    write_catalogue(tmp_path)
    with ClientBeside(tmp_path) as client:
        (tmp_path / "derivload.toml").write_text("derivatives = 3\n")
        (below / "derivload.toml").write_text("derivatives = 3\n")
        assert "window/showMessage" not in _open(client, "below/x.txt", "- x\n")
        assert "window/showMessage" not in _open(client, TAGS, "")
        assert "window/showMessage" in _open(client, "below/x.yaml", "- x\n")


def test_what_hinders_the_whole_load_is_told_at_the_first_file(tmp_path: Path) -> None:
    write_catalogue(tmp_path)
    with ClientBeside(tmp_path, "--torch-version", "2.0") as client:
        came(client)
        client.wait(0.1)  # what would save time later finds nothing to do
        (found,) = client.published[client.uri(DERIVATIVES)]["diagnostics"]
    assert found["range"] == {"start": place(0, 0), "end": place(0, 0)}
    assert (found["severity"], found["source"]) == (1, "derivload")
    assert "2.0" in found["message"]


def test_after_a_look_that_took_long_the_next_waits(tmp_path: Path) -> None:
    with beside(tmp_path) as client:
        assert isinstance(client, ClientBeside)
        came(client)
        text = client.texts[DERIVATIVES].replace(GILD, "self: grads[1]")
        client.beside._took = 0.06
        for _ in range(2):
            client.tell("textDocument/didChange", _change(client, DERIVATIVES, text))
            assert came(client) == []
        client.wait(0.1)
        assert came(client) == [(DERIVATIVES, 9)]
        assert client.beside._took < 0.05


def test_what_is_saved_by_somebody_else_is_seen(tmp_path: Path) -> None:
    write_catalogue(tmp_path)
    path = tmp_path / DERIVATIVES
    threads = threading.active_count()
    with ClientBeside(tmp_path) as client:
        client.open(NATIVES)
        client.wait(0.1)  # from then on, files are watched
        assert client.beside._watches is not None
        path.write_text(path.read_text("utf-8").replace(GILD, "self: grads[1]"), "utf-8")
        client.until(lambda m: m.get("params", {}).get("diagnostics"))
        assert client.published[client.uri(DERIVATIVES)]["diagnostics"]
    assert client.beside._watches is None
    assert threading.active_count() == threads


def test_a_request_is_answered_for_inputs_and_for_no_other_document(tmp_path: Path) -> None:
    with beside(tmp_path) as client:
        shown = client.ask_at("hover", NATIVES, "- func: gild(", "gild")
        assert "gild" in str(shown)
        (tmp_path / "x.txt").touch()
        where = {"textDocument": {"uri": client.uri("x.txt")}, "position": place(0, 0)}
        assert client.ask("textDocument/hover", where) is None


def test_the_next_session_begins_from_what_this_one_left(tmp_path: Path) -> None:
    write_catalogue(tmp_path)
    restored = []
    for _ in range(2):
        with ClientBeside(tmp_path) as client:
            client.open(DERIVATIVES)
            bench = client.beside._bench
            assert bench is not None
            session = bench.session()
            assert session is not None
            restored.append(session.is_restored)
    assert restored == [False, True]


def test_the_folders_of_an_editor_are_its_root_if_it_names_none() -> None:
    named = [types.WorkspaceFolder("file:///a", "a"), types.WorkspaceFolder("untitled:b", "b")]
    assert _paths(named, "/x") == ["/a"]
    assert (_paths([], "/x"), _paths([], None)) == (["/x"], [])


def test_an_error_of_the_server_is_said_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_catalogue(tmp_path)
    with ClientBeside(tmp_path) as client:
        client.beside.report_server_error(ValueError("no"), None)
        assert "derivload: error: ValueError: no\n" in capsys.readouterr().err
