"""The files that `check --fix` may change, how it writes them, and the diff that it shows.

A file may be changed if somebody named it, on the command line or in the settings. The files of a
tree that --pytorch names, and of the catalogue, are somebody else's, unless the current folder is
inside that tree.
"""

from __future__ import annotations

import difflib
import errno
import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

from derivload.loading.paths import Files
from derivload.loading.reading import read_path
from derivload.outputs.files import write_if_changed
from derivload.terminal.text import printable


def editable(files: Files) -> frozenset[str]:
    """The inputs that may be changed, by their paths."""
    paths = [path for path in files.paths if path not in files.of_tree or _is_here(files.folder)]
    return frozenset(path for path in paths if Path(path).is_file())


def _is_here(folder: str) -> bool:
    """Whether the current folder is a folder, or inside it."""
    return Path.cwd().is_relative_to(Path(folder).resolve())


def check_unchanged(path: str, before: bytes) -> None:
    """Check that a file may be written, and holds what it held when it was checked.

    One that is read-only, or somebody else's, could be replaced nevertheless, where we may write to
    its folder. Raises OSError if not.
    """
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    if read_path(path) != before:
        changed = "has changed since it was checked: nothing was written"
        raise OSError(errno.EAGAIN, changed, path)


def write_fixed(path: str, before: bytes, after: bytes) -> None:
    """Write a file that had the bytes `before` when it was checked. Raises OSError.

    It is replaced at once. One with several names (hard links) is written in its place, so that
    all names keep meaning the same file.
    """
    check_unchanged(path, before)
    if Path(path).stat().st_nlink < 2:
        write_if_changed(path, after)
        return
    with Path(path).open("r+b", buffering=0) as file:
        try:
            _write_whole(file, after)
        except OSError as error:  # the disk is full, say, but what it held has its place
            _write_whole(file, before)
            error.filename = path
            raise


def _write_whole(file: FileIO, data: bytes) -> None:
    file.seek(0)
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
    file.truncate(len(data))


def diff_of(path: str, before: str, after: str) -> Iterator[str]:
    """The lines of a unified diff, each with its end, as `patch` reads it."""
    name = printable(path)
    for line in difflib.unified_diff(_lines(before), _lines(after), name, name):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    """The lines, each with its end. Only a line feed ends a line, as for `patch`."""
    *lines, last = text.split("\n")
    return [*(f"{line}\n" for line in lines), *([last] if last else [])]
