"""stdin, stdout and stderr as a process of ours has them: open, and fit to be printed to.

Who starts us may have closed any of them, a pipe's reader may go, and a disk may fill up.
"""

from __future__ import annotations

import io
import os
import sys

from derivload.terminal.text import as_line, as_part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


def open_closed() -> None:
    """Open on /dev/null what was closed by who started us.

    The numbers 0 to 2 would else go to the next files that are opened: what is said would be
    written into one of them.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is not None:
            continue
        descriptor = os.open(os.devnull, os.O_RDWR)
        # What we start has it too: its own files would go there else.
        os.set_inheritable(descriptor, True)
        setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8", closefd=False))


def make_fit() -> None:
    """Have whatever anybody prints to stderr be made fit."""
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr = _Fit(sys.stderr)


def write_fit(stream: TextIO, text: str) -> None:
    """Write what is fit already, colours too."""
    if isinstance(stream, _Fit):
        stream.write_fit(text)
    else:
        stream.write(text)


def let_go(stream: TextIO) -> None:
    """Have what is written to a stream go nowhere, and what is left in its buffer too.

    Python would try once more to write that, at its exit.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


class _Fit(io.TextIOWrapper):
    """A stream on which everything is made fit: the words of generators, warnings, tracebacks.

    What our own printers write is fit already.
    """

    def __init__(self, stream: io.TextIOWrapper) -> None:
        super().__init__(stream.buffer, stream.encoding, "backslashreplace", line_buffering=True)
        # It would close the buffer at its end.
        self._stream = stream
        # Whether nothing but blanks was written since the last newline.
        self._is_at_start = True

    def write(self, text: str, /) -> int:
        first, *others = text.split("\n")
        lines = [as_line(first) if self._is_at_start else as_part(first), *map(as_line, others)]
        self._is_at_start = not lines[-1].strip() and (bool(others) or self._is_at_start)
        self.write_fit("\n".join(lines))
        return len(text)

    def write_fit(self, text: str) -> None:
        super().write(text)
