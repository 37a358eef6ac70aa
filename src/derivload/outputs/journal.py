"""What a script's run changes, noted before it does, so that a failed run can be taken back.

A script writes in place, as it does without derivload. Before it opens a file to write, replaces or
removes one, the file's bytes and times are copied into a folder of the run, and a line in that
folder says so. The process that started the script reads the lines when it has ended, however it
has ended:

- after a failure, every file becomes what it was, and what was made is removed;
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
            self._add(_SAVED, path)

    def note_folder(self, path: str) -> None:
        """Note a folder that is about to be made."""
        self._add(_FOLDER, path)

    def _add(self, what: str, path: str) -> None:
        line = f"{what} {self._count} {os.path.abspath(path)}\0"
        os.write(self._index, line.encode("utf-8", "surrogateescape"))


def restore(folder: str) -> None:
    """Take back what a run did whose journal is in this folder. Raises OSError."""
    for what, copy, path in reversed(list(_noted(folder))):
        if what == _SAVED:
            _put_back(copy, path)
        elif what == _NEW:
            with contextlib.suppress(OSError):
                if not stat.S_ISDIR(os.lstat(path).st_mode):
                    os.unlink(path)
        else:
            with contextlib.suppress(OSError):  # somebody else has put something there
                os.rmdir(path)


def keep_times(folder: str) -> None:
    """Give files that hold what they held before the run their times back."""
    for what, copy, path in _noted(folder):
        if what == _SAVED and not os.path.islink(copy) and _is_same(copy, path):
            before = os.stat(copy)
            with contextlib.suppress(OSError):
                os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def saved(folder: str) -> list[str]:
    """The paths of the files that were there before the run wrote, replaced or removed them."""
    return [path for what, _, path in _noted(folder) if what == _SAVED]


def _noted(folder: str) -> Iterator[tuple[str, str, str]]:
    try:
        with open(os.path.join(folder, _INDEX), "rb") as file:
            text = file.read().decode("utf-8", "surrogateescape")
    except FileNotFoundError:  # the run did not come so far
        return
    for line in text.split("\0")[:-1]:
        what, number, path = line.split(" ", 2)
        yield what, os.path.join(folder, number), path


def _is_same(first: str, second: str) -> bool:
    try:
        if os.lstat(first).st_size != os.lstat(second).st_size:
            return False
        with open(first, "rb") as one, open(second, "rb") as other:
            return one.read() == other.read()
    except OSError:
        return False


def _put_back(copy: str, path: str) -> None:
    if os.path.islink(copy):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        os.symlink(os.readlink(copy), path)
        return
    if not _is_same(copy, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with contextlib.suppress(OSError):  # it may have become a link
            os.unlink(path)
        shutil.copyfile(copy, path)
    shutil.copystat(copy, path)
