"""Keeps the files of PyTorch's generators up to date in one process, from load to load.

`codegen` starts from the store each time. This module starts from memory, with torchgen already
imported.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, NamedTuple

from derivload.commands.codegen.made import find_changed, read_file, write_made
from derivload.commands.codegen.upstream import find_upstream
from derivload.engine.inputs import InputEntries
from derivload.engine.lines import DocumentLines
from derivload.identity import tool_digest
from derivload.loading.collisions import refuse_collisions
from derivload.loading.live import LiveWarnings, Updated
from derivload.loading.memory import Memory
from derivload.loading.paths import Files
from derivload.loading.request import Request
from derivload.loading.rules_of_tree import job_release
from derivload.loading.run import LoadedInputs, load_inputs
from derivload.loading.trace import NOTHING, Trace
from derivload.loading.warnings import find_refused
from derivload.outputs.files import Writing
from derivload.outputs.known_files import KnownFiles
from derivload.outputs.stamp import stamp_name
from derivload.outputs.target import Target
from derivload.pytorch.codegen.generators import Generators
from derivload.pytorch.codegen.job import Job, Made
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.upstream import Sources, Upstream

if TYPE_CHECKING:
    from derivload.store.store import Store
    from derivload.wanted import Wanted


class LiveCodegen:
    """Loads inputs and runs PyTorch's generators on them, for files in `out_dir`."""

    def __init__(
        self,
        out_dir: str,
        selection: Selection,
        store: Store | None,
        wanted: Wanted | None = None,
    ) -> None:
        """The first load starts from the store, if any. What is generated is kept there."""
        self._warnings = LiveWarnings(wanted)
        self._out_dir = out_dir
        self._selection = selection
        self._store = store
        self._tool = tool_digest()
        self._memory = Memory(store)
        self._entries: InputEntries | None = None
        self._generators: Generators | None = None
        self._last: _Last | None = None
        self._told: Trace | None = None
        self._found: Job | None = None
        self._known = KnownFiles()

    def sources(self, upstream: Upstream, release: str) -> Sources:
        """Everything that the generators are known to read, as it is now. Raises OSError."""
        job = self._job(upstream, release)
        self._told = job.trace
        self._found = job
        return job.sources

    @property
    def has_learned(self) -> bool:
        """Whether the generators are now known to read more than `sources` last returned."""
        if self._generators is None or self._told is None:
            return False
        return not self._generators.job.trace.is_within(self._told)

    def load(self, files: Files, contents: Sequence[bytes | OSError]) -> PreparedFiles:
        """Load and generate, starting from the result of the last load.

        Raises InputError, GeneratorError, UsageError and OSError.
        """
        request = Request(files, contents)
        loaded = load_inputs(request, memory=self._memory)
        inputs = request.inputs
        self._entries = InputEntries(inputs.texts, self._entries)
        job = self._job_for(find_upstream(files), job_release(files))
        if self._generators is None or not self._generators.is_for(job):
            self._generators = Generators(job, self._store)
        deprecated = read_file(job.upstream.deprecated)
        with redirect_stdout(sys.stderr):  # stdout is only for our own reports
            made = self._generators.make(
                files,
                self._entries,
                loaded.lines,
                deprecated,
                find_refused=lambda: find_refused(request),
            )
        made = made._replace(note="; ".join(filter(None, (loaded.note, made.note))))
        entries = self._entries if loaded.is_of_entries else None
        self._last = _Last(request, entries, deprecated, job, made.note)
        stamp = stamp_name(self._selection.subset)
        read = [*files.paths, *(path for path, _ in job.sources.files), *self._selection.paths]
        refuse_collisions(
            Target(self._out_dir), [*made.files], stamp, [*read, job.upstream.deprecated]
        )
        return PreparedFiles(
            self._out_dir, loaded, self._generators, made, stamp, self._warnings, self._known
        )

    def settle(self) -> None:
        """Do now the work that the next load would begin with, and store what a new start can use.

        Raises OSError.
        """
        self._memory.session.settle()
        last, self._last = self._last, None
        if last is None or self._generators is None:
            return
        self._generators.settle(last.digest(), last.note)

    def _job_for(self, upstream: Upstream, release: str) -> Job:
        """The job that `sources` has just read, if it is for these; else a new one."""
        found, self._found = self._found, None
        if found is not None and (found.upstream, found.release) == (upstream, release):
            return found
        return self._job(upstream, release)

    def _job(self, upstream: Upstream, release: str) -> Job:
        """The job for the generators, with their sources as they are now. Raises OSError."""
        sources = Sources(upstream)
        job = Job(upstream, sources, self._selection, release, self._out_dir, self._tool)
        known = NOTHING if self._generators is None else self._generators.job.trace
        return job.with_kept_trace(self._store).with_trace(known)


class _Last(NamedTuple):
    """The last load. `entries` is None if they were not read one by one."""

    request: Request
    entries: InputEntries | None
    deprecated: bytes
    job: Job
    note: str

    def digest(self) -> bytes:
        """The digest of the inputs, as a Head records it. b"" if `entries` is None."""
        if self.entries is None:
            return b""
        self.request.keys.take_splits(self.entries.splits)
        return self.job.digest_of_inputs(self.request.keys.digests_of_entries(), self.deprecated)


class PreparedFiles(NamedTuple):
    """Files that are generated, but not all rendered, and not yet written."""

    out_dir: str
    loaded: LoadedInputs
    generators: Generators
    made: Made
    stamp: str
    warnings: LiveWarnings
    known: KnownFiles

    @property
    def lines(self) -> DocumentLines:
        """The lines of the documents of the load."""
        return self.loaded.lines

    def write(self) -> Updated:
        """Render and write the files that differ from those on disk. Raises OSError."""
        changed = find_changed(self.out_dir, self.made, digests=self.known.digests)
        with redirect_stdout(sys.stderr), Writing(self.out_dir, self.stamp) as writing:
            digests, written = write_made(writing, self.out_dir, self.made, changed, self.stamp)
        self.generators.written(digests)
        loaded = self.loaded
        warnings = self.warnings.update(loaded)
        return Updated(loaded.exit, loaded.counts, written, self.made.note, warnings)
