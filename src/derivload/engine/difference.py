"""The difference in meaning between two loads, function by function.

It is computed from the lines of the documents. Lines that both loads have are skipped without
being decoded, so the cost depends on what changed. Two records are of the same function if its
name, overload included, is the same; its schema may change like anything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from derivload.derivatives.model import (
    DifferentiabilityInfo,
    DifferentiabilityRecord,
    ForwardDerivative,
    FunctionRecord,
    SavedAttribute,
)
from derivload.engine.lines import DocumentLines

# The kinds of parts of a function. All other parts are fields of the documents, under their own
# names.
SCHEMA: Final = "schema"
NODE: Final = "node"
BACKWARD: Final = "backward"
SAVED: Final = "saved"
FORWARD: Final = "forward"

_COMPUTED: Final = "backward as computed"
_READS: Final = "backward reads"
_MATCHED: Final = "forward as matched"
_NEEDS: Final = "forward needs"
# When a function or its definition is added or removed, these parts show it: the rest follows.
_MAIN: Final = (NODE, BACKWARD, SAVED, FORWARD)
# Parts of these kinds are left out where the formula that they follow from changed too.
_FOLLOWING: Final = {_COMPUTED: BACKWARD, _READS: BACKWARD, _NEEDS: FORWARD}
_DEFAULT: Final = "Default"


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


# The parts of a function as text, by `what` and `of` (see `Change`).
_Parts = dict[tuple[str, str], str]

_RECORDS: Final = msgspec.json.Decoder(DifferentiabilityRecord)
_FUNCTIONS: Final = msgspec.json.Decoder(FunctionRecord)


def difference(before: DocumentLines, after: DocumentLines) -> Difference:
    """The difference between two loads, from the lines of their documents."""
    sides = _Side(), _Side()
    for side, lines in zip(sides, _apart(before.functions, after.functions), strict=True):
        side.add_functions(lines)
    for side, lines in zip(sides, _apart(before.records, after.records), strict=True):
        side.add_definitions(lines)
    for side, lines in zip(sides, _apart(before.generated, after.generated), strict=True):
        side.add_generated(lines)
    return _compare(*sides, tuple(_changes(_head(before), _head(after))))


class _Side:
    """The records of one load that the other does not have, by the name of the function.

    `defined` are the functions with a record in differentiability.json, in the order of these.
    """

    def __init__(self) -> None:
        self.functions: dict[str, FunctionRecord] = {}
        self.defined: list[str] = []
        self.parts: dict[str, _Parts] = {}

    def add_functions(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            record = _FUNCTIONS.decode(line)
            name = _name(record.schema)
            self.functions[name] = record
            self.parts[name] = dict(_function_parts(record))

    def add_definitions(self, lines: Iterable[bytes]) -> None:
        self.defined += [self._add_record(line) for line in lines]

    def add_generated(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self._add_record(line)

    def _add_record(self, line: bytes) -> str:
        record = _RECORDS.decode(line)
        name = _name(record.schema)
        parts = self.parts.setdefault(name, {})
        for (what, of), text in _record_parts(record):
            # A matched function may have another forward formula than its definition.
            if what == FORWARD and parts.get((what, of), text) != text:
                parts[_MATCHED, of] = parts[what, of]
            parts[what, of] = text
        return name


def _compare(before: _Side, after: _Side, documents: tuple[Change, ...]) -> Difference:
    added = [name for name in after.functions if name not in before.functions]
    removed = [name for name in before.functions if name not in after.functions]
    # Functions with a definition first: that is what was edited. The others follow from it.
    both = dict.fromkeys([*before.defined, *after.defined, *before.parts, *after.parts])
    apart = {*added, *removed}
    return Difference(
        added=tuple([FunctionChange(n, _whole({}, after.parts[n])) for n in added]),
        removed=tuple([FunctionChange(n, _whole(before.parts[n], {})) for n in removed]),
        changed=tuple(
            [
                FunctionChange(name, _both(before.parts.get(name, {}), after.parts.get(name, {})))
                for name in both
                if name not in apart
            ]
        ),
        documents=documents,
    )


def _whole(before: _Parts, after: _Parts) -> tuple[Change, ...]:
    return _sorted([change for change in _changes(before, after) if change.what in _MAIN])


def _sorted(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes, the most important kinds first."""
    order = {kind: i for i, kind in enumerate((SCHEMA, *_MAIN))}
    return tuple(sorted(changes, key=lambda change: order.get(change.what, len(order))))


def _both(before: _Parts, after: _Parts) -> tuple[Change, ...]:
    changes = list(_changes(before, after))
    kinds = {change.what for change in changes}
    if SAVED in kinds:
        changes = [change for change in changes if change.what != _READS]
    if kinds.isdisjoint(_MAIN):
        return _sorted(changes)
    return _sorted([c for c in changes if c.what in _MAIN or None not in (c.before, c.after)])


def _changes(before: _Parts, after: _Parts) -> Iterator[Change]:
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
    begin, old_end, new_end = 0, len(old), len(new)
    shortest = min(old_end, new_end)
    while begin < shortest and old[begin] == new[begin]:
        begin += 1
    while old_end > begin and new_end > begin and old[old_end - 1] == new[new_end - 1]:
        old_end -= 1
        new_end -= 1
    gone, come = old[begin:old_end], new[begin:new_end]
    kept = set(gone).intersection(come)
    return [line for line in gone if line not in kept], [line for line in come if line not in kept]


def _head(lines: DocumentLines) -> _Parts:
    return {
        ("torch_version", ""): lines.torch_version,
        ("used_dispatch_keys", ""): ", ".join(lines.used_dispatch_keys),
    }


def _name(schema: str) -> str:
    return schema.partition("(")[0]


def _function_parts(record: FunctionRecord) -> Iterator[tuple[tuple[str, str], str]]:
    yield (SCHEMA, ""), record.schema
    for field in record.__struct_fields__:
        if field in ("schema", "differentiability", "forward_derivatives"):
            continue
        yield (field, ""), _text(getattr(record, field))
    for key, info in (record.differentiability or {}).items():
        yield ("defined for", _of("", key)), info.schema
        yield (NODE, _of("", key)), info.op or "none"
    for key, forwards in (record.forward_derivatives or {}).items():
        yield from _forward_parts(forwards, key)


def _record_parts(record: DifferentiabilityRecord) -> Iterator[tuple[tuple[str, str], str]]:
    yield (SCHEMA, ""), record.schema
    for key, info in record.dispatch.items():
        yield (NODE, _of("", key)), info.op or "none"
        for derivative in info.derivatives:
            of = _of(", ".join(derivative.var_names), key)
            yield (BACKWARD, of), derivative.original_formula
            yield (_COMPUTED, of), derivative.formula
            saved = (*derivative.saved_inputs, *derivative.saved_outputs)
            reads = [f"{a.type} {a.name} = {a.expr}" for a in saved]
            yield (_READS, of), _text([*reads, *derivative.named_gradients])
        yield from _saved_parts(info.all_saved_inputs, key)
        yield from _saved_parts(info.all_saved_outputs, key)
        yield from _forward_parts(info.forward_derivatives, key)
        yield from _other_parts(info, key)


def _saved_parts(
    saved: Iterable[SavedAttribute], key: str
) -> Iterator[tuple[tuple[str, str], str]]:
    for attribute in saved:
        yield (SAVED, _of(attribute.name, key)), f"{attribute.type} = {attribute.expr}"


def _forward_parts(
    forwards: Iterable[ForwardDerivative], key: str
) -> Iterator[tuple[tuple[str, str], str]]:
    for forward in forwards:
        of = _of(", ".join(forward.var_names), key)
        yield (FORWARD, of), forward.formula
        needs = {
            "of": forward.var_types,
            "tangents": forward.required_inputs_fw_grad,
            "primals": forward.required_inputs_primal,
            "original self": forward.required_original_self_value,
            "as out-of-place": forward.is_reusing_outplace_formula,
        }
        yield (_NEEDS, of), "; ".join(f"{name} {_text(value)}" for name, value in needs.items())


# `_record_parts` reports the contents of these fields one by one.
_SAID: Final = (
    "op",
    "derivatives",
    "forward_derivatives",
    "all_saved_inputs",
    "all_saved_outputs",
)


def _other_parts(info: DifferentiabilityInfo, key: str) -> Iterator[tuple[tuple[str, str], str]]:
    for field in info.__struct_fields__:
        if field == "args_with_derivatives":
            arguments = [
                f"{a.type} {a.name}" + ("" if a.default is None else f"={a.default}")
                for a in info.args_with_derivatives
            ]
            yield (field, _of("", key)), _text(arguments)
        elif field not in _SAID:
            yield (field, _of("", key)), _text(getattr(info, field))


def _of(name: str, key: str) -> str:
    return name if key == _DEFAULT else f"{name} ({key})".lstrip()


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (tuple, list)):
        return ", ".join(_text(item) for item in value) or "none"
    return "none" if value is None else str(value)
