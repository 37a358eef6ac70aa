"""Where the bytes of an output go, by the path that the user named or the name in the out-dir.

- What is there and is a plain file is replaced. The new one has its mode, and its owner and group
  where the system lets us. Other hard links to the old one keep the old bytes: a replaced file is
  another file. Access control lists and extended attributes are not kept.
- A link stays, and the file that it leads to is replaced, or made if there is none. A file in the
  out-dir that leads out of it is a trap as easily as a wish: what it leads to is replaced only when
  derivload has written it. A depfile is named by the user, and may lead anywhere.
- A device, and a pipe that somebody reads, is written through, at each run. So is what the
  process has open already, such as /dev/stdout, whatever that leads to: a file that the shell has
  opened must not be replaced under it. Sockets, disks and pipes without a reader are refused.
- A folder is refused.
"""

from __future__ import annotations

import errno
import os
import stat
import time

from derivload.outputs.digests import digest_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container
    from io import FileIO

# Seconds: who reads a pipe may be started at the same moment.
_PATIENCE = 2.0
# What each of our documents begins with.
_DOCUMENT = b'{"format":"derivload.'
_MOST_LINKS = 40
# A pipe is to be opened without waiting for a reader, a terminal without it becoming ours.
_AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)


class Place:
    """Where the bytes of an output go.

    `path` is as the user knows it; `target` is where the file is, or is to be; `status` is what is
    there, None for nothing; `descriptor` is what to write to that is open already.
    """

    __slots__ = ("descriptor", "path", "status", "target")

    def __init__(
        self, path: str, target: str, status: os.stat_result | None, descriptor: int | None = None
    ) -> None:
        self.path = path
        self.target = target
        self.status = status
        self.descriptor = descriptor

    @property
    def is_stream(self) -> bool:
        """Whether it is no file, but takes what is written to it."""
        return self.descriptor is not None or (
            self.status is not None and not stat.S_ISREG(self.status.st_mode)
        )

    def differs(self, data: bytes) -> bool:
        """Whether it has to be written for `data` to be there. Raises OSError."""
        if self.status is None or self.is_stream or self.status.st_size != len(data):
            return True
        with open(self.target, "rb") as file:
            return file.read() != data


def find_place(path: str) -> Place:
    """Where an output goes that is named by its path. Raises OSError, which names `path`."""
    is_link = os.path.islink(path)
    if is_link or os.path.dirname(path) == "/dev/fd":
        descriptor = _open_already(path)
        if descriptor is not None:
            return Place(path, path, None, descriptor)
    try:
        status = os.stat(path)
    except FileNotFoundError:
        status = None
    if status is not None:
        _refuse_what_takes_nothing(path, status.st_mode)
    return Place(path, os.path.realpath(path) if is_link else path, status)


def find_place_inside(folder: str, name: str, written: Container[str]) -> Place:
    """Where an output goes that is named by its name in a folder.

    `written` are the sha256 of what derivload wrote there. Raises OSError.
    """
    place = find_place(os.path.join(folder, name))
    if place.is_stream or (place.target == place.path and not {"/", os.sep} & {*name}):
        return place
    target = os.path.realpath(place.path)
    root = os.path.join(os.path.realpath(folder), "")
    if place.status is not None and not target.startswith(root) and not _is_ours(target, written):
        raise PermissionError(
            errno.EPERM,
            f"leads to {target}, outside of the folder, which derivload did not write",
            place.path,
        )
    place.target = target
    return place


def _is_ours(path: str, written: Container[str]) -> bool:
    with open(path, "rb") as file:
        data = file.read()
    return not data or data.startswith(_DOCUMENT) or digest_of(data) in written


def _refuse_what_takes_nothing(path: str, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder, where a file is to be", path)
    if stat.S_ISSOCK(mode) or stat.S_ISBLK(mode):
        what = "socket" if stat.S_ISSOCK(mode) else "disk"
        raise OSError(errno.EINVAL, f"is a {what}, where a file is to be", path)


def _open_already(path: str) -> int | None:
    """The descriptor of this process that a path stands for, as /dev/stdout does."""
    own = f"/proc/{os.getpid()}/"
    for _ in range(_MOST_LINKS):
        folder, name = os.path.split(path)
        if name.isdecimal():
            real = os.path.realpath(folder)
            if real == "/dev/fd" or (real.startswith(own) and real.endswith("/fd")):
                return int(name)
        try:
            path = os.path.join(folder, os.readlink(path))
        except OSError:
            return None
    return None


def open_stream(place: Place) -> FileIO:
    """What is no file, to be written to. Raises OSError."""
    if place.descriptor is not None:
        return open(os.dup(place.descriptor), "wb", buffering=0)
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            descriptor = os.open(place.path, os.O_WRONLY | _AT_ONCE)
            break
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
        if time.monotonic() > end:
            raise OSError(errno.ENXIO, "is a pipe that nobody reads", place.path)
        time.sleep(0.01)
    if _AT_ONCE:
        os.set_blocking(descriptor, True)
    return open(descriptor, "wb", buffering=0)
