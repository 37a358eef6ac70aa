"""The results of a tree's own torchgen, split by family and joined again.

The lines of the documents are kept as they are, each with its family.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

import msgspec

from derivload.engine.lines import DocumentLines, encode_line
from derivload.loading.own_code.families import (
    FamilyRow,
    FamilyRows,
    NotSeparableError,
    family_of_base,
)
from derivload.loading.own_code.process import TreeAnswer

T = TypeVar("T")

# The number of an op is its last digits. A name that itself ends in a digit is cut too short: then
# ops that are not related count as related, which costs a little.
_NUMBER: Final = re.compile(r"\d+$")


class Copy(NamedTuple):
    """A record that is a copy: which definition it has its formulas from, its base name, line."""

    origin: int
    base: str
    line: bytes


class FamilyPart(NamedTuple):
    """The results for one family; `own` has the base name and the line of each definition's record.

    The origin of a copy, and the function of a generated record, are numbers within the family.
    `functions` have their C++ names.
    """

    own: list[tuple[str, bytes]]
    copies: list[Copy]
    functions: list[tuple[str, bytes]]
    generated: list[tuple[int, bytes]]
    ops: list[str]
    keys: list[str]


class FamilyState(msgspec.Struct, array_like=True):
    """All parts, with the rows that they were made from and the digest of each family."""

    natives: list[FamilyRow]
    definitions: list[FamilyRow]
    digests: dict[str, bytes]
    parts: dict[str, FamilyPart]

    def known(self) -> dict[bytes, FamilyRow]:
        """The rows by digest."""
        return {row.digest: row for row in (*self.natives, *self.definitions)}


def split(answer: TreeAnswer, rows: Sequence[FamilyRow]) -> dict[str, FamilyPart]:
    """An answer by family; `rows` are those of its definitions. Raises NotSeparableError."""
    parts: dict[str, FamilyPart] = {}

    def part(family: str) -> FamilyPart:
        return parts.setdefault(family, FamilyPart([], [], [], [], [], []))

    where: list[tuple[str, int]] = []
    if len(answer.records) < len(rows):
        raise NotSeparableError("it has fewer records than definitions")
    for i, (record, base) in enumerate(zip(answer.records, answer.bases, strict=True)):
        line = encode_line(record)
        if i >= len(rows):
            origin = answer.origins[i]
            if origin >= len(rows):
                raise NotSeparableError(f"{record.schema} is of no definition")
            family, index = where[origin]
            part(family).copies.append(Copy(index, base, line))
        else:
            family = rows[i].family
            if family_of_base(base) != family or answer.origins[i] != i:
                raise NotSeparableError(f"{record.schema} is out of order")
            own = part(family)
            where.append((family, len(own.own)))
            own.own.append((base, line))
            own.keys.extend(record.dispatch)
            own.ops.extend(
                _NUMBER.sub("", info.op) for info in record.dispatch.values() if info.op is not None
            )
    if {key for made in parts.values() for key in made.keys} != {*answer.used_dispatch_keys}:
        raise NotSeparableError("its dispatch keys are not those of its records")
    _split_functions(answer, part)
    return parts


def _split_functions(answer: TreeAnswer, part: Callable[[str], FamilyPart]) -> None:
    places: dict[str, tuple[str, int]] = {}
    names: dict[str, str] = {}
    for record, name, base in zip(
        answer.functions, answer.cpp_names, answer.function_bases, strict=True
    ):
        family = family_of_base(base)
        if names.setdefault(name, family) != family:
            raise NotSeparableError(f"functions of two families are {name} in C++")
        functions = part(family).functions
        places[record.schema] = family, len(functions)
        functions.append((name, encode_line(record)))
    for made in answer.generated:
        if made.schema not in places:
            raise NotSeparableError(f"{made.schema} is no function")
        family, index = places[made.schema]
        part(family).generated.append((index, encode_line(made)))


def join(
    parts: Mapping[str, FamilyPart], definitions: Sequence[FamilyRow], version: str
) -> DocumentLines:
    """The lines of the documents, from all parts. `definitions` give the order of the families."""
    taken = dict.fromkeys(parts, 0)
    records: list[tuple[str, bytes]] = []
    places: dict[tuple[str, int], int] = {}
    for i, row in enumerate(definitions):
        index = taken[row.family]
        taken[row.family] += 1
        places[row.family, index] = i
        records.append(parts[row.family].own[index])
    copies = sorted(
        (
            (places[family, copy.origin], i, copy)
            for family, made in parts.items()
            for i, copy in enumerate(made.copies)
        ),
        key=lambda found: found[:2],
    )
    records += [(copy.base, copy.line) for _, _, copy in copies]
    functions = sorted(
        (
            (name, family, i, line)
            for family, made in parts.items()
            for i, (name, line) in enumerate(made.functions)
        ),
        key=lambda function: (function[0], function[2]),
    )
    order = {(family, i): at for at, (_, family, i, _) in enumerate(functions)}
    generated = sorted(
        (order[family, i], line) for family, made in parts.items() for i, line in made.generated
    )
    return DocumentLines(
        torch_version=version,
        used_dispatch_keys=tuple(sorted({key for made in parts.values() for key in made.keys})),
        records=[line for _, line in records],
        bases=[base for base, _ in records],
        functions=[line for _, _, _, line in functions],
        generated=[line for _, line in generated],
    )


def lines_of(answer: TreeAnswer, version: str) -> DocumentLines:
    """The lines of the documents, from a whole answer."""
    return DocumentLines(
        torch_version=version,
        used_dispatch_keys=answer.used_dispatch_keys,
        records=[encode_line(record) for record in answer.records],
        bases=answer.bases,
        functions=[encode_line(record) for record in answer.functions],
        generated=[encode_line(record) for record in answer.generated],
    )


def related(parts: Mapping[str, FamilyPart], families: Collection[str]) -> set[str]:
    """These families, and those with an op of the same name: such ops are numbered together."""
    ops = {op for family in families if family in parts for op in parts[family].ops}
    same = {family for family, made in parts.items() if not ops.isdisjoint(made.ops)}
    return {*families, *same}


def difference(whole: DocumentLines, joined: DocumentLines) -> str:
    """The first difference between two results, or ""."""
    for name, own, other in zip(whole._fields, whole, joined, strict=True):
        if own != other:
            return f"{name}{_first(own, other)}"
    return ""


def _first(own: object, other: object) -> str:
    if not isinstance(own, list) or not isinstance(other, list):
        return ""
    for one, two in zip(own, other, strict=False):
        if one != two and isinstance(one, bytes):
            found = re.match(rb'\{"schema":"([^(]*)', one)
            assert found is not None
            return f" of {found[1].decode()}"
    return ""


def rows_of(rows: FamilyRows, families: Collection[str]) -> list[FamilyRow]:
    """The definitions of some families."""
    return [row for row in rows.definitions if row.family in families]
