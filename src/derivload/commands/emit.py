"""`derivload emit`: bring the documents in a folder up to date, in the least costly way.

The exits, in this order: everything is up to date, which the stamp tells before this module is
even imported; the store has the documents, so that nothing is parsed; the store has the state of
a load before, so that only what changed since is loaded; all is loaded.
"""

from __future__ import annotations

import contextlib
import os
import time

from derivload.identity import is_as_it_began, tool_digest, tool_files
from derivload.outputs.collisions import find_collision
from derivload.outputs.digests import digest_of
from derivload.outputs.files import (
    DOCUMENTS,
    Writing,
    Written,
    listed_documents,
    write_if_changed,
)
from derivload.outputs.places import find_place
from derivload.outputs.stamp import Record, render_stamp, stamp_name
from derivload.store.results import Kept, Keys, find_documents, keep_documents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from derivload.loading.paths import Files
    from derivload.store.store import Store

    Importing = Callable[[], contextlib.AbstractContextManager[object]]


class Emitted:
    """What a run of emit did: by which exit, what became of the files, and how long it took.

    `exit` is "stored", "incremental" or "cold"; `counts` what was loaded and reused, and
    `seconds` has the steps in their order.
    """

    __slots__ = ("counts", "exit", "note", "seconds", "written")

    def __init__(
        self,
        exit_: str,
        note: str,
        written: Written,
        counts: dict[str, int],
        seconds: dict[str, float],
    ) -> None:
        self.exit = exit_
        self.note = note
        self.written = written
        self.counts = counts
        self.seconds = seconds


class Target:
    """Where the documents go: the folder, over how many shards, and the depfile if there is one.

    `depfile_target` is what the depfile's rule is for, the documents when left out;
    `is_for_cmake` tells that CMake reads it.
    """

    __slots__ = ("depfile", "depfile_target", "is_for_cmake", "out_dir", "shards")

    def __init__(
        self,
        out_dir: str,
        shards: int | None = None,
        depfile: str | None = None,
        depfile_target: str | None = None,
        *,
        is_for_cmake: bool = False,
    ) -> None:
        self.is_for_cmake = is_for_cmake
        self.out_dir = out_dir
        self.shards = shards
        self.depfile = depfile
        self.depfile_target = depfile_target


def emit(
    files: Files,
    target: Target,
    arguments: Sequence[str] | None,
    open_store: Callable[[], Store | None] = lambda: None,
    *,
    importing: Importing = contextlib.nullcontext,
) -> Emitted:
    """Write the documents of the inputs in `files`, and the depfile if one is named.

    A document that an earlier run with other shards left there, by its manifest, is removed.
    `arguments` are those of the command line, for the stamp; None for no stamp. `importing` is
    entered while msgspec is imported, if it is. Raises UsageError, InputError with nothing written
    when the input has errors, and OSError when a file cannot be written.
    """
    clock = Clock()
    started = Started(files, target.shards, open_store, clock)
    loaded = find_or_load(files, target.shards, started, clock, importing)
    kept = loaded.kept
    inputs = [*files.paths, *(path for path, _ in files.consulted)]
    names = [document[0] for document in kept.documents]
    note = note_of(target, inputs, kept.note)
    refuse_collisions(target, names, stamp_name(), inputs)
    with Writing(target.out_dir, DOCUMENTS) as writing:
        written = writing.write(
            kept.documents, names, lambda: listed_documents(target.out_dir, kept.documents)
        )
        outputs = [(name, sha256) for name, _, _, sha256 in kept.documents]
        beside = write_depfile(target, names, inputs)
        if arguments is not None:
            read = [
                *zip(files.paths, [digest.hex() for digest in started.keys.digests], strict=True),
                *((path, digest_of(data)) for path, data in files.consulted),
            ]
            record = Record(
                started.tool,
                inputs=read,
                absent=files.absent,
                outputs=outputs,
                beside=beside,
                note=note,
                listed=files.listed,
            )
            write_stamp(writing, stamp_name(), arguments, record)
    clock.step("write")
    return Emitted(loaded.exit, note, written, loaded.counts, clock.seconds)


class Started:
    """The beginning of a run: the bytes of the inputs, their keys, and the store if there is one.

    `tool` is derivload's digest when it began.
    """

    __slots__ = ("contents", "keys", "store", "tool")

    def __init__(
        self, files: Files, shards: int | None, open_store: Callable[[], Store | None], clock: Clock
    ) -> None:
        self.tool = tool_digest()
        self.contents = files.read()
        readable = [content for content in self.contents if isinstance(content, bytes)]
        self.keys = Keys(self.tool, release_key(files.version), shards, readable)
        clock.step("inputs")
        self.store = open_store()
        clock.step("store")

    @property
    def is_readable(self) -> bool:
        """Whether all inputs can be read, so that the keys are those of all of them."""
        return len(self.keys.digests) == len(self.contents)


class Found:
    """The documents of the inputs, by which exit they were come by, and what was loaded."""

    __slots__ = ("counts", "exit", "kept")

    def __init__(self, kept: Kept, exit_: str, counts: dict[str, int]) -> None:
        self.kept = kept
        self.exit = exit_
        self.counts = counts


def find_or_load(
    files: Files,
    shards: int | None,
    started: Started,
    clock: Clock,
    importing: Importing = contextlib.nullcontext,
) -> Found:
    """The documents of the inputs in `files`, over so many shards, from the store if it has them.

    `importing` is entered while msgspec is imported, if it is. Raises UsageError, and
    InputError when the input has errors.
    """
    store, keys = started.store, started.keys
    if store is not None and started.is_readable:
        found = find_documents(store, keys)
        clock.step("find")
        if found is not None:
            return Found(found, "stored", {})
    with importing():
        from derivload.loading.documents import load_documents
        from derivload.loading.inputs import read_inputs

    inputs = read_inputs(files, started.contents)
    clock.step("import")
    loaded, outcome = load_documents(inputs, shards, store, keys, clock.step)
    kept = Kept(loaded, inputs.note, is_of_entries=outcome.is_of_entries)
    if store is not None:
        keep_documents(store, keys, kept)
        clock.step("keep")
    return Found(kept, "incremental" if outcome.is_incremental else "cold", outcome.counts)


class Ended(BaseException):
    """A signal asked the run to end; `status` is the exit status that says so."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@contextlib.contextmanager
def cleaned_up_when_ended(is_own_process: bool) -> Iterator[None]:
    """Have SIGTERM raise Ended, so that no half-written file is left behind.

    In a process that is not ours, whoever runs us there looks after signals.
    """
    if not is_own_process:
        yield
        return
    import signal

    def end(number: int, _: object) -> None:
        raise Ended(128 + number)

    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:  # ignored by who started us
        yield
        return
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def refuse_collisions(
    target: Target, names: Sequence[str], stamp: str, inputs: Iterable[str]
) -> None:
    """Raise UsageError where an output would be written over an input, or over another output.

    `names` are those of the outputs in the folder, which gets a stamp too.
    """
    from derivload.loading.paths import UsageError

    outputs = [os.path.join(target.out_dir, name) for name in (*names, stamp)]
    read = [*inputs]
    if target.depfile is not None:
        outputs.append(target.depfile)
        read += tool_files()
        if os.path.basename(target.depfile).startswith((".derivload-", ".derivwatch")):
            raise UsageError(f"--depfile {target.depfile}: such names are derivload's own")
    found = find_collision(outputs, read)
    if found is None:
        return
    output, other, what = found
    option = "--depfile" if output == target.depfile else "--out-dir"
    raise UsageError(f"{output} would overwrite the {what} {other}: name another {option}")


def write_depfile(
    target: Target, names: Sequence[str], inputs: Sequence[str]
) -> list[tuple[str, str]]:
    """Write the depfile, if one is named: that the outputs depend on `inputs` and derivload.

    Returns its path with its digest. Raises OSError.
    """
    if target.depfile is None:
        return []
    from derivload.outputs.depfile import render_depfile

    outputs = [os.path.join(target.out_dir, name) for name in names]
    named = [target.depfile_target] if target.depfile_target else outputs
    depfile = render_depfile(named, [*inputs, *tool_files()], for_cmake=target.is_for_cmake)
    write_if_changed(target.depfile, depfile)
    # A stream is written to at each run: no stamp may ever find it up to date.
    is_stream = find_place(target.depfile).is_stream
    return [(target.depfile, "stream" if is_stream else digest_of(depfile))]


def note_of(target: Target, inputs: Iterable[str], note: str) -> str:
    """The note of a run, and that its depfile leaves inputs out, where it has to."""
    if target.depfile is None:
        return note
    from derivload.outputs.depfile import is_writable

    left_out = ", ".join(ascii(path) for path in inputs if not is_writable(path))
    if not left_out:
        return note
    said = f"no depfile can name {left_out}: an edit to it runs nothing"
    return f"{note}; {said}" if note else said


def write_stamp(writing: Writing, name: str, arguments: Sequence[str], record: Record) -> None:
    """Write the stamp of a run that ended well, if that can be done.

    None where derivload was edited meanwhile: what was written may be of either.
    """
    if not is_as_it_began():
        return
    with contextlib.suppress(OSError):  # without one, the next run only does more
        writing.write_one(name, render_stamp(arguments, record))


class Clock:
    """The seconds that each step of a run took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def step(self, name: str) -> None:
        """Note that a step is done."""
        now = time.perf_counter()
        self.seconds[name] = now - self._last
        self._last = now


def release_key(version: str | None) -> str:
    """The part of a version that says which release to follow, for the keys."""
    return "newest" if version is None else ".".join(version.split(".")[:2])
