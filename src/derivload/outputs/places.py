"""Decides where the bytes of an output go. An output has a path, or a name in the out-dir.

- A regular file is replaced. The new file gets the mode of the old one, and its owner and group if
  the system allows that. Other hard links to the old file keep the old bytes. Access control lists
  and extended attributes are not kept.
- A link stays, and the file that it leads to is replaced, or made if it does not exist. A link in
  the out-dir that leads out of it may be a trap: its file is replaced only if derivload wrote that
  file. A depfile is named by the user, and may be a link to anywhere.
- A device, or a pipe that somebody reads, is written to at each run. So is a file that the process
  has open already, such as /dev/stdout: a file that the shell has opened must not be replaced.
- A folder, a socket, a disk and a pipe without a reader are refused.
"""

from __future__ import annotations

import errno
import os
import stat
import time

from derivload.outputs.comparing import holds
from derivload.outputs.digests import digest_of
from derivload.outputs.pieces import pieces_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container
    from io import FileIO

    from derivload.outputs.pieces import DocumentPieces

# We wait this many seconds for the reader of a pipe: it may be started at the same moment.
_PATIENCE = 2.0
# Each of our documents begins with this.
_DOCUMENT = b'{"format":"derivload.'
_MOST_LINKS = 40
# Open a pipe without waiting for a reader, and a terminal without making it our controlling one.
_AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)


class OutputPlace:
    """Where the bytes of an output go.

    `path` is the path that the user knows. `target` is the path of the file itself, with links
    followed. `status` is the status of the existing file, None if it does not exist.
    `descriptor` is the descriptor to write to, if the process has the file open already.
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
        """Whether bytes are written to it, as to a device or a pipe; files are replaced."""
        return self.descriptor is not None or (
            self.status is not None and not stat.S_ISREG(self.status.st_mode)
        )

    def differs(self, data: bytes | DocumentPieces) -> bool:
        """Whether the file must be written to contain `data`. Raises OSError."""
        if self.status is None or self.is_stream or self.status.st_size != len(data):
            return True
        with open(self.target, "rb") as file:
            return not holds(file, pieces_of(data))


def find_place(path: str) -> OutputPlace:
    """The place of an output with this path. Raises OSError, which names `path`."""
    is_link = os.path.islink(path)
    if is_link or os.path.dirname(path) == "/dev/fd":
        descriptor = _open_already(path)
        if descriptor is not None:
            return OutputPlace(path, path, None, descriptor)
    try:
        status = os.stat(path)
    except FileNotFoundError:
        status = None
    if status is not None:
        _refuse_what_takes_nothing(path, status.st_mode)
    return OutputPlace(path, os.path.realpath(path) if is_link else path, status)


def find_place_inside(folder: str, name: str, written: Container[str]) -> OutputPlace:
    """The place of an output with this name in a folder.

    `written` has the sha256 of the files that derivload wrote there. Raises OSError.
    """
    place = find_place(os.path.join(folder, name))
    if place.is_stream or (place.target == place.path and not {"/", os.sep} & {*name}):
        return place
    target = os.path.realpath(place.path)
    root = os.path.join(os.path.realpath(folder), "")
    if place.status is not None and not target.startswith(root) and not _is_ours(target, written):
        raise PermissionError(
            errno.EPERM,
            f"leads to {target}, which is outside of the folder and not written by derivload",
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
        raise IsADirectoryError(errno.EISDIR, "is a folder, but must be a file", path)
    if stat.S_ISSOCK(mode) or stat.S_ISBLK(mode):
        what = "socket" if stat.S_ISSOCK(mode) else "disk"
        raise OSError(errno.EINVAL, f"is a {what}, but must be a file", path)


def _open_already(path: str) -> int | None:
    """The descriptor of this process that a path means, such as 1 for /dev/stdout, or None."""
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


def open_stream(place: OutputPlace) -> FileIO:
    """Open a place that is a stream, for writing. Raises OSError."""
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
