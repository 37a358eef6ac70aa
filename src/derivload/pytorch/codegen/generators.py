"""The files of PyTorch's generators, made in the least costly way that is certain.

The short cut (`update.py`) is taken for a torchgen that it is known to hold for: that of the
releases in `known.py`, whose files the tests compare, or one that was compared here, once, when
everything was generated. Any other goes upstream's own path (`plain.py`). So does a run in which
anything unexpected happens, a generator's exception too, which upstream then shows itself.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from derivload.engine.inputs import InputEntries, NotCertainError
from derivload.engine.lines import DocumentLines
from derivload.identity import is_as_it_began
from derivload.loading.paths import Files
from derivload.modules import recompile
from derivload.pytorch.codegen.capture import EVERYTHING, Captured, SchemaTexts
from derivload.pytorch.codegen.entry_points import Catalogue, parts_of, run_generators
from derivload.pytorch.codegen.job import HEAD, Head, Job, Made, named
from derivload.pytorch.codegen.kept import pack, unpack, unpack_items
from derivload.pytorch.codegen.known import KNOWN
from derivload.pytorch.codegen.plain import run_plain
from derivload.pytorch.codegen.running import Running
from derivload.pytorch.codegen.source import Source
from derivload.pytorch.codegen.trace import with_root
from derivload.pytorch.codegen.update import Codegen, LostItemsError
from derivload.pytorch.codegen.upstream import Modules, Upstream
from derivload.pytorch.errors import RAISED, GeneratorError, UnexpectedTorchgenError
from derivload.pytorch.releases import release_of_torchgen

if TYPE_CHECKING:
    from derivload.pytorch.codegen.capture import Item
    from derivload.pytorch.codegen.selection import Selection
    from derivload.store.store import Store

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class Generators:
    """Does a job again and again. `job` is what is known of it, and `key` its digest."""

    def __init__(self, job: Job, store: Store | None) -> None:
        """Raises OSError where the selection cannot be read."""
        self.job = job
        self._running = Running(job.upstream.root)
        self._why_plain = ""
        self._upstream = job.upstream
        self._selection = job.selection
        self._known = KNOWN.get(job.sources.digest)
        self._store = store
        self.key = job.digest()
        self._codegen: Codegen | None = None

    def make(
        self, files: Files, entries: InputEntries, lines: DocumentLines, deprecated: bytes
    ) -> Made:
        """The files for these inputs.

        `lines` are those of the documents that `entries` come to by the rules of one release,
        `deprecated` the bytes of deprecated.yaml. Raises GeneratorError when a generator raises an
        exception, and OSError.
        """
        self._running.known = self._known_paths(files)
        with self._running:
            return self._make(files, entries, lines, deprecated)

    def _make(
        self, files: Files, entries: InputEntries, lines: DocumentLines, deprecated: bytes
    ) -> Made:
        codegen, self._codegen = self._codegen, None
        self._why_plain = ""
        known = (self._get(b"plain") or b"").decode("utf-8", "replace")
        if known.isprintable() and known:
            return self._plain(files, known)
        codegen = codegen or self._restored()
        is_restored = codegen.kept is not None
        try:
            source = Source(entries, lines, deprecated)
            made = self._short_cut(files, source, codegen)
        except GeneratorError:
            raise
        except (UnexpectedTorchgenError, NotCertainError) as error:
            why = str(error) or "the inputs are no plain lists of entries"
        except OSError as error:
            if error.errno in _FULL:
                raise
            why = f"{type(error).__name__} in a generator"
        except RAISED as error:  # of upstream's, which upstream is to show
            why = f"{type(error).__name__} in a generator"
        else:
            self._codegen = codegen
            return made
        made = self._plain(files, why)
        if is_restored:  # upstream went through, so it may be what was kept that does not fit
            self._put(b"kept", b"")
        return made

    def written(self, files: Mapping[str, str]) -> None:
        """Take the digests of files that were rendered."""
        if self._codegen is not None:
            for name, sha256 in files.items():
                self._codegen.note(name, sha256)

    def settle(self, inputs: bytes, note: str) -> bool:
        """Bring `job` up to date with what the generators were seen to read, and keep what the
        next process can start from: see Head for what comes in.

        Nothing is kept, and False returned, where anything that they read was edited meanwhile: it
        may be in what was made, or not; and in what was compiled. Raises OSError.
        """
        before, trace = self.job, self._running.trace
        now = before.again()
        changed = {path for path, _ in {*now.sources.files} ^ {*before.sources.files}}
        is_same = now.digest() == self.key
        edited = self._running.edited - before.trace.files
        self._running.edited.clear()
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
        """Go on under another key, to which everything comes along."""
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
            self._put(b"plain", self._why_plain.encode())
        if self._store is None or codegen is None or codegen.kept is None:
            return
        for name, items in codegen.new_items():
            self._put(name.encode(), items)
        self._put(b"kept", pack(codegen.kept))
        self._put(HEAD, Head(inputs, note, codegen.files()).render())

    def _short_cut(self, files: Files, source: Source, codegen: Codegen) -> Made:
        is_first = codegen.kept is None
        if is_first:
            self._check_release(source.lines.torch_version, codegen.modules)
        codegen.update(source)
        if is_first and self._known is None:
            self._compare(files, codegen)
        exit_ = "cold" if codegen.was_cold else "incremental" if codegen.has_run else "stored"
        content = _Content(codegen, source, lambda: self._run_plain(files), self._running)
        return Made(exit_, "", codegen.files(), content, {"functions": codegen.count})

    def _check_release(self, followed: str, modules: Modules) -> None:
        """Check that the generators belong to the rules that were followed.

        Raises UnexpectedTorchgenError.
        """
        loader = modules.generators["gen_autograd"].load_derivatives.__module__
        own = self._known or release_of_torchgen(sys.modules[loader], modules.torchgen["gen"])
        if own != followed:
            raise UnexpectedTorchgenError(
                f"the rules of {followed} were asked for, and its source has those of {own}"
            )

    def _compare(self, files: Files, codegen: Codegen) -> None:
        """Compare with upstream's own path. Raises UnexpectedTorchgenError where they differ."""
        made = codegen.files()
        plain = self._run_plain(files)
        different = sorted(
            name
            for name in made.keys() | plain.keys()
            if name not in plain or name not in made or codegen.file(name) != plain[name]
        )
        if different:
            reason = f"its files come out otherwise item by item: {different[0]}"
            self._why_plain = reason
            raise UnexpectedTorchgenError(reason)

    def _plain(self, files: Files, reason: str) -> Made:
        contents = self._run_plain(files)
        made = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
        note = f"upstream's generators ran whole, in their own way: {reason}"
        return Made("plain", note, made, contents.__getitem__, {})

    def _run_plain(self, files: Files) -> dict[str, bytes]:
        return run_plain(self._upstream, files, self._selection)

    def _known_paths(self, files: Files) -> frozenset[str]:
        """The files that are inputs, or among the sources that are listed."""
        inputs = (*files.paths, self._upstream.deprecated, *self._selection.paths)
        return frozenset([*map(os.path.abspath, inputs), *self.job.sources.listed_files])

    def _restored(self) -> Codegen:
        data = self._get(b"kept")
        kept = None if data is None else unpack(data)
        return Codegen(
            self._upstream,
            self._selection,
            kept,
            self._find_items,
            is_split=self._known is None,
        )

    def _find_items(self, name: str, digest: bytes) -> list[Item] | None:
        data = self._get(name.encode())
        if data is None or hashlib.sha256(data).digest() != digest:
            return None
        return unpack_items(data)

    def _get(self, name: bytes) -> bytes | None:
        return None if self._store is None else self._store.get(named(self.key, name))

    def _put(self, name: bytes, value: bytes) -> None:
        if self._store is not None:
            self._store.put(named(self.key, name), value)


class _Content:
    """The bytes of files by name, rendered when they are asked for."""

    def __init__(
        self,
        codegen: Codegen,
        source: Source,
        run_plain: Callable[[], dict[str, bytes]],
        running: Running,
    ) -> None:
        self._running = running
        self._codegen = codegen
        self._source = source
        self._run_plain = run_plain

    def __call__(self, name: str) -> bytes:
        """The bytes of a file. Raises GeneratorError where upstream cannot render it either."""
        with self._running:
            return self._content(name)

    def _content(self, name: str) -> bytes:
        try:
            return self._render(name)
        except OSError as error:
            if error.errno in _FULL:
                raise
        except RAISED:  # of upstream's, which upstream is to show
            return self._run_plain()[name]
        return self._run_plain()[name]

    def _render(self, name: str) -> bytes:
        try:
            return self._codegen.file(name)
        except LostItemsError:
            self._codegen.kept = None
            self._codegen.update(self._source)
            return self._codegen.file(name)


def list_files(upstream: Upstream, selection: Selection) -> list[str]:
    """The names of the files that the generators write: what they write for no function at all.

    Raises UnexpectedTorchgenError and SelectionError.
    """
    captured = Captured(os.path.abspath("out"), SchemaTexts())
    nothing = Catalogue([], {}, frozenset(), frozenset(), [])
    with Running(upstream.root):
        modules = Modules(upstream)
        parts = parts_of(selection, modules)
        try:
            run_generators(upstream, modules, nothing, parts, captured)
        except RAISED as error:  # upstream's own
            raise UnexpectedTorchgenError(str(error)) from error
    return [
        output.file_name(shard)
        for output in captured.outputs.values()
        for shard in (range(EVERYTHING, output.shards) if output.shards else (EVERYTHING,))
    ]
