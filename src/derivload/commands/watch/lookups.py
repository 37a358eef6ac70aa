"""Where a file can change: every folder that is passed on the way to it, and the name there.

A file changes when its folder has another file of its name, but also when a folder above it is
renamed, or a link on the way leads elsewhere. So a path is followed as the system does it, one
name after another, and each folder in which a name was looked up is one to be watched.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

# As many links as Linux follows; what has more leads in a circle.
_MOST_LINKS: Final = 40


class Lookup(NamedTuple):
    """A name, and the folder in which it is looked up: a real one, without links in its path."""

    folder: str
    name: str

    @property
    def path(self) -> str:
        """Both together."""
        return os.path.join(self.folder, self.name)


class Signature(NamedTuple):
    """What tells a file from a later one at its place. Any difference counts: clocks are set."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int


def lookups(path: str) -> Iterator[Lookup]:
    """The names looked up on the way to a file, as far as they are there; its own is the last.

    On a drive or share of Windows they begin behind it.
    """
    try:
        drive, rest = os.path.splitdrive(os.path.join(os.getcwd(), path))
    except OSError:
        return  # the current folder was deleted
    folder = drive + os.sep
    names = _names(rest)
    links = 0
    while names:
        name = names.pop()
        if name == os.pardir:
            folder = os.path.dirname(folder)
            continue
        lookup = Lookup(folder, name)
        yield lookup
        target = _target(lookup.path)
        if target is None:
            if names and not os.path.isdir(lookup.path):
                return
            folder = lookup.path
            continue
        links += 1
        if links > _MOST_LINKS:
            return
        if os.path.isabs(target):
            drive, target = os.path.splitdrive(target)
            folder = drive + os.sep
        names += _names(target)


def _names(path: str) -> list[str]:
    """The names in a path, the first at the end."""
    separators = path.replace(os.altsep, os.sep) if os.altsep else path
    return [name for name in separators.split(os.sep) if name not in ("", os.curdir)][::-1]


def _target(path: str) -> str | None:
    try:
        return os.readlink(path)
    except OSError:
        return None


def signature(path: str) -> Signature | None:
    """The signature of the file at a path, None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return Signature(
        found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    )


def signatures(paths: Iterable[str]) -> list[Signature | None]:
    """The signature of each."""
    return [signature(path) for path in paths]


def current_folder() -> str:
    """The path of the current folder, "" where it was deleted."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def return_to(folder: str) -> None:
    """Where the current folder was deleted, go to the one that has come to its place, if any."""
    if not current_folder():
        with contextlib.suppress(OSError):
            os.chdir(folder)
