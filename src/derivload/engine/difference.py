"""The difference in meaning between two loads, function by function.

It is computed from the lines of the documents. Lines that both loads have are skipped without
being decoded, so the cost depends on what changed. Two records are of the same function if its
name, overload included, is the same; its schema may change like anything else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final

import msgspec

from derivload.derivatives.model import DifferentiabilityRecord, FunctionRecord
from derivload.engine.facts import read_facts
from derivload.engine.lines import DocumentLines
from derivload.engine.parts import (
    BACKWARD,
    COMPUTED,
    FORWARD,
    KERNELS,
    MATCHED,
    NEEDS,
    NODE,
    READS,
    SAVED,
    SCHEMA,
    Parts,
    fact_parts,
    function_parts,
    name_in,
    record_parts,
)
from derivload.engine.renames import Described, find_renames
from derivload.engine.schema_changes import schema_changes
from derivload.sources.splitting import find_window

# When a function or its definition is added or removed, these parts show it: the rest follows.
_MAIN: Final = (NODE, BACKWARD, SAVED, FORWARD)
# Parts of these kinds are left out where the formula that they follow from changed too.
_FOLLOWING: Final = {COMPUTED: BACKWARD, READS: BACKWARD, NEEDS: FORWARD}
_NONE: Final = "none"
# Fields that say what the kernels say.
_OF_KERNELS: Final = (
    "has_composite_implicit_autograd_kernel",
    "has_composite_explicit_autograd_kernel",
)


class Change(msgspec.Struct, frozen=True, gc=False):
    """A part of a function before and after; None on the side that has no such part.

    `what` is one of the kinds above, or a field of the documents. `of` tells which part of that
    kind: the variables of the formula or the name of the saved attribute, followed by the
    dispatch key unless that is Default.
    """

    what: str
    of: str
    before: str | None
    after: str | None


class FunctionChange(msgspec.Struct, frozen=True, gc=False):
    """A function that was added, removed or changed, and its parts that differ."""

    name: str
    changes: tuple[Change, ...]


class Difference(msgspec.Struct, frozen=True, gc=False):
    """The functions that were added, removed and changed, in the order of the documents.

    `documents` are the changes in the heads of the documents.
    """

    added: tuple[FunctionChange, ...] = ()
    removed: tuple[FunctionChange, ...] = ()
    changed: tuple[FunctionChange, ...] = ()
    documents: tuple[Change, ...] = ()


class Renamed(msgspec.Struct, frozen=True, gc=False):
    """A function that probably has another name now, and its parts that differ.

    `measure`, from 0 to 1, is how like both are.
    """

    before: str
    after: str
    measure: float
    changes: tuple[Change, ...]


class FullDifference(Difference, frozen=True, gc=False):
    """A difference in full: those of `renamed` are not among the added and the removed."""

    renamed: tuple[Renamed, ...] = ()


_RECORDS: Final = msgspec.json.Decoder(DifferentiabilityRecord)
_FUNCTIONS: Final = msgspec.json.Decoder(FunctionRecord)


def difference(before: DocumentLines, after: DocumentLines) -> Difference:
    """The difference between two loads, from the lines of their documents."""
    return _compare(*_sides(before, after, in_full=False), _of_heads(before, after))


def difference_in_full(before: DocumentLines, after: DocumentLines) -> FullDifference:
    """The same for a person who has not made the edit.

    The facts are compared too, if both sides have them; schemas are told argument by argument;
    functions that came or went have their schemas; and it is told which were probably renamed.
    """
    sides = _sides(before, after, in_full=True)
    if before.facts is not None and after.facts is not None:
        for side, lines in zip(sides, _apart(before.facts, after.facts), strict=True):
            side.add_facts(lines)
    return _compare_in_full(*sides, _of_heads(before, after))


def _of_heads(before: DocumentLines, after: DocumentLines) -> tuple[Change, ...]:
    return tuple(_changes(_head(before), _head(after)))


def _sides(before: DocumentLines, after: DocumentLines, *, in_full: bool) -> tuple[_Side, _Side]:
    sides = _Side(in_full=in_full), _Side(in_full=in_full)
    for side, lines in zip(sides, _apart(before.functions, after.functions), strict=True):
        side.add_functions(lines)
    for side, lines in zip(sides, _apart(before.records, after.records), strict=True):
        side.add_definitions(lines)
    for side, lines in zip(sides, _apart(before.generated, after.generated), strict=True):
        side.add_generated(lines)
    return sides


class _Side:
    """The records of one load that the other does not have, by the name of the function.

    `defined` are the functions with a record in differentiability.json, in the order of these.
    """

    def __init__(self, *, in_full: bool) -> None:
        self._in_full = in_full
        self.functions: dict[str, FunctionRecord] = {}
        self.defined: list[str] = []
        self.parts: dict[str, Parts] = {}

    def add_functions(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            record = _FUNCTIONS.decode(line)
            name = name_in(record.schema)
            self.functions[name] = record
            self.parts[name] = dict(function_parts(record, in_full=self._in_full))

    def add_facts(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            facts = read_facts(line)
            self.parts.setdefault(name_in(facts.schema), {}).update(fact_parts(facts))

    def add_definitions(self, lines: Iterable[bytes]) -> None:
        self.defined += [self._add_record(line) for line in lines]

    def add_generated(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self._add_record(line)

    def _add_record(self, line: bytes) -> str:
        record = _RECORDS.decode(line)
        name = name_in(record.schema)
        parts = self.parts.setdefault(name, {})
        for (what, of), text in record_parts(record):
            # A matched function may have another forward formula than its definition.
            if what == FORWARD and parts.get((what, of), text) != text:
                parts[MATCHED, of] = parts[what, of]
            parts[what, of] = text
        return name


def _compare(before: _Side, after: _Side, documents: tuple[Change, ...]) -> Difference:
    added, removed, both = _names(before, after)
    old, new = before.parts, after.parts
    changed = [FunctionChange(n, _both(old.get(n, {}), new.get(n, {}))) for n in both]
    return Difference(
        added=tuple([FunctionChange(n, _whole({}, new[n], _MAIN)) for n in added]),
        removed=tuple([FunctionChange(n, _whole(old[n], {}, _MAIN)) for n in removed]),
        changed=tuple(changed),
        documents=documents,
    )


def _compare_in_full(before: _Side, after: _Side, documents: tuple[Change, ...]) -> FullDifference:
    added, removed, both = _names(before, after)
    old, new = before.parts, after.parts
    renames = find_renames(
        [_described(n, old[n]) for n in removed], [_described(n, new[n]) for n in added]
    )
    gone, come = {one.before for one in renames}, {one.after for one in renames}
    changed = [FunctionChange(n, _in_full(old.get(n, {}), new.get(n, {}))) for n in both]
    kinds = (SCHEMA, *_MAIN, KERNELS)
    return FullDifference(
        added=tuple([FunctionChange(n, _whole({}, new[n], kinds)) for n in added if n not in come]),
        removed=tuple(
            [FunctionChange(n, _whole(old[n], {}, kinds)) for n in removed if n not in gone]
        ),
        changed=tuple([one for one in changed if one.changes]),
        documents=documents,
        renamed=tuple(
            [
                Renamed(*rename, _in_full(old[rename.before], new[rename.after]))
                for rename in renames
            ]
        ),
    )


def _names(before: _Side, after: _Side) -> tuple[list[str], list[str], list[str]]:
    """The names of the functions that were added, that were removed, and that differ."""
    added = [name for name in after.functions if name not in before.functions]
    removed = [name for name in before.functions if name not in after.functions]
    # Functions with a definition first: that is what was edited. The others follow from it.
    both = dict.fromkeys([*before.defined, *after.defined, *before.parts, *after.parts])
    apart = {*added, *removed}
    return added, removed, [name for name in both if name not in apart]


def _described(name: str, parts: Parts) -> Described:
    formulas = [text for (what, _), text in parts.items() if what == BACKWARD]
    signature = parts.get((SCHEMA, ""), "").partition("(")[2]
    return Described(name, signature, "; ".join(formulas))


def _whole(before: Parts, after: Parts, kinds: Collection[str]) -> tuple[Change, ...]:
    changes = [change for change in _changes(before, after) if change.what in kinds]
    return _sorted([change for change in changes if _NONE not in (change.before, change.after)])


def _in_full(before: Parts, after: Parts) -> tuple[Change, ...]:
    """What differs, the schema argument by argument. What follows from that is left out."""
    changes = list(_both(before, after))
    kinds = {change.what for change in changes}
    if KERNELS in kinds:
        changes = [change for change in changes if change.what not in _OF_KERNELS]
    schema = next((change for change in changes if change.what == SCHEMA), None)
    if schema is None or schema.before is None or schema.after is None:
        return tuple(changes)
    parts = [Change(*fields) for fields in schema_changes(schema.before, schema.after)]
    rest = [change for change in changes if change.what not in (SCHEMA, "args_with_derivatives")]
    return (schema, *parts, *rest)


def _sorted(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes, the most important kinds first."""
    order = {kind: i for i, kind in enumerate((SCHEMA, *_MAIN))}
    return tuple(sorted(changes, key=lambda change: order.get(change.what, len(order))))


def _both(before: Parts, after: Parts) -> tuple[Change, ...]:
    changes = list(_changes(before, after))
    kinds = {change.what for change in changes}
    if SAVED in kinds:
        changes = [change for change in changes if change.what != READS]
    if kinds.isdisjoint(_MAIN):
        return _sorted(changes)
    return _sorted([c for c in changes if c.what in _MAIN or None not in (c.before, c.after)])


def _changes(before: Parts, after: Parts) -> Iterator[Change]:
    """The parts that differ: first those of `after`, then those that only `before` has."""
    for part in {**after, **before}:
        old, new = before.get(part), after.get(part)
        if old == new:
            continue
        what, of = part
        formula = (_FOLLOWING.get(what, ""), of)
        if before.get(formula) == after.get(formula):
            yield Change(what, of, old, new)


def _apart(old: list[bytes], new: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """The lines that are only in `old`, and those that are only in `new`."""
    begin, old_end, new_end = find_window(old, new)
    gone, come = old[begin:old_end], new[begin:new_end]
    kept = set(gone).intersection(come)
    return [line for line in gone if line not in kept], [line for line in come if line not in kept]


def _head(lines: DocumentLines) -> Parts:
    return {
        ("torch_version", ""): lines.torch_version,
        ("used_dispatch_keys", ""): ", ".join(lines.used_dispatch_keys),
    }
