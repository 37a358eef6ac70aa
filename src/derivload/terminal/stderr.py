"""Prints messages to stderr. If stderr is closed, that does not fail or change the exit status.

Most lines need not be made fit, so the modules for that are imported only when needed.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TextIO


def say(message: str, who: str = "derivload") -> None:
    """Print a line to stderr, if stderr can be written to. The line begins with `who`."""
    line = f"{who}: {message}"
    if line.isprintable() and "##" not in line:
        _print(lambda stream: stream.write(f"{line}\n"))
        return
    from derivload.terminal.text import printable

    say_lines([printable(line)])


def say_lines(lines: Iterable[str]) -> None:
    """Make lines fit and print them to stderr, if stderr can be written to."""
    from derivload.terminal.text import as_lines

    say_fit(as_lines(lines))


def say_fit(text: str) -> None:
    """Write text that is already fit to stderr, and flush it, if stderr can be written to."""
    from derivload.terminal.streams import write_fit

    _print(lambda stream: write_fit(stream, text))


def _print(write: Callable[[TextIO], object]) -> None:
    stream = sys.stderr
    if stream is None:
        return
    try:
        write(stream)
        stream.flush()
    except OSError:
        from derivload.terminal.streams import let_go

        let_go(stream)
