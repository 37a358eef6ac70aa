"""Opens and locks folders, and removes files in them: the parts in which systems differ.

Windows cannot open a folder and has no `flock`. Some network file systems refuse to lock a folder.
In these cases `lock` returns None: it is unknown whether another process has the lock.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time

from derivload.outputs.digests import digest_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# A run waits this many seconds for other runs that write to its folder. Writing takes a moment. A
# process that holds the lock for longer is suspended or not ours, and we go on without the lock.
_PATIENCE = 10.0
_HAS_DESCRIPTORS = os.unlink in os.supports_dir_fd and hasattr(os, "O_DIRECTORY")


if sys.platform == "win32":

    def lock(descriptor: int) -> bool | None:
        """Lock a folder without waiting. False if another process has the lock, None if unknown."""
        return None

else:
    import fcntl

    def lock(descriptor: int) -> bool | None:
        """Lock a folder without waiting. False if another process has the lock, None if unknown."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return None
        return True


def open_folder(path: str, inside: int | None = None, *, follow: bool = True) -> int | None:
    """A descriptor of a folder; None on systems that cannot open one. Raises OSError.

    `path` is relative to the folder `inside`, if that is given.
    """
    if not _HAS_DESCRIPTORS:
        return None
    flags = os.O_RDONLY | os.O_DIRECTORY | (0 if follow else os.O_NOFOLLOW)
    return os.open(path, flags, dir_fd=inside)


@contextlib.contextmanager
def locked(folder: str) -> Iterator[None]:
    """Hold the lock of a folder. If it is not free within `_PATIENCE`, go on without it."""
    descriptor = None
    with contextlib.suppress(OSError):  # we may write to the folder, but not read it
        descriptor = open_folder(folder)
    try:
        end = time.monotonic() + _PATIENCE
        while descriptor is not None and lock(descriptor) is False and time.monotonic() < end:
            time.sleep(0.005)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def is_plain(name: str) -> bool:
    """Whether a name leads to a file inside the folder: relative, and without `..`.

    Links in the folder are not looked at.
    """
    parts = name.replace(os.sep, "/").split("/")
    return (
        "\0" not in name
        and not os.path.splitdrive(name)[0]
        and not any(part in ("", os.curdir, os.pardir) for part in parts)
    )


def remove(folder: str, name: str, sha256: str) -> bool:
    """Remove the file with this name in a folder, if its bytes have this sha256.

    Returns whether it was removed. No link is followed below the folder.
    """
    if not is_plain(name):
        return False
    try:
        if not _HAS_DESCRIPTORS:
            return _remove_by_path(folder, name, sha256)
        *between, last = name.split("/")
        with contextlib.ExitStack() as opened:
            inside = _opened(folder, None, opened, follow=True)
            for part in between:
                inside = _opened(part, inside, opened, follow=False)
            if not _holds(last, inside, sha256):
                return False
            os.unlink(last, dir_fd=inside)
    except OSError:
        return False
    return True


def _opened(
    path: str, inside: int | None, opened: contextlib.ExitStack, *, follow: bool
) -> int | None:
    descriptor = open_folder(path, inside, follow=follow)
    if descriptor is not None:
        opened.callback(os.close, descriptor)
    return descriptor


def _holds(name: str, inside: int | None, sha256: str) -> bool:
    """Whether a name is a regular file, not a link, whose bytes have this sha256."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    with open(os.open(name, flags, dir_fd=inside), "rb") as file:
        is_file = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
        return is_file and digest_of(file.read()) == sha256


def _remove_by_path(folder: str, name: str, sha256: str) -> bool:
    path = os.path.join(os.path.realpath(folder), *name.replace(os.sep, "/").split("/"))
    if os.path.normcase(os.path.realpath(path)) != os.path.normcase(path):
        return False
    with open(path, "rb") as file:
        if digest_of(file.read()) != sha256:
            return False
    os.unlink(path)
    return True
