"""@FILE on the command line: its lines are arguments, in its place."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def with_files_read(arguments: Iterable[str]) -> list[str]:
    """The arguments with those in FILE, one a line, in the place of each @FILE.

    An @ at the beginning of a line is nothing special. Raises OSError.
    """
    read: list[str] = []
    for argument in arguments:
        if not argument.startswith("@"):
            read.append(argument)
            continue
        # As the system gives those of the command line.
        encoding = sys.getfilesystemencoding()
        text = Path(argument[1:]).read_text(encoding, errors="surrogateescape")
        if "\0" in text:
            raise OSError(errno.EINVAL, "there is a NUL in it", argument[1:])
        lines = text.split("\n")
        # Behind the last line's end is no line.
        read += lines if lines[-1] else lines[:-1]
    return read
