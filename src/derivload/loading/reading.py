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
_ENDS = (b"\n", b"\r")
# The most that is counted as one: a line end and what begins an entry, but for its last byte.
_LONGEST = 2
# Seconds: who writes to a pipe may be started at the same moment.
_PATIENCE = 2.0


class KnownContents:
    """What files held when they were read last. What has not changed is the same object again.

    Of what has changed, only the part that is another one is counted again.
    """

    def __init__(self) -> None:
        self._known: dict[str, _Counted] = {}

    def read(self, paths: Sequence[str]) -> list[bytes | OSError]:
        """What each of these files holds, or why it cannot be read."""
        contents = []
        for path in paths:
            known = self._known.get(path)
            content = _read(path, b"" if known is None else known.content)
            contents.append(content if isinstance(content, OSError) else self.take(path, content))
        self._known = {path: self._known[path] for path in paths if path in self._known}
        return contents

    def take(self, path: str, content: bytes) -> bytes | OSError:
        """What `read_path` gives for a file on a disk that holds this."""
        known = self._known.get(path)
        if known is not None and known.content is content:
            return content
        if len(content) <= _LARGE:
            now = _Counted(content, 0, 0)
        elif known is None or len(known.content) <= _LARGE:
            now = _counted(content)
        else:
            now = _counted_from(known, content)
        why = _why_too_large(now)
        if why:
            self._known.pop(path, None)
            return OSError(errno.EFBIG, why, path)
        self._known[path] = now
        return content


def read_path(path: str, known: bytes = b"") -> bytes | OSError:
    """What a file holds, or why it cannot be read; what has no end, or nobody writes, cannot.

    `known` is what it may still hold. If it does, that is returned.
    """
    content = _read(path, known)
    if isinstance(content, OSError) or content is known or len(content) <= _LARGE:
        return content
    why = _too_large(content)
    return OSError(errno.EFBIG, why, path) if why else content


def _read(path: str, known: bytes) -> bytes | OSError:
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            about = os.fstat(file.fileno())
            is_file = stat.S_ISREG(about.st_mode)
            if is_file and known and about.st_size == len(known):
                if holds(file, (known,)):
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
    return content


def read_stream(stream: BinaryIO) -> bytes | OSError:
    """What a stream holds to its end, or why it cannot be read."""
    try:
        content = stream.read(_MAX_SIZE + 1)
    except OSError as error:
        return error
    why = _too_large(content)
    return OSError(errno.EFBIG, why) if why else content


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
    return _why_too_large(_counted(content))


def _why_too_large(counted: _Counted) -> str:
    if len(counted.content) > _MAX_SIZE:
        return f"it is larger than {_MAX_SIZE >> 20} MB"
    if counted.lines > _MAX_LINES:
        return f"it has more than {_MAX_LINES} lines"
    if counted.entries > _MAX_ENTRIES:
        return f"it has more than {_MAX_ENTRIES} entries"
    return ""


class _Counted:
    """Some content, and how many line ends and entries it has.

    An entry has a line at least, and lines are counted faster: if they are few enough to be
    entries, these are not counted.
    """

    __slots__ = ("content", "entries", "lines")

    def __init__(self, content: bytes, lines: int, entries: int) -> None:
        self.content = content
        self.lines = lines
        self.entries = entries


def _counted(content: bytes) -> _Counted:
    if len(content) > _MAX_SIZE:
        return _Counted(content, 0, 0)
    # To count takes ten times as long as to look whether there is one.
    ends = [end for end in _ENDS if end in content]
    lines = sum(map(content.count, ends))
    is_few = lines <= _MAX_ENTRIES
    return _Counted(content, lines, 0 if is_few else _count(content, b"- ", 0, len(content)))


def _counted_from(before: _Counted, content: bytes) -> _Counted:
    """The same as `_counted`, from what was counted in other content."""
    from derivload.sources.splitting import window_in_text

    old = before.content
    same, same_behind = window_in_text(old, content)
    # What begins an entry may be in the window in part.
    begin, behind = max(0, same - _LONGEST), max(0, same_behind - _LONGEST)
    lines = before.lines
    entries = before.entries
    for text, sign in ((content, 1), (old, -1)):
        lines += sign * _count(text, b"", begin, len(text) - behind)
        entries += sign * _count(text, b"- ", begin, len(text) - behind)
    if lines > _MAX_ENTRIES >= before.lines:
        return _counted(content)
    return _Counted(content, lines, 0 if lines <= _MAX_ENTRIES else entries)


def _count(content: bytes, behind: bytes, begin: int, end: int) -> int:
    """How many line ends have this behind them, in a part of the content."""
    return sum(content.count(one + behind, begin, end) for one in _ENDS)
