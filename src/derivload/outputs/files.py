"""Writes the files of an out-dir: each completely or not at all, and only if its bytes changed.

An out-dir is brought up to date in this order:

1. Each file that differs is written to a hidden folder beside its place (`staging`).
2. The journal in the hidden folder lists the files that are about to appear.
3. Each file is moved into its place, except the manifest.
4. Files that an earlier run wrote, and this run does not write, are removed.
5. The manifest, which lists the other files, is moved last.

If a file cannot be made or written, this happens in step 1, when nothing has been moved yet.

A file is removed only if an earlier run recorded it, by its name and the sha256 of its bytes. It is
recorded in the manifest, in the stamp of `codegen`, or in the journal of a run that was killed. If
the file has other bytes by now, it is somebody's work and stays. A file that no record names stays
too, whatever its name; if it is in the way of an output, see `others`. So every file that we put
there must be recorded at all times, even if other runs write there or a run is killed:

- Only one run at a time reads the record, moves, removes and records: it holds a lock on the
  out-dir. If two emits with different numbers of shards run at once, the manifest of the first is
  in place before the second looks for files to remove. Files are also compared under the lock.
- Until a run is over, its journal names the files that may be there without being in a manifest or
  stamp: those that it moves, and those that it was about to remove. A killed run leaves its
  journal. The next run copies its lines to its own journal before it removes the old one.

The lock is a lock of the kernel on the folder itself, so it leaves no file behind. Without such
locks (on Windows, on some network file systems) two runs can overlap. Each output is still complete
then, but a shard may be left that no manifest lists.
"""

from __future__ import annotations

import contextlib
import errno
import os

from derivload.outputs.folders import locked, remove
from derivload.outputs.others import MANIFEST, is_of_others
from derivload.outputs.places import find_place, find_place_inside
from derivload.outputs.staging import Staging, Waiting, has_left, naming, take_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from types import TracebackType

    from derivload.outputs.known_files import KnownFiles
    from derivload.outputs.pieces import DocumentPieces
    from derivload.outputs.places import OutputPlace
    from derivload.outputs.staging import Recorded

    # A file's name, its bytes, how many functions it holds, and its sha256. This module does not
    # use the third.
    File = tuple[str, bytes | DocumentPieces, int, str]


_PREFIX, _SUFFIX = "differentiability", ".json"
# An entry of a manifest.
_LISTED = rb'"name"\s*:\s*"([\w.]+)"\s*,\s*"sha256"\s*:\s*"([0-9a-f]+)"'
_OF_OTHERS = "is of something else; move it away, or name another folder"


class WrittenFiles:
    """The result of writing a set of outputs: the names written, unchanged, and removed."""

    __slots__ = ("removed", "unchanged", "written")

    def __init__(self, written: list[str], unchanged: list[str], removed: list[str]) -> None:
        self.written = written
        self.unchanged = unchanged
        self.removed = removed


class Writing:
    """A run that writes to a folder. Use it as a context that ends after the run was recorded.

    `kind` is the kind of outputs. It tells them from those of another command in the same folder.
    `known` are the files that earlier runs of this process have read.
    """

    def __init__(self, out_dir: str, kind: str, known: KnownFiles | None = None) -> None:
        self._known = known
        self._out_dir = os.path.dirname(os.path.join(out_dir, ""))
        self._kind = kind
        self._lock = contextlib.ExitStack()
        self._stagings: dict[str, Staging] = {}
        self._names: Collection[str] = ()
        self._is_recorded = True

    def __enter__(self) -> Writing:
        return self

    def __exit__(
        self,
        type_: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove the hidden folders beside the outputs, except a journal that is still needed."""
        keep_journal = error is not None or not self._is_recorded
        with self._lock:
            for staging in reversed(self._stagings.values()):
                staging.close(keep_journal=keep_journal)

    def write(
        self,
        documents: Iterable[File],
        names: Collection[str],
        read_record: Callable[[], list[Recorded]],
    ) -> WrittenFiles:
        """Bring the folder up to date with `documents`.

        `names` are the names of all outputs of the run. `read_record` returns the outputs that an
        earlier run recorded. `documents` may be a generator: then only one document is in memory
        at a time. Raises OSError, which names the output.
        """
        self._names = names
        _make_folder(self._out_dir)
        if isinstance(documents, (list, tuple)) and self._is_up_to_date(documents, read_record()):
            return WrittenFiles([], [name for name, *_ in documents], [])
        self._lock.enter_context(locked(self._out_dir))
        path = os.path.join(self._out_dir, next(iter(names), MANIFEST))
        staging, recorded = self._open_staging(self._out_dir, path, self._kind)
        recorded += read_record()
        waiting, unchanged = self._stage(documents, recorded)
        with naming(path):
            coming = [(one.sha256, one.name) for one in waiting]
            staging.write_journal(self._kind, [*recorded, *coming])
        for one in waiting:
            if one.name != MANIFEST:
                one.move()
        stale = dict.fromkeys((name, sha256) for sha256, name in recorded if name not in names)
        removed = [name for name, sha256 in stale if remove(self._out_dir, name, sha256)]
        for one in waiting[-1:]:
            if one.name == MANIFEST:
                one.move()
        return WrittenFiles([one.name for one in waiting], unchanged, removed)

    def leave_journal(self) -> None:
        """Leave the journal for the next run, because this run does not record its outputs."""
        self._is_recorded = False

    def write_one(self, name: str, data: bytes) -> None:
        """Write one more file to the folder, if its bytes differ.

        Raises OSError, which names the file.
        """
        place = find_place_inside(self._out_dir, name, ())
        if place.differs(data):
            self._written(place, name, data, "").move()

    def write_anywhere(self, files: Mapping[str, bytes]) -> list[str]:
        """Write the files that differ, by path, in the folder or not. Returns the paths of those.

        Raises OSError, which names the file.
        """
        for folder in dict.fromkeys(map(os.path.dirname, files)):
            _make_folder(folder)
        places = {path: find_place(path) for path in files}
        self._names = {os.path.basename(place.target) for place in places.values()}
        waiting = [
            self._written(places[path], path, data, "")
            for path, data in files.items()
            if places[path].differs(data)
        ]
        for one in waiting:
            one.move()
        return [one.name for one in waiting]

    def _is_up_to_date(self, documents: Sequence[File], recorded: Iterable[Recorded]) -> bool:
        """Whether there is nothing to write, no old output to remove and nothing to clean up."""
        # The manifest first: it is small, and differs when any other does.
        for name, data, _, sha256 in reversed(documents):
            if self._differs(find_place_inside(self._out_dir, name, ()), data, sha256):
                return False
        is_stale = any(name not in self._names for _, name in recorded)
        return not is_stale and not has_left(self._out_dir, self._is_output)

    def _stage(
        self, documents: Iterable[File], recorded: Sequence[Recorded]
    ) -> tuple[list[Waiting], list[str]]:
        """Write the documents that differ to staging.

        Returns those, which wait to be moved, and the names of the unchanged ones.
        """
        waiting: list[Waiting] = []
        unchanged: list[str] = []
        targets: dict[str, str] = {}
        known = {sha256 for sha256, _ in recorded}
        names = {name for _, name in recorded}
        for name, data, _, sha256 in documents:
            place = find_place_inside(self._out_dir, name, known)
            other = targets.setdefault(place.target, name)
            if other != name:
                raise FileExistsError(errno.EEXIST, f"is the same file as {other}", place.path)
            if not self._differs(place, data, sha256):
                unchanged.append(name)
                continue
            if name not in names and is_of_others(place, self._kind):
                raise FileExistsError(errno.EEXIST, _OF_OTHERS, place.path)
            waiting.append(self._written(place, name, data, sha256))
        return waiting, unchanged

    def _differs(self, place: OutputPlace, data: bytes | DocumentPieces, sha256: str) -> bool:
        """Whether the file must be written. A file that is known is not read."""
        if self._known is None or not self._known.hold(place, sha256):
            if place.differs(data):
                return True
            if self._known is not None:
                self._known.note(place, sha256)
        return False

    def _written(
        self, place: OutputPlace, name: str, data: bytes | DocumentPieces, sha256: str
    ) -> Waiting:
        """Write an output to staging. The result waits to be moved into its place."""
        folder = os.path.dirname(place.target)
        staging = None if place.is_stream else self._stagings.get(folder)
        if staging is None and not place.is_stream:
            _make_folder(os.path.dirname(place.path))
            staging, _ = self._open_staging(folder, place.path, "")
        waiting = Waiting(staging, place, name, data, sha256)
        self._lock.callback(waiting.close)
        return waiting

    def _open_staging(self, folder: str, path: str, kind: str) -> tuple[Staging, list[Recorded]]:
        """Make the hidden folder beside an output, and read the journals of killed runs there."""
        with naming(path):
            staging = self._stagings[folder] = Staging(folder)
            return staging, take_over(folder, kind, self._is_output, staging)

    def _is_output(self, name: str) -> bool:
        return name in self._names or _is_document(name) or name.startswith(".derivload-stamp")


def write_if_changed(path: str, data: bytes) -> bool:
    """Write one file, atomically, if its bytes differ. Returns whether it was written.

    Raises OSError, which names the file.
    """
    return bool(write_changed({path: data}))


def write_changed(files: Mapping[str, bytes]) -> list[str]:
    """Write files, each atomically, if their bytes differ. Returns the paths of those written.

    Raises OSError, which names the file. Then none was written, unless it could not be moved.
    """
    with Writing(os.curdir, "") as writing:
        return writing.write_anywhere(files)


def listed_documents(out_dir: str, documents: Sequence[File]) -> list[Recorded]:
    """The documents that the manifest in a folder lists.

    None are returned if the manifest is the same as the last one of `documents`, and none if it
    cannot be read.
    """
    path = os.path.join(out_dir, MANIFEST)
    try:
        if not os.path.isfile(path):
            return []
        with open(path, "rb") as file:
            manifest = file.read()
    except OSError:
        return []
    if manifest == bytes(documents[-1][1]):
        return []
    import re  # json takes longer to import than all else that is done here

    listed = re.findall(_LISTED, manifest)
    recorded = [(sha256.decode(), name.decode()) for name, sha256 in listed]
    return [(sha256, name) for sha256, name in recorded if _is_document(name)]


def _is_document(name: str) -> bool:
    middle = name[len(_PREFIX) : -len(_SUFFIX)]
    is_shard = name == f"{_PREFIX}{middle}{_SUFFIX}" and (not middle or middle[1:].isdigit())
    return is_shard or name in ("functions.json", "places.json", MANIFEST)


def _make_folder(folder: str) -> None:
    try:
        os.makedirs(folder or os.curdir, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, "is a file, but must be a folder", folder) from None
