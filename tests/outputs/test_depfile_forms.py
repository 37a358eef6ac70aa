"""The form that a depfile gives each character, and the notes about what it cannot give one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from derivload.identity import tool_files
from derivload.outputs import target as targets
from derivload.outputs.depfile import is_writable, render_depfile
from derivload.outputs.digests import digest_of
from derivload.outputs.files import Writing
from derivload.outputs.stamp import Record, render_stamp
from derivload.outputs.target import Target, note_of, write_depfile, write_stamp


def rule(outputs: list[str], inputs: list[str], *, for_cmake: bool = False) -> str:
    return render_depfile(outputs, inputs, for_cmake=for_cmake).decode("utf-8", "surrogateescape")


def test_a_rule_has_a_line_for_each_input() -> None:
    assert rule(["a", "b"], ["c", "d\udcff"]) == "a b: \\\n  c \\\n  d\udcff\n"
    assert rule(["a"], []) == "a:\n"
    assert rule(["a b", "c"], ["d", "e"], for_cmake=True) == "a\\ b c: \\\n  d \\\n  e\n"
    # For Make and Ninja, if nothing else is asked for.
    assert render_depfile(["a:b"], ["c=d"]) == b"a\\:b: \\\n  $() \\\n  $() \\\n  c=d\n"


@pytest.mark.parametrize(
    ("path", "target", "given", "for_cmake"),
    [
        ("plain-é/x.yaml", "plain-é/x.yaml", "plain-é/x.yaml", "plain-é/x.yaml"),
        ("a b#c", r"a\ b\#c", r"a\ b\#c", r"a\ b\#c"),
        ("a$b", "a$$b", "a$$b", "a$$b"),
        ("a:b", r"a\:b", r"a\:b", "a:b"),
        ("a;b", r"a\\\;b", r"a\\\;b", "a;b"),
        ("a\tb", "a\tb", "a\\\tb", "a\\\tb"),
        ("a%b", r"a\%b", "a%b", "a%b"),
        ("a|b", "a|b", r"a\|b", "a|b"),
        ("a*b?c", "a*b?c", r"a\*b\?c", "a*b?c"),
        # Backslashes are doubled before what needs one of its own.
        ("a\\b", "a\\b", "a\\b", "a\\b"),
        ("a\\ b", "a\\\\\\ b", "a\\\\\\ b", "a\\\\\\ b"),
        ("a\\\\#b", "a\\\\\\\\\\#b", "a\\\\\\\\\\#b", "a\\\\\\\\\\#b"),
        ("a\\:b", "a\\\\\\:b", "a\\\\\\:b", "a\\:b"),
        ("a\\x b", "a\\x\\ b", "a\\x\\ b", "a\\x\\ b"),
        ("a\\$b", "a\\$$b", "a\\$$b", "a\\$$b"),
        ("a\\\tb", "a\\\tb", "a\\\\\\\tb", "a\\\\\\\tb"),
        # With a wildcard, each backslash and bracket has one.
        ("a\\b*[c", "a\\b*[c", "a\\\\b\\*\\[c", "a\\b*[c"),
        ("a\\b?[c", "a\\b?[c", "a\\\\b\\?\\[c", "a\\b?[c"),
        ("a[b", "a[b", "a[b", "a[b"),
        (" a", "\\ a", "\\ a", "\\ a"),
        ("\"&'<>^`\x01", "\"&'<>^`\x01", "\"&'<>^`\x01", "\"&'<>^`\x01"),
    ],
)
def test_each_character_has_its_form(path: str, target: str, given: str, for_cmake: str) -> None:
    assert rule([path], []) == f"{target}:\n"
    assert rule(["x"], [path]) == f"x: \\\n  {given}\n"
    assert rule([path], [path], for_cmake=True) == f"{for_cmake}: \\\n  {for_cmake}\n"


def test_a_home_folder_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert rule(["x"], ["~a", "b~"]) == f"x: \\\n  {tmp_path}/~a \\\n  b~\n"
    assert rule(["x"], ["~a"], for_cmake=True) == "x: \\\n  ~a\n"


@pytest.mark.parametrize(
    ("inputs", "given"),
    [
        (["a=b", "c", "d"], ["c", "d", "a=b"]),
        (["a=b", "c"], ["$()", "$()", "c", "a=b"]),
        (["a=b"], ["$()", "$()", "a=b"]),
        (["a", "b", "c=d", "e=f"], ["a", "b", "c=d", "e=f"]),
    ],
)
def test_no_input_reads_as_an_assignment(inputs: list[str], given: list[str]) -> None:
    assert rule(["x"], inputs).split(" \\\n  ")[1:] == [*given[:-1], f"{given[-1]}\n"]
    assert "$()" not in rule(["x"], inputs, for_cmake=True)


@pytest.mark.parametrize(
    ("path", "can"),
    [
        *((f"a{end}b", False) for end in "\n\r\v\f"),
        *((f"a{end}", False) for end in "\\: \t"),
        *((f"a{end}b", True) for end in "\\: \t"),
    ],
)
def test_a_path_that_has_no_form_is_left_out(path: str, can: bool) -> None:
    assert is_writable(path) == can
    assert ("a" in rule(["x"], [path])) == can


def test_a_note_names_what_is_left_out() -> None:
    target = Target("out", depfile="d")
    assert note_of(target, ["a", "b"], "so") == "so"
    assert note_of(Target("out"), ["a:"], "so") == "so"
    said = "a depfile cannot name 'a:', 'b\\n': an edit to it starts no build"
    assert note_of(target, ["a:", "x", "b\n"], "") == said
    assert note_of(target, ["a:", "x", "b\n"], "so") == f"so; {said}"


def test_a_depfile_is_of_the_outputs_and_has_derivloads_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert write_depfile(Target("out"), ["a"], ["i"]) == []
    names, inputs = ["a", "b"], ["i", "j:k"]
    for target, outputs in (
        (Target("out", depfile="d"), ["out/a", "out/b"]),
        (Target("out", depfile="d", depfile_target="all"), ["all"]),
        (Target("out", depfile="d", is_for_cmake=True), ["out/a", "out/b"]),
    ):
        ((path, digest),) = write_depfile(target, names, inputs)
        data = Path("d").read_bytes()
        assert (path, digest) == ("d", digest_of(data))
        expected = [*inputs, *tool_files()]
        assert data == render_depfile(outputs, expected, for_cmake=target.is_for_cmake)
    assert write_depfile(Target("out", depfile=os.devnull), names, inputs) == [
        (os.devnull, "stream")
    ]


def test_a_stamp_is_written_unless_derivload_was_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def answer(*, is_alone: bool) -> bool:
        asked.append(is_alone)
        return is_alone

    monkeypatch.setattr(targets, "is_as_it_began", answer)
    record = Record(b"tool", inputs=[], absent=[], outputs=[], beside=[], note="a note")
    with Writing(str(tmp_path), "documents") as writing:
        write_stamp(writing, "stamp", ["emit"], record)
        assert not (tmp_path / "stamp").exists()
        write_stamp(writing, "stamp", ["emit"], record, is_alone=True)
        assert (tmp_path / "stamp").read_bytes() == render_stamp(["emit"], record)
        (tmp_path / "folder").mkdir()
        write_stamp(writing, "folder", ["emit"], record, is_alone=True)  # it goes on without one
    assert asked == [False, True, True]
