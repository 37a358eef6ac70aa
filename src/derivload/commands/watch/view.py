"""Prints the reports of derivwatch: for a person, the newest at the bottom, or as lines of JSON.

Everything for a person goes to stdout, in the order in which it happened. A thread that prints
holds the view's lock until its lines are complete: the lines of a command never come between
them. When nobody reads stdout any more, nothing more is shown.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import msgspec

from derivload.commands.watch.report import LoadFailed, Reloaded, Report, WatchStarted
from derivload.commands.watch.text import diagnostic_lines, difference_lines, fixed_lines, summary
from derivload.diagnostics import WIDTH, Diagnostic
from derivload.terminal import colour
from derivload.terminal.layout import Line, Segment, wrap
from derivload.terminal.stderr import say, say_fit
from derivload.terminal.stdout import Stdout
from derivload.terminal.text import encodable, with_its_colours

# The style of each kind of segment, here and in `derivload diff`.
STYLES: Final = {
    "": "",
    "time": "dim",
    "good": "green",
    "bad": "red",
    "doubt": "yellow",
    "name": "bold",
    "label": "cyan",
    "note": "dim",
    "old": "red",
    "new": "green",
    "old words": "red reverse",
    "new words": "green reverse",
    "place": "bold",
}
# The lines of a report when stdout is not a terminal.
_LINES: Final = 40
# Lines kept free for the summary, and for the line that counts what was left out.
_LINES_BELOW: Final = 4
_FEWEST_LINES: Final = 8


class View(Protocol):
    """Where reports go."""

    @property
    def is_read(self) -> bool:
        """Whether somebody still reads the reports."""

    def report(self, report: Report) -> None:
        """Show a report."""

    def say(self, line: str) -> None:
        """Show a line that the command printed."""

    def note(self, text: str) -> None:
        """Show a note to the user, once."""


class JsonView:
    """Reports as JSON, one object per line. Everything else goes to stderr."""

    def __init__(self) -> None:
        self._stdout = Stdout()

    @property
    def is_read(self) -> bool:
        """Whether somebody still reads the reports."""
        return self._stdout.is_read

    def report(self, report: Report) -> None:
        """Show a report."""
        self._stdout.write_json(_encode(report) + b"\n")
        self._stdout.flush()

    def say(self, line: str) -> None:
        """Show a line that the command printed."""
        say_fit(f"{with_its_colours(line)}\n")

    def note(self, text: str) -> None:
        """Show a note to the user, once."""
        say(f"note: {text}", "derivwatch")


class TextView:
    """Reports for a person. On a terminal, lines are wrapped, and coloured unless NO_COLOR is set.
    Elsewhere a line stays one line.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stdout = Stdout()
        self._painter = colour.Painter(STYLES) if colour.is_wanted() else None

    @property
    def is_read(self) -> bool:
        """Whether somebody still reads the reports."""
        return self._stdout.is_read

    def report(self, report: Report) -> None:
        """Show a report."""
        lines: list[Line] = []
        if isinstance(report, Reloaded):
            lines += difference_lines(report.difference, self._room())
            lines += fixed_lines(report.fixed, self._room())
            lines += self._diagnostics(report.warnings, report.warnings_count)
        elif isinstance(report, WatchStarted):
            lines += self._diagnostics(report.warnings, report.warnings_count)
        elif isinstance(report, LoadFailed):
            lines += self._diagnostics(report.diagnostics, len(report.diagnostics))
        self._print([*lines, _timed(summary(report))])

    def say(self, line: str) -> None:
        """Show a line that the command printed, with a mark before it."""
        mark = "  | "
        if self._painter is not None:
            mark = self._painter.line([(mark, "note")]).rstrip("\n")
        with self._lock:
            self._stdout.write(f"{mark}{with_its_colours(line)}\n")
            self._stdout.flush()

    def note(self, text: str) -> None:
        """Show a note to the user, once."""
        self._print([_timed((Segment(f"note: {text}", "note"),))])

    def _diagnostics(self, diagnostics: Sequence[Diagnostic], count: int) -> list[Line]:
        width = self._stdout.width(WIDTH)
        return diagnostic_lines(diagnostics, self._room(), count, width=width)

    def _room(self) -> int:
        if not self._stdout.is_terminal:
            return _LINES
        return max(_FEWEST_LINES, shutil.get_terminal_size().lines - _LINES_BELOW)

    def _print(self, lines: Iterable[Line]) -> None:
        with self._lock:
            if self._stdout.is_terminal:
                width = shutil.get_terminal_size().columns
                lines = [part for line in lines for part in wrap(line, width)]
            if self._painter is None:
                self._stdout.print_lines(line.text for line in lines)
            else:
                self._stdout.write("".join(self._painter.line(line.segments) for line in lines))
            self._stdout.flush()


def _encode(report: Report) -> bytes:
    try:
        return msgspec.json.encode(report)
    except UnicodeEncodeError:  # a file name with bytes that are not UTF-8
        return msgspec.json.encode(_encodable(msgspec.to_builtins(report)))


def _encodable(value: object) -> object:
    """The same value, with its texts changed to what UTF-8 can encode."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, (list, tuple)):
        return [_encodable(item) for item in value]
    if isinstance(value, dict):
        return {key: _encodable(item) for key, item in value.items()}
    return value


def _timed(segments: tuple[Segment, ...]) -> Line:
    now = time.strftime("%H:%M:%S ")
    return Line((Segment(now, "time"),), segments, len(now))
