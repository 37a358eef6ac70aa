"""The three documents as JSON: types for their shape, and bytes of their content.

Keys stand in the order of the types' fields. A document is one line of head, one line for each
record and one of tail: a change to one function is a change to one line, and documents are put
together from records that were encoded before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from derivload.derivatives.model import DifferentiabilityRecord, FunctionRecord

VERSION: Final = 1


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


class Rendered(NamedTuple):
    """A document's file name, its bytes, how many functions it holds, and the sha256 in hex."""

    name: str
    data: bytes
    functions: int
    sha256: str


def render_differentiability(
    torch_version: str,
    used_dispatch_keys: Sequence[str],
    records: Sequence[bytes],
    bases: Sequence[str],
    shards: int | None,
) -> list[Rendered]:
    """differentiability.json, or its `shards` shards.

    `records` are lines of JSON, `bases` the base names of their functions.
    """
    head = _head("differentiability", torch_version, used_dispatch_keys=list(used_dispatch_keys))
    if shards is None:
        return [_rendered("differentiability.json", head, ("functions", records))]
    by_shard: list[list[bytes]] = [[] for _ in range(shards)]
    for base, line in zip(bases, records, strict=True):
        by_shard[shard_of(base, shards)].append(line)
    return [
        _rendered(shard_name(i), head, ("functions", lines)) for i, lines in enumerate(by_shard)
    ]


def render_functions(
    torch_version: str, functions: Sequence[bytes], generated: Sequence[bytes]
) -> Rendered:
    """functions.json, of lines of JSON."""
    head = _head("functions", torch_version)
    return _rendered("functions.json", head, ("functions", functions), ("generated", generated))


def render_manifest(torch_version: str, documents: Iterable[Rendered]) -> Rendered:
    """manifest.json, for these documents."""
    files = [_ENCODER.encode(ManifestFile(d.name, d.sha256, d.functions)) for d in documents]
    return _rendered("manifest.json", _head("manifest", torch_version), ("files", files))


def read_lines(document: bytes) -> list[bytes]:
    """The lines of the records that differentiability.json or functions.json was rendered from."""
    lines = []
    start = 0
    while (end := document.find(b"\n", start)) >= 0:
        if document.startswith(_RECORD, start):
            lines.append(document[start : end - document.endswith(b",", start, end)])
        start = end + 1
    return lines


def shard_of(base: str, shards: int) -> int:
    """The shard of an operator: by its base name, so that variants stay together.

    The first eight bytes of the name's sha256, as a big-endian number, modulo `shards`.
    """
    digest = hashlib.sha256(base.encode()).digest()
    return int.from_bytes(digest[:8], "big") % shards


def shard_name(index: int) -> str:
    """The file name of a shard."""
    return f"differentiability_{index}.json"


# What each record begins with, and nothing else does.
_RECORD: Final = b'{"schema":'
_ENCODER: Final = msgspec.json.Encoder()


def _head(format_: str, torch_version: str, **more: object) -> bytes:
    fields = {
        "format": f"derivload.{format_}",
        "version": VERSION,
        "torch_version": torch_version,
        **more,
    }
    return _ENCODER.encode(fields)[:-1]


def _rendered(name: str, head: bytes, *lists: tuple[str, Sequence[bytes]]) -> Rendered:
    parts = [head]
    for key, lines in lists:
        parts.append(b',"%s":[\n' % key.encode() if lines else b',"%s":[' % key.encode())
        parts.append(b",\n".join(lines))
        parts.append(b"\n]" if lines else b"]")
    parts.append(b"}\n")
    data = b"".join(parts)
    return Rendered(name, data, len(lists[0][1]), hashlib.sha256(data).hexdigest())
