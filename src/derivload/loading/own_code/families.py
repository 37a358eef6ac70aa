"""The entries of the inputs by family, for a torchgen whose rules we do not know.

That torchgen gets only the entries of the families that an edit touched. Each entry is put into a
family by its name alone, with the rule of `engine/families.py`. Whether that rule holds for this
torchgen is checked once: see `session.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from derivload.diagnostics import Invalid
from derivload.engine.families import family_of
from derivload.engine.inputs import InputEntries
from derivload.schema.names import read_operator_name
from derivload.sources.entries import EntryValue
from derivload.sources.plain import Value


class NotSeparableError(Exception):
    """The entries, or torchgen's results, cannot be split by family; the text says why."""


class FamilyRow(NamedTuple):
    """An entry: its digest, its family, and the family that it names, or ""."""

    digest: bytes
    family: str
    link: str


class FamilyRows:
    """The entries of all inputs, as rows."""

    def __init__(self, inputs: InputEntries, known: Mapping[bytes, FamilyRow]) -> None:
        """`known` are rows of earlier inputs, by digest. Raises NotSeparableError, and
        NotCertainError where entries cannot be read one by one.
        """
        self._inputs = inputs
        self.natives = [
            known.get(digest) or _native(digest, inputs.native(i))
            for i, digest in enumerate(inputs.natives)
        ]
        self.definitions = [
            known.get(digest) or _definition(digest, inputs.definition(i))
            for i, digest in enumerate(inputs.definitions)
        ]
        self.digests = self._by_family()

    def _by_family(self) -> dict[str, bytes]:
        tags = self._inputs.texts.tags.text.encode("utf-8", "surrogatepass")
        all_tags = hashlib.sha256(tags).digest()
        found: dict[str, list[bytes]] = {}
        for kind, rows in ((b"native", self.natives), (b"definition", self.definitions)):
            for row in rows:
                found.setdefault(row.family, []).append(kind + row.digest)
        return {
            family: hashlib.sha256(b"".join([all_tags, *parts])).digest()
            for family, parts in found.items()
        }

    def texts(self, families: Collection[str]) -> tuple[str, str, str]:
        """The texts of derivatives, native functions and tags with the entries of some families."""
        inputs = self._inputs
        definitions = [
            inputs.definition(i) for i, row in enumerate(self.definitions) if row.family in families
        ]
        natives = [inputs.native(i) for i, row in enumerate(self.natives) if row.family in families]
        # The text of an entry has the keys that are passed over, its value does not.
        by_value = bool(inputs.texts.additions.entry_keys)
        return _joined(definitions), _joined(natives, by_value=by_value), inputs.texts.tags.text

    def whole_texts(self) -> tuple[str, str, str]:
        """The texts with all entries."""
        return self.texts(self.digests.keys())


def linked(rows: Iterable[FamilyRow], families: set[str]) -> set[str]:
    """These families with all that are linked to them, in either direction."""
    links = {(row.family, row.link) for row in rows if row.link}
    found = set(families)
    while True:
        more = {end for pair in links if not found.isdisjoint(pair) for end in pair} - found
        if not more:
            return found
        found |= more


def _native(digest: bytes, entry: EntryValue) -> FamilyRow:
    delegate = entry.value.get("structured_delegate")
    return FamilyRow(
        digest,
        _family(entry.value.get("func")),
        "" if delegate is None else _family(delegate),
    )


def _definition(digest: bytes, entry: EntryValue) -> FamilyRow:
    return FamilyRow(digest, _family(entry.value.get("name")), "")


def _family(schema: object) -> str:
    """The family of what a schema or a name begins with."""
    if not isinstance(schema, str):
        raise NotSeparableError(f"{schema!r} is no name")
    try:
        base = read_operator_name(schema.partition("(")[0].strip(), namespaces=True).base
    except Invalid:
        raise NotSeparableError(f"{schema} is of no family") from None
    return family_of_base(base)


def family_of_base(base: str) -> str:
    """The family of a base name. Raises NotSeparableError."""
    family = family_of(base)
    if family is None:
        raise NotSeparableError(f"{base} is of no family")
    return family


def _joined(entries: Sequence[EntryValue], *, by_value: bool = False) -> str:
    items = [
        as_item(entry.value) if by_value or entry.entry.whole else entry.entry.text
        for entry in entries
    ]
    return "\n".join(["[]" if not entries else "", *items, ""])


def as_item(value: Mapping[Value, Value]) -> str:
    """An entry as an item of a list, in JSON, which is YAML too."""
    return "- " + msgspec.json.encode(value).decode()
