"""Bad input: status 1, every mistake with its place, outputs as they were, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.bad_inputs import BadInputs, found_in, project
from support.paths import DERIVATIVES, FILES, NATIVES, TAGS
from support.project import Project

__all__ = ["project"]  # fixtures


# --------------------------------------------------------------------------------- whole files


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file(project: BadInputs, name: str) -> None:
    project[name].unlink()
    assert project.fails() == [(name, 0, 0, "DL001")]


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_the_place_of_a_file(project: BadInputs, name: str) -> None:
    project[name].unlink()
    project[name].mkdir()
    assert project.fails() == [(name, 0, 0, "DL001")]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("data", "line", "column"),
    [(b"\xff\xfe-\0 \0", 1, 1), (b"# one\n# \xc3\xa9\xe9 two\n", 2, 4), (b"- a: \xc3", 1, 6)],
)
def test_bytes_that_are_no_utf_8(
    project: BadInputs, name: str, data: bytes, line: int, column: int
) -> None:
    project[name].write_bytes(data)
    assert project.fails() == [(name, line, column, "DL002")]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "a: b\n", "some text\n", "3\n", "{}\n"])
def test_no_list_of_entries(project: BadInputs, name: str, text: str) -> None:
    project[name].write_text(text, "utf-8")
    assert (name, 1, 1, "DL004") in project.fails()


def test_all_files_that_cannot_be_read_are_told_in_one_run(project: BadInputs) -> None:
    project[DERIVATIVES].write_bytes(b"# \xe9\n")
    project[NATIVES].unlink()
    project[TAGS].unlink()
    project[TAGS].mkdir()
    assert project.fails() == [
        (DERIVATIVES, 1, 3, "DL002"),
        (NATIVES, 0, 0, "DL001"),
        (TAGS, 0, 0, "DL001"),
    ]


# ------------------------------------------------------------------------------------- entries


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("- a: 'x\n", (1, 6, "DL003")),
        ("- a: [x\n\n", (1, 6, "DL003")),
        ("- a: x\n   b: y\n", (2, 5, "DL003")),
        ("- a: x\nb: y\n", (2, 1, "DL003")),
        ("- a: \x07\n", (1, 6, "DL003")),
        ("- just text\n", (1, 1, "DL005")),
        ("- [x, y]\n", (1, 1, "DL005")),
        ("- \n", (1, 1, "DL005")),
    ],
)
def test_yaml_that_is_no_list_of_mappings(
    project: BadInputs, name: str, text: str, found: tuple[int, int, str]
) -> None:
    project.prepend(name, text)
    assert project.fails() == [(name, *found)]


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        ("- a: x\n  b c\n  d: e\n", (2, 3), "write `key: value`"),
        (
            "- a: x\n    b: y\n",
            (2, 6),
            "indent it like the keys beside it; a value with `: ` in it needs quotes",
        ),
        ("- a: x\n b: y\n", (2, 2), "indent it like the keys of its entry, by two spaces"),
        ("- a: x\n\tb: y\n", (2, 1), "indent with spaces"),
        ("- a:\n\tb: y\n", (2, 1), "indent with spaces"),
        (
            "- a: x: y\n",
            (1, 7),
            "quote the value: it has `: ` in it",
        ),
        ("- a: 'x\n", (1, 6), "close the quotes"),
        ("- a: [x\n  b: y\n", (2, 4), "close the bracket, or quote the value"),
        (
            "- a: 'x' y\n",
            (1, 10),
            "end the value with its closing quote or bracket, or quote all of it",
        ),
        ("- a: - x\n", (1, 6), "quote the value: `- ` begins an item of a list"),
        ("- a: *x\n", (1, 6), "quote the value: this sign has a meaning in YAML"),
        ("- a: !x y\n", (1, 6), "quote the value: this sign has a meaning in YAML"),
        ("- a: @x\n", (1, 6), "quote the value: this sign has a meaning in YAML"),
        ('- a: "\\q"\n', (1, 7), "write two backslashes for one, or use single quotes"),
        ("<<<<<<< HEAD\n- a: x\n=======\n", (1, 1), "resolve it, and remove its marks"),
        ("- a: x\n>>>>>>> edit\n", (2, 1), "resolve it, and remove its marks"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_remedy(
    project: BadInputs, text: str, place: tuple[int, int], remedy: str
) -> None:
    project.prepend(TAGS, text)
    outcome = project.emit()
    assert found_in(outcome) == [(TAGS, *place, "DL003")]
    assert f"\n  help: {remedy}\n" in outcome.err


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        (NATIVES, "- func: f(Tensor self) -> Tensor\n  colour: red\n", (2, 3, "DL006")),
        (DERIVATIVES, "- name: gleam(Tensor self) -> Tensor\n  colour: red\n", (2, 3, "DL430")),
        (TAGS, "- colour: red\n", (1, 3, "DL008")),
        (DERIVATIVES, "- name: nope(Tensor self) -> Tensor\n  self: grad\n", (1, 9, "DL405")),
        (NATIVES, "- func: f(Tenser self) -> Tensor\n", (1, 11, "DL104")),
        (NATIVES, "- func: f(Tensor self)\n", (1, 9, "DL101")),
        (DERIVATIVES, "- name: gleam\n  self: grad\n", (1, 9, "DL101")),
        (DERIVATIVES, "- name: gleam(Tensor self)\n  self: grad\n", (1, 26, "DL405")),
    ],
)
def test_entries_that_say_nothing(
    project: BadInputs, name: str, text: str, found: tuple[int, int, str]
) -> None:
    project.prepend(name, text)
    assert project.fails() == [(name, *found)]


def test_mistakes_of_all_files_are_told_in_one_run(project: BadInputs) -> None:
    project.prepend(DERIVATIVES, "- name: gleam(Tensor self) -> Tensor\n  self: 1\n- name: 'x\n\n")
    project.prepend(NATIVES, "- func: f(Tenser self) -> Tensor\n- func: g(Tensor self) -> 3\n")
    project.prepend(TAGS, "- tag: x\n- y\n")
    assert project.fails() == [
        (DERIVATIVES, 2, 9, "DL402"),
        (DERIVATIVES, 3, 9, "DL003"),
        (NATIVES, 1, 11, "DL104"),
        (NATIVES, 2, 27, "DL104"),
        (TAGS, 1, 8, "DL230"),
        (TAGS, 2, 1, "DL005"),
    ]


HOSTILE = {
    "nested lists": "- func: " + "[" * 100_000 + "\n",
    "nested mappings": "- func: " + "{a: " * 100_000 + "\n",
    "nested items": "- " * 100_000 + "x\n",
    "nested keys": "- " + "? " * 100_000 + "x\n",
    "nested types": f"- func: f(int{'?' * 10_000} x) -> Tensor\n",
    "a long size": f"- func: f(int[{'9' * 5000}] x) -> Tensor\n",
    "a long number": f"- func: {'9' * 5000}\n",
    "a long hexadecimal number": f"- func: 0x{'f' * 5000}\n",
    "itself": "- &a\n  func: *a\n",
    "doubled and doubled": "- func: [&a0 x"
    + "".join(f", &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 40))
    + "]\n",
    "too many returns": f"- func: f(Tensor x) -> ({', '.join(['Tensor'] * 30)})\n"
    "  autogen: f.out\n  dispatch:\n    CPU: f\n",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_input_that_was_made_to_break_a_reader(tmp_path: Path, kind: str) -> None:
    # In a process of its own: a stack that overflows would take this one along.
    project = Project(tmp_path)
    project.prepend(NATIVES, HOSTILE[kind])
    outcome = project.run("emit", *project.options, "--out-dir", "out")
    assert (outcome.status, outcome.out) == (1, ""), outcome.err[-1000:]
    assert "Traceback" not in outcome.err
    assert {(file, line) for file, line, _, _ in found_in(outcome)} == {(NATIVES, 1)}
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "formula", [f"grads[{'9' * 5000}]", f"result{'9' * 5000}", "(" * 10_000, "self" * 10_000]
)
def test_formulas_that_were_made_to_break_a_reader(project: BadInputs, formula: str) -> None:
    schema = "gleam(Tensor self) -> Tensor"
    project.prepend(DERIVATIVES, f"- name: {schema}\n  self: grad\n  ? {formula}\n  : {formula}\n")
    assert [(name, code) for name, _, _, code in project.fails()] == [(DERIVATIVES, "DL430")]
