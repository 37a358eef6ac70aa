"""Reads a file whatever it is: a pipe, a device, or more than anybody wants to read.

Imports nothing but the standard library's least: the exits that parse nothing pass here.
"""

from __future__ import annotations

import errno
import os
import stat

from derivload.outputs.comparing import holds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

# PyTorch's own have less than 1 MB, 16,000 lines and 2,600 entries. Nothing much larger is read:
# it would only fill the memory.
_LARGE = 1 << 20
_MAX_SIZE = 16 << 20
_MAX_LINES = 1_000_000
_MAX_ENTRIES = 50_000
# Seconds: who writes to a pipe may be started at the same moment.
_PATIENCE = 2.0


class KnownContents:
    """What files held when they were read last. What has not changed is the same object again."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def read(self, paths: Sequence[str]) -> list[bytes | OSError]:
        """What each of these files holds, or why it cannot be read."""
        contents = [read_path(path, self._known.get(path, b"")) for path in paths]
        named = zip(paths, contents, strict=True)
        self._known = {path: content for path, content in named if isinstance(content, bytes)}
        return contents


def read_path(path: str, known: bytes = b"") -> bytes | OSError:
    """What a file holds, or why it cannot be read; what has no end, or nobody writes, cannot.

    `known` is what it may still hold. If it does, that is returned.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            about = os.fstat(file.fileno())
            is_file = stat.S_ISREG(about.st_mode)
            if is_file and known and about.st_size == len(known):
                if holds(file, known):
                    return known
                file.seek(0)
            if is_file and 0 < about.st_size <= _MAX_SIZE:
                content = file.read()
            else:
                # What is no file on a disk has no size, and may have no end.
                first = _wait(file.fileno()) if stat.S_ISFIFO(about.st_mode) else b""
                content = first + file.read(_MAX_SIZE + 1 - len(first))
    except OSError as error:
        return error
    return as_read(path, content)


def read_stream(stream: BinaryIO) -> bytes | OSError:
    """What a stream holds to its end, or why it cannot be read."""
    try:
        content = stream.read(_MAX_SIZE + 1)
    except OSError as error:
        return error
    why = _too_large(content)
    return OSError(errno.EFBIG, why) if why else content


def as_read(path: str, content: bytes) -> bytes | OSError:
    """What `read_path` gives for a file on a disk that holds this."""
    why = _too_large(content) if len(content) > _LARGE else ""
    return OSError(errno.EFBIG, why, path) if why else content


def _open_at_once(path: str, flags: int) -> int:
    """Open a file; a named pipe too, which nobody else may ever open."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _wait(pipe: int) -> bytes:
    """Wait for the first bytes of a pipe; the others can then be waited for as for any file's.

    Raises OSError when nobody has opened it for writing within _PATIENCE.
    """
    import time

    end = time.monotonic() + _PATIENCE
    while True:
        try:
            first = os.read(pipe, _LARGE)
        except BlockingIOError:  # there is who writes, and nothing written yet
            first = b""
            end = 0.0
        if first or not end:
            os.set_blocking(pipe, True)
            return first
        if time.monotonic() > end:
            raise OSError(errno.EPIPE, "it is a pipe that nothing writes to")
        time.sleep(0.01)


def _too_large(content: bytes) -> str:
    """Why content is more than can be looked through in time, or ""."""
    if len(content) > _MAX_SIZE:
        return f"it is larger than {_MAX_SIZE >> 20} MB"
    # To count takes ten times as long as to look whether there is one.
    ends = [end for end in (b"\n", b"\r") if end in content]
    lines = sum(map(content.count, ends))
    if lines > _MAX_LINES:
        return f"it has more than {_MAX_LINES} lines"
    # An entry has a line at least, and lines are counted faster.
    if lines > _MAX_ENTRIES and sum(content.count(end + b"- ") for end in ends) > _MAX_ENTRIES:
        return f"it has more than {_MAX_ENTRIES} entries"
    return ""
