"""Only one derivwatch per out-dir: a lock that ends with the process that holds it.

The file beside the outputs contains the pid, so that another derivwatch can name the holder. What
counts is the operating system's lock on the file. So a file that a killed process left behind
does no harm.

The folder may be deleted, and the lock with it. So the holder checks before each write that the
file is still there, and takes the lock again if not. If another process has it by then, the folder
belongs to that process. A file that is not derivwatch's lock is never written or removed: links
are not followed, and a file that contains anything but a pid is refused.
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
# A pid is shorter. Another file may have any size, so no more than this is read.
_MOST: Final = 32
_NO_LOCK: Final = "this is not derivwatch's lock; move it away"


class HeldError(Exception):
    """Another process has the lock: `pid`, or None if it has not written its pid yet."""

    def __init__(self, pid: int | None) -> None:
        super().__init__(pid)
        self.pid = pid


class OutDirLock:
    """The lock of a folder, held inside `with`. The folder is created if needed."""

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
        # Unlink before unlocking, so that it is our file. Windows does not unlink an open file.
        with contextlib.suppress(OSError):
            if self._is_held():
                os.unlink(self._path)
        self._let_go()

    def hold(self) -> None:
        """Take the lock, or take it again if its file is gone. Raises HeldError and OSError."""
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
    """Open the file and lock it. Raises HeldError; OSError also if the file is not a lock."""
    while True:
        descriptor = _open(path)
        try:
            pid = _pid(descriptor, path)
            if not _lock(descriptor):
                raise HeldError(pid)
            # The holder before us may have removed the file after we opened it.
            if _is_at(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _open(path: str) -> int:
    if os.path.islink(path):
        raise OSError(errno.ELOOP, _NO_LOCK, path)
    # Opening a pipe, say, must not block.
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    return os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o644)


def _is_at(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except OSError:
        return False


def _pid(descriptor: int, path: str) -> int | None:
    """The pid in a lock, None if it is empty. Raises OSError if the file is not a lock."""
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


# Operating systems differ only here. On a file system without locks, every process gets the lock.
if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        # Lock a byte after the pid: on Windows, others cannot read what is locked.
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
