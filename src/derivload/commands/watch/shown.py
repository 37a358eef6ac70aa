"""Views around a view: one whose errors do not end derivwatch, and one that shows less."""

from __future__ import annotations

import contextlib

from derivload.commands.watch.report import Executed, LoadFailed, Reloaded, Report
from derivload.commands.watch.view import View


class Shown:
    """Shows everything with `view`, and ignores its OSErrors.

    The disk is full, or the terminal is gone; the next report may find room.
    """

    def __init__(self, view: View) -> None:
        self._view = view

    @property
    def is_read(self) -> bool:
        """Whether somebody still reads the reports."""
        return self._view.is_read

    def report(self, report: Report) -> None:
        """Show a report."""
        with contextlib.suppress(OSError):
            self._view.report(report)

    def say(self, line: str) -> None:
        """Show a line that the command printed."""
        with contextlib.suppress(OSError):
            self._view.say(line)

    def note(self, text: str) -> None:
        """Show a note to the user, once."""
        with contextlib.suppress(OSError):
            self._view.note(text)


class OnlyWrong:
    """Shows with `view` only what is wrong, and that it is no longer."""

    def __init__(self, view: View) -> None:
        self._view = view

    @property
    def is_read(self) -> bool:
        """Whether somebody still reads the reports."""
        return self._view.is_read

    def report(self, report: Report) -> None:
        """Show a report of something wrong, or of its end."""
        is_shown = isinstance(report, LoadFailed)
        if isinstance(report, Reloaded):
            is_shown = report.mended
        elif isinstance(report, Executed):
            is_shown = bool(report.exit_status)
        if is_shown:
            self._view.report(report)

    def say(self, line: str) -> None:
        """Show a line that the command printed."""
        self._view.say(line)

    def note(self, text: str) -> None:
        """Show a note to the user, once."""
        self._view.note(text)
