"""Prepares stdin, stdout and stderr: makes sure that they are open, and that stderr is made fit.

The program that starts us may have closed any of them, the reader of a pipe may go away, and a
disk may be full.
"""

from __future__ import annotations

import io
import os
import sys

from derivload.terminal.progress import hide
from derivload.terminal.text import as_line, as_part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


def open_closed() -> None:
    """Open the standard streams that our parent process closed, on /dev/null.

    Otherwise the next files that we open would get the numbers 0 to 2, and messages would be
    written to one of these files.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is not None:
            continue
        descriptor = os.open(os.devnull, os.O_RDWR)
        # Processes that we start need it too, for the same reason.
        os.set_inheritable(descriptor, True)
        setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8", closefd=False))


def make_fit() -> None:
    """Make everything fit that anybody prints to stderr from now on."""
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr = _Fit(sys.stderr)


def write_fit(stream: TextIO, text: str) -> None:
    """Write text that is already fit. It may contain colours."""
    if isinstance(stream, _Fit):
        stream.write_fit(text)
    else:
        stream.write(text)


def for_fit_text(stream: TextIO) -> TextIO:
    """A stream that leaves text as it is: for text that is already fit, with colours or moves."""
    return stream._stream if isinstance(stream, _Fit) else stream


def let_go(stream: TextIO) -> None:
    """Redirect a stream to /dev/null, including the rest of its buffer.

    Otherwise Python would try to write the buffer again when it exits.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


class _Fit(io.TextIOWrapper):
    """A stream that makes all text fit: output of generators, warnings, tracebacks.

    Our own printers use `write_fit`, because their text is already fit.
    """

    def __init__(self, stream: io.TextIOWrapper) -> None:
        super().__init__(stream.buffer, stream.encoding, "backslashreplace", line_buffering=True)
        # We keep the old stream: it would close the buffer when it is deleted.
        self._stream = stream
        # Whether only blanks were written since the last newline.
        self._is_at_start = True

    def write(self, text: str, /) -> int:
        first, *others = text.split("\n")
        lines = [as_line(first) if self._is_at_start else as_part(first), *map(as_line, others)]
        self._is_at_start = not lines[-1].strip() and (bool(others) or self._is_at_start)
        self.write_fit("\n".join(lines))
        return len(text)

    def write_fit(self, text: str) -> None:
        hide()
        super().write(text)
