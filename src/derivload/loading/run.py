"""The one way from files to what they hold: from the store if it has it, else loaded."""

from __future__ import annotations

import contextlib
import time

from derivload.identity import tool_digest
from derivload.store.results import Kept, Keys, find_documents, keep_documents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from derivload.engine.lines import DocumentLines
    from derivload.loading.inputs import Inputs
    from derivload.loading.paths import Files
    from derivload.store.store import Store

    Importing = Callable[[], contextlib.AbstractContextManager[object]]


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
    """The documents of the inputs, by which exit they were come by, and what was loaded.

    `inputs` are the texts and `lines` those of the documents; None where the store had the
    documents, so that nothing was loaded.
    """

    __slots__ = ("counts", "exit", "inputs", "kept", "lines")

    def __init__(
        self,
        kept: Kept,
        exit_: str,
        counts: dict[str, int],
        inputs: Inputs | None = None,
        lines: DocumentLines | None = None,
    ) -> None:
        self.kept = kept
        self.exit = exit_
        self.counts = counts
        self.inputs = inputs
        self.lines = lines


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
    exit_ = "incremental" if outcome.is_incremental else "cold"
    return Found(kept, exit_, outcome.counts, inputs, outcome.lines)


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
