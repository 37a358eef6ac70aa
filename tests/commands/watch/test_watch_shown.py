"""Views around a view: what they show of what derivwatch reports."""

from __future__ import annotations

import pytest

from derivload.commands.watch.report import Executed, LoadFailed, Reloaded, Report, WatchStarted
from derivload.commands.watch.shown import OnlyWrong, Shown
from derivload.engine.difference import Difference

STARTED = WatchStarted(1, "2.15", (), "out", "events", 9, 7, ("a",), (), 0.25)


class Collected:
    """A view that keeps what it is to show, or cannot show it."""

    def __init__(self, error: OSError | None = None) -> None:
        self.shown: list[object] = []
        self.is_read = True
        self._error = error

    def report(self, report: Report) -> None:
        self._show(report)

    def say(self, line: str) -> None:
        self._show(line)

    def note(self, text: str) -> None:
        self._show(f"note: {text}")

    def _show(self, what: object) -> None:
        if self._error is not None:
            raise self._error
        self.shown.append(what)


@pytest.mark.parametrize("around", [Shown, OnlyWrong])
def test_lines_and_notes_are_passed_on(around: type[Shown] | type[OnlyWrong]) -> None:
    collected = Collected()
    view = around(collected)
    view.say("line")
    view.note("so")
    view.report(failed := LoadFailed("it failed"))
    assert collected.shown == ["line", "note: so", failed]
    assert view.is_read
    collected.is_read = False
    assert not view.is_read


def test_a_full_disk_does_not_end_derivwatch() -> None:
    view = Shown(Collected(OSError("no space left")))
    view.say("line")
    view.note("so")
    view.report(STARTED)


@pytest.mark.parametrize(
    ("report", "is_shown"),
    [
        (STARTED, False),
        (Reloaded(Difference(), (), (), 0.5), False),
        (Reloaded(Difference(), (), (), 0.5, mended=True), True),
        (LoadFailed("it failed"), True),
        (Executed("started", "make"), False),
        (Executed("ended", "make", 0, 1.0), False),
        (Executed("ended", "make", 2, 1.0), True),
    ],
)
def test_quiet_shows_what_is_wrong_and_that_it_is_no_longer(report: Report, is_shown: bool) -> None:
    collected = Collected()
    OnlyWrong(collected).report(report)
    assert collected.shown == [report] * is_shown
