"""What `check` keeps of its result, and what it asks for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from derivload.cli import main
from derivload.commands.check import command, find

Captured = pytest.CaptureFixture[str]
INPUTS = ["--derivatives", "d.yaml", "--native-functions", "n.yaml", "--cache-dir", "c"]
FOUND = """\
d.yaml:3:16: warning[DL602]: `other` is not an argument, output or gradient of `wave`
"""


DEFINED = "\n- name: wave(Tensor self) -> Tensor\n  self: grad * other\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("n.yaml").write_text("- func: wave(Tensor self) -> Tensor\n  dispatch:\n    CPU: wave\n")
    Path("d.yaml").write_text(DEFINED)
    Path("tags.yaml").write_text("- tag: core\n  desc: x\n")


class Finding:
    """How often mistakes were looked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        original = find.find_mistakes

        def find_mistakes(*arguments: Any) -> Any:
            self.count += 1
            return original(*arguments)

        monkeypatch.setattr(find, "find_mistakes", find_mistakes)

    def check(self, *more: str) -> int:
        """Check, and return how often mistakes were looked for meanwhile."""
        before = self.count
        main(["check", *INPUTS, *more])
        return self.count - before


@pytest.fixture
def finding(monkeypatch: pytest.MonkeyPatch) -> Finding:
    return Finding(monkeypatch)


def test_what_was_found_is_not_looked_for_again(finding: Finding, capsys: Captured) -> None:
    assert finding.check() == 1
    first = capsys.readouterr()
    assert first.out.startswith(FOUND)
    assert first.err.splitlines()[-1] == (
        "derivload: 1 warning in d.yaml, n.yaml, tags.yaml: 1 function, 1 definition"
    )
    assert finding.check() == 0
    assert capsys.readouterr() == first
    # The same with other formats; another set of warnings is another question.
    for more, count in (
        (["--format", "json"], 0),
        (["--strict"], 0),
        (["--select", "DL601"], 1),
        (["--select", "DL601"], 0),
        (["--ignore", "DL602"], 1),
        (["--torch-version", "2.1"], 1),
        (["--no-codegen-rules"], 0),
        (["--codegen-rules"], 1),
    ):
        assert finding.check(*more) == count, more
    Path("d.yaml").write_text(Path("d.yaml").read_text() + "# a comment\n")
    assert finding.check() == 1


def test_nothing_is_kept_without_a_cache_or_by_a_derivload_that_was_edited(
    finding: Finding, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = INPUTS[:4]
    for _ in range(2):
        before = finding.count
        assert main(["check", *inputs, "--no-cache"]) == 0
        assert finding.count == before + 1
    monkeypatch.setattr(command, "is_as_it_began", lambda: False)
    assert [finding.check(), finding.check()] == [1, 1]
    monkeypatch.undo()


def test_a_result_that_would_be_large_is_not_kept(
    finding: Finding, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = len("  self: grad * other")
    monkeypatch.setattr(command, "_MAX_KEPT", line - 1)
    assert [finding.check(), finding.check()] == [1, 1]
    monkeypatch.setattr(command, "_MAX_KEPT", line)
    assert [finding.check(), finding.check()] == [1, 0]


@pytest.mark.parametrize(
    ("options", "expected"),
    [([], None), (["--codegen-rules"], True), (["--no-codegen-rules"], False)],
)
def test_rules_of_generators_are_asked_for_as_options_say(
    options: list[str], expected: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    original: Callable[..., Any] = command.check

    def check(*arguments: Any, codegen_rules: bool | None) -> Any:
        asked.append(codegen_rules)
        return original(*arguments, codegen_rules=codegen_rules)

    monkeypatch.setattr(command, "check", check)
    assert main(["check", *INPUTS, *options]) == 0
    assert asked == [expected]


def test_statistics_count_by_rule(capsys: Captured) -> None:
    text = "- name: wave(Tensor self) -> Tensor\n  self: grad\n"
    Path("d.yaml").write_text(Path("d.yaml").read_text() + text * 11)
    assert main(["check", *INPUTS, "--statistics"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert [line.split()[:2] for line in lines] == [["11", "DL601"], ["1", "DL602"]]
    assert lines[1].startswith(" 1  DL602  ")
    assert "12 warnings in d.yaml" in err
    assert main(["check", *INPUTS, "--statistics", "--format", "json", "--strict"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith('[\n  {\n    "code": "DL601",\n')
    assert [(row["code"], row["count"]) for row in json.loads(out)] == [("DL601", 11), ("DL602", 1)]
    assert err == "derivload: 12 errors in d.yaml, n.yaml, tags.yaml\n"


def test_errors_and_warnings_have_numbers_of_their_own(finding: Finding, capsys: Captured) -> None:
    for number, counted in ((1, "1 error"), (2, "2 errors")):
        with Path("n.yaml").open("a") as file:
            file.write("- func: bad(\n")
        for looked in (1, 0):
            assert finding.check() == looked
            told = capsys.readouterr().err
            assert told == f"derivload: {counted}, 1 warning in d.yaml, n.yaml, tags.yaml\n", number


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("text", "d.yaml:3:16: warning[DL602]: "),
        ("json", '"code": "DL602"'),
        ("github", "::warning file=d.yaml,line=3,"),
        ("sarif", '"ruleId": "DL602"'),
    ],
)
def test_each_form_is_written_at_once(form: str, words: str, capsys: Captured) -> None:
    assert main(["check", *INPUTS, "--format", form]) == 0
    out = capsys.readouterr().out
    assert words in out
    assert out.endswith("\n")
    assert (form in ("json", "sarif")) == out.startswith("{\n")
    if out.startswith("{"):
        assert isinstance(json.loads(out), dict)


def test_rules_that_are_broken_as_often_are_sorted_by_code(capsys: Captured) -> None:
    text = "- name: wave(Tensor self) -> Tensor\n  self: grad * another\n"
    Path("d.yaml").write_text(Path("d.yaml").read_text() + text)
    assert main(["check", *INPUTS, "--statistics"]) == 0
    lines = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert lines == [["2", "DL602"], ["1", "DL601"]]
    Path("d.yaml").write_text(f"{DEFINED}{DEFINED}".replace("grad * other", "grad", 1))
    assert main(["check", *INPUTS, "--statistics"]) == 0
    lines = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert lines == [["1", "DL601"], ["1", "DL602"]]


def test_in_detail_it_says_what_it_looks_at(capsys: Captured) -> None:
    assert main(["check", *INPUTS, "--verbose"]) == 0
    err = capsys.readouterr().err
    assert "derivload: input      d.yaml\nderivload: input      n.yaml\n" in err
    assert "derivload: cache      c\n" in err


def test_without_mistakes_statistics_are_empty(capsys: Captured) -> None:
    Path("d.yaml").write_text("- name: wave(Tensor self) -> Tensor\n  self: grad\n")
    for more, out in (([], ""), (["--format", "json"], "[]\n")):
        assert main(["check", *INPUTS, "--statistics", "--quiet", *more]) == 0
        assert capsys.readouterr() == (out, "")
    assert main(["check", *INPUTS]) == 0
    said = "derivload: no mistakes in d.yaml, n.yaml, tags.yaml: 1 function, 1 definition\n"
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("DL0001", "rule DL0001 does not exist; did you mean `DL001`?\n"),
        ("x", "rule x does not exist; the first is DL001, the last DL8"),
    ],
)
def test_a_rule_that_there_is_not_is_told(code: str, said: str, capsys: Captured) -> None:
    assert main(["check", "--explain", code]) == 2
    assert capsys.readouterr().err.startswith(f"derivload: error: {said}")
    assert main(["check", "--explain", "dl602"]) == 0
    assert capsys.readouterr().out.startswith("# DL602: ")
