"""The files that `check --fix` may change, how it writes them, and the diff that it shows.

A file may be changed if somebody named it, on the command line or in the settings. The files of a
tree that --pytorch names, and of the catalogue, are somebody else's, unless the current folder is
inside that tree.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterator
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
    """Check that a file holds what it held when it was checked. Raises OSError if not."""
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
    with Path(path).open("r+b") as file:
        file.write(after)
        file.truncate()


def diff_of(path: str, before: str, after: str) -> Iterator[str]:
    """The lines of a unified diff, each with its end, as `patch` reads it."""
    name = printable(path)
    for line in difflib.unified_diff(_lines(before), _lines(after), name, name):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    """The lines, each with its end. Only a line feed ends a line, as for `patch`."""
    *lines, last = text.split("\n")
    return [*(f"{line}\n" for line in lines), *([last] if last else [])]
