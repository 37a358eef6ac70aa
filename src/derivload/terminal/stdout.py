"""Results, on stdout. A reader who has seen enough and goes changes nothing of how a run ends."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator

from derivload.terminal.streams import let_go
from derivload.terminal.text import as_lines, fit_json, printable


class Stdout:
    """stdout, as it stands when this is made.

    Later prints of others may be led elsewhere, ours are not. `is_read` tells whether somebody
    still reads. All methods raise OSError where stdout cannot be written: on a full disk, say.
    """

    def __init__(self) -> None:
        self._stream = sys.stdout
        self.is_read = True

    @property
    def is_terminal(self) -> bool:
        """Whether a person looks on."""
        return self._stream.isatty()

    def print_lines(self, lines: Iterable[str]) -> None:
        """Print lines, each made fit."""
        self.write(as_lines(lines))

    def print_path(self, path: str) -> None:
        """Print a path for a program: as it is, unless it has to be made fit.

        Where the locale has fewer letters than the path, Python has the others as bytes.
        """
        known = os.fsencode(path).decode("utf-8", "surrogateescape")
        if path != known and printable(known) == known:
            self.write_bytes(known.encode() + b"\n")
        else:
            self.print_lines([printable(path)])

    def write(self, text: str) -> None:
        """Write text that is fit already."""
        with self._read_or_not():
            try:
                self._stream.write(text)
            except UnicodeEncodeError:
                # A stream that cannot say a letter gets its number.
                encoding = self._stream.encoding
                self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))

    def write_json(self, data: bytes) -> None:
        """Write JSON, in UTF-8 whatever the locale: it is read by programs."""
        self.write_bytes(fit_json(data))

    def write_bytes(self, data: bytes) -> None:
        """Write what is fit already, whatever the locale."""
        with self._read_or_not():
            self._stream.flush()
            self._stream.buffer.write(data)

    def flush(self) -> None:
        """Write what is in the buffer."""
        with self._read_or_not():
            self._stream.flush()

    @contextlib.contextmanager
    def _read_or_not(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            self.is_read = False
            let_go(self._stream)
