"""The one way to load. Every command, the Python API and the drop-in go through `load_inputs`.

Four things are all there is to it:

- A `Request` is what to load: the files, their bytes, the number of shards. It has the keys under
  which a store has the results.
- A store, if there is one: what an earlier process kept. The load starts from that, and keeps its
  own results there.
- A `Memory`, if there is one: what an earlier load of this process left, or, if it was made with a
  store, the state there. The load starts from that, leaves its own result in the memory, and keeps
  nothing in a store.
- A `LoadedInputs` is the result: how it was loaded, and the documents, their lines and the
  entries, each made when it is asked for.

So a caller decides what is read and kept by what it passes, and docs/cache.md has a table of these
decisions. Nothing here opens a store.

Until the store turns out to have no documents, nothing is imported but hashing and splitting.
"""

from __future__ import annotations

import contextlib
import time
from functools import cached_property

from derivload.identity import is_as_it_began
from derivload.store.results import StoredDocuments, find_documents, keep_documents

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Sequence

    from derivload.engine.backends import Backends
    from derivload.engine.judging import Judged
    from derivload.engine.lines import DocumentLines
    from derivload.engine.lint import Linted, Possible
    from derivload.engine.load import LoadedTexts
    from derivload.engine.outcome import Outcome
    from derivload.loading.memory import Memory
    from derivload.loading.request import Request
    from derivload.loading.warnings import NewWarnings
    from derivload.store.results import Document
    from derivload.store.store import Store
    from derivload.wanted import Wanted

    Importing = Callable[[], contextlib.AbstractContextManager[object]]


class LoadedInputs:
    """The result of a load: of what the store had, or of what was loaded.

    `exit` is "stored", "incremental" or "cold". `counts` says how much was loaded and reused, and
    `note` what the user should know. `is_of_entries` tells that each entry was read by itself, so
    that the text between entries has no effect.
    """

    def __init__(
        self,
        request: Request,
        clock: Clock,
        found: StoredDocuments | Outcome,
        memory: Memory | None = None,
    ) -> None:
        self._found = found
        self._request = request
        self._clock = clock
        self._shards = request.shards
        self._memory = memory
        self.is_of_entries = found.is_of_entries
        if isinstance(found, StoredDocuments):
            self.exit, self.counts, self.note = "stored", dict[str, int](), found.note
        else:
            self.exit = "incremental" if found.is_incremental else "cold"
            # What there is to say of a tree's own code shows in the load.
            notes = (request.rules.note or request.inputs.note, found.note)
            self.counts, self.note = found.counts, "; ".join(filter(None, notes))

    @property
    def outcome(self) -> Outcome:
        """What was loaded. There is none if the store had the documents."""
        assert not isinstance(self._found, StoredDocuments)
        return self._found

    @property
    def whole(self) -> LoadedTexts | None:
        """Our own load of everything; None if there was no need for one."""
        return None if isinstance(self._found, StoredDocuments) else self._found.whole

    @cached_property
    def may_be_kept(self) -> bool:
        """Whether the keys of the request stand for all that this came of.

        That is looked at when this is asked for first, which is to be after the load.
        """
        return isinstance(self._found, StoredDocuments) or self._request.rules.may_be_kept

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the inputs."""
        return self._request.files.paths

    @property
    def _backends(self) -> Backends | None:
        """What backends register, if it was read for the load."""
        return None if isinstance(self._found, StoredDocuments) else self._found.backends

    @cached_property
    def documents(self) -> Sequence[Document]:
        """The documents, the manifest last, with places.json if it is wanted."""
        if not self._request.with_places:
            return self.stored_documents
        from derivload.loading.placing import with_places

        backends = self._backends
        kernels = self._request.inputs.kernels() if backends is None else backends.kernels()
        documents = with_places(
            self._request, self.stored_documents, self.facts, kernels, self._memory
        )
        self._clock.step("places")
        return documents

    @cached_property
    def stored_documents(self) -> Sequence[Document]:
        """The documents that a store keeps: those that hold no path and no line."""
        if isinstance(self._found, StoredDocuments):
            return self._found.documents
        from derivload.loading.memory import Memory

        documents = (self._memory or Memory()).render(self.lines, self._shards)
        self._clock.step("render")
        return documents

    @cached_property
    def lines(self) -> DocumentLines:
        """The lines of the documents."""
        if isinstance(self._found, StoredDocuments):
            from derivload.loading.memory import lines_in

            lines = lines_in({name: bytes(data) for name, data, _, _ in self._found.documents})
            return lines._replace(facts=self.facts) if self._request.with_facts else lines
        lines = self.outcome.make_lines()
        if not self._request.with_facts:
            return lines
        if self._memory is None:
            from derivload.engine.facts import facts_of
            from derivload.loading.memory import in_order, schema_of

            schemas = map(schema_of, lines.functions)
            return lines._replace(facts=in_order(facts_of(self.outcome.load), schemas))
        return self._memory.with_facts(lines)

    @property
    def facts(self) -> list[bytes]:
        """The facts of the functions, if they were asked for, as lines."""
        if isinstance(self._found, StoredDocuments):
            return [*filter(None, self._found.facts.split(b"\n"))]
        return self.lines.facts or []

    def warnings(self, wanted: Wanted | None = None) -> Judged | None:
        """The warnings about the inputs; None if there are none at all, without a look at them."""
        found = self._found
        kept: bytes | Linted | None
        if isinstance(found, StoredDocuments):
            kept, is_empty, may_ignore = found.warnings, not found.warnings, True
        else:
            kept = None if found.make_linted is None else found.make_linted()
            is_empty = kept is None or kept.is_empty
            may_ignore = kept is None or kept.may_ignore
        if is_empty and not (may_ignore and self._request.has_comments):
            return None
        from derivload.loading.warnings import judge_found

        return judge_found(self._request, kept, wanted, self._backends)

    @property
    def found_alone(self) -> tuple[list[Possible], list[bool]] | None:
        """What was found, and what the formulas call of that, if the warnings depend on no more.

        It is the same list if the same was found. Else None.
        """
        files, found = self._request.files, self._found
        is_laid_over = len(files.native_functions) > 1 or files.more_derivatives or files.backends
        if is_laid_over or isinstance(found, StoredDocuments) or found.make_linted is None:
            return None
        linted = found.make_linted()
        return (linted.found, linted.called) if linted.is_alone else None

    def new_warnings(self, wanted: Wanted | None, out_dir: str | None) -> NewWarnings | None:
        """The warnings that no stamp in `out_dir` says were shown; None if there are none at all.

        Without a folder, all are new.
        """
        judged = self.warnings(wanted)
        if judged is None:
            return None
        from derivload.loading.warnings import new_warnings
        from derivload.outputs.stamp import read_shown

        return new_warnings(judged, read_shown(out_dir) if out_dir is not None else ())


def load_inputs(
    request: Request,
    store: Store | None = None,
    memory: Memory | None = None,
    *,
    with_mistakes: bool = False,
    clock: Clock | None = None,
    importing: Importing = contextlib.nullcontext,
) -> LoadedInputs:
    """Load what is asked for, from what the store or the memory has if there is one of them.

    `with_mistakes` returns the result of inputs with mistakes too, which has no lines.
    `importing` is entered while msgspec is imported, if it is. Raises UsageError, and, without
    `with_mistakes`, InputError.
    """
    clock = clock or Clock()
    if request.rules_from is None:
        request.rules_from = store if memory is None else memory.store
    if memory is not None:
        request.known_texts = memory.known_texts
    stored = find_loaded(request, store, clock)
    if stored is not None:
        return stored
    with _torchgen_started(request, memory) as process:
        with importing():
            from derivload.loading.errors import InputError
            from derivload.loading.inputs import load_alone

        is_alone = store is None and memory is None and not request.rules.why
        if request.inputs.unreadable or is_alone:
            clock.step("import")
            outcome = load_alone(request.inputs)
        else:
            from derivload.loading.memory import Memory

            clock.step("import")
            given, memory = memory, memory or Memory(store, process)
            try:
                memory.begin(request)
                clock.step("restore")
                outcome = memory.load(request)
            finally:
                if given is None:
                    memory.close()
    clock.step("load")
    if outcome.diagnostics and not with_mistakes:
        raise InputError(outcome.diagnostics)
    loaded = LoadedInputs(request, clock, outcome, memory)
    if store is not None and memory is not None and not outcome.diagnostics:
        _keep(request, store, memory, loaded, clock)
    return loaded


@contextlib.contextmanager
def _torchgen_started(
    request: Request, memory: Memory | None
) -> Iterator[subprocess.Popen[str] | None]:
    """Inside, the process of a tree's own torchgen runs, if its code is to load.

    It imports torchgen while we import what the load needs. A memory has one for itself.
    """
    if not request.rules.why or memory is not None or not request.is_readable:
        yield None
        return
    from derivload.loading.own_code.starting import end_process, start_process

    process = start_process(request.files, request.rules)
    try:
        yield process
    finally:
        end_process(process)


def find_loaded(
    request: Request, store: Store | None, clock: Clock | None = None
) -> LoadedInputs | None:
    """What the store has of an earlier load of these inputs, if that is all of it."""
    if store is None or not request.is_readable:
        return None
    clock = clock or Clock()
    stored = find_documents(store, request.keys)
    clock.step("find")
    return None if stored is None else LoadedInputs(request, clock, stored)


def _encoded(outcome: Outcome) -> bytes:
    """What there may be to warn of, for the store; b"" if that is nothing."""
    linted = None if outcome.make_linted is None else outcome.make_linted()
    if linted is None or linted.is_empty:
        return b""
    from derivload.loading.warnings import encode_found

    return encode_found(linted)


def _keep(
    request: Request, store: Store, memory: Memory, loaded: LoadedInputs, clock: Clock
) -> None:
    """Keep the documents and the state, unless derivload's own files may have changed meanwhile,
    or the keys do not stand for all that the tree's own code has read.
    """
    if not loaded.may_be_kept:
        return
    stored = StoredDocuments(
        loaded.stored_documents,
        loaded.note,
        is_of_entries=loaded.is_of_entries,
        warnings=_encoded(loaded.outcome),
        facts=b"\n".join(loaded.lines.facts or ()),
    )
    if is_as_it_began(is_alone=not request.rules.why):
        memory.keep(request, store, loaded.lines)
        clock.step("state")
        keep_documents(store, request.keys, stored)
        clock.step("keep")


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
