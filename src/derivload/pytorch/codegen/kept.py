"""What is kept of a run of the generators, so that the next runs them for what changed.

A family of operators (`engine/families.py`) is the unit: nothing that a generator makes of one
depends on another. So a family is told by a digest of all that generators know of it: the values
of its entries in native_functions.yaml, its records in differentiability.json, its entries in
deprecated.yaml. A family of which the digest is the same is not generated again; its pieces are
kept by file, behind their own digest. What the generators depend on besides (their source, the
options) is part of the key that all this is kept under; see `update.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final

import msgspec

from derivload.engine.families import family_of
from derivload.pytorch.codegen.capture import INFOS, NATIVE, SORTED, Item, Output
from derivload.pytorch.codegen.job import is_inside

_DIGEST_SIZE: Final = 16
# The family of everything, where some name is not certain to be of one.
_ALL: Final = ""


class NativeRow(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An entry of native_functions.yaml.

    `digest` is that of its text and `value` that of what it says; `base` is the base name of its
    operator, and `delegate` that of its structured delegate or "". `schema` is that of its
    function, and `generated` those of the functions that autogen makes when it is met.
    """

    digest: bytes
    value: bytes
    base: str
    delegate: str
    schema: str = ""
    generated: tuple[str, ...] = ()


class KeptOutput(msgspec.Struct, frozen=True, array_like=True):
    """A file or the shards of one: digests of its items by family, of all of them together, and
    the sha256 in hex of each file by name.
    """

    output: Output
    families: dict[str, bytes]
    items: bytes
    files: dict[str, str]


class Deprecated(msgspec.Struct, frozen=True, array_like=True):
    """deprecated.yaml: the digest of its bytes, and its entries by base name, each two texts."""

    digest: bytes
    entries: dict[str, list[tuple[str, str]]]


def render_deprecated(entries: Sequence[tuple[str, str]]) -> bytes:
    """A deprecated.yaml with these entries: JSON, which is YAML too."""
    return msgspec.json.encode([{"name": name, "aten": aten} for name, aten in entries])


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """What a run came to, besides the items.

    `everything` is a digest of what every item depends on, `shared` of what files depend on
    besides their items, `natives` of all that native_functions.yaml says, in its order.
    """

    rows: list[NativeRow]
    deprecated: Deprecated
    families: dict[str, bytes]
    orders: dict[str, bytes]
    everything: bytes
    shared: bytes
    natives: bytes
    outputs: list[KeptOutput]


class Families:
    """Which family an operator is of; all are of one where any name is not certain."""

    def __init__(self, bases: Iterable[str]) -> None:
        self.is_certain = all(_family(base) is not None for base in bases)

    def of(self, base: str) -> str:
        """The family of a base name."""
        return (_family(base) or _ALL) if self.is_certain else _ALL


@cache
def _family(base: str) -> str | None:
    return family_of(base)


def digests_by_family(
    families: Families,
    rows: Sequence[NativeRow],
    records: Iterable[tuple[str, bytes]],
    deprecated: Deprecated,
) -> dict[str, bytes]:
    """A digest of all that generators know of each family.

    `records` are base names and lines of differentiability.json.
    """
    hashes: dict[str, hashlib._Hash] = {}

    def add(base: str, kind: bytes, data: bytes) -> None:
        family = families.of(base)
        found = hashes.get(family)
        if found is None:
            found = hashes[family] = hashlib.sha256()
        found.update(b"%s%d:" % (kind, len(data)))
        found.update(data)

    for row in rows:
        add(row.base, b"n", row.value)
    for base, line in records:
        add(base, b"r", line)
    for base, entries in deprecated.entries.items():
        for entry in entries:
            add(base, b"d", "\0".join(entry).encode())
    return {family: found.digest()[:_DIGEST_SIZE] for family, found in hashes.items()}


def touched_families(
    families: Families,
    before: Mapping[str, bytes],
    now: Mapping[str, bytes],
    rows: Iterable[NativeRow],
) -> set[str]:
    """The families that are not what they were, and those linked with them by a delegate."""
    touched = {f for f in before.keys() | now.keys() if before.get(f) != now.get(f)}
    return linked_families(families, touched, rows)


def linked_families(families: Families, chosen: set[str], rows: Iterable[NativeRow]) -> set[str]:
    """These families and those that a structured delegate links them with."""
    links = [{families.of(row.base), families.of(row.delegate)} for row in rows if row.delegate]
    links = [link for link in links if len(link) > 1]
    found = set(chosen)
    count = -1
    while count < len(found):
        count = len(found)
        for link in links:
            if not link.isdisjoint(found):
                found |= link
    return found


class Orders:
    """The places of items, by the order that their file is in."""

    def __init__(
        self, rows: Sequence[NativeRow], by_cpp_name: Sequence[str], infos: Sequence[str]
    ) -> None:
        """`by_cpp_name` are the schemas of all functions in that order, `infos` of records."""
        native = [row.schema for row in rows]
        native += [schema for row in rows for schema in row.generated]
        self._lists = {NATIVE: native, SORTED: by_cpp_name, INFOS: infos}
        self._ranks: dict[str, dict[str, int]] = {}

    def digests(self) -> dict[str, bytes]:
        """A digest of each order."""
        return {name: digest_of(list_) for name, list_ in self._lists.items()}

    def sort(self, items: list[Item], order: str) -> list[Item]:
        """The items in this order. Raises KeyError for one that has no place in it."""
        if order not in self._lists:
            return sorted(items, key=lambda item: item.anchor)
        if order not in self._ranks:
            self._ranks[order] = {schema: i for i, schema in enumerate(self._lists[order])}
        ranks = self._ranks[order]
        return sorted(items, key=lambda item: ranks[item.anchor])


def digests_of_items(families: Families, items: Iterable[Item]) -> dict[str, bytes]:
    """A digest of the items of each family, in their order."""
    by_family: dict[str, list[Item]] = {}
    for item in items:
        by_family.setdefault(families.of(item.base), []).append(item)
    return {family: digest_of(own) for family, own in by_family.items()}


def digest_of(value: object) -> bytes:
    """A digest that tells apart values of plain data."""
    return hashlib.sha256(_ENCODER.encode(value)).digest()[:_DIGEST_SIZE]


_ENCODER: Final = msgspec.msgpack.Encoder()
_KEPT: Final = msgspec.msgpack.Decoder(Kept)
_ITEMS: Final = msgspec.msgpack.Decoder(list[Item])


def pack(kept: Kept) -> bytes:
    """What `unpack` takes."""
    return _ENCODER.encode(kept)


def unpack(data: bytes) -> Kept | None:
    """What `pack` was given; None for anything else."""
    try:
        kept = _KEPT.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    files = {name for output in kept.outputs for name in output.files}
    return kept if all(is_inside(name) for name in files) else None


def pack_items(items: list[Item]) -> bytes:
    """What `unpack_items` takes."""
    return _ENCODER.encode(items)


def unpack_items(data: bytes) -> list[Item] | None:
    """What `pack_items` was given; None for anything else."""
    try:
        return _ITEMS.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
