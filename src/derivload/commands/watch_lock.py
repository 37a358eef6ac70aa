"""One derivwatch for each out-dir: a lock that ends with the process that holds it.

The file beside the outputs has the pid, for the next one to tell; whether it counts is the
system's lock on it, so that what a process left behind when it was killed is in nobody's way.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Final

NAME: Final = ".derivwatch.lock"


class HeldError(Exception):
    """Another process has the lock. `pid` is its, None when it has not said so yet."""

    def __init__(self, pid: int | None) -> None:
        super().__init__(pid)
        self.pid = pid


@contextlib.contextmanager
def out_dir_lock(out_dir: str) -> Iterator[None]:
    """Hold the lock of a folder, which is made if need be. Raises HeldError, and OSError."""
    os.makedirs(out_dir, exist_ok=True)
    path = os.path.join(out_dir, NAME)
    descriptor = _open(path)
    try:
        os.truncate(descriptor, 0)
        os.write(descriptor, b"%d\n" % os.getpid())
        yield
    finally:
        # While it is still locked, so that it is ours that goes. On Windows what is open stays.
        with contextlib.suppress(OSError):
            if _is_at(descriptor, path):
                os.unlink(path)
        os.close(descriptor)


def _open(path: str) -> int:
    """The file, locked. Raises HeldError."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if not _lock(descriptor):
                raise HeldError(_pid(descriptor))
            # Whoever had it before may have taken the file away since we opened it.
            if _is_at(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_at(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _pid(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0) if hasattr(os, "pread") else os.read(descriptor, 32)
    return int(text) if text.strip().isdigit() else None


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
