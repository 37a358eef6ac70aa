"""@FILE on the command line: the lines of the file are arguments, in its place."""

from __future__ import annotations

import codecs
import errno
import os

from derivload.loading.errors import UsageError
from derivload.loading.reading import read_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# The time that argparse takes grows with the square of the count: three seconds for this many.
_MOST = 10_000


def with_files_read(
    arguments: Iterable[str], is_whole: Callable[[list[str]], bool] = lambda read: False
) -> list[str]:
    """Replace each @FILE by the arguments in FILE, one per line.

    An @ at the beginning of a line has no special meaning, nor has one behind arguments that
    `is_whole` is true of. Raises OSError, and UsageError if there are too many arguments.
    """
    read: list[str] = []
    given = iter(arguments)
    for argument in given:
        if not argument.startswith("@"):
            read.append(argument)
            continue
        if is_whole(read):
            return [*read, argument, *given]
        if argument == "@":
            raise UsageError("@ stands for no arguments: name the file behind it, as in @FILE")
        text = _text(argument[1:])
        if "\0" in text:
            raise OSError(errno.EINVAL, "it contains a NUL", argument[1:])
        lines = text.split("\n")
        # There is no line after the last line end.
        read += lines if lines[-1] else lines[:-1]
    if len(read) > _MOST:
        raise UsageError(f"{len(read)} arguments are too many: give {_MOST} at most")
    return read


def _text(path: str) -> str:
    """The text of a file, whose lines all end in a line feed. Raises OSError."""
    content = read_path(path)
    if isinstance(content, OSError):
        if content.filename is None:
            content.filename = path
        raise content
    # As Python decodes those of the command line. Some editors begin a file with a mark.
    text = os.fsdecode(content.removeprefix(codecs.BOM_UTF8))
    return text.replace("\r\n", "\n").replace("\r", "\n")
