"""What is wrong with settings is told with its place, all of it in one run."""

from __future__ import annotations

import re

import pytest

from support.settings_runs import Place, place

__all__ = ["place"]  # a fixture


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("shard = 4", "1: error: there is no setting `shard`; did you mean `shards`?"),
        ("native_functions = []", "1: error: there is no setting `native_functions`; did you mean"),
        ("zzz = 4", "1: error: there is no setting `zzz`"),
        ("\n\nshards = 0", "3: error: `shards`: '0' is not a number from 1 to 10000"),
        ("shards = 10001", "1: error: `shards`: '10001' is not a number from 1 to 10000"),
        ("shards = '4'", "1: error: `shards` has to be a whole number, and is a text"),
        ("shards = 4.0", "1: error: `shards` has to be a whole number, and is a number"),
        ("shards = true", "1: error: `shards` has to be a whole number, and is true or false"),
        ("debounce = -1", "1: error: `debounce`: '-1' is not a number from 0 to 10000"),
        ("quiet = 'yes'", "1: error: `quiet` has to be true or false, and is a text"),
        ("tags = 3", "1: error: `tags` has to be a text, and is a whole number"),
        ("pytorch = ['a']", "1: error: `pytorch` has to be a text, and is a list"),
        ("pytorch = ''", "1: error: `pytorch`: the path is empty"),
        ("native-functions = {}", "has to be a text or a list of texts, and is a table"),
        ("native-functions = [1]", "has to be a text or a list of texts, and is a whole number"),
        ("torch-version = 2.15", "1: error: `torch-version` has to be a text, and is a number"),
        ("torch-version = '1.2'", "1: error: `torch-version`: torch 1.2 is older than 2.1"),
        ("tags = 2020-01-01", "1: error: `tags` has to be a text, and is a date or a time"),
        ("subset = 'libtorhc'", "`libtorhc` is not one of libtorch, pybindings, python, all; did"),
        ("max-size = 'much'", "1: error: `max-size`: 'much' is not a size"),
        ("explain = 'DL001'", "`explain` is no setting: the option --explain is for the command"),
        ("settings = 'x'", "`settings` is no setting"),
        ("no-cache = true\ncache-dir = 'c'", "2: error: `no-cache` and `cache-dir` exclude each"),
        ("[emit]\nquiet = true\nverbose = true", "3: error: `quiet` and `verbose` exclude each"),
        ("[emit]\nshards = 0", "2: error: `shards`: '0'"),
        ("[emit]\nstrict = true", "2: error: `emit` has no option --strict"),
        ("[emitt]\nshards = 1", "1: error: there is no setting `emitt`; did you mean `emit`?"),
        ("[emit]\nshard = 1", "2: error: there is no setting `shard`; did you mean `shards`?"),
        (
            "tags = 't'\nnative-functions = [" + "'n'," * 100_000 + "]",
            "2: error: `native-functions` has 100000 values: give 1000 at most",
        ),
        ("[[emit]]\nshards = 1", "1: error: `emit` has to be a table, and is a list"),
        ("codegen = 'x'", "1: error: `codegen` has to be true or false, and is a text"),
        ("show = 3", "1: error: `show` has to be a table, and is a whole number"),
        (
            "[per-file-ignore]\n'x' = ['DL604',\n'DL999']",
            "3: error: `per-file-ignore.x`: no rule has the code `DL999`; did you mean `DL",
        ),
        (
            "[per-operator-ignore]\nx = 'DL401'",
            "2: error: `per-operator-ignore.x`: `DL401` cannot be ignored: it is an error",
        ),
        (f"shards = {'1' * 5000}", "1: error: this is no TOML: exceeds the limit"),
        (f"x = {'[' * 5000}", ": error: "),
        ("shards = ", "1: error: this is no TOML: invalid value"),
        ("shards = 1\nshards = 2", "2: error: this is no TOML: cannot overwrite a value"),
        ('x = """\n\n', "3: error: this is no TOML: unterminated string"),
    ],
)
@pytest.mark.parametrize("where", ["derivload.toml", "pyproject.toml"])
def test_it_has_a_place_and_a_remedy(place: Place, text: str, said: str, where: str) -> None:
    above = 0
    if where == "pyproject.toml":
        text = re.sub(r"(?m)^(\[+)(?=[a-z])", r"\1tool.derivload.", text)
        text = f"[tool.derivload]\n{text}"
        above = 1
    place.write(text, where)
    done = place.run("check")
    assert (done.status, done.out) == (2, "")
    line, _, rest = said.partition(": ")
    expected = f"{where}:{int(line) + above}: {rest}" if line.isdigit() else said
    assert expected in done.err


def test_all_of_it_is_told_at_once_in_the_order_of_lines(place: Place) -> None:
    place.write("[emit]\nshards = 0\nx = 1\n[check]\nformat = 'xml'\n[y]\n")
    said = place.run("show", "gild").err.splitlines()
    assert [line.partition(": ")[0] for line in said[:-1]] == [
        *("derivload.toml:2", "derivload.toml:3", "derivload.toml:5", "derivload.toml:6"),
    ]
    assert said[-1] == "derivload: 4 errors in the settings"


def test_a_table_of_tool_that_is_no_table(place: Place) -> None:
    place.write("[tool]\nderivload = 3\n", "pyproject.toml")
    assert "pyproject.toml:2: error: `tool.derivload` has to be a table" in place.run("check").err


def test_derivload_toml_needs_no_table_around(place: Place) -> None:
    place.write("[tool.derivload]\nshards = 1\n")
    done = place.run("check")
    assert (done.status, done.out) == (2, "")
    assert "derivload.toml:1: error: `[tool.derivload]` is for pyproject.toml" in done.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dispatch-key = 'PrivateUse'", "no dispatch key `PrivateUse`; did you mean "),
        ("entry-key = ['mine', 'func']", "the entry key `func` is torchgen's own, and "),
        ("section = 'mine'", "--section is about overlays: name one with "),
        ("catalogue = true", "--catalogue names all inputs by itself"),
    ],
)
def test_what_only_the_inputs_show_has_a_place_too(place: Place, text: str, said: str) -> None:
    place.write(f"derivatives = 'd.yaml'\nnative-functions = 'n.yaml'\n{text}\n")
    for name in ("d.yaml", "n.yaml", "tags.yaml"):
        place.write("[]\n", name)
    done = place.run("check")
    assert (done.status, done.out) == (2, "")
    assert re.search(rf"^derivload: error: .*{re.escape(said)}.*derivload\.toml:3\)$", done.err)


def test_what_an_option_says_is_no_setting(place: Place) -> None:
    place.write("dispatch-key = 'PrivateUse1'\n")
    done = place.run("check", "--catalogue", "--dispatch-key", "Mine")
    assert done.err.endswith("no dispatch key `Mine`\n")


def test_values_are_spelled_out(place: Place) -> None:
    place.write('"a\\u001b[31m\\n::error::x" = 1\n')
    done = place.run("check")
    assert "\x1b" not in done.err
    assert len(done.err.splitlines()) == 2


def test_a_file_that_is_named_has_to_be_there(place: Place) -> None:
    done = place.run("check", "--settings", "none.toml")
    assert (done.status, "none.toml: error: cannot read this file" in done.err) == (2, True)
    assert place.run("check", "--settings", "").status == 2
    done = place.run("check", "--settings", "x", "--no-settings")
    assert done.status == 2
