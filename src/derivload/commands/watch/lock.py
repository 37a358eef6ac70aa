"""One derivwatch for each out-dir: a lock that ends with the process that holds it.

The file beside the outputs has the pid, for the next one to tell; whether it counts is the
system's lock on it, so that what a process left behind when it was killed is in nobody's way.

The folder may be deleted, and the lock with it. So whoever holds it looks before each write
whether it is still there, and takes it anew if it is not; if another process has one by then,
the folder is that one's. What is not a lock of derivwatch's is never written to, nor removed:
no link is followed, and a file that holds anything but a pid is refused.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from types import TracebackType
from typing import Final

NAME: Final = ".derivwatch.lock"
# What is no lock may be of any size.
_MOST: Final = 32
_NO_LOCK: Final = "this is no lock of derivwatch's; move it away"


class HeldError(Exception):
    """Another process has the lock. `pid` is its, None when it has not said so yet."""

    def __init__(self, pid: int | None) -> None:
        super().__init__(pid)
        self.pid = pid


class OutDirLock:
    """The lock of a folder, which is made if need be; held while this is entered."""

    def __init__(self, out_dir: str) -> None:
        self._out_dir = out_dir
        self._path = os.path.join(out_dir, NAME)
        self._descriptor = -1

    def __enter__(self) -> OutDirLock:
        self.hold()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # While it is still locked, so that it is ours that goes. On Windows what is open stays.
        with contextlib.suppress(OSError):
            if self._is_held():
                os.unlink(self._path)
        self._let_go()

    def hold(self) -> None:
        """Take the lock, or take it anew where its file is gone.

        Raises HeldError, and OSError.
        """
        if self._is_held():
            return
        self._let_go()
        os.makedirs(self._out_dir, exist_ok=True)
        self._descriptor = _take(self._path)
        os.truncate(self._descriptor, 0)
        os.write(self._descriptor, b"%d\n" % os.getpid())

    def _is_held(self) -> bool:
        return self._descriptor >= 0 and _is_at(self._descriptor, self._path)

    def _let_go(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _take(path: str) -> int:
    """The file, locked. Raises HeldError, and OSError, for what is no lock too."""
    while True:
        descriptor = _open(path)
        try:
            pid = _pid(descriptor, path)
            if not _lock(descriptor):
                raise HeldError(pid)
            # Whoever had it before may have taken the file away since we opened it.
            if _is_at(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _open(path: str) -> int:
    if os.path.islink(path):
        raise OSError(errno.ELOOP, _NO_LOCK, path)
    # What is no file must not have us wait for it, either.
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    return os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o644)


def _is_at(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except OSError:
        return False


def _pid(descriptor: int, path: str) -> int | None:
    """The pid that a lock names, None where it is empty. Raises OSError for what is no lock."""
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode) or about.st_nlink > 1:
        raise OSError(errno.EEXIST, _NO_LOCK, path)
    text = os.read(descriptor, _MOST + 1)
    os.lseek(descriptor, 0, os.SEEK_SET)
    if not text:
        return None
    number = text.removesuffix(b"\n")
    if len(text) > _MOST or not number.isdigit():
        raise OSError(errno.EEXIST, _NO_LOCK, path)
    return int(number)


# The one place where systems differ. Where a file system has no locks, everybody gets one.
if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        # Behind the pid, which others are to read: there a lock keeps them from reading, too.
        os.lseek(descriptor, 1024, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True
