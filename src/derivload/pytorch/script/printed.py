"""Notes what a script prints, and whether it reads from stdin.

A run that is not repeated prints the same again. The streams of the process are replaced by others
of the same kind on the same descriptors, so that text and bytes are both seen.
"""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from derivload.pytorch.script.watching import Watch

# Bytes: more is not kept.
_LIMIT: Final = 1 << 20


def watch_streams(watch: Watch) -> None:
    """Begin."""
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper) and stream.fileno() == descriptor:
            raw = _Told(descriptor, watch)
            # Without a buffer where Python was asked for none.
            is_buffered = isinstance(stream.buffer, io.BufferedWriter)
            told = _like(stream, io.BufferedWriter(raw) if is_buffered else raw)
            setattr(sys, name, told)
            setattr(sys, f"__{name}__", told)
    if isinstance(sys.stdin, io.TextIOWrapper):
        asked = _like(sys.stdin, io.BufferedReader(_Asked(watch)))
        sys.stdin = sys.__stdin__ = asked  # type: ignore[misc]


def _like(stream: io.TextIOWrapper, buffer: Any) -> io.TextIOWrapper:
    made = io.TextIOWrapper(
        buffer,
        stream.encoding,
        stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    made.mode = stream.mode  # type: ignore[misc]
    return made


class _Told(io.FileIO):
    """A descriptor that notes what is written to it."""

    def __init__(self, descriptor: int, watch: Watch) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._seen = watch.seen
        self._watch = watch
        self._length = 0

    def write(self, data: Any) -> Any:
        """Write, as FileIO does."""
        count = super().write(data)
        if count is None:  # nothing was written: it would block
            return None
        if self._length <= _LIMIT:
            self._length += count
            part = bytes(memoryview(data)[:count]).hex()
            self._seen.printed.append((self.fileno(), part))
        else:
            self._watch.refuse("it printed too much")
        return count

    def isatty(self) -> bool:
        """Whether it is a terminal, as FileIO says."""
        self._watch.note_terminal(self.fileno())
        return super().isatty()


class _Asked(io.FileIO):
    """stdin that notes when somebody reads from it."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(0, "r", closefd=False)
        self._watch = watch

    def read(self, size: int | None = -1, /) -> Any:
        """Read, as FileIO does."""
        self._watch.refuse("it read from stdin")
        return super().read(-1 if size is None else size)

    def readinto(self, buffer: Any) -> Any:
        """Read, as FileIO does."""
        self._watch.refuse("it read from stdin")
        return super().readinto(buffer)

    def isatty(self) -> bool:
        """Whether it is a terminal, as FileIO says."""
        self._watch.note_terminal(0)
        return super().isatty()

    def readall(self) -> bytes:
        """Read, as FileIO does."""
        self._watch.refuse("it read from stdin")
        return super().readall()
