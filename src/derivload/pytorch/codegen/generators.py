"""Makes the files of PyTorch's generators, in the fastest way that is certain to be right.

The short cut runs the generators only for what changed (`update.py`). It is used for the torchgens
of the releases in `known.py`: the tests compare their files. For any other torchgen, the first run
generates everything in both ways and compares all files. If they are the same, the short cut is
used from then on.

If they differ, the generators run in upstream's own way (`plain.py`), now and later. They also run
in that way if anything unexpected happens in the short cut. That includes an exception in a
generator: then the user sees upstream's own exception. But if our own rules say what the generators
of a release refuse, the user sees that instead, with its place.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from derivload.engine.inputs import InputEntries
from derivload.engine.laid import NotCertainError
from derivload.engine.lines import DocumentLines
from derivload.identity import is_as_it_began
from derivload.loading.errors import InputError
from derivload.loading.paths import Files
from derivload.loading.rules_of_tree import OWN
from derivload.loading.trace import with_root
from derivload.modules import recompile
from derivload.pytorch.codegen.beside import RunBeside
from derivload.pytorch.codegen.content import FULL, Content
from derivload.pytorch.codegen.cores import default_jobs
from derivload.pytorch.codegen.head_start import begin_ahead
from derivload.pytorch.codegen.job import HEAD, Head, Job, Made, contents_in, named
from derivload.pytorch.codegen.kept import pack, unpack, unpack_items
from derivload.pytorch.codegen.known import KNOWN
from derivload.pytorch.codegen.plain import Imported, LoadedDefinitions, has_known_rules, run_plain
from derivload.pytorch.codegen.processes import can_fork
from derivload.pytorch.codegen.running import Running
from derivload.pytorch.codegen.shared import pull_pieces, push_pieces
from derivload.pytorch.codegen.source import Source
from derivload.pytorch.codegen.update import Codegen, LostItemsError
from derivload.pytorch.codegen.upstream import Modules
from derivload.pytorch.codegen.workers import WorkerError
from derivload.pytorch.errors import RAISED, GeneratorError, UnexpectedTorchgenError
from derivload.pytorch.releases import release_of_torchgen
from derivload.terminal.progress import tell

if TYPE_CHECKING:
    from derivload.diagnostics import Diagnostic
    from derivload.pytorch.codegen.capture import Item
    from derivload.pytorch.codegen.workers import Ahead
    from derivload.store.store import Store

_PLAIN: Final = "generating in upstream's own way, to compare all files"


class Generators:
    """Does one job again and again, with the same templates.

    `job` is the job with its sources, `key` its digest.
    """

    def __init__(self, job: Job, store: Store | None, jobs: int | None = None) -> None:
        """`jobs` is how many processes may run; None: as many as there are cores and memory for.

        Raises OSError if a file that selects operators cannot be read.
        """
        self.job = job
        self._jobs = jobs
        self._running = Running(job.upstream.root, job.upstream.templates)
        self._why_plain: str | None = None
        self._selection = job.selection
        # A script may have changed what it has imported.
        self._known = None if job.upstream.is_running else KNOWN.get(job.sources.of_packages)
        self._upstream = job.upstream._replace(is_known=self._known is not None)
        self._store = store
        self.key = job.digest()
        self._templates = job.sources.templates
        self._codegen: Codegen | None = None
        self._find_refused: Callable[[], Sequence[Diagnostic]] = tuple
        self._beside: RunBeside | None = None
        self._ahead: Ahead | None = None

    def is_for(self, job: Job) -> bool:
        """Whether this is the job, and these are its templates. Raises OSError."""
        return job.digest() == self.key and job.sources.templates == self._templates

    @contextmanager
    def begun(self, files: Files, entries: InputEntries | None = None) -> Iterator[None]:
        """Inside, what can be done before the inputs are loaded has begun.

        Upstream's own way runs in a process of its own, if all files are to be compared with it. If
        the rules are known, that is faster after the load.

        `entries` are those of the inputs, if they can be read. If everything is to be generated for
        them, a child begins with that.
        """
        self._running.known = self._known_paths(files)
        if not has_known_rules(files) and self._is_to_be_compared():
            self._begin_beside(partial(self._run_here, files))
        elif self._known is not None and entries is not None and entries.is_of_entries:
            self._begin_ahead(entries)
        try:
            yield
        finally:
            self._end_beside()

    def _begin_ahead(self, entries: InputEntries) -> None:
        self._codegen = codegen = self._codegen or self._restored()
        codegen.jobs = self._jobs
        if codegen.kept is None and can_fork() and codegen.processes_for(len(entries.natives)) > 1:
            with suppress(OSError), self._running:  # no more processes, no memory, no disk
                ahead = begin_ahead(self._upstream, self._selection, entries, self._running)
                codegen.ahead = self._ahead = ahead

    def _begin_beside(self, run: Callable[[], dict[str, bytes]]) -> None:
        """Begin upstream's own way in another process, if there may be one."""
        jobs = default_jobs() if self._jobs is None else self._jobs
        if self._beside is None and jobs > 1 and can_fork():
            with suppress(OSError), self._running:  # no more processes, or no memory
                self._beside = RunBeside(run, self._running)

    def _is_to_be_compared(self) -> bool:
        """Whether all files are, with upstream's. Restores what earlier runs kept."""
        if self._known is not None or self._get(self._plain_name):
            return False
        self._codegen = self._codegen or self._restored()
        return self._codegen.kept is None

    def make(
        self,
        files: Files,
        entries: InputEntries,
        lines: DocumentLines,
        deprecated: bytes,
        *,
        find_refused: Callable[[], Sequence[Diagnostic]] = tuple,
    ) -> Made:
        """The files for these inputs.

        `lines` are the lines of the documents that `entries` load to. `deprecated` are the bytes of
        deprecated.yaml. `find_refused` finds what the generators of a release refuse: it is asked
        if one raises an exception.

        Raises InputError with what it finds, else GeneratorError, and OSError.
        """
        self._find_refused = find_refused
        with self.begun(files), self._running:
            return self._make(files, entries, lines, deprecated)

    def _make(
        self, files: Files, entries: InputEntries, lines: DocumentLines, deprecated: bytes
    ) -> Made:
        codegen, self._codegen = self._codegen, None
        self._why_plain = None
        known = self._get(self._plain_name)
        if known:
            return self._plain(files, known.decode("utf-8", "replace"))
        codegen = codegen or self._restored()
        is_restored = codegen.kept is not None
        try:
            source = Source(entries, lines, deprecated)
            made = self._short_cut(files, source, codegen)
        except GeneratorError:
            raise
        except (UnexpectedTorchgenError, NotCertainError) as error:
            why = str(error) or "the inputs are not plain lists of entries"
        except OSError as error:
            if error.errno in FULL:
                raise
            why = f"{type(error).__name__} in a generator"
        except RAISED as error:  # upstream's own exception: running it the plain way shows it
            self._refuse()
            kind = error.kind if isinstance(error, WorkerError) else type(error).__name__
            why = f"{kind} in a generator"
        else:
            self._codegen = codegen
            return made
        made = self._plain(files, why)
        if is_restored:  # upstream itself succeeded, so the kept state may be wrong
            self._put(b"kept", b"")
        return made

    def _refuse(self) -> None:
        """Raise InputError if our rules say what the generators refused."""
        refused = self._find_refused() if self._known is not None else ()
        if refused:
            raise InputError(refused) from None

    def written(self, files: Mapping[str, str]) -> None:
        """Record the digests of files that were rendered."""
        if self._codegen is not None:
            for name, sha256 in files.items():
                self._codegen.note(name, sha256)

    def settle(self, inputs: bytes, note: str) -> bool:
        """Finish a run: update `job` with the files that the generators read, and store the state.

        The next process starts from the stored state. `inputs` and `note` are those of `Head`.

        If a file that the generators read was edited during the run, nothing is stored and the
        result is False: the outputs may come from the old text or from the new one. Compiled files
        may too, so they are removed. Raises OSError.
        """
        before, trace = self.job, self._running.trace
        now = before.again()
        changed = {path for path, _ in {*now.sources.files} ^ {*before.sources.files}}
        is_same = self.is_for(now)
        edited = self._running.edited - before.trace.files
        self.job = now.with_trace(trace)
        if self.job.trace != before.trace:
            self.job.keep_trace(self._store)
        if is_same and not edited:
            self._move(self.job.digest())
            self._keep(inputs, note)
            return True
        for path in (*changed, *(with_root(name, self._upstream.root) for name in edited)):
            recompile(path)
        return False

    def _move(self, key: bytes) -> None:
        """Use another key from now on. All items are stored again under it."""
        if key == self.key:
            return
        if self._codegen is not None:
            try:
                self._codegen.renew_items()
            except LostItemsError:
                self._codegen = None
        self.key = key

    def _keep(self, inputs: bytes, note: str) -> None:
        codegen = self._codegen
        if not is_as_it_began():
            return
        if self._why_plain:
            self._put(self._plain_name, self._why_plain.encode())
        if self._store is None or codegen is None or codegen.kept is None:
            return
        for name, items in codegen.new_items():
            self._put(name.encode(), items)
        kept = pack(codegen.kept)
        self._put(b"kept", kept)
        if self._store.pushes:
            outputs = [output.output for output in codegen.kept.outputs]
            keys = [output.name.encode() for output in outputs if output.order]
            pieces = {key: data for key in keys if (data := self._get(key)) is not None}
            if len(pieces) == len(keys):
                push_pieces(self._store, self.job, {b"kept": kept, **pieces})
        self._put(HEAD, Head(inputs, note, codegen.files()).render())

    def _short_cut(self, files: Files, source: Source, codegen: Codegen) -> Made:
        is_first = codegen.kept is None
        if is_first and self.job.release != OWN:
            self._check_release(source.lines.torch_version, codegen.modules)
        is_compared = is_first and self._known is None
        loaded = source.loaded if is_compared and has_known_rules(files) else None
        if loaded is not None:
            self._begin_beside(partial(self._run_here, files, loaded, codegen.imported))
        codegen.jobs = self._jobs_left()
        try:
            codegen.update(source)
        except BaseException:
            if loaded is not None:  # then upstream's own way is to load itself
                self._end_beside()
            raise
        is_new = codegen.has_run or not all(codegen.files().values())
        exit_ = "cold" if codegen.was_cold else "incremental" if is_new else "stored"
        if is_compared:
            contents = contents_in(self._compare(files, codegen, loaded))
        else:
            own = Content(codegen, source, lambda: self._run_plain(files), self._running)
            contents = own.several
        return Made(exit_, "", codegen.files(), contents, codegen.counts)

    def _check_release(self, followed: str, modules: Modules) -> None:
        """Check that the generators are of the release whose rules the load followed.

        Raises UnexpectedTorchgenError if not.
        """
        loader = modules.generators["gen_autograd"].load_derivatives.__module__
        own = self._known or release_of_torchgen(sys.modules[loader], modules.torchgen["gen"])
        if own != followed:
            raise UnexpectedTorchgenError(
                f"the rules of {followed} were asked for, but its source has those of {own}"
            )

    def _compare(
        self, files: Files, codegen: Codegen, loaded: LoadedDefinitions | None
    ) -> dict[str, bytes]:
        """All files, made in upstream's own way, which have been compared with the others.

        `loaded`, if given, is what upstream would load. Raises UnexpectedTorchgenError if any
        differ.
        """
        names = [*codegen.files()]
        for number, name in enumerate(names):
            tell(f"rendering {name}", number, len(names))
            codegen.note(name, hashlib.sha256(codegen.file(name)).hexdigest())
        tell(_PLAIN, is_long=True)
        plain = self._run_plain(files, loaded)
        expected = {name: hashlib.sha256(data).hexdigest() for name, data in plain.items()}
        made = codegen.files()
        names = sorted(made.keys() | expected.keys())
        different = [name for name in names if made.get(name) != expected.get(name)]
        if different:
            reason = f"generating item by item gives other files: {different[0]}"
            self._why_plain = reason
            raise UnexpectedTorchgenError(reason)
        return plain

    def _plain(self, files: Files, reason: str) -> Made:
        contents = self._run_plain(files)
        made = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
        note = f"upstream's generators ran in their own way, for everything: {reason}"
        return Made("plain", note, made, contents_in(contents), {})

    def _jobs_left(self) -> int | None:
        """How many processes may run beside upstream's own way, if that runs; as `jobs` says it."""
        if self._beside is None:
            return self._jobs
        return max(1, (default_jobs() if self._jobs is None else self._jobs) - 1)

    def _run_plain(self, files: Files, loaded: LoadedDefinitions | None = None) -> dict[str, bytes]:
        made = None if self._beside is None else self._beside.files()
        return self._run_here(files, loaded) if made is None else made

    def _run_here(
        self,
        files: Files,
        loaded: LoadedDefinitions | None = None,
        imported: Imported | None = None,
    ) -> dict[str, bytes]:
        with self._running.rendering():
            return run_plain(self._upstream, files, self._selection, loaded, imported)

    def _end_beside(self) -> None:
        beside, self._beside = self._beside, None
        if beside is not None:
            beside.end()
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.end()

    def _known_paths(self, files: Files) -> frozenset[str]:
        """The files that need not be traced: the inputs, and the source."""
        inputs = (*files.paths, self._upstream.deprecated, *self._selection.paths)
        return frozenset([*map(os.path.abspath, inputs), *self.job.sources.code])

    def _restored(self) -> Codegen:
        data = self._get(b"kept")
        if data is None and self._store is not None:
            for name, value in pull_pieces(self._store, self.job).items():
                self._put(name, value)
            data = self._get(b"kept")
        kept = None if data is None else unpack(data)
        is_split = self._known is None
        return Codegen(
            self.job._replace(upstream=self._upstream),
            kept,
            self._find_items,
            self._running,
            is_split=is_split,
        )

    def _find_items(self, name: str, digest: bytes) -> list[Item] | None:
        data = self._get(name.encode())
        if data is None or hashlib.sha256(data).digest() != digest:
            return None
        return unpack_items(data)

    @property
    def _plain_name(self) -> bytes:
        """The name of why the generators run in upstream's own way, with these templates."""
        return b"plain" + self._templates

    def _get(self, name: bytes) -> bytes | None:
        return None if self._store is None else self._store.get(named(self.key, name))

    def _put(self, name: bytes, value: bytes) -> None:
        if self._store is not None:
            self._store.put(named(self.key, name), value)
