"""What is said beside the result: on stderr, and with no bearing on the exit status.

Imports no more than a line needs that is fit already, as most are.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TextIO


def say(message: str, who: str = "derivload") -> None:
    """Print a line to stderr, unless nobody can read it. `who` says it."""
    line = f"{who}: {message}"
    if line.isprintable() and "##" not in line:
        _print(lambda stream: stream.write(f"{line}\n"))
        return
    from derivload.terminal.text import printable

    say_lines([printable(line)])


def say_lines(lines: Iterable[str]) -> None:
    """Print lines to stderr, each made fit, unless nobody can read them."""
    from derivload.terminal.text import as_lines

    say_fit(as_lines(lines))


def say_fit(text: str) -> None:
    """Write text that is fit already to stderr, at once, unless nobody can read it."""
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
