"""Staging: files are written to a hidden folder first, and then moved into their places.

Each run makes its own hidden folder, `.derivload-HEX.tmp`, in the folder that it writes to. It
keeps the hidden folder locked and removes it at the end. A killed run leaves it there, unlocked.
The next run that writes to the same folder sees that it is not locked, and removes it. Without
locks (on Windows, on some network file systems), it is removed when it is a day old.

The hidden folder holds a journal. It lists the outputs that the run is about to move into their
places, or to remove. It is written before the first move and stays until the last one. From it the
next run learns which outputs a killed run wrote and did not record. Each line has the kind of the
output, its sha256 and its name. A run for another kind of outputs in the same folder leaves the
line to a run of that kind.

Earlier versions wrote `.NAME.HEX.tmp` beside each output, without a lock. These files are removed
if NAME is the name of an output.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time

from derivload.outputs.folders import is_plain, lock, open_folder
from derivload.outputs.pieces import pieces_of, write_pieces
from derivload.outputs.places import open_stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from io import FileIO

    from derivload.outputs.pieces import DocumentPieces
    from derivload.outputs.places import OutputPlace

    # The sha256 of an output in hex, and its name inside the folder.
    Recorded = tuple[str, str]

_PREFIX, _SUFFIX = ".derivload-", ".tmp"
_HEX = frozenset("0123456789abcdef")
_HEX_LENGTH = 12
_JOURNAL = "journal"
_OLD = 24 * 60 * 60.0


class Staging:
    """The hidden folder of this run, made in `folder`. Raises OSError."""

    __slots__ = ("_count", "_descriptor", "path")

    def __init__(self, folder: str) -> None:
        self._count = 0
        while True:
            name = f"{_PREFIX}{os.urandom(_HEX_LENGTH // 2).hex()}{_SUFFIX}"
            self.path = os.path.join(folder, name)
            os.mkdir(self.path, 0o700)
            if self._lock():
                return

    def _lock(self) -> bool:
        """Lock the new folder. False if another run removed it before it was locked."""
        try:
            self._descriptor = open_folder(self.path)
        except FileNotFoundError:
            return False
        if self._descriptor is None:
            return True
        with contextlib.suppress(OSError):
            is_there = os.path.samestat(os.fstat(self._descriptor), os.stat(self.path))
            if lock(self._descriptor) is not False and is_there and os.path.isdir(self.path):
                return True
        os.close(self._descriptor)
        return False

    def new_path(self) -> str:
        """A path in the folder that is not used yet."""
        self._count += 1
        return os.path.join(self.path, str(self._count))

    def write_journal(self, kind: str, recorded: Iterable[Recorded]) -> None:
        """Write the journal: outputs of this kind that may be in their places from now on.

        Raises OSError.
        """
        lines = "".join(f"{kind} {sha256} {name}\n" for sha256, name in recorded)
        with open(os.path.join(self.path, _JOURNAL), "wb") as file:
            file.write(lines.encode("utf-8", "surrogateescape"))

    def close(self, *, keep_journal: bool = False) -> None:
        """Remove the folder. With `keep_journal`, the journal stays in it."""
        _empty(self.path, (_JOURNAL,) if keep_journal else ())
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class Waiting:
    """An output that was written to `staging`, and waits to be moved into its place.

    A stream has no staging (None). Its bytes are kept in memory until then. Raises OSError, which
    names the output.
    """

    __slots__ = ("_data", "_place", "_source", "_stream", "name", "sha256")

    def __init__(
        self,
        staging: Staging | None,
        place: OutputPlace,
        name: str,
        data: bytes | DocumentPieces,
        sha256: str,
    ) -> None:
        self.name = name
        self.sha256 = sha256
        self._place = place
        self._source = ""
        self._stream: FileIO | None = None
        self._data = b""
        with naming(place.path):
            if staging is None:
                self._stream = open_stream(place)
                self._data = bytes(data)
            else:
                self._source = staging.new_path()
                _write(self._source, data, place.status)

    def move(self) -> None:
        """Move the output into its place, atomically. Raises OSError, which names the output."""
        with naming(self._place.path):
            if self._stream is None:
                replace(self._source, self._place.target)
            else:
                self._write_through(self._stream)

    def _write_through(self, stream: FileIO) -> None:
        left = memoryview(self._data)
        try:
            while left:
                left = left[stream.write(left) :]
        except BrokenPipeError:
            # The command line handles a closed stdout, for all commands in the same way.
            if self._place.descriptor is not None:
                raise
            raise OSError(errno.EIO, "is a pipe whose reader has gone") from None

    def close(self) -> None:
        """Close the stream, if the output is one."""
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.close()


@contextlib.contextmanager
def naming(path: str) -> Iterator[None]:
    """Make an OSError name the file that the user knows, not a hidden one beside it."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = path, None
        raise


def _write(path: str, data: bytes | DocumentPieces, like: os.stat_result | None) -> None:
    """Write a new file, with the mode and the owner of the file that it will replace."""
    with open(path, "xb") as file:
        if like is not None and hasattr(os, "fchmod"):
            made = os.fstat(file.fileno())
            if (made.st_uid, made.st_gid) != (like.st_uid, like.st_gid):
                with contextlib.suppress(OSError):  # usually only root may do this
                    os.fchown(file.fileno(), like.st_uid, like.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(like.st_mode))
        _reserve(file.fileno(), len(data))
        write_pieces(file, pieces_of(data))


def _reserve(descriptor: int, size: int) -> None:
    """Allocate the blocks of a new file at once, if the system can.

    ext4 otherwise allocates them later. A rename over another file waits for that, which takes
    longer than the writing itself. Also, a full disk is noticed before anything is written.
    """
    if size and hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise


def replace(source: str, target: str) -> None:
    """Put `source` in the place of `target`, atomically.

    Windows refuses while a process has `target` open, so there we try again for a moment.
    """
    if os.name != "nt":
        os.replace(source, target)
        return
    for delay in (0.01, 0.05, 0.1, 0.2, 0.4):
        with contextlib.suppress(PermissionError):
            os.replace(source, target)
            return
        time.sleep(delay)
    os.replace(source, target)


def has_left(folder: str, is_output: Callable[[str], bool]) -> bool:
    """Whether a folder contains anything that looks like the leftovers of a killed run."""
    return bool(_left(folder, is_output))


def take_over(
    folder: str, kind: str, is_output: Callable[[str], bool], staging: Staging
) -> list[Recorded]:
    """Remove the leftovers of killed runs in a folder.

    Returns the outputs of this kind that their journals list. These are written to the journal of
    `staging`, which is this run's, before the old journals are removed. `is_output` tells from a
    name whether it is the name of an output. Raises OSError.
    """
    recorded: list[Recorded] = []
    for name in _left(folder, is_output):
        path = os.path.join(folder, name)
        if not is_hidden_folder(name):
            _unlink(path)
        elif stat.S_ISDIR(_mode(path)):
            _take_over(path, kind, recorded, staging)
    return recorded


def _left(folder: str, is_output: Callable[[str], bool]) -> list[str]:
    """The names in a folder that look like leftovers: hidden folders, and files of old versions."""
    try:
        names = [name for name in os.listdir(folder) if name.endswith(_SUFFIX)]
    except OSError:
        return []
    return [name for name in names if is_hidden_folder(name) or _is_file(name, is_output)]


def is_hidden_folder(name: str) -> bool:
    """Whether a name is that of the hidden folder of a run."""
    middle = name[len(_PREFIX) : -len(_SUFFIX)]
    return name == _PREFIX + middle + _SUFFIX and _is_hex(middle)


def _is_file(name: str, is_output: Callable[[str], bool]) -> bool:
    output, _, middle = name[1 : -len(_SUFFIX)].rpartition(".")
    return name.startswith(".") and _is_hex(middle) and is_output(output)


def _is_hex(middle: str) -> bool:
    return len(middle) == _HEX_LENGTH and {*middle} <= _HEX


def _take_over(path: str, kind: str, recorded: list[Recorded], staging: Staging) -> None:
    """Remove one hidden folder, if the run that made it is over.

    Its journal's outputs of this kind are added to `recorded`.
    """
    descriptor = None
    try:
        descriptor = open_folder(path, follow=False)
        held = None if descriptor is None else lock(descriptor)
        if held is False or (held is None and time.time() - os.stat(path).st_mtime < _OLD):
            return
        ours, is_all = _read_journal(os.path.join(path, _JOURNAL), kind)
    except OSError:  # another run removed it, or it belongs to another user
        return
    else:
        if ours:
            recorded += ours
            staging.write_journal(kind, recorded)
        _empty(path, () if is_all else (_JOURNAL,))
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _read_journal(path: str, kind: str) -> tuple[list[Recorded], bool]:
    """The outputs of this kind in a journal, and whether all its outputs are of this kind."""
    if not stat.S_ISREG(_mode(path)):
        return [], True
    with open(path, "rb") as file:
        lines = file.read().decode("utf-8", "surrogateescape").split("\n")
    words = [line.split(" ", 2) for line in lines]
    known = [(word[0], word[1], word[2]) for word in words if len(word) == 3]
    ours = [(sha256, name) for its, sha256, name in known if its == kind and is_plain(name)]
    return ours, all(its == kind for its, _, _ in known)


def _empty(path: str, kept: tuple[str, ...]) -> None:
    """Remove the files in a hidden folder, except `kept`, and the folder if it is then empty."""
    with contextlib.suppress(OSError):
        for name in os.listdir(path):
            if name not in kept:
                _unlink(os.path.join(path, name))
        os.rmdir(path)


def _unlink(path: str) -> None:
    """Remove a regular file. Anything else stays."""
    if stat.S_ISREG(_mode(path)):
        with contextlib.suppress(OSError):
            os.unlink(path)


def _mode(path: str) -> int:
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0
