"""How derivwatch reports: for a person, the newest at the bottom, or as lines of JSON.

All of it goes to stdout, in the order in which it happened. Whoever prints holds the view's lock
for as long as what belongs together takes: a command's lines never part ours.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from derivload.commands.show_layout import Line, Segment, wrap
from derivload.commands.watch_report import Failed, Reloaded, Report
from derivload.commands.watch_text import diagnostic_lines, difference_lines, output_line, summary

if TYPE_CHECKING:
    from rich.console import Console

_STYLES: Final = {
    "": "",
    "time": "dim",
    "good": "green",
    "bad": "red",
    "name": "bold",
    "label": "cyan",
    "note": "dim",
    "old": "red",
    "new": "green",
    "old words": "red reverse",
    "new words": "green reverse",
    "place": "bold",
}
# What a screen is taken to hold where there is none.
_LINES: Final = 40
# What is left for the summary, and for the line before it that says what was left out.
_LINES_BELOW: Final = 4
_FEWEST_LINES: Final = 8


class View(Protocol):
    """Where reports go."""

    def report(self, report: Report) -> None:
        """Show a report."""

    def say(self, line: str) -> None:
        """Show a line that the command printed."""

    def note(self, text: str) -> None:
        """Show what the user should know, once."""


class JsonView:
    """Reports as JSON, an object a line; what is none goes to stderr."""

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode
        self._stdout = sys.stdout

    def report(self, report: Report) -> None:
        """Show a report."""
        self._stdout.write(self._encode(report).decode() + "\n")
        self._stdout.flush()

    def say(self, line: str) -> None:
        """Show a line that the command printed."""
        print(line, file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        """Show what the user should know, once."""
        print(f"derivwatch: note: {text}", file=sys.stderr, flush=True)


class TextView:
    """Reports for a person. Coloured and wrapped on a terminal, unless NO_COLOR is set; a line
    stays a line elsewhere.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stdout = sys.stdout
        self._is_terminal = sys.stdout.isatty()
        self._console = _console() if self._is_terminal else None
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A stream that cannot say a letter gets its number, rather than us a traceback.
            sys.stdout.reconfigure(errors="backslashreplace")

    def report(self, report: Report) -> None:
        """Show a report."""
        lines: list[Line] = []
        if isinstance(report, Reloaded):
            lines += difference_lines(report.difference, self._room())
        elif isinstance(report, Failed):
            lines += diagnostic_lines(report.diagnostics, self._room())
        self._print([*lines, _timed(summary(report))])

    def say(self, line: str) -> None:
        """Show a line that the command printed."""
        self._print([output_line(line)])

    def note(self, text: str) -> None:
        """Show what the user should know, once."""
        self._print([_timed((Segment(f"note: {text}", "note"),))])

    def _room(self) -> int:
        if not self._is_terminal:
            return _LINES
        return max(_FEWEST_LINES, shutil.get_terminal_size().lines - _LINES_BELOW)

    def _print(self, lines: Iterable[Line]) -> None:
        with self._lock:
            if self._is_terminal:
                width = shutil.get_terminal_size().columns
                lines = [part for line in lines for part in wrap(line, width)]
            if self._console is None:
                self._stdout.write("".join([line.text + "\n" for line in lines]))
            else:
                for line in lines:
                    _print_styled(self._console, line)
            self._stdout.flush()


def _timed(segments: tuple[Segment, ...]) -> Line:
    now = time.strftime("%H:%M:%S ")
    return Line((Segment(now, "time"),), segments, len(now))


def _console() -> Console | None:
    """What colours, None where no colour is wanted."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return None
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False)


def _print_styled(console: Console, line: Line) -> None:
    from rich.text import Text

    text = Text.assemble(*((part, _STYLES[style]) for part, style in line.segments))
    console.print(text, soft_wrap=True)
