"""Prints results to stdout. If the reader closes the pipe, the exit status stays the same."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator

from derivload.terminal.progress import hide
from derivload.terminal.streams import let_go
from derivload.terminal.text import as_lines, fit_json, printable
from derivload.terminal.width import terminal_width


class Stdout:
    """The stdout of the time when this is made.

    If somebody replaces `sys.stdout` later, our results still go here. `is_read` tells whether
    the reader is still there. All methods raise OSError if stdout cannot be written, for example
    on a full disk.
    """

    def __init__(self) -> None:
        self._stream = sys.stdout
        self.is_read = True

    @property
    def is_terminal(self) -> bool:
        """Whether stdout is a terminal."""
        return self._stream.isatty()

    def width(self, otherwise: int) -> int:
        """The width of the terminal; `otherwise` if stdout is none."""
        return terminal_width(self._stream, otherwise)

    def print_lines(self, lines: Iterable[str]) -> None:
        """Make lines fit and print them."""
        self.write(as_lines(lines))

    def print_path(self, path: str) -> None:
        """Print a path for a program: unchanged, unless it must be made fit.

        If the locale lacks some letters of the path, Python has them as surrogates. Then we print
        the path in UTF-8.
        """
        known = os.fsencode(path).decode("utf-8", "surrogateescape")
        if path != known and printable(known) == known:
            self.write_bytes(known.encode() + b"\n")
        else:
            self.print_lines([printable(path)])

    def write(self, text: str) -> None:
        """Write text that is already fit."""
        with self._read_or_not():
            try:
                self._stream.write(text)
            except UnicodeEncodeError:
                # If the encoding lacks a letter, we write the letter's number.
                encoding = self._stream.encoding
                self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))

    def write_json(self, data: bytes) -> None:
        """Make JSON fit and write it, in UTF-8 whatever the locale, because programs read it."""
        self.write_bytes(fit_json(data))

    def write_bytes(self, data: bytes) -> None:
        """Write bytes that are already fit, unchanged whatever the locale."""
        with self._read_or_not():
            self._stream.flush()
            self._stream.buffer.write(data)

    def flush(self) -> None:
        """Write what is in the buffer."""
        with self._read_or_not():
            self._stream.flush()

    @contextlib.contextmanager
    def _read_or_not(self) -> Iterator[None]:
        hide()
        try:
            yield
        except BrokenPipeError:
            self.is_read = False
            let_go(self._stream)
