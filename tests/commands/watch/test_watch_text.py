"""The text of derivwatch's reports, and how a view prints them."""

from __future__ import annotations

import json
import re
import sys

import pytest

from derivload.commands.watch.report import Executed, LoadFailed, Reloaded, Report, WatchStarted
from derivload.commands.watch.text import (
    diagnostic_lines,
    difference_lines,
    fixed_lines,
    summary,
    widespread_lines,
)
from derivload.commands.watch.view import JsonView, TextView
from derivload.diagnostics import Diagnostic
from derivload.engine.difference import Change, Difference, FunctionChange
from derivload.engine.folding import Widespread
from derivload.terminal import colour
from derivload.terminal.layout import Line
from support.terminal_runs import with_marks

STARTED = WatchStarted(1, "2.15", (), "out", "events", 9, 7, ("a", "b"), (), 0.25)
RELOADED = Reloaded(Difference(), (), (), 0.5)
ERROR = Diagnostic("f.yaml", 3, 2, "DL410", "it is wrong", "right it", "abcdef", 3)
WARNING = Diagnostic("f.yaml", 4, 1, "DL602", "it is odd", "see it", severity="warning")


def texts(lines: list[Line]) -> list[str]:
    return [line.text for line in lines]


def functions(count: int) -> tuple[FunctionChange, ...]:
    return tuple(FunctionChange(f"f{number}", ()) for number in range(count))


def changes(count: int) -> FunctionChange:
    return FunctionChange("f", tuple(Change(f"w{i}", "", "x", None) for i in range(count)))


def replaced(report: Report, **fields: object) -> Report:
    return type(report)(
        **{name: getattr(report, name) for name in report.__struct_fields__} | fields
    )


# The line that sums up


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (STARTED, "9 functions, 7 with derivatives; wrote a, b in 250 ms"),
        (
            replaced(STARTED, written=("a", "b", "c"), removed=("d",), seconds=1.0),
            "9 functions, 7 with derivatives; wrote 3 files, removed d in 1.0 s",
        ),
        (
            replaced(STARTED, written=(), warnings_count=1, note="so", watching="polling"),
            "9 functions, 7 with derivatives; nothing to write in 250 ms; 1 warning; so; polling",
        ),
        (replaced(STARTED, watching=None, warnings_count=2), "… in 250 ms; 2 warnings"),
        (RELOADED, "no function changed; nothing to write, after 500 ms"),
        (
            replaced(
                RELOADED,
                difference=Difference(functions(1), functions(2), functions(3)),
                removed=("a",),
                mended=True,
                warnings_count=3,
            ),
            "fixed: 1 added, 2 removed, 3 changed; removed a in 500 ms; 3 warnings",
        ),
        (replaced(RELOADED, written=("a",)), "no function changed; wrote a in 500 ms"),
        (LoadFailed("it failed"), "it failed"),
        (Executed("started", "make\n\tall"), "$ make all"),
        (Executed("ended", "make", 0, 1.25), "exit status 0 after 1.2 s: make"),
        (Executed("ended", "make", 2), "exit status 2 after 0 ms: make"),
        (Executed("stopped", "make", 143, 0.999), "stopped for the next save after 999 ms: make"),
    ],
)
def test_a_report_is_summed_up_in_a_line(report: Report, line: str) -> None:
    said = "".join(segment.text for segment in summary(report))
    assert said.endswith(line.removeprefix("…"))
    assert line[0] == "…" or said == line


@pytest.mark.parametrize(
    ("report", "styles"),
    [
        (STARTED, ["good", ""]),
        (
            replaced(STARTED, warnings_count=1, note="so", watching="polling"),
            ["good", "", "doubt", "note", "note"],
        ),
        (RELOADED, ["", ""]),
        (
            replaced(RELOADED, difference=Difference(functions(1)), mended=True, warnings_count=1),
            ["good", "good", "", "doubt"],
        ),
        (LoadFailed("it failed"), ["bad"]),
        (Executed("started", "make"), ["name"]),
        (Executed("ended", "make", 0, 1.0), ["good", "", ""]),
        (Executed("ended", "make", 2, 1.0), ["bad", "", ""]),
        (Executed("stopped", "make", 143, 1.0), ["note", ""]),
    ],
)
def test_the_line_says_by_its_colours_how_it_went(report: Report, styles: list[str]) -> None:
    assert [segment.style for segment in summary(report)] == styles


# Diagnostics


def test_diagnostics_are_shown_with_their_excerpts() -> None:
    first, source, caret, advice = diagnostic_lines([ERROR], 4)
    assert texts([first, source, caret, advice]) == ERROR.render().split("\n")
    assert first.hang == 2
    assert [part.style for part in first.segments] == ["place", "", "bad"]
    assert [part.style for line in (source, caret, advice) for part in line.segments] == [
        *("", "bad", ""),
    ]
    assert not any(line.body for line in (source, caret, advice))
    (head, _) = diagnostic_lines([WARNING], 4)
    assert [(part.text, part.style) for part in head.segments] == [
        ("f.yaml:4:1", "place"),
        (": ", ""),
        ("warning[DL602]: it is odd", "doubt"),
    ]


@pytest.mark.parametrize(
    ("found", "room", "count", "shown", "more"),
    [
        ([ERROR] * 2, 8, None, 8, ""),
        ([ERROR] * 2, 7, None, 4, "... and 1 more error"),
        ([ERROR] * 3, 7, None, 4, "... and 2 more errors"),
        ([ERROR] * 3, 0, None, 4, "... and 2 more errors"),
        ([WARNING] * 3, 4, None, 4, "... and 1 more warning"),
        ([WARNING] * 3, 4, 5, 4, "... and 3 more warnings"),
        ([WARNING], 9, 2, 2, "... and 1 more warning"),
        ([WARNING], 9, 3, 2, "... and 2 more warnings"),
        ([WARNING], 9, 1, 2, ""),
        ([], 9, None, 0, ""),
    ],
)
def test_as_many_diagnostics_are_shown_as_there_is_room_for(
    found: list[Diagnostic], room: int, count: int | None, shown: int, more: str
) -> None:
    lines = diagnostic_lines(found, room, count)
    assert len(lines) == shown + bool(more)
    last = [part for line in lines for part in line.segments if part.text.startswith("...")]
    assert [(part.text, part.style) for part in last] == ([(more, "note")] if more else [])


@pytest.mark.parametrize(
    ("count", "room", "more"),
    [(2, 2, []), (3, 2, ["... and 1 more warning"]), (4, 2, ["... and 2 more warnings"])],
)
def test_what_is_fixed_is_named(count: int, room: int, more: list[str]) -> None:
    lines = fixed_lines([f"a\n{number}" for number in range(count)], room)
    assert texts(lines) == [*(f"fixed: a {number}" for number in range(room)), *more]
    assert [part.style for part in lines[0].segments] == ["good", ""]


# The difference


def test_a_difference_is_shown_function_by_function() -> None:
    found = Difference(
        added=(FunctionChange("new", (Change("schema", "", None, "new()"),)),),
        removed=(FunctionChange("old", (Change("schema", "", "old()", None),)),),
        changed=(
            FunctionChange(
                "both",
                (
                    Change("backward", "self", "grad * a", "grad\n* b"),
                    Change("a very long name of a part", "", "x", "y"),
                    Change("node", "", "", None),
                ),
            ),
        ),
        documents=(Change("torch_version", "", "2.14", "2.15"),),
    )
    lines = difference_lines(found, 40)
    assert texts(lines) == [
        "~ torch_version: 2.14 -> 2.15",
        "- old",
        "    schema  - old()",
        "+ new",
        "    schema  + new()",
        "~ both",
        "    backward self  - grad * a",
        "                   + grad * b",
        "    a very long name of a part  - x",
        "                                + y",
        "    node           - ",
    ]
    heads = [[part.style for part in line.head] for line in lines]
    assert heads[:7] == [
        *(["name", ""], ["old", "old"], ["label", "old"], ["new", "new"], ["label", "new"]),
        *(["name", "name"], ["label", "old"]),
    ]
    assert [line.hang for line in lines] == [0, 0, 14, 0, 14, 0, 21, 21, 34, 34, 21]
    assert [(part.text, part.style) for part in lines[6].body] == [
        ("grad * ", "old"),
        ("a", "old words"),
    ]
    assert [(part.text, part.style) for part in lines[7].body] == [
        ("grad * ", "new"),
        ("b", "new words"),
    ]
    assert [part.style for part in (*lines[2].body, *lines[4].body)] == ["old", "new"]


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [("old", "new", "old -> new"), (None, "new", "+ new"), ("old", None, "- old")],
)
def test_an_edit_that_many_functions_share_is_shown_once(
    before: str | None, after: str | None, text: str
) -> None:
    (line,) = widespread_lines([Widespread("spelling", before, after, ("f", "g"))])
    assert [(part.text, part.style) for part in line.segments] == [
        ("* ", "name"),
        ("spelling  ", "label"),
        (f"{text}  in 2 functions", ""),
    ]
    assert line.hang == 6


def test_a_word_that_changed_is_found_in_a_long_text() -> None:
    before, after = (word + ", grad" * 200 for word in ("old", "new"))
    found = Difference(changed=(FunctionChange("f", (Change("w", "", before, after),)),))
    assert [(part.text, part.style) for part in difference_lines(found, 40)[1].body] == [
        ("old", "old words"),
        (", grad" * 200, "old"),
    ]


@pytest.mark.parametrize(("length", "column"), [(24, 30), (25, 7)])
def test_a_part_with_a_long_name_moves_no_other(length: int, column: int) -> None:
    parts = (Change("w" * length, "", "x", None), Change("w", "", "x", None))
    lines = difference_lines(Difference(changed=(FunctionChange("f", parts),)), 40)
    assert lines[2].text.index("- x") == column


@pytest.mark.parametrize(
    ("count", "more"),
    [(12, []), (13, ["    ... and 1 more change"]), (14, ["    ... and 2 more changes"])],
)
def test_a_function_with_many_changes_is_cut(count: int, more: list[str]) -> None:
    lines = texts(difference_lines(Difference(changed=(changes(count),)), 40))
    assert lines[13:] == more
    assert len(lines) == 1 + 12 + len(more)


@pytest.mark.parametrize(
    ("found", "room", "more"),
    [
        (Difference(added=functions(3)), 3, []),
        (Difference(added=functions(3)), 2, ["... and 1 more function"]),
        (Difference(added=functions(3)), 1, ["... and 2 more functions"]),
        (
            Difference(added=functions(1), removed=functions(2), changed=functions(3)),
            5,
            ["... and 1 more function"],
        ),
        (Difference(changed=(changes(5), *functions(2))), 1, ["... and 2 more functions"]),
    ],
)
def test_as_many_functions_are_shown_as_there_is_room_for(
    found: Difference, room: int, more: list[str]
) -> None:
    lines = texts(difference_lines(found, room))
    assert [line for line in lines if line.startswith("...")] == more


# A view


def printed(
    report: Report, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    """What a view for people prints of a report on a terminal of 50 columns, without the time."""
    monkeypatch.setattr(colour, "_chosen", ["always"])
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setenv("LINES", "12")
    TextView().report(report)
    return re.sub(r"\d\d:\d\d:\d\d ", "TIME", with_marks(capsys.readouterr().out))


def test_a_view_on_a_terminal_wraps_and_colours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    change = FunctionChange("both", (Change("backward", "self", "grad * a", "grad * b"),))
    found = Difference(documents=(Change("torch_version", "", "2.14", "2.15"),), changed=(change,))
    report = Reloaded(found, ("a",), (), 0.5, True, (ERROR, WARNING), 2, ("DL602 of `both`",))
    assert printed(report, monkeypatch, capsys) == (
        "<1>~ </>torch_version: 2.14 -> 2.15\n"
        "<1>~ </><1>both</>\n"
        "<36>    backward self  </><31>- </><31>grad * </><7;31>a</>\n"
        "<36>                   </><32>+ </><32>grad * </><7;32>b</>\n"
        "<32>fixed: </>DL602 of `both`\n"
        "<1>f.yaml:3:2</>: <31>error[DL410]: it is wrong</>\n"
        "  3 | abcdef\n"
        "<31>    |  ^^^</>\n"
        "  help: right it\n"
        "<1>f.yaml:4:1</>: <33>warning[DL602]: it is odd</>\n"
        "  help: see it\n"
        "<2>TIME</><32>fixed: </><32>1 changed</>; wrote a in 500 ms<33>;</>\n"
        "         <33>2 warnings</>\n"
    )


def test_a_view_on_a_terminal_leaves_room_for_its_last_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(colour, "_chosen", ["never"])
    report = Reloaded(Difference(added=functions(50)), (), (), 0.5)
    for room, is_terminal, lines in (
        (8, True, "12"),
        (8, True, "9"),
        (9, True, "13"),
        (40, False, "12"),
    ):
        monkeypatch.setattr(sys.stdout, "isatty", lambda is_terminal=is_terminal: is_terminal)
        monkeypatch.setenv("LINES", lines)
        monkeypatch.setenv("COLUMNS", "80")
        TextView().report(report)
        *shown, more, _ = capsys.readouterr().out.splitlines()
        assert (len(shown), more) == (room, f"... and {50 - room} more functions")
        view = TextView()
        view.report(LoadFailed("no", (WARNING,) * 50))
        assert len(capsys.readouterr().out.splitlines()) == room // 2 * 2 + 2
        view.report(replaced(STARTED, warnings=(WARNING,), warnings_count=2))
        assert "1 more warning\n" in capsys.readouterr().out


def test_a_view_says_what_the_command_and_derivwatch_say(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for chosen, mark, note in (
        ("never", "  | ", "note: so"),
        ("always", "<2>  | </>", "<2>note: so</>"),
    ):
        monkeypatch.setattr(colour, "_chosen", [chosen])
        view = TextView()
        assert view.is_read
        view.say("built\x07")
        assert with_marks(capsys.readouterr().out) == f"{mark}built\\x07\n"
        view.note("so")
        assert with_marks(capsys.readouterr().out).endswith(f"{note}\n")


def test_json_is_one_line_for_each_report_and_all_else_goes_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    view = JsonView()
    assert view.is_read
    view.report(replaced(STARTED, out_dir="out\udcff", inputs=("\udcff", "b")))
    view.say("built\x07")
    view.note("so")
    out, err = capsys.readouterr()
    (line,) = out.splitlines()
    event = json.loads(line)
    assert (event["event"], event["out_dir"], event["inputs"]) == (
        *("started", "out\ufffd"),
        ["\ufffd", "b"],
    )
    assert (event["functions"], event["seconds"], event["note"]) == (9, 0.25, "")
    assert err == "built\\x07\nderivwatch: note: so\n"
    for report in (RELOADED, LoadFailed("no"), Executed("ended", "make", 0, 1.0)):
        view.report(report)
    events = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert events == ["reloaded", "error", "exec"]
