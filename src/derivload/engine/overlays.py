"""How the entries of several files become one list.

The entries of overlays are appended in their order. With `--override`, an entry takes the place of
the entry of the same name in an earlier file: it stands where that one stood. Of two entries of one
file, none takes the place of the other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from derivload.patterns import lazy
from derivload.sources.additions import DECLARING
from derivload.sources.entries import Entry, EntryValue, Mapping, SourceFile
from derivload.sources.plain import Value
from derivload.spelling import ask, nearest
from derivload.tuples import NamedTuple

# What nearly all entries begin with, after the dash. Any other entry is read to know its name.
_BEGINNING: Final = {key: lazy(rf"{key}: ((?:\w+::)?\w+(?:\.\w+)?)\(") for key in ("func", "name")}
_DEFAULT_NAMESPACE: Final = "aten::"
_NAME: Final = lazy(r"[\w:]+(?:\.\w+)?")
_ADVICE: Final = "give it with --backend-yaml; an overlay declares operators, each with its schema"


class EntryPlace(NamedTuple):
    """An entry, by the index of its file and its index among the entries of that file."""

    file: int
    entry: int


class Laid(NamedTuple):
    """The entries in their order, and the pairs of an entry and the one that took its place."""

    order: list[EntryPlace]
    replaced: list[tuple[EntryPlace, EntryPlace]]


class Replaced(NamedTuple):
    """An entry of an overlay that took the place of another one, by the name of both."""

    name: str
    old: Entry
    new: Entry


def lay_over(files: Sequence[Sequence[str]], *, override: bool) -> Laid:
    """Lay files over one another. `files` has the names of their entries; "" is no known name."""
    order: list[EntryPlace | None] = []
    replaced: list[tuple[EntryPlace, EntryPlace]] = []
    earlier: dict[str, list[int]] = {}
    for number, names in enumerate(files):
        own: dict[str, list[int]] = {}
        for index, name in enumerate(names):
            place = EntryPlace(number, index)
            slots = earlier.pop(name, []) if override and name else []
            # It takes the place of all that earlier files have, and stands where the first stood.
            replaced += [(old, place) for slot in slots if (old := order[slot]) is not None]
            for slot in slots:
                order[slot] = None
            if slots:
                order[slots[0]] = place
            else:
                order.append(place)
            own.setdefault(name, []).append(slots[0] if slots else len(order) - 1)
        for name, places in own.items():
            earlier.setdefault(name, []).extend(places)
    return Laid([place for place in order if place is not None], replaced)


def name_in_text(text: str, key: str) -> str | None:
    """The name that an entry declares, from its text after the dash; None if the entry must be
    read for that.

    `key` is the key that has the schema. If the entry has it again further down, the entry is a
    mistake, whatever its name.
    """
    found = _BEGINNING[key].match(text)
    return None if found is None else _plain(found[1])


def name_of(value: Mapping, key: str) -> str:
    """The name that an entry declares, from its value; "" if it has no schema."""
    schema: Value = value.get(key)
    return _plain(schema.partition("(")[0].strip()) if isinstance(schema, str) else ""


def _plain(name: str) -> str:
    return name.removeprefix(_DEFAULT_NAMESPACE)


def join_entries(
    files: Sequence[Sequence[EntryValue]], key: str, *, override: bool
) -> tuple[list[EntryValue], list[Replaced]]:
    """The entries of several files as one list, and those that others took the place of."""
    if not override:
        return [entry for entries in files for entry in entries], []
    names = [[name_of(entry.value, key) for entry in entries] for entries in files]
    laid = lay_over(names, override=True)
    replaced = [
        Replaced(
            names[new.file][new.entry],
            files[old.file][old.entry].entry,
            files[new.file][new.entry].entry,
        )
        for old, new in laid.replaced
    ]
    return [files[place.file][place.entry] for place in laid.order], replaced


def without_kernels(source: SourceFile) -> SourceFile:
    """An overlay, or one mistake (DL011) if it is a file that registers kernels.

    Such a file has the keys of a backend's file, or its entries are names without schemas. If a
    mapping has other keys alone, the mistake says which option takes them.
    """
    named = [entry for entry, value in source.entries if names_a_kernel(value)]
    # One alone may be a schema that somebody has begun.
    if len(named) > 1 and 2 * len(named) > len(source.entries):
        message = f"{len(named)} entries have no schema in `func`: this file registers kernels"
        return _misplaced(source, named[0].line, message)
    keys = source.passed_over
    if not keys or all(found.code != "DL004" for found in source.diagnostics):
        return source
    from derivload.native.backend import MARKS

    marks = [key for key in keys if key in MARKS]
    close = [key for key in keys if key not in MARKS and nearest(key, DECLARING, 1)]
    if marks and not close:
        message = f"`{marks[0]}:` tells that this file says which kernels a backend registers"
        return _misplaced(source, _line_of(source.text, marks[0]), message)
    advice = f"name the sections that declare operators with --section: it has {', '.join(keys)}"
    if close:
        advice = f"{ask(nearest(close[0], DECLARING, 1))} {advice[0].upper()}{advice[1:]}"
    found = [msgspec.structs.replace(found, help=advice) for found in source.diagnostics]
    return source._replace(diagnostics=found, passed_over=())


def names_a_kernel(entry: Mapping) -> bool:
    """Whether an entry names an operator without a schema, as those of a backend's files do."""
    func = entry.get("func", entry.get("op"))
    return isinstance(func, str) and _NAME.fullmatch(func.strip()) is not None


def _line_of(text: str, key: str) -> int:
    """The line of a key of the top level; the first, where it is not at the beginning of a line."""
    begin = re.compile(rf"""["']?{re.escape(key)}["']?\s*:""")
    lines = enumerate(text.split("\n"), 1)
    return next((number for number, line in lines if begin.match(line)), 1)


def _misplaced(source: SourceFile, line: int, message: str) -> SourceFile:
    from derivload.sources.sections import Flaw, Spot

    flaw = Flaw("DL011", message, Spot(line, 1, len(source.text)), _ADVICE)
    found = [flaw.diagnostic(source.name, source.text.split("\n"))]
    return source._replace(entries=[], diagnostics=found, lost=(None,), passed_over=())
