"""The files of the store: how they are made, which ones it may use, and which ones it may remove.

Everything is made for its owner alone, folders and files, whatever the umask.

The store uses a file or folder only if nobody but its owner and root can have written it. If the
mode lets others write, or somebody else owns it, the value is a miss. An access control list that
lets others write shows in the mode too: its mask takes the place of the group's bits. Below the
folder that the user named, no link is followed.

The store removes a regular file only if its name is exactly of the form that the store gives. Any
other file or folder stays, wherever it is.

The folder that contains the store is not checked. Whoever can write there can replace the store's
folder, but not with one that is ours, and we check the owner of each thing in it. Build folders
that their group may write to are common, and must keep working.

Windows has no such modes and owners; see `trouble`.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

# The folder of the store in the one that the user named; another layout of rows has another one.
LAYOUT: Final = "2"
# The database, and the files that SQLite keeps beside it.
DATABASE: Final = "cache.db"
_DATABASE_FILES: Final = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", f"{DATABASE}-journal")
# A value file is two folders deep: `3f/a0/`, then 28 more digits and `.val`, as in diskcache.
_DIGITS: Final = frozenset("0123456789abcdef")
_COUNT: Final = 32
_FOLDER_ENDS: Final = (2, 5)
# Another process may remove a new folder while it is still empty. Then we try again.
_TRIES: Final = 10
# Do not follow a link, and do not wait for a pipe without a writer. Windows has neither flag.
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0)


class StoreError(Exception):
    """The store cannot be used. The text says why; it is for the one warning that is printed.

    `advice` says what the user can do.
    """

    advice = "--cache-dir names another folder"


class DamagedError(StoreError):
    """The database is damaged."""

    advice = "`derivload cache clear` starts it afresh"


class FolderError(StoreError):
    """The folder cannot be made, or is not ours alone. Nothing in it may be touched."""


def trouble(status: os.stat_result) -> str | None:
    """Why a file or folder with this status must not be used, as the end of a sentence.

    None if it may be used. On Windows that is always so.
    """
    if os.name == "nt":
        return None
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "may be written to by others"
    if status.st_uid not in (os.geteuid(), 0):
        return "belongs to somebody else"
    return None


def make_folder(folder: str) -> None:
    """Make a folder for its owner alone, unless it exists: then it stays as it is.

    Missing folders above it are made so that others cannot write there. Raises OSError.
    """
    if os.path.isdir(folder):
        return
    _make_above(os.path.dirname(folder))
    with suppress(FileExistsError):  # another process was faster, or a file has that name
        os.mkdir(folder, 0o700)
        os.chmod(folder, 0o700)  # a umask may take bits from the owner too
    if not os.path.isdir(folder):
        raise NotADirectoryError(errno.ENOTDIR, "is not a folder", folder)


def _make_above(folder: str) -> None:
    if os.path.isdir(folder):
        return
    above = os.path.dirname(folder)
    if above != folder:
        _make_above(above)
    with suppress(FileExistsError):
        os.mkdir(folder, 0o755)


def make_database(layout: str) -> None:
    """Make an empty database if there is none. SQLite itself would leave its mode to the umask.

    The files that SQLite puts beside the database get its mode. Raises OSError.
    """
    with suppress(FileExistsError):
        os.close(_create(os.path.join(layout, DATABASE), os.O_RDWR | os.O_CREAT | os.O_EXCL))


def trouble_with_database(layout: str) -> str | None:
    """Why the database in this folder must not be used, as a sentence; None if it may be used.

    Raises FileNotFoundError if there is no database.
    """
    for name in _DATABASE_FILES:
        try:
            status = os.lstat(os.path.join(layout, name))
        except FileNotFoundError:
            if name == DATABASE:
                raise
            continue
        found = trouble(status) if stat.S_ISREG(status.st_mode) else "is not a regular file"
        if found is not None:
            return f"{name} {found}"
    return None


def is_value_file(name: object) -> bool:
    """Whether a name, relative to the store's folder, is one that the store gives a value file."""
    if not isinstance(name, str):
        return False
    digits = name[:2] + name[3:5] + name[6:34]
    return len(digits) == _COUNT and {*digits} <= _DIGITS and name == _name_of(digits)


def _name_of(digits: str) -> str:
    return os.path.join(digits[:2], digits[2:4], f"{digits[4:]}.val")


def read_value(layout: str, name: str, first: int) -> tuple[bytes, bytes]:
    """The bytes of a value file: the first ones, so many, and the rest.

    Raises OSError, also if others may have written the file.
    """
    if not is_value_file(name):
        raise OSError("not a value of this store")
    for end in _FOLDER_ENDS:
        _check(os.lstat(os.path.join(layout, name[:end])), stat.S_IFDIR)
    with open(os.path.join(layout, name), "rb", buffering=0, opener=_open) as file:
        _check(os.fstat(file.fileno()), stat.S_IFREG)
        return file.read(first), file.readall()


def write_value(layout: str, value: bytes) -> str:
    """Write a value to a new file and return the name of the file.

    Raises OSError. A write that fails leaves no file behind.
    """
    for left in range(_TRIES, 0, -1):
        name = _name_of(os.urandom(_COUNT // 2).hex())
        try:
            for end in _FOLDER_ENDS:
                _make_value_folder(os.path.join(layout, name[:end]))
            file = open(os.path.join(layout, name), "xb", opener=_create)  # noqa: SIM115
            break
        except OSError:
            if left == 1:
                raise
    try:
        with file:
            file.write(value)
    except BaseException:
        remove_value(layout, name)
        raise
    return name


def remove_value(layout: str, name: object) -> bool:
    """Remove a value file, and its folders if they are then empty. Returns if it was removed."""
    if not isinstance(name, str) or not is_value_file(name):
        return False
    folders = [os.path.join(layout, name[:end]) for end in _FOLDER_ENDS]
    if not all(_is_of_kind(folder, stat.S_IFDIR) for folder in folders):
        return False
    removed = _remove(os.path.join(layout, name))
    if removed:
        with suppress(OSError):
            for folder in reversed(folders):
                os.rmdir(folder)
    return removed


def value_files(layout: str) -> Iterator[str]:
    """The names of all value files, including those that no row of the database names."""
    for first in _value_folders(layout):
        for second in _value_folders(os.path.join(layout, first)):
            folder = os.path.join(first, second)
            with suppress(OSError):
                names = sorted(os.listdir(os.path.join(layout, folder)))
                yield from filter(is_value_file, [os.path.join(folder, name) for name in names])


def remove_database(layout: str) -> int:
    """Remove the files of the database, and return how many were removed.

    Raises OSError if something with the name of such a file is not a regular file.
    """
    removed = 0
    for name in _DATABASE_FILES:
        path = os.path.join(layout, name)
        if os.path.lexists(path) and not _is_of_kind(path, stat.S_IFREG):
            raise OSError(errno.EINVAL, "is not a regular file, so it stays", path)
        with suppress(FileNotFoundError):
            os.remove(path)
            removed += 1
    return removed


def _value_folders(folder: str) -> list[str]:
    with suppress(OSError):
        return [
            name
            for name in sorted(os.listdir(folder))
            if _is_of_kind(os.path.join(folder, name), stat.S_IFDIR)
        ]
    return []


def _make_value_folder(folder: str) -> None:
    with suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "is not a folder", folder)
    if os.name == "nt":
        return
    if status.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "belongs to somebody else", folder)
    # A folder made by an earlier derivload may have a mode that the umask decided. We correct it:
    # files that others put there in the meantime are found out by their own mode and owner.
    if stat.S_IMODE(status.st_mode) != 0o700:
        os.chmod(folder, 0o700)


def _check(status: os.stat_result, kind: int) -> None:
    if stat.S_IFMT(status.st_mode) != kind or trouble(status) is not None:
        raise OSError("not a value of this store")


def _is_of_kind(path: str, kind: int) -> bool:
    """Whether `path` is of this kind (regular file or folder) itself, not a link to one."""
    try:
        return stat.S_IFMT(os.lstat(path).st_mode) == kind
    except OSError:
        return False


def _remove(path: str) -> bool:
    with suppress(OSError):
        if _is_of_kind(path, stat.S_IFREG):
            os.remove(path)
            return True
    return False


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | _NO_LINK | _NO_WAIT)


def _create(path: str, flags: int) -> int:
    made = os.open(path, flags | _NO_LINK, 0o600)
    os.chmod(path, 0o600)  # a umask may take bits from the owner too
    return made
