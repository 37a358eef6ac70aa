"""@FILE on the command line: its lines are arguments, in its place."""

from __future__ import annotations

import errno
import os

from derivload.loading.errors import UsageError
from derivload.loading.paths import read_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# argparse takes time that grows with the square of their number: three seconds for so many.
_MOST = 10_000


def with_files_read(arguments: Iterable[str]) -> list[str]:
    """The arguments with those in FILE, one a line, in the place of each @FILE.

    An @ at the beginning of a line is nothing special. Raises OSError, and UsageError for what
    no command can take.
    """
    read: list[str] = []
    for argument in arguments:
        if not argument.startswith("@"):
            read.append(argument)
            continue
        text = _text(argument[1:])
        if "\0" in text:
            raise OSError(errno.EINVAL, "there is a NUL in it", argument[1:])
        lines = text.split("\n")
        # Behind the last line's end is no line.
        read += lines if lines[-1] else lines[:-1]
    if len(read) > _MOST:
        raise UsageError(f"{len(read)} arguments are too many: give {_MOST} at most")
    return read


def _text(path: str) -> str:
    """What a file holds, with plain ends of lines. Raises OSError."""
    content = read_path(path)
    if isinstance(content, OSError):
        if content.filename is None:
            content.filename = path
        raise content
    # As the system gives those of the command line.
    text = os.fsdecode(content)
    return text.replace("\r\n", "\n").replace("\r", "\n")
