"""Brackets in a formula that do not match, which the C++ compiler would tell hours later."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

# A bracket, or what brackets mean nothing in: comments and literals, to the end if not closed.
_MARK: Final = re.compile(
    r"""[()\[\]{}]|/\*(?:[^*]|\*(?!/))*(?:\*/)?|//[^\n]*"""
    r"""|"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?""",
    re.DOTALL,
)
_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}


class Unmatched(NamedTuple):
    """Where a formula's first bracket without its other is, and what is wrong with it."""

    at: int
    message: str


def find_unmatched(formula: str) -> Unmatched | None:
    """The first bracket that does not match; None where all do."""
    opened: list[tuple[int, str]] = []
    for mark in _MARK.finditer(formula):
        bracket = mark[0]
        if bracket in _CLOSING:
            opened.append((mark.start(), bracket))
        elif len(bracket) == 1 and bracket in ")]}":
            if not opened:
                return Unmatched(mark.start(), f"`{bracket}` closes nothing")
            due = _CLOSING[opened.pop()[1]]
            if bracket != due:
                return Unmatched(mark.start(), f"`{bracket}` stands where `{due}` is due")
    if opened:
        at, bracket = opened[-1]
        return Unmatched(at, f"`{bracket}` is never closed")
    return None
