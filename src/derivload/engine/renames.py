"""Functions that were probably renamed: one that went is much like one that came.

The measure is from 0 to 1: how like the names are, how like the arguments and returns, and, where
both have any, how like the backward formulas. Each is a part of what both have in common. Nothing
but this likeness says that one function took the place of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final, NamedTuple

# At least so like are two functions that are told as one that was renamed.
LEAST: Final = 0.7
# More pairs than this are not all compared: only those whose arguments are the same.
_MOST_PAIRS: Final = 20_000
_NAME, _SIGNATURE, _FORMULAS = 0.4, 0.4, 0.2


class Rename(NamedTuple):
    """The names of a function that went and of one that came, and how like they are."""

    before: str
    after: str
    measure: float


class Described(NamedTuple):
    """What is compared of a function: its schema without the name, and its backward formulas."""

    name: str
    signature: str
    formulas: str


def find_renames(gone: Sequence[Described], come: Sequence[Described]) -> list[Rename]:
    """The likeliest pairs, each function in at most one, in the order of `come`."""
    pairs = [(old, new) for old in gone for new in come]
    if len(pairs) > _MOST_PAIRS:
        pairs = [(old, new) for old, new in pairs if old.signature == new.signature]
    found = [Rename(old.name, new.name, measure_of(old, new)) for old, new in pairs]
    found = [rename for rename in found if rename.measure >= LEAST]
    found.sort(key=lambda rename: (-rename.measure, rename.before, rename.after))
    taken: set[str] = set()
    chosen: dict[str, Rename] = {}
    for rename in found:
        if rename.before not in taken and rename.after not in chosen:
            taken.add(rename.before)
            chosen[rename.after] = rename
    return [chosen[new.name] for new in come if new.name in chosen]


def measure_of(old: Described, new: Described) -> float:
    """How like two functions are."""
    parts = [
        (_NAME, _likeness(old.name, new.name)),
        (_SIGNATURE, _likeness(old.signature, new.signature)),
    ]
    if old.formulas or new.formulas:
        parts.append((_FORMULAS, _likeness(old.formulas, new.formulas)))
    total = sum(weight for weight, _ in parts)
    return round(sum(weight * likeness for weight, likeness in parts) / total, 2)


def _likeness(one: str, other: str) -> float:
    if one == other:
        return 1.0
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() >= LEAST / 2 else 0.0
