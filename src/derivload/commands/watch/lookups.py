"""Where a file can change: every folder on the way to it, and the name that is looked up there.

A file changes when another file gets its name, but also when a folder above it is renamed, or a
link on the way is changed. So a path is followed as the operating system does it, name by name.
Each folder in which a name was looked up must be watched.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from typing import Final, NamedTuple

# Linux follows this many links. A path with more goes in a circle.
_MOST_LINKS: Final = 40


class Lookup(NamedTuple):
    """A name, the folder in which it is looked up, and both joined.

    The folder's path has no links in it. If the name is a link, `target` is where it leads.
    `is_folder` says whether it is a folder, and no link to one.
    """

    folder: str
    name: str
    path: str
    target: str | None
    is_folder: bool


class Signature(NamedTuple):
    """Tells a file from a later one in its place. Any difference counts: clocks may be set back."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int


def lookups(paths: Iterable[str]) -> list[Lookup]:
    """The names that are looked up on the way to some files, as far as they exist; each once.

    On Windows they start after the drive or share.
    """
    found: dict[tuple[str, str], Lookup] = {}
    for path in paths:
        _follow(path, found)
    return [*found.values()]


def _follow(path: str, found: dict[tuple[str, str], Lookup]) -> None:
    """Add the names that are looked up on the way to a file, by folder and name."""
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
        lookup = found.get((folder, name))
        if lookup is None:
            lookup = found[folder, name] = _look_up(folder, name)
        target = lookup.target
        if target is None:
            if not lookup.is_folder:
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
    """The names in a path, in reverse order."""
    separators = path.replace(os.altsep, os.sep) if os.altsep else path
    return [name for name in separators.split(os.sep) if name not in ("", os.curdir)][::-1]


def _look_up(folder: str, name: str) -> Lookup:
    path = os.path.join(folder, name)
    try:
        target: str | None = os.readlink(path)
    except OSError:
        target = None
    return Lookup(folder, name, path, target, target is None and os.path.isdir(path))


def signature(path: str) -> Signature | None:
    """The signature of the file at a path, None if there is no file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return Signature(
        found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    )


def signatures(paths: Iterable[str]) -> list[Signature | None]:
    """The signature of each path."""
    return [signature(path) for path in paths]


def current_folder() -> str:
    """The path of the current folder, "" if it was deleted."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def return_to(folder: str) -> None:
    """If the current folder was deleted, change to the new folder of that name, if there is one."""
    if not current_folder():
        with contextlib.suppress(OSError):
            os.chdir(folder)
