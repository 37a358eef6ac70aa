"""A job: what to generate, with which generators, into which folder. And the summary of its run.

This module imports little, because it runs also if there is nothing to generate.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from derivload.identity import python_digest
from derivload.loading.trace import NOTHING, Trace, read_trace
from derivload.outputs.digests import digest_of
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.upstream import Sources, Upstream

if TYPE_CHECKING:
    from derivload.store.store import Store

HEAD: Final = b"head"
_KIND: Final = b"codegen"
_TRACE: Final = b"trace"
_SEPARATOR: Final = b"\0"
_LISTED: Final = re.compile("([0-9a-f]{64}) (.+)")


Contents = Callable[[Sequence[str]], Iterator[tuple[str, bytes, str]]]


class Made(NamedTuple):
    """The result of a run.

    - `exit`: how the files were made: "stored" (nothing was generated), "incremental" (some
      families), "cold" (everything) or "plain" (everything, in upstream's own way).
    - `note`: a line for the user, or "".
    - `files`: the sha256 of each file in hex, by name; "" if the file is not rendered yet.
    - `contents`: returns the bytes and the sha256 of files by name, in any order, given the names.
    """

    exit: str
    note: str
    files: dict[str, str]
    contents: Contents
    counts: dict[str, int]

    @property
    def has_content(self) -> bool:
        """Whether `contents` has the bytes; if not, the files can only be compared."""
        return self.contents is not _no_contents


class Job(NamedTuple):
    """Everything that the generated files depend on besides the inputs, and the out-dir.

    The templates count as inputs: what the generators make does not depend on them, only the files
    do. A template that a generator itself reads is part of the trace.

    `sources` are the generators' source files and templates, as they were when read. `release` is
    the release whose rules were asked for. `tool` is derivload's digest. `trace` lists what the
    generators read besides the listed files; `sources` covers that too.
    """

    upstream: Upstream
    sources: Sources
    selection: Selection
    release: str
    out_dir: str
    tool: bytes
    trace: Trace = NOTHING

    def digest(self) -> bytes:
        """A digest of the job. Raises OSError if a file that selects operators cannot be read."""
        return hashlib.sha256(self._digest_of_listed() + self.sources.traced).digest()

    def digest_of_inputs(self, entries: Iterable[bytes], deprecated: bytes) -> bytes:
        """A digest of the inputs, from digests of entries and the bytes of deprecated.yaml."""
        digest = hashlib.sha256(self.sources.templates)
        for part in (*entries, deprecated):
            digest.update(part)
        return digest.digest()

    def with_trace(self, trace: Trace) -> Job:
        """The job with `trace` added to its trace. Raises OSError."""
        trace = self.trace.with_other(trace)
        if trace != self.trace:
            self.sources.look(self.upstream, trace)
        return self._replace(trace=trace)

    def again(self) -> Job:
        """The job with its sources read again. Raises OSError."""
        return self._replace(sources=Sources(self.upstream, self.trace))

    def with_kept_trace(self, store: Store | None) -> Job:
        """The job with the trace that earlier runs stored. One that is pulled is stored here too.

        Raises OSError.
        """
        if store is None:
            return self.with_trace(NOTHING)
        key = named(self._digest_of_listed(), _TRACE)
        data = store.get(key)
        if data is None:
            data = (store.pull(self._name_of_trace()) or {}).get(_TRACE)
            if data is not None:
                store.put(key, data)
        return self.with_trace(read_trace(data))

    def keep_trace(self, store: Store | None) -> None:
        """Store the trace for the next run."""
        if store is not None:
            store.put(named(self._digest_of_listed(), _TRACE), self.trace.render())

    def push_trace(self, store: Store) -> None:
        """Begin to send the trace to the remote cache."""
        store.push(self._name_of_trace(), {_TRACE: self.trace.render()})

    def shared_digest(self) -> bytes:
        """A digest of the job without its out-dir. Raises OSError as `digest` does."""
        return hashlib.sha256(self._digest_without_folder() + self.sources.traced).digest()

    def _name_of_trace(self) -> bytes:
        return named(self._digest_without_folder(), _TRACE)

    def _digest_of_listed(self) -> bytes:
        """A digest of the job without its trace. The trace is stored under it.

        The out-dir does not affect the text; it is in the key because each out-dir has its own
        last state.
        """
        folder = os.path.abspath(self.out_dir).encode("utf-8", "surrogateescape")
        return hashlib.sha256(self._digest_without_folder() + folder).digest()

    def _digest_without_folder(self) -> bytes:
        parts = (
            _KIND,
            self.tool,
            python_digest(),
            self.sources.digest,
            # A script may have put what a template says into its modules.
            self.sources.templates if self.upstream.is_running else b"",
            self.selection.digest(),
            self.release.encode("utf-8", "surrogateescape"),
            self.upstream.package.encode(),
            self.upstream.additions.encode("utf-8", "surrogateescape"),
        )
        return hashlib.sha256(_SEPARATOR.join(parts)).digest()


def named(key: bytes, name: bytes) -> bytes:
    """The key in the store for a value called `name` of the job with this key."""
    return hashlib.sha256(key + name).digest()


class Head(NamedTuple):
    """The summary of a run.

    `inputs` is the digest of its inputs; b"" means: never reuse this result. `note` is a line for
    the user. `files` has the sha256 of each file in hex, by name.
    """

    inputs: bytes
    note: str
    files: dict[str, str]

    def render(self) -> bytes:
        """The bytes for the store."""
        lines = [
            self.inputs.hex(),
            self.note,
            *(f"{sha256} {name}" for name, sha256 in self.files.items()),
        ]
        return "\n".join(lines).encode("utf-8", "surrogatepass")

    @staticmethod
    def read(data: bytes) -> Head | None:
        """The head from its bytes; None if they are not valid."""
        try:
            inputs, note, *lines = data.decode("utf-8", "surrogatepass").split("\n")
            files = [_LISTED.fullmatch(line) for line in lines]
            named = {line[2]: line[1] for line in files if line and is_inside(line[2])}
            return Head(bytes.fromhex(inputs), note, named) if len(named) == len(lines) else None
        except ValueError:
            return None

    def made(self, inputs: bytes) -> Made | None:
        """The files, if the run had these inputs; else None. Their bytes are not available."""
        if self.inputs != inputs:
            return None
        return Made("stored", self.note, self.files, _no_contents, {})


def find_head(store: Store | None, key: bytes) -> Head:
    """The summary of the last run of the job with this key; an empty one if there is none."""
    data = None if store is None else store.get(named(key, HEAD))
    head = None if data is None else Head.read(data)
    return head or Head(b"", "", {})


def is_inside(name: str) -> bool:
    """Whether a name leads to a file inside the out-dir, not to one elsewhere."""
    if os.path.splitdrive(name)[0] or not name.isprintable():
        return False
    return not {"", os.curdir, os.pardir} & {*name.replace("\\", "/").split("/")}


def contents_in(files: Mapping[str, bytes]) -> Contents:
    """The `Made.contents` for files that are there, by name."""
    return lambda names: ((name, files[name], digest_of(files[name])) for name in names)


def _no_contents(names: Sequence[str]) -> Iterator[tuple[str, bytes, str]]:
    if names:
        raise KeyError(*names)
    return iter(())
