"""A view whose errors do not end derivwatch: a full disk, or a terminal that is gone."""

from __future__ import annotations

import contextlib

from derivload.commands.watch.report import Report
from derivload.commands.watch.view import View


class Shown:
    """Shows everything with `view`, and ignores its OSErrors: the next report may find room."""

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
