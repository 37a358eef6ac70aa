"""What is said beside the result: on stderr, and with no bearing on the exit status."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from derivload.terminal.streams import let_go, write_fit
from derivload.terminal.text import as_lines, printable


def say(message: str, who: str = "derivload") -> None:
    """Print a line to stderr, unless nobody can read it. `who` says it."""
    say_lines([printable(f"{who}: {message}")])


def say_lines(lines: Iterable[str]) -> None:
    """Print lines to stderr, each made fit, unless nobody can read them."""
    say_fit(as_lines(lines))


def say_fit(text: str) -> None:
    """Write text that is fit already to stderr, at once, unless nobody can read it."""
    stream = sys.stderr
    if stream is None:
        return
    try:
        write_fit(stream, text)
        stream.flush()
    except OSError:
        let_go(stream)
