"""The state that a run of the generators keeps, so that the next run generates only what changed.

We keep it by family of operators (`engine/families.py`), because the text that a generator makes
for one family does not depend on other families. Each family has a digest of everything that
generators know about it: the values of its entries in native_functions.yaml, its records in
differentiability.json and its entries in deprecated.yaml. If the digest is the same, the family is
not generated again. The pieces of text are kept for each file, under their own digest.

The generators also depend on their source and on the options. These are part of the key in the
store (`job.py`). Only the files depend on the templates (`templates.py`).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import Final

import msgspec

from derivload.engine.families import family_of
from derivload.pytorch.codegen.capture import INFOS, NATIVE, SORTED, Item, Output
from derivload.pytorch.codegen.job import is_inside

_DIGEST_SIZE: Final = 16
# The family of all operators, if the rule of families does not cover some name.
_ALL: Final = ""


class KeptEntry(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An entry of native_functions.yaml.

    - `digest`: the digest of its text.
    - `value`: the digest of its value, which comments and layout do not change.
    - `base`: the base name of its operator.
    - `delegate`: the base name of its structured delegate, or "".
    - `schema`: the schema of its function, "" until the function is made.
    - `generated`: the schemas of the functions that autogen adds for it.
    """

    digest: bytes
    value: bytes
    base: str
    delegate: str
    schema: str = ""
    generated: tuple[str, ...] = ()


class KeptOutput(msgspec.Struct, frozen=True, array_like=True):
    """A file, or all shards of one.

    `families` has the digest of its items for each family, `items` the digest of all its items.
    `files` has the sha256 of each file in hex, by name; "" if it must be rendered. `template` is
    that of the template; "" if it is itself an output, or not among the templates.
    """

    output: Output
    families: dict[str, bytes]
    items: bytes
    files: dict[str, str]
    template: str


class Deprecated(msgspec.Struct, frozen=True, array_like=True):
    """deprecated.yaml: the digest of its bytes, and its entries by base name.

    An entry is the texts of its `name` and `aten`.
    """

    digest: bytes
    entries: dict[str, list[tuple[str, str]]]


def render_deprecated(entries: Sequence[tuple[str, str]]) -> bytes:
    """A deprecated.yaml with these entries. It is written as JSON, which is also valid YAML."""
    return msgspec.json.encode([{"name": name, "aten": aten} for name, aten in entries])


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """The state of a run, without the items.

    - `rows`: the entries of native_functions.yaml.
    - `families`: the digest of each family.
    - `orders`: the digest of each order of items.
    - `everything`: a digest of what every item depends on.
    - `shared`: a digest of what files depend on besides their items: the tags.
    - `natives`: a digest of all entries of native_functions.yaml, in order.
    """

    rows: list[KeptEntry]
    deprecated: Deprecated
    families: dict[str, bytes]
    orders: dict[str, bytes]
    everything: bytes
    shared: bytes
    natives: bytes
    outputs: list[KeptOutput]


class Families:
    """Tells the family of an operator.

    If the rule of families does not cover one of the names, all operators are one family.
    """

    def __init__(self, bases: Iterable[str]) -> None:
        self.is_certain = None not in map(_family, bases)
        # From a base name to its family. It is asked ten thousand times for an edit.
        self.of: Callable[[str], str] = _family_or_all if self.is_certain else _family_of_all


@cache
def _family(base: str) -> str | None:
    return family_of(base)


@cache
def _family_or_all(base: str) -> str:
    return _family(base) or _ALL


def _family_of_all(_: str) -> str:
    return _ALL


class FamilyDigests:
    """For each family, a digest of everything that generators know about it.

    What is the same as the last time is not hashed again.
    """

    def __init__(self) -> None:
        self._last: dict[str, tuple[list[bytes | tuple[str, str]], bytes]] = {}

    def of(
        self,
        families: Families,
        rows: Iterable[KeptEntry],
        records: Iterable[tuple[str, bytes]],
        deprecated: Deprecated,
    ) -> dict[str, bytes]:
        """The digests by family. `records` are base names and lines of differentiability.json."""
        family_of = families.of
        known: defaultdict[str, list[bytes | tuple[str, str]]] = defaultdict(list)
        for row in rows:
            known[family_of(row.base)] += (b"n", row.value)
        for base, line in records:
            known[family_of(base)] += (b"r", line)
        for base, entries in deprecated.entries.items():
            known[family_of(base)] += entries
        last, self._last = self._last, {}
        for family, own in known.items():
            before = last.get(family)
            if before is None or before[0] != own:
                before = own, digest_of(own)
            self._last[family] = before
        return {family: digest for family, (_, digest) in self._last.items()}


def touched_families(
    families: Families,
    before: Mapping[str, bytes],
    now: Mapping[str, bytes],
    rows: Iterable[KeptEntry],
) -> set[str]:
    """The families whose digest changed, and those linked to them by a structured delegate."""
    touched = {f for f in before.keys() | now.keys() if before.get(f) != now.get(f)}
    return linked_families(families, touched, rows)


def linked_families(families: Families, chosen: set[str], rows: Iterable[KeptEntry]) -> set[str]:
    """These families, and all families linked to them by structured delegates."""
    links = [{families.of(row.base), families.of(row.delegate)} for row in rows if row.delegate]
    found = set(chosen)
    count = 0
    while count < len(found):
        count = len(found)
        for link in links:
            if not link.isdisjoint(found):
                found |= link
    return found


class Orders:
    """Sorts items, by the order of their file."""

    def __init__(
        self, rows: Sequence[KeptEntry], by_cpp_name: Sequence[str], infos: Sequence[str]
    ) -> None:
        """`by_cpp_name` are the schemas of all functions sorted by C++ name, `infos` those of all
        records.
        """
        native = [row.schema for row in rows]
        native += [schema for row in rows for schema in row.generated]
        self._lists = {NATIVE: native, SORTED: by_cpp_name, INFOS: infos}
        self._ranks: dict[str, dict[str, int]] = {}

    @cached_property
    def digests(self) -> dict[str, bytes]:
        """A digest of each order."""
        return {name: digest_of(list_) for name, list_ in self._lists.items()}

    def sort(self, items: list[Item], order: str) -> list[Item]:
        """The items in this order. Raises KeyError for an item that is not part of it."""
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
    """A digest of plain data: lists, dicts, texts, numbers and structs of these."""
    return hashlib.sha256(_ENCODER.encode(value)).digest()[:_DIGEST_SIZE]


_ENCODER: Final = msgspec.msgpack.Encoder()
_KEPT: Final = msgspec.msgpack.Decoder(Kept)
_ITEMS: Final = msgspec.msgpack.Decoder(list[Item])


def pack(kept: Kept) -> bytes:
    """The state as bytes, for `unpack`."""
    return _ENCODER.encode(kept)


def unpack(data: bytes) -> Kept | None:
    """The state from its bytes; None if they are not valid."""
    try:
        kept = _KEPT.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    files = {name for output in kept.outputs for name in output.files}
    return kept if all(is_inside(name) for name in files) else None


def pack_items(items: list[Item]) -> bytes:
    """The items as bytes, for `unpack_items`."""
    return _ENCODER.encode(items)


def unpack_items(data: bytes) -> list[Item] | None:
    """The items from their bytes; None if they are not valid."""
    try:
        return _ITEMS.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
