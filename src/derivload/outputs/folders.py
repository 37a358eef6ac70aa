"""Folders by descriptor, locks on them, and how a file in one is removed: where systems differ.

Windows opens no folder and has no `flock`, and some network file systems refuse one on a folder.
There `lock` tells None: nobody knows whether another process has it.
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

# So long, in seconds, does a run wait for others that write in its folder. They take a moment; what
# takes longer is stopped, or none of ours, and is not waited for.
_PATIENCE = 10.0
_HAS_DESCRIPTORS = os.unlink in os.supports_dir_fd and hasattr(os, "O_DIRECTORY")


if sys.platform == "win32":

    def lock(descriptor: int) -> bool | None:
        """Lock a folder, without waiting: False when another process has it, None: cannot tell."""
        return None

else:
    import fcntl

    def lock(descriptor: int) -> bool | None:
        """Lock a folder, without waiting: False when another process has it, None: cannot tell."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return None
        return True


def open_folder(path: str, inside: int | None = None, *, follow: bool = True) -> int | None:
    """A descriptor of a folder; None where there are none. Raises OSError."""
    if not _HAS_DESCRIPTORS:
        return None
    flags = os.O_RDONLY | os.O_DIRECTORY | (0 if follow else os.O_NOFOLLOW)
    return os.open(path, flags, dir_fd=inside)


@contextlib.contextmanager
def locked(folder: str) -> Iterator[None]:
    """Hold the lock of a folder, if that can be had within a while."""
    descriptor = None
    with contextlib.suppress(OSError):  # a folder that may be written in, but not read
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
    """Whether a name is that of a file inside a folder, whatever stands in that folder."""
    parts = name.replace(os.sep, "/").split("/")
    return (
        "\0" not in name
        and not os.path.splitdrive(name)[0]
        and not any(part in ("", os.curdir, os.pardir) for part in parts)
    )


def remove(folder: str, name: str, sha256: str) -> bool:
    """Remove the file with this name and these bytes inside a folder; whether it was there.

    No link is followed on the way from the folder, nor at its end.
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
    """Whether a name is that of a file, no link, that holds these bytes."""
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
