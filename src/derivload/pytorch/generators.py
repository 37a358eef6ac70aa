"""The files of PyTorch's generators, made in the least costly way that is certain.

The short cut (`codegen.py`) is taken for a torchgen that it is known to hold for: that of the
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
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from derivload.commands.paths import Files
from derivload.engine.inputs import InputEntries, NotCertainError
from derivload.pytorch.codegen import Codegen, LostItemsError
from derivload.pytorch.errors import UnexpectedTorchgenError
from derivload.pytorch.kept import pack, unpack, unpack_items
from derivload.pytorch.known import KNOWN
from derivload.pytorch.plain import run_plain
from derivload.pytorch.source import Lines, Source
from derivload.pytorch.upstream import Sources, Upstream

if TYPE_CHECKING:
    from derivload.engine.store import Store
    from derivload.pytorch.capture import Item
    from derivload.pytorch.selection import Selection

_KIND: Final = b"codegen 1"
_SEPARATOR: Final = b"\0"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class Made(NamedTuple):
    """Files by name: the sha256 of each in hex, "" for one that is to be rendered first, and how
    to get its bytes.

    `exit` is "stored", "incremental", "cold" or "plain", `note` what the user should know.
    """

    exit: str
    note: str
    files: dict[str, str]
    content: Callable[[str], bytes]
    counts: dict[str, int]


class Head(msgspec.Struct, frozen=True, array_like=True):
    """What a run came to, in short: of which inputs, the note, and the files with their digests."""

    inputs: bytes
    note: str
    files: dict[str, str]


class Generators:
    """Makes the files of one selection for one out-dir, again and again."""

    def __init__(
        self,
        upstream: Upstream,
        sources: Sources,
        selection: Selection,
        out_dir: str,
        tool: bytes,
        store: Store | None,
    ) -> None:
        """`tool` is derivload's digest. Raises OSError where the selection cannot be read."""
        self._upstream = upstream
        self._selection = selection
        self._is_known = sources.digest in KNOWN
        self._store = store
        # The place is nothing to what is generated: each has what it was last brought to.
        place = os.path.abspath(out_dir).encode("utf-8", "surrogateescape")
        parts = (
            _KIND,
            tool,
            sys.version.encode(),
            sources.digest,
            sources.templates,
            selection.digest(),
            upstream.package.encode(),
            place,
        )
        self._key = hashlib.sha256(_SEPARATOR.join(parts)).digest()
        self._codegen: Codegen | None = None

    def recall(self, inputs: bytes) -> Made | None:
        """The files of these inputs, a digest of which is given, if the last run was of them.

        Their bytes are not to be had.
        """
        data = self._get(b"head")
        if data is None:
            return None
        try:
            head = _HEAD.decode(data)
        except msgspec.MsgspecError:
            return None
        if head.inputs != inputs:
            return None
        return Made("stored", head.note, head.files, _no_content, {})

    def make(self, files: Files, entries: InputEntries, lines: Lines, deprecated: bytes) -> Made:
        """The files for these inputs.

        `lines` are those of the documents that `entries` come to, `deprecated` the bytes of
        deprecated.yaml. Raises GeneratorError when a generator raises an exception, and OSError.
        """
        if self._codegen is None:
            self._codegen = self._restored()
        reason = self._get(b"plain")
        if reason is not None:
            return self._plain(files, entries, reason.decode())
        try:
            return self._short_cut(files, entries, lines, deprecated, self._codegen)
        except (UnexpectedTorchgenError, NotCertainError) as error:
            why = str(error) or "the inputs are no plain lists of entries"
        except OSError as error:
            if error.errno in _FULL:
                raise
            why = f"{type(error).__name__} in a generator"
        except Exception as error:  # of upstream's, which upstream is to show
            why = f"{type(error).__name__} in a generator"
        self._codegen = None
        return self._plain(files, entries, why)

    def written(self, files: Mapping[str, str]) -> None:
        """Take the digests of files that were rendered."""
        if self._codegen is not None:
            for name, sha256 in files.items():
                self._codegen.note(name, sha256)

    def keep(self, inputs: bytes, note: str) -> None:
        """Keep what the next process can start from, as that of inputs with this digest."""
        codegen = self._codegen
        if self._store is None or codegen is None or codegen.kept is None:
            return
        for name, items in codegen.new_items():
            self._put(name.encode(), items)
        self._put(b"kept", pack(codegen.kept))
        self._put(b"head", msgspec.msgpack.encode(Head(inputs, note, codegen.files())))

    def _short_cut(
        self,
        files: Files,
        entries: InputEntries,
        lines: Lines,
        deprecated: bytes,
        codegen: Codegen,
    ) -> Made:
        is_first = codegen.kept is None
        codegen.update(Source(entries, lines, deprecated))
        if is_first and not self._is_known:
            self._compare(files, entries, codegen)
        exit_ = "cold" if codegen.was_cold else "incremental" if codegen.has_run else "stored"
        return Made(exit_, "", codegen.files(), codegen.file, codegen.counts)

    def _compare(self, files: Files, entries: InputEntries, codegen: Codegen) -> None:
        """Compare with upstream's own path. Raises UnexpectedTorchgenError where they differ."""
        made = codegen.files()
        plain = self._run_plain(files, entries)
        different = sorted(
            name
            for name in made.keys() | plain.keys()
            if name not in plain or name not in made or codegen.file(name) != plain[name]
        )
        if different:
            reason = f"its files come out otherwise item by item: {different[0]}"
            self._put(b"plain", reason.encode())
            raise UnexpectedTorchgenError(reason)

    def _plain(self, files: Files, entries: InputEntries, reason: str) -> Made:
        contents = self._run_plain(files, entries)
        made = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
        note = f"upstream's generators ran whole, in their own way: {reason}"
        return Made("plain", note, made, contents.__getitem__, {})

    def _run_plain(self, files: Files, entries: InputEntries) -> dict[str, bytes]:
        values = []
        if len(files.native_functions) > 1:
            for index in range(len(entries.natives)):
                value = entries.native(index).value
                assert isinstance(value, dict)
                values.append(value)
        return run_plain(self._upstream, files, self._selection, values)

    def _restored(self) -> Codegen:
        data = self._get(b"kept")
        kept = None if data is None else unpack(data)
        return Codegen(self._upstream, self._selection, kept, self._find_items)

    def _find_items(self, name: str, digest: bytes) -> list[Item] | None:
        data = self._get(name.encode())
        if data is None or hashlib.sha256(data).digest() != digest:
            return None
        return unpack_items(data)

    def _get(self, name: bytes) -> bytes | None:
        return None if self._store is None else self._store.get(self._named(name))

    def _put(self, name: bytes, value: bytes) -> None:
        if self._store is not None:
            self._store.put(self._named(name), value)

    def _named(self, name: bytes) -> bytes:
        return hashlib.sha256(self._key + name).digest()


def _no_content(name: str) -> bytes:
    raise LostItemsError(name)


_HEAD: Final = msgspec.msgpack.Decoder(Head)
