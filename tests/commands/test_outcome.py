"""What a run says when it is over: what it wrote, what is new, and what is wrong."""

from __future__ import annotations

import argparse

import pytest

from derivload.commands.outcome import (
    RunResult,
    _listed,
    report,
    say_done,
    warning_lines,
    write_and_say,
)
from derivload.commands.stats import print_stats
from derivload.diagnostics import Diagnostic
from derivload.exit_status import BAD_INPUT
from derivload.loading.errors import InputError, UsageError
from derivload.loading.warnings import NewWarnings
from derivload.outputs.files import WrittenFiles
from derivload.pytorch.errors import GeneratorError

WARNING = Diagnostic("f.yaml", 4, 1, "DL602", "it is odd", "see it", severity="warning")
SHOWN = ["f.yaml:4:1: warning[DL602]: it is odd", "  help: see it"]
ALL = "`derivload check` shows all"


@pytest.mark.parametrize(
    ("count", "is_whole", "said"),
    [
        (1, False, "f0"),
        (5, False, "f0, f1, f2, f3, f4"),
        (6, False, "6 files: f0, f1, f2 and 3 more"),
        (6, True, "f0, f1, f2, f3, f4, f5"),
    ],
)
def test_of_many_files_the_first_are_named_unless_all_are_wanted(
    count: int, is_whole: bool, said: str
) -> None:
    assert _listed([f"f{number}" for number in range(count)], is_whole) == said


def done(*written: str, removed: tuple[str, ...] = (), **more: object) -> RunResult:
    files = WrittenFiles([*written], ["same"], [*removed])
    result = RunResult(
        *("cold", "", files, {"functions": 9}, {"load": 0.25}),
        rules="",
        warnings=None,
        list_replaced=list,
        told="",
    )
    for name, value in more.items():
        setattr(result, name, value)
    return result


def said(
    result: RunResult, capsys: pytest.CaptureFixture[str], **options: object
) -> tuple[list[str], str]:
    """The lines on stderr, without who says them, and stdout."""
    given = {"quiet": False, "verbose": False, "command": "emit", "out_dir": "out", "stats": None}
    say_done(result, argparse.Namespace(**given | {"no_cache": True} | options))
    out, err = capsys.readouterr()
    return [line.removeprefix("derivload: ") for line in err.splitlines()], out


def test_what_was_written_is_said_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(done(), capsys) == (["out: up to date"], "")
    assert said(done("a", "b"), capsys) == (["out: wrote a, b"], "")
    assert said(done("a", removed=("b",)), capsys) == (["out: wrote a; removed b"], "")
    assert said(done(removed=("b",)), capsys) == (["out: removed b"], "")
    told = done("a", told="looked at f.yaml", note="it is newer")
    assert said(told, capsys)[0] == ["note: it is newer", "out: wrote a", "looked at f.yaml"]
    assert said(told, capsys, quiet=True)[0] == ["note: it is newer"]


@pytest.mark.parametrize(
    ("command", "verbose", "is_whole"),
    [("emit", False, True), ("codegen", False, False), ("codegen", True, True)],
)
def test_many_files_of_codegen_are_counted(
    command: str, verbose: bool, is_whole: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"f{number}" for number in range(6)]
    for result, word in ((done(*names), "wrote"), (done(removed=(*names,)), "removed")):
        (line,), _ = said(result, capsys, command=command, verbose=verbose)
        assert line == f"out: {word} {_listed(names, is_whole)}"


def test_stats_are_for_a_person_or_a_machine(capsys: pytest.CaptureFixture[str]) -> None:
    result = done("a", rules="those of torch 2.15", list_replaced=lambda: ["f: a:1, by b:2"])
    lines, out = said(result, capsys, quiet=True, stats="text")
    assert (lines, out) == (
        [
            "exit      cold",
            "rules     those of torch 2.15",
            "replaced  f: a:1, by b:2",
            "written   1",
            "unchanged 1",
            "removed   0",
            "functions 9",
            "load      250.0 ms",
        ],
        "",
    )
    _, out = said(result, capsys, quiet=True, stats="json")
    assert out == (
        '{"exit": "cold", "rules": "those of torch 2.15", "replaced": ["f: a:1, by b:2"], '
        '"counts": {"written": 1, "unchanged": 1, "removed": 0, "functions": 9}, '
        '"seconds": {"load": 0.25}}\n'
    )
    print_stats("json", "stored", {}, {"load": 0.12345678})
    out = '{"exit": "stored", "counts": {}, "seconds": {"load": 0.123457}}\n'
    assert capsys.readouterr().out == out
    print_stats("text", "stored", {}, {})
    assert capsys.readouterr().err == "derivload: exit      stored\n"


@pytest.mark.parametrize(
    ("warnings", "lines"),
    [
        (NewWarnings(), []),
        (NewWarnings(others=3), []),
        (NewWarnings((WARNING,), 1), [*SHOWN, "derivload: 1 warning"]),
        (NewWarnings((WARNING,) * 2, 2), [*SHOWN * 2, "derivload: 2 warnings"]),
        (
            NewWarnings((WARNING,), 3),
            [*SHOWN, f"derivload: 3 warnings, 1 of them shown; {ALL}"],
        ),
        (
            NewWarnings((WARNING,), 1, others=2),
            [*SHOWN, f"derivload: 1 warning, besides 2 from before; {ALL}"],
        ),
        (
            NewWarnings((WARNING,), 3, others=2),
            [*SHOWN, f"derivload: 3 warnings, 1 of them shown, besides 2 from before; {ALL}"],
        ),
    ],
)
def test_new_warnings_are_shown_and_counted(
    warnings: NewWarnings, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert warning_lines(warnings) == lines
    shown, _ = said(done(warnings=warnings), capsys, quiet=True)
    assert shown == [line.removeprefix("derivload: ") for line in lines]


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (InputError([WARNING]), [*SHOWN, "derivload: 1 error; so"]),
        (InputError([WARNING] * 2), [*SHOWN * 2, "derivload: 2 errors; so"]),
        (
            GeneratorError("Traceback:\nValueError: no"),
            ["Traceback:", "ValueError: no", "derivload: a generator of PyTorch failed; so"],
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_consequence(
    error: Exception, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(error, "; so") == BAD_INPUT
    assert capsys.readouterr().err.splitlines() == lines


def test_a_run_ends_with_what_it_did_or_with_what_is_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = argparse.Namespace(
        quiet=False,
        verbose=False,
        command="emit",
        out_dir="out",
        stats=None,
        no_cache=True,
        is_own_process=False,
    )

    def fail() -> RunResult:
        raise InputError([WARNING])

    assert write_and_say(options, lambda: done("a")) == 0
    assert capsys.readouterr().err == "derivload: out: wrote a\n"
    assert write_and_say(options, fail) == BAD_INPUT
    *_, last = capsys.readouterr().err.splitlines()
    assert last == "derivload: 1 error; nothing was written"


def test_any_other_error_is_left_to_who_called() -> None:
    with pytest.raises(UsageError):
        report(UsageError("no"), "; so")
