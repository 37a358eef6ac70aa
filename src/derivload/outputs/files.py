"""Files: written whole or not at all, and not touched when their bytes are the same.

An out-dir is brought up to date in this order: what differs is written beside its place
(`staging`), the journal there says what is to come, each file is moved into its place, what an
earlier run wrote and this one does not is removed, and the last document, the manifest that lists
the others, comes last. When anything cannot be made, or written, nothing was moved yet.

What is removed is what an earlier run recorded, by its name and the sha256 of its bytes: in the
manifest, in the stamp of `codegen`, or in the journal of a run that was killed. A file that has
other bytes by now is somebody's work and stays; so does one that nothing records, whatever its
name. So nothing may be in its place unrecorded, whoever else writes there, whenever a run is
killed:

- One run at a time reads the record, moves, removes and records: it holds a lock on the out-dir.
  The first of two emits with other shards has its manifest in place when the second looks for what
  to remove. What differs is looked for under the lock, too.
- Until a run is over, its journal names what may be there and is in no manifest or stamp: what it
  moves, and what it was about to remove. A killed run leaves its journal, and the next one takes
  what it says into its own before it takes it away.

The lock is the kernel's, on the folder itself, so it leaves nothing behind. Where there is none (on
Windows, on some network file systems) runs at the same moment are not kept apart: the outputs are
still whole, but a shard may stay that no manifest lists.
"""

from __future__ import annotations

import contextlib
import errno
import os

from derivload.outputs.folders import locked, remove
from derivload.outputs.places import find_place, find_place_inside
from derivload.outputs.staging import Staging, Waiting, has_left, naming, take_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Sequence
    from types import TracebackType

    from derivload.outputs.places import Place
    from derivload.outputs.staging import Recorded

    # A file's name, its bytes, how many functions it holds, and its sha256; the third is nothing
    # to this module.
    File = tuple[str, bytes, int, str]


_MANIFEST = "manifest.json"
_PREFIX, _SUFFIX = "differentiability", ".json"
DOCUMENTS = "documents"


class Written:
    """What became of a set of outputs: which were written, left as they were, or removed."""

    __slots__ = ("removed", "unchanged", "written")

    def __init__(self, written: list[str], unchanged: list[str], removed: list[str]) -> None:
        self.written = written
        self.unchanged = unchanged
        self.removed = removed


class Writing:
    """A run that writes in a folder: a context, which ends when all that it wrote is recorded.

    `kind` tells the outputs of one command from those of another in the same folder.
    """

    def __init__(self, out_dir: str, kind: str) -> None:
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
        """Take away what is beside the outputs: all but a journal that is still needed."""
        keep_journal = error is not None or not self._is_recorded
        with self._lock:
            for staging in reversed(self._stagings.values()):
                staging.close(keep_journal=keep_journal)

    def write(
        self,
        documents: Iterable[File],
        names: Collection[str],
        read_record: Callable[[], list[Recorded]],
    ) -> Written:
        """Bring the folder up to date with `documents`.

        `names` are those of all outputs of the run, `read_record` says what an earlier one left.
        Of documents that are made when they are asked for, one is in memory at a time. Raises
        OSError, which names the output.
        """
        self._names = names
        _make_folder(self._out_dir)
        if isinstance(documents, (list, tuple)) and self._is_up_to_date(documents, read_record()):
            return Written([], [name for name, *_ in documents], [])
        self._lock.enter_context(locked(self._out_dir))
        path = os.path.join(self._out_dir, next(iter(names), _MANIFEST))
        staging, recorded = self._open_staging(self._out_dir, path, self._kind)
        recorded += read_record()
        waiting, unchanged = self._stage(documents, {sha256 for sha256, _ in recorded})
        with naming(path):
            coming = [(one.sha256, one.name) for one in waiting]
            staging.write_journal(self._kind, [*recorded, *coming])
        for one in waiting:
            if one.name != _MANIFEST:
                one.move()
        stale = dict.fromkeys((name, sha256) for sha256, name in recorded if name not in names)
        removed = [name for name, sha256 in stale if remove(self._out_dir, name, sha256)]
        for one in waiting[-1:]:
            if one.name == _MANIFEST:
                one.move()
        return Written([one.name for one in waiting], unchanged, removed)

    def leave_journal(self) -> None:
        """Have the next run know by the journal what is there, for this one does not record it."""
        self._is_recorded = False

    def write_one(self, name: str, data: bytes) -> None:
        """Write one more file there, unless it holds just this. Raises OSError, which names it."""
        place = find_place_inside(self._out_dir, name, ())
        if place.differs(data):
            self._written(place, name, data, "").move()

    def _is_up_to_date(self, documents: Sequence[File], recorded: Iterable[Recorded]) -> bool:
        """Whether there is nothing to write, to remove or to take away."""
        # The manifest first: it is small, and differs when any other does.
        for name, data, *_ in reversed(documents):
            if find_place_inside(self._out_dir, name, ()).differs(data):
                return False
        is_stale = any(name not in self._names for _, name in recorded)
        return not is_stale and not has_left(self._out_dir, self._is_output)

    def _stage(
        self, documents: Iterable[File], known: Container[str]
    ) -> tuple[list[Waiting], list[str]]:
        """What waits to be moved into its place, and the names of what is there already."""
        waiting: list[Waiting] = []
        unchanged: list[str] = []
        targets: dict[str, str] = {}
        for name, data, _, sha256 in documents:
            place = find_place_inside(self._out_dir, name, known)
            other = targets.setdefault(place.target, name)
            if other != name:
                raise FileExistsError(errno.EEXIST, f"is one file with {other}", place.path)
            if place.differs(data):
                waiting.append(self._written(place, name, data, sha256))
            else:
                unchanged.append(name)
        return waiting, unchanged

    def _written(self, place: Place, name: str, data: bytes, sha256: str) -> Waiting:
        """An output that is written, and waits to be moved into its place."""
        folder = os.path.dirname(place.target)
        staging = None if place.is_stream else self._stagings.get(folder)
        if staging is None and not place.is_stream:
            _make_folder(os.path.dirname(place.path))
            staging, _ = self._open_staging(folder, place.path, "")
        waiting = Waiting(staging, place, name, data, sha256)
        self._lock.callback(waiting.close)
        return waiting

    def _open_staging(self, folder: str, path: str, kind: str) -> tuple[Staging, list[Recorded]]:
        """The hidden folder beside an output, and what the journals of killed runs say there."""
        with naming(path):
            staging = self._stagings[folder] = Staging(folder)
            return staging, take_over(folder, kind, self._is_output, staging)

    def _is_output(self, name: str) -> bool:
        return name in self._names or _is_document(name) or name.startswith(".derivload-stamp")


def write_if_changed(path: str, data: bytes) -> bool:
    """Write one file, atomically, unless it holds just this; tell whether it was written.

    Raises OSError, which names the file.
    """
    _make_folder(os.path.dirname(path) or os.curdir)
    place = find_place(path)
    if not place.differs(data):
        return False
    if place.is_stream:
        stream = Waiting(None, place, path, data, "")
        try:
            stream.move()
        finally:
            stream.close()
        return True
    folder, name = os.path.split(place.target)
    with naming(path):
        staging = Staging(folder)
    try:
        with naming(path):
            take_over(folder, "", lambda other: other == name, staging)
        Waiting(staging, place, path, data, "").move()
    finally:
        staging.close()
    return True


def listed_documents(out_dir: str, documents: Sequence[File]) -> list[Recorded]:
    """The documents that the manifest in a folder lists, unless it is the one of `documents`."""
    path = os.path.join(out_dir, _MANIFEST)
    try:
        if not os.path.isfile(path):
            return []
        with open(path, "rb") as file:
            manifest = file.read()
        if manifest == documents[-1][1]:
            return []
        import json

        listed = json.loads(manifest)["files"]
        recorded = [(str(file["sha256"]), str(file["name"])) for file in listed]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return []
    return [(sha256, name) for sha256, name in recorded if _is_document(name)]


def _is_document(name: str) -> bool:
    middle = name[len(_PREFIX) : -len(_SUFFIX)]
    is_shard = name == f"{_PREFIX}{middle}{_SUFFIX}" and (not middle or middle[1:].isdigit())
    return is_shard or name in ("functions.json", _MANIFEST)


def _make_folder(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(
            errno.ENOTDIR, "is a file, where a folder is to be", folder
        ) from None
