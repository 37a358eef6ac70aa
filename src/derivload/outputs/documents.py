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
from derivload.schema.names import OperatorName

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
    """A document's file name, its bytes, and how many functions it holds."""

    name: str
    data: bytes
    functions: int


def render_differentiability(
    torch_version: str,
    used_dispatch_keys: Sequence[str],
    records: Iterable[tuple[OperatorName, DifferentiabilityRecord]],
    shards: int | None,
) -> list[Rendered]:
    """differentiability.json, or its `shards` shards. Records come with their function's name."""
    head = _head("differentiability", torch_version, used_dispatch_keys=list(used_dispatch_keys))
    if shards is None:
        lines = [_ENCODER.encode(record) for _, record in records]
        data = _document(head, [("functions", lines)])
        return [Rendered("differentiability.json", data, len(lines))]
    by_shard: list[list[bytes]] = [[] for _ in range(shards)]
    for name, record in records:
        by_shard[shard_of(name, shards)].append(_ENCODER.encode(record))
    return [
        Rendered(shard_name(i), _document(head, [("functions", lines)]), len(lines))
        for i, lines in enumerate(by_shard)
    ]


def render_functions(
    torch_version: str,
    functions: Iterable[FunctionRecord],
    generated: Iterable[DifferentiabilityRecord],
) -> Rendered:
    """functions.json."""
    head = _head("functions", torch_version)
    lines = list(map(_ENCODER.encode, functions))
    data = _document(
        head, [("functions", lines), ("generated", list(map(_ENCODER.encode, generated)))]
    )
    return Rendered("functions.json", data, len(lines))


def render_manifest(torch_version: str, documents: Iterable[Rendered]) -> Rendered:
    """manifest.json, for these documents."""
    files = [
        _ENCODER.encode(ManifestFile(d.name, hashlib.sha256(d.data).hexdigest(), d.functions))
        for d in documents
    ]
    data = _document(_head("manifest", torch_version), [("files", files)])
    return Rendered("manifest.json", data, len(files))


def shard_of(name: OperatorName, shards: int) -> int:
    """The shard of an operator: by its base name, so that variants stay together.

    The first eight bytes of the name's sha256, as a big-endian number, modulo `shards`.
    """
    digest = hashlib.sha256(name.base.encode()).digest()
    return int.from_bytes(digest[:8], "big") % shards


def shard_name(index: int) -> str:
    """The file name of a shard."""
    return f"differentiability_{index}.json"


_ENCODER: Final = msgspec.json.Encoder()


def _head(format_: str, torch_version: str, **more: object) -> bytes:
    fields = {
        "format": f"derivload.{format_}",
        "version": VERSION,
        "torch_version": torch_version,
        **more,
    }
    return _ENCODER.encode(fields)[:-1]


def _document(head: bytes, lists: Sequence[tuple[str, list[bytes]]]) -> bytes:
    parts = [head]
    for name, lines in lists:
        parts.append(b',"%s":[\n' % name.encode() if lines else b',"%s":[' % name.encode())
        parts.append(b",\n".join(lines))
        parts.append(b"\n]" if lines else b"]")
    parts.append(b"}\n")
    return b"".join(parts)
