"""The line that `progress.py` shows, as rich draws it: what is being done, a bar, and a count."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from derivload.terminal.colour import is_wanted

if TYPE_CHECKING:
    from rich.console import RenderableType


def make_console(stream: TextIO) -> Console:
    """A console of rich's that writes to a terminal, with our own view of colour."""
    return Console(
        file=stream,
        force_terminal=True,
        highlight=False,
        no_color=not is_wanted(stream),
        color_system="standard",
    )


def make_progress(console: Console) -> Progress:
    """A line of progress that is drawn when asked for, and gone when it is stopped."""
    return Progress(
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        _Bar(bar_width=30),
        _Count(),
        console=console,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )


class _Bar(BarColumn):
    """A bar where the end is known. Without an end, rich would draw one that is to move."""

    def render(self, task: Task) -> RenderableType:  # type: ignore[override]
        return Text() if task.total is None else super().render(task)


class _Count(ProgressColumn):
    """How much is done, of how much."""

    def render(self, task: Task) -> Text:
        if task.total is None:
            return Text()
        return Text(f"{int(task.completed):,} of {int(task.total):,}")
