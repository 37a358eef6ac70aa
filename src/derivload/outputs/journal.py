"""What a script's run changes, noted before it does, so that a failed run can be taken back.

A script writes in place, as it does without derivload. Before it opens a file to write, replaces or
removes one, the file's bytes and times are copied into a folder of the run, and a line in that
folder says so. The process that started the script reads the lines when it has ended, however it
has ended:

- after a failure, every file becomes what it was, and what was made is removed. A file that is
  still the same one (not another in its place) is written in its place, so that all its names (hard
  links) and its owner stay;
- after a success, a file that holds the same bytes as before gets its old times back.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_INDEX = "index"
_SAVED, _NEW, _FOLDER = "saved", "new", "folder"
_NO_NUMBER = "-"


class LostFile:
    """A file that cannot be put back: its path, why, and where its bytes from before are."""

    __slots__ = ("copy", "path", "why")

    def __init__(self, path: str, copy: str, why: str) -> None:
        self.path = path
        self.copy = copy
        self.why = why


class Journal:
    """The notes of one run, in a folder that is its own."""

    def __init__(self, folder: str) -> None:
        """Raises OSError."""
        self._folder = folder
        self._count = 0
        # Not through `open`, which is watched.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._index = os.open(os.path.join(folder, _INDEX), flags, 0o600)

    def note_file(self, path: str, *, follow: bool) -> None:
        """Note a file that is about to be written or, without `follow`, replaced or removed.

        What is written by way of a link is what that leads to. Raises OSError.
        """
        path = os.path.realpath(path) if follow else path
        try:
            status = os.lstat(path)
        except OSError:
            self._add(_NEW, path)
            return
        if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
            self._count += 1
            copy = os.path.join(self._folder, str(self._count))
            shutil.copy2(path, copy, follow_symlinks=False)
            self._add(_SAVED, path, _number_of(status))

    def note_folder(self, path: str) -> None:
        """Note a folder that is about to be made."""
        self._add(_FOLDER, path)

    def _add(self, what: str, path: str, number: str = _NO_NUMBER) -> None:
        line = f"{what} {self._count} {number} {os.path.abspath(path)}\0"
        os.write(self._index, line.encode("utf-8", "surrogateescape"))


def restore(folder: str) -> list[LostFile]:
    """Take back what a run did whose journal is in this folder.

    Returns the files that cannot be put back: then the journal is all that has their bytes.
    """
    lost = []
    for what, copy, number, path in reversed(list(_noted(folder))):
        if what == _SAVED:
            try:
                _put_back(copy, path, number)
            except OSError as error:
                lost.append(LostFile(path, copy, error.strerror or str(error)))
        elif what == _NEW:
            with contextlib.suppress(OSError):
                if not stat.S_ISDIR(os.lstat(path).st_mode):
                    os.unlink(path)
        else:
            with contextlib.suppress(OSError):  # somebody else has put something there
                os.rmdir(path)
    return lost


def keep_times(folder: str) -> None:
    """Give files that hold what they held before the run their times back."""
    for what, copy, _, path in _noted(folder):
        if what == _SAVED and not os.path.islink(copy) and _is_same(copy, path):
            before = os.stat(copy)
            with contextlib.suppress(OSError):
                os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def saved(folder: str) -> list[str]:
    """The paths of the files that were there before the run wrote, replaced or removed them."""
    return [path for what, _, _, path in _noted(folder) if what == _SAVED]


def _noted(folder: str) -> Iterator[tuple[str, str, str, str]]:
    try:
        with open(os.path.join(folder, _INDEX), "rb") as file:
            text = file.read().decode("utf-8", "surrogateescape")
    except FileNotFoundError:  # the run did not come so far
        return
    for line in text.split("\0")[:-1]:
        what, copy, number, path = line.split(" ", 3)
        yield what, os.path.join(folder, copy), number, path


def _number_of(status: os.stat_result) -> str:
    """What tells a file from another one that takes its place."""
    return f"{status.st_dev}.{status.st_ino}"


def _is_same(first: str, second: str) -> bool:
    try:
        one, other = os.lstat(first), os.lstat(second)
        if one.st_size != other.st_size or not stat.S_ISREG(other.st_mode):
            return False
        with open(first, "rb") as before, open(second, "rb") as now:
            return before.read() == now.read()
    except OSError:
        return False


def _put_back(copy: str, path: str, number: str) -> None:
    if os.path.islink(copy):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(os.readlink(copy), path)
        return
    if not _is_same(copy, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not _is_writable(path, number):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        shutil.copyfile(copy, path)
    shutil.copystat(copy, path)


def _is_writable(path: str, number: str) -> bool:
    """Whether a path still has the file of this number, and we may write to it."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    is_it = stat.S_ISREG(status.st_mode) and _number_of(status) == number
    return is_it and os.access(path, os.W_OK)
