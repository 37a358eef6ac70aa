"""Edits that many functions have in common, told once.

A release may spell a C++ type otherwise, tag every in-place function, or list one more backend for
a thousand operators. Each is one decision of somebody, and would hide all others if it were told a
thousand times. So an edit that is the same in `FEWEST` functions or more is told once, with the
functions that have it. A name of C++ that only moved to another namespace is told once in any case.

Two edits are the same if they take away the same words and put the same words there; of a list,
such as tags, each item that comes or goes is an edit of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from derivload.engine.difference import Change, FunctionChange
from derivload.engine.parts import (
    ARGUMENT,
    AUTOGEN,
    BACKWARD,
    COMPUTED,
    FORWARD,
    KERNELS,
    MATCHED,
    NEEDS,
    ORDER,
    READS,
    RETURNS,
    SAVED,
    SCHEMA,
)

FEWEST: Final = 20
_FEWEST_MOVED: Final = 2
SPELLING: Final = "spelling"
_OF_SCHEMA: Final = frozenset({ARGUMENT, ORDER, RETURNS})
_LISTS: Final = frozenset({"tags", KERNELS, AUTOGEN, "variants"})
# A spelling of C++ shows in all of these at once.
_IN_CPP: Final = frozenset(
    {
        *(SAVED, BACKWARD, COMPUTED, READS, FORWARD, MATCHED, NEEDS),
        "args_with_derivatives",
    }
)
# A name of C++ with its namespaces, or one character.
_WORD: Final = re.compile(r"(?:::)?\w+(?:::\w+)*|\S")


class Widespread(msgspec.Struct, frozen=True):
    """An edit, and the functions that have it.

    `what` is the kind of the parts that have it, or "spelling" for C++. `before` are the words that
    it takes away, and `after` those that it puts there; None for none.
    """

    what: str
    before: str | None
    after: str | None
    functions: tuple[str, ...]


class Folded(NamedTuple):
    """Functions without their widespread changes, and these."""

    functions: tuple[FunctionChange, ...]
    widespread: tuple[Widespread, ...]


class _Edit(NamedTuple):
    what: str
    before: str | None
    after: str | None


def fold(functions: Sequence[FunctionChange]) -> Folded:
    """The changes of functions, those that many have in common apart."""
    having: dict[_Edit, dict[str, None]] = {}
    for function in functions:
        for change in function.changes:
            for edit in _edits(change):
                having.setdefault(edit, {})[function.name] = None
    common = {edit for edit, names in having.items() if len(names) >= _fewest_of(edit)}
    if not common:
        return Folded(tuple(functions), ())
    kept = [
        FunctionChange(function.name, tuple(_without(function.changes, common)))
        for function in functions
    ]
    widespread = [
        Widespread(*edit, tuple(names)) for edit, names in having.items() if edit in common
    ]
    widespread.sort(key=lambda one: -len(one.functions))
    return Folded(tuple([function for function in kept if function.changes]), tuple(widespread))


def _fewest_of(edit: _Edit) -> int:
    """How many functions have to have an edit, for it to be told once.

    If names of C++ only moved to another namespace, that is how they are spelled from now on, in
    however few functions they are.
    """
    if edit.what != SPELLING:
        return FEWEST
    before, after = str(edit.before).split(), str(edit.after).split()
    are_qualified = all("::" in word for word in (*before, *after))
    last = [[word.rpartition("::")[2] for word in words] for words in (before, after)]
    return _FEWEST_MOVED if are_qualified and last[0] == last[1] else FEWEST


def _without(changes: Sequence[Change], common: set[_Edit]) -> Iterator[Change]:
    kept = [change for change in changes if not _is_one_of(change, common)]
    told = {change.what for change in changes} & _OF_SCHEMA
    left = {change.what for change in kept} & _OF_SCHEMA
    for change in kept:
        # The schema as a whole is told only for what is left of it.
        if change.what != SCHEMA or left or not told:
            yield change


def _is_one_of(change: Change, common: set[_Edit]) -> bool:
    edits = [*_edits(change)]
    return bool(edits) and common.issuperset(edits)


def _edits(change: Change) -> Iterator[_Edit]:
    """The edits that a change consists of; none if it is not one that several may have."""
    if change.before is None or change.after is None or change.what == SCHEMA:
        return
    if change.what in _LISTS:
        before, after = _items(change.before), _items(change.after)
        for item in before:
            if item not in after:
                yield _Edit(change.what, item, None)
        for item in after:
            if item not in before:
                yield _Edit(change.what, None, item)
        return
    old, new = _WORD.findall(change.before), _WORD.findall(change.after)
    gone, come = _only_in(old, new), _only_in(new, old)
    if gone and come:
        yield _Edit(SPELLING if change.what in _IN_CPP else change.what, gone, come)


def _items(text: str) -> list[str]:
    return [] if text == "none" else text.split(", ")


def _only_in(words: Sequence[str], others: Sequence[str]) -> str:
    left = Counter(words) - Counter(others)
    return " ".join(dict.fromkeys([word for word in words if left[word] > 0]))
