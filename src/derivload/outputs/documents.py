"""The documents as JSON: the types that define them, and the renderer that writes them.

Keys are in the order of the fields of the types. A document has a first line with the other keys,
one line for each record, and a last line. So a change to one function changes one line, and a
document is joined from records that were encoded before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from derivload.derivatives.model import DifferentiabilityRecord, FunctionRecord
from derivload.outputs.pieces import DocumentPieces
from derivload.sources.splitting import find_window
from derivload.tuples import NamedTuple

VERSION: Final = 1
PLACES: Final = "places.json"


class DifferentiabilityDocument(msgspec.Struct, frozen=True):
    """differentiability.json, or one shard of it."""

    format: Literal["derivload.differentiability"]
    version: Literal[1]
    torch_version: str
    used_dispatch_keys: tuple[str, ...]
    functions: tuple[DifferentiabilityRecord, ...]


class FunctionsDocument(msgspec.Struct, frozen=True):
    """functions.json."""

    format: Literal["derivload.functions"]
    version: Literal[1]
    torch_version: str
    functions: tuple[FunctionRecord, ...]
    generated: tuple[DifferentiabilityRecord, ...]


class ManifestFile(msgspec.Struct, frozen=True):
    """A file that was written, with the sha256 of its bytes and how many functions it holds."""

    name: str
    sha256: str
    functions: int


class ManifestDocument(msgspec.Struct, frozen=True):
    """manifest.json."""

    format: Literal["derivload.manifest"]
    version: Literal[1]
    torch_version: str
    files: tuple[ManifestFile, ...]


class Place(msgspec.Struct, frozen=True):
    """The place of an entry: the file as it was named, and the line, which counts from 1."""

    file: str
    line: int


class PlacedKernel(msgspec.Struct, frozen=True):
    """A kernel that a backend registers for a function, and where its file says so."""

    dispatch_key: str
    file: str
    line: int


class PlacedFunction(msgspec.Struct, frozen=True):
    """Where a function comes from, and which dispatch keys it has kernels for.

    `native_function` is null only where a tree's own torchgen made a function that derivload does
    not know.
    """

    schema: str
    native_function: Place | None
    definition: Place | None
    generated: bool
    dispatch_keys: tuple[str, ...]
    structured_delegate: str | None
    backend_kernels: tuple[PlacedKernel, ...]


class PlacesDocument(msgspec.Struct, frozen=True):
    """places.json: where the functions of functions.json come from, in the same order."""

    format: Literal["derivload.places"]
    version: Literal[1]
    torch_version: str
    functions: tuple[PlacedFunction, ...]


class Rendered(NamedTuple):
    """A document's file name, its bytes, how many functions it holds, and the sha256 in hex."""

    name: str
    data: bytes | DocumentPieces
    functions: int
    sha256: str


class Renderer:
    """Renders the documents of a series of loads.

    It keeps the last document of each name. Blocks of lines that did not change since are not
    joined again, and the unchanged beginning of a document is not hashed again.
    """

    def __init__(self) -> None:
        self._last: dict[str, _Rendering] = {}
        self._grouped: _Grouped | None = None

    def differentiability(
        self,
        torch_version: str,
        used_dispatch_keys: Sequence[str],
        records: list[bytes],
        bases: Sequence[str],
        shards: int | None,
    ) -> list[Rendered]:
        """differentiability.json, or its `shards` shards.

        `records` are the records as lines of JSON, `bases` the base names of their functions.
        """
        keys = list(used_dispatch_keys)
        head = _head("differentiability", torch_version, used_dispatch_keys=keys)
        if shards is None:
            return [self._render("differentiability.json", head, ("functions", records))]
        self._grouped = _group(records, bases, shards, self._grouped)
        return [
            self._render(shard_name(i), head, ("functions", lines))
            for i, lines in enumerate(self._grouped.by_shard)
        ]

    def functions(
        self, torch_version: str, functions: list[bytes], generated: list[bytes]
    ) -> Rendered:
        """functions.json, from its records as lines of JSON."""
        head = _head("functions", torch_version)
        return self._render(
            "functions.json", head, ("functions", functions), ("generated", generated)
        )

    def places(self, torch_version: str, functions: Iterable[PlacedFunction]) -> Rendered:
        """places.json, of these functions."""
        lines = [_ENCODER.encode(function) for function in functions]
        return self._render(PLACES, _head("places", torch_version), ("functions", lines))

    def manifest(self, torch_version: str, documents: Iterable[Rendered]) -> Rendered:
        """manifest.json, for these documents."""
        files = [_ENCODER.encode(ManifestFile(d.name, d.sha256, d.functions)) for d in documents]
        return self._render("manifest.json", _head("manifest", torch_version), ("files", files))

    def _render(self, name: str, head: bytes, *lists: tuple[str, list[bytes]]) -> Rendered:
        """A document: the head, then lists of lines. Only the first list is kept in blocks."""
        last = self._last.get(name)
        if last is not None and last.head == head and last.lists == lists:
            # The next comparison is of these very lists, which takes no time.
            self._last[name] = last._replace(lists=lists)
            return last.rendered
        (key, lines), *others = lists
        blocks = [lines[i : i + _BLOCK] for i in range(0, len(lines), _BLOCK)]
        before = [] if last is None else last.blocks
        pieces = [head + _opening(key, lines)]
        for i, block in enumerate(blocks):
            if last is not None and i < len(before) and before[i] == block:
                pieces.append(last.pieces[i + 1])
            else:
                pieces.append((_SEPARATOR if i else b"") + _SEPARATOR.join(block))
        tail = [_closing(lines)]
        for key, lines in others:
            tail += [_opening(key, lines), _SEPARATOR.join(lines), _closing(lines)]
        pieces.append(b"".join([*tail, b"}\n"]))
        hashes = _hash(pieces, last)
        rendered = Rendered(name, DocumentPieces(pieces), len(lists[0][1]), hashes[-1].hexdigest())
        self._last[name] = _Rendering(head, lists, blocks, pieces, hashes, rendered)
        return rendered


class _Rendering(NamedTuple):
    """A rendered document in pieces: the head, the blocks of its first list, and the rest.

    `hashes` has, for each piece, the sha256 of the document up to the end of that piece.
    """

    head: bytes
    lists: tuple[tuple[str, list[bytes]], ...]
    blocks: list[list[bytes]]
    pieces: list[bytes]
    hashes: list[hashlib._Hash]
    rendered: Rendered


class _Grouped(NamedTuple):
    """Records by shard. `places` has, for each record, its shard and where it is among these.

    `shards` has the shards of all names so far.
    """

    records: list[bytes]
    bases: Sequence[str]
    places: list[tuple[int, int]]
    by_shard: list[list[bytes]]
    shards: dict[str, int]


def _group(
    records: list[bytes], bases: Sequence[str], shards: int, last: _Grouped | None
) -> _Grouped:
    """The records by shard, from `last` if the same functions have other records now."""
    if last is None or len(last.by_shard) != shards:
        return _group_anew(records, bases, shards, {})
    if last.bases != bases:
        return _group_anew(records, bases, shards, last.shards)
    begin, end, _ = find_window(last.records, records)
    by_shard = last.by_shard.copy()
    for shard in {shard for shard, _ in last.places[begin:end]}:
        by_shard[shard] = by_shard[shard].copy()
    for (shard, at), line in zip(last.places[begin:end], records[begin:end], strict=True):
        by_shard[shard][at] = line
    return last._replace(records=records, bases=bases, by_shard=by_shard)


def _group_anew(
    records: list[bytes], bases: Sequence[str], shards: int, known: dict[str, int]
) -> _Grouped:
    made = _Grouped(records, bases, [], [[] for _ in range(shards)], known)
    for base, line in zip(bases, records, strict=True):
        shard = known.get(base)
        if shard is None:
            shard = known[base] = shard_of(base, shards)
        lines = made.by_shard[shard]
        made.places.append((shard, len(lines)))
        lines.append(line)
    return made


def _hash(pieces: list[bytes], last: _Rendering | None) -> list[hashlib._Hash]:
    hashes: list[hashlib._Hash] = []
    if last is not None:
        for piece, before, hash_ in zip(pieces, last.pieces, last.hashes, strict=False):
            if piece != before:
                break
            hashes.append(hash_)
    current = hashes[-1] if hashes else hashlib.sha256()
    for piece in pieces[len(hashes) :]:
        current = current.copy()
        current.update(piece)
        hashes.append(current)
    return hashes


def _opening(key: str, lines: list[bytes]) -> bytes:
    return b',"%s":[\n' % key.encode() if lines else b',"%s":[' % key.encode()


def _closing(lines: list[bytes]) -> bytes:
    return b"\n]" if lines else b"]"


def read_lines(document: bytes) -> list[bytes]:
    """The lines of the records that differentiability.json or functions.json was rendered from."""
    lines: list[bytes] = []
    for part in document.split(_SEPARATOR):
        if b"\n" in part:  # the first or the last record of a list
            lines += [line for line in part.split(b"\n") if line.startswith(_RECORD)]
        elif part.startswith(_RECORD):
            lines.append(part)
    return lines


def shard_of(base: str, shards: int) -> int:
    """The shard of an operator. It depends on the base name only, so variants stay together.

    It is the first eight bytes of the name's sha256, as a big-endian number, modulo `shards`.
    """
    digest = hashlib.sha256(base.encode()).digest()
    return int.from_bytes(digest[:8], "big") % shards


def shard_name(index: int) -> str:
    """The file name of a shard."""
    return f"differentiability_{index}.json"


# Each record begins with this, and no other line does.
_RECORD: Final = b'{"schema":'
_SEPARATOR: Final = b",\n"
# This many lines are joined and hashed together.
_BLOCK: Final = 64
_ENCODER: Final = msgspec.json.Encoder()


def _head(format_: str, torch_version: str, **more: object) -> bytes:
    fields = {
        "format": f"derivload.{format_}",
        "version": VERSION,
        "torch_version": torch_version,
        **more,
    }
    return _ENCODER.encode(fields)[:-1]
