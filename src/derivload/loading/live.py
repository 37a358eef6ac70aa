"""Documents that one process keeps up to date, from load to load: what a long-lived caller runs.

Where `emit` starts from the store each time, this starts from memory; only the first load may
start from the store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from derivload.loading.collisions import refuse_collisions
from derivload.loading.memory import Memory
from derivload.loading.reading import KnownContents
from derivload.loading.request import Request
from derivload.loading.run import LoadedInputs, load_inputs
from derivload.loading.warnings import NewWarnings, fixed_since, new_warnings
from derivload.outputs.files import Writing, WrittenFiles, listed_documents
from derivload.outputs.known_files import KnownFiles
from derivload.outputs.others import DOCUMENTS
from derivload.outputs.stamp import stamp_name
from derivload.outputs.target import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from derivload.engine.judging import Judged
    from derivload.engine.lines import DocumentLines
    from derivload.engine.lint import Possible
    from derivload.loading.paths import Files
    from derivload.store.store import Store
    from derivload.wanted import Wanted


class Updated(NamedTuple):
    """What an update did: whether it loaded everything, how much, and what became of the files.

    `warnings` are those that the last load did not have.
    """

    exit: str
    counts: dict[str, int]
    written: WrittenFiles
    note: str
    warnings: NewWarnings = NewWarnings()


class LiveWarnings:
    """The warnings of the last load whose files were written, to tell what the next one changes."""

    def __init__(self, wanted: Wanted | None = None) -> None:
        self._wanted = wanted
        self._last: Judged | None = None
        # What `_last` was made from, if that was all, and what to tell if it is the same again.
        self._found: tuple[list[Possible], list[bool]] | None = None
        self._paths: tuple[str, ...] = ()
        self._same = NewWarnings()

    def update(self, loaded: LoadedInputs) -> NewWarnings:
        """What a load changes: the new warnings, and those that are gone."""
        found, paths = loaded.found_alone, loaded.paths
        if found is not None and self._found is not None and paths == self._paths:
            (now_found, now_called), (last_found, last_called) = found, self._found
            if now_found is last_found and now_called == last_called:
                return self._same
        before, now = self._last, loaded.warnings(self._wanted)
        shown = {told.id for told in before.shown} if before is not None else set()
        told = new_warnings(now, shown)
        self._last, self._found, self._paths = now, found, paths
        self._same = NewWarnings(others=told.new + told.others, ids=told.ids)
        return told._replace(fixed=fixed_since(before, now))


class Prepared(Protocol):
    """What was loaded, and is not written yet."""

    @property
    def lines(self) -> DocumentLines:
        """The lines of the documents of the load."""

    def write(self) -> Updated:
        """Write what differs from what is there. Raises OSError."""


class LiveOutputs(Protocol):
    """Outputs that are brought up to date again and again."""

    def load(self, files: Files, contents: Sequence[bytes | OSError]) -> Prepared:
        """Load, from what the last load left. Raises InputError and UsageError."""

    def settle(self) -> None:
        """Do now what the next load would begin with, where there is time for it."""


class LiveDocuments:
    """The documents in `out_dir`. The first load starts from the state in `store`, if any."""

    def __init__(
        self,
        out_dir: str,
        shards: int | None = None,
        store: Store | None = None,
        wanted: Wanted | None = None,
        *,
        with_places: bool = False,
        with_facts: bool = False,
    ) -> None:
        self._out_dir = out_dir
        self._with_places = with_places
        self._with_facts = with_facts
        self._shards = shards
        self._memory = Memory(store)
        self._warnings = LiveWarnings(wanted)
        self._known = KnownFiles()
        self._contents = KnownContents()

    def load(
        self, files: Files, contents: Sequence[bytes | OSError] | None = None
    ) -> PreparedDocuments:
        """Load, from what the last load left. Raises InputError and UsageError."""
        contents = self._contents.read(files.paths) if contents is None else contents
        request = Request(
            files,
            contents,
            self._shards,
            with_places=self._with_places,
            with_facts=self._with_facts,
        )
        loaded = load_inputs(request, memory=self._memory)
        names = [name for name, _, _, _ in loaded.documents]
        refuse_collisions(Target(self._out_dir), names, stamp_name(), files.paths)
        return PreparedDocuments(self._out_dir, request, loaded, self._warnings, self._known)

    def settle(self) -> None:
        """Do now what the next load would begin with, where there is time for it."""
        self._memory.session.settle()


class PreparedDocuments(NamedTuple):
    """Documents that are loaded and rendered, and not yet written."""

    out_dir: str
    request: Request
    loaded: LoadedInputs
    warnings: LiveWarnings
    known: KnownFiles

    @property
    def lines(self) -> DocumentLines:
        """The lines of the documents."""
        return self.loaded.lines

    def write(self) -> Updated:
        """Write the documents that differ from what is there. Raises OSError."""
        documents = self.loaded.documents
        with Writing(self.out_dir, DOCUMENTS, self.known) as writing:
            written = writing.write(
                documents,
                [name for name, _, _, _ in documents],
                lambda: listed_documents(self.out_dir, documents),
            )
        loaded = self.loaded
        warnings = self.warnings.update(loaded)
        return Updated(loaded.exit, loaded.counts, written, loaded.note, warnings)
