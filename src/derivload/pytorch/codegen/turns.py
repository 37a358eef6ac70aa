"""Which batch is next: processes that work side by side take the indices of batches in turn."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Final

_SIZE: Final = 4


class Turns:
    """Indices in a pipe. Each is taken by one process: this one, or a copy of it."""

    def __init__(self) -> None:
        """Raises OSError."""
        self._read, self._write = os.pipe()

    def put(self, order: Sequence[int]) -> None:
        """Put all indices there are into the pipe, which holds 16,000. Raises OSError."""
        os.write(self._write, b"".join([index.to_bytes(_SIZE, "little") for index in order]))
        self.end()

    def end(self) -> None:
        """Put no more. In a copy, call it at once: turns end when no process can put any."""
        write, self._write = self._write, -1
        if write >= 0:
            os.close(write)

    def __iter__(self) -> Iterator[int]:
        """The indices that this process gets."""
        while data := os.read(self._read, _SIZE):  # a pipe gives all four bytes to one reader
            yield int.from_bytes(data, "little")

    def close(self) -> None:
        """Take no more."""
        self.end()
        os.close(self._read)
