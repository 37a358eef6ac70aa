"""Shows on a terminal how far a long run is, in a line of stderr that is gone when it is done.

`tell` may be called anywhere and often: it costs next to nothing where nothing is shown. The line
comes when a run has taken more than a second, and goes before anything else is printed.

There is no thread here, because a process with threads cannot be forked safely, and generators are
run in forked processes. So the line is drawn by `tell` itself. It is drawn at once with `is_long`,
which says that the step takes more than a second: perhaps nothing can be told while it lasts.
"""

from __future__ import annotations

import contextlib
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final, TextIO

    from rich.console import Console
    from rich.progress import Progress

# Seconds: so long nothing is shown, and the line is drawn this often.
_PATIENCE: Final = 1.0
_STEP: Final = 0.1
# The line of this process, if it has one.
_lines: list[_ProgressLine] = []


def tell(what: str, done: int = 0, total: int = 0, *, is_long: bool = False) -> None:
    """Say what is being done, and how much of it is done, if that is known."""
    if _lines:
        _lines[0].tell(what, done, total, is_long=is_long)


def hide() -> None:
    """Remove the line, if it is there: something else is to be printed. `tell` draws it again."""
    if _lines:
        _lines[0].hide()


@contextlib.contextmanager
def shown_on(stream: TextIO) -> Iterator[None]:
    """Inside, what is told is shown on this stream, if it is a terminal that can show it."""
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        yield
        return
    _lines[:] = [_ProgressLine(stream)]
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_lines.clear)
    try:
        yield
    finally:
        end()


def end() -> None:
    """Show nothing from now on: what comes now may last for days."""
    hide()
    _lines.clear()


class _ProgressLine:
    """The line. It is drawn by rich, which takes longer to import than most runs last."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._next = time.monotonic() + _PATIENCE
        self._console: Console | None = None
        self._drawn: Progress | None = None

    def tell(self, what: str, done: int, total: int, *, is_long: bool) -> None:
        now = time.monotonic()
        if now < self._next and not is_long:
            return
        with contextlib.suppress(OSError):  # nobody can read it
            what = f"derivload: {what}"
            progress = self._drawn = self._drawn or self._begin(what)
            (task,) = progress.tasks
            task.description, task.completed, task.total = what, done, total or None
            progress.refresh()
        self._next = time.monotonic() + _STEP

    def hide(self) -> None:
        if self._drawn is not None:
            progress, self._drawn = self._drawn, None
            with contextlib.suppress(OSError):
                progress.stop()

    def _begin(self, what: str) -> Progress:
        from derivload.terminal.bar import make_console, make_progress

        self._console = self._console or make_console(self._stream)
        progress = make_progress(self._console)
        progress.add_task(what, total=None)
        progress.start()
        # A run that is killed leaves the cursor as it is.
        self._console.show_cursor()
        return progress
