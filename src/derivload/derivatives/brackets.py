"""Finds brackets and quotes that do not match. The C++ compiler would report them hours later."""

from __future__ import annotations

import re
from typing import Final

from derivload.patterns import lazy
from derivload.tuples import NamedTuple

# A bracket; or a comment or literal, in which brackets do not count. If that is not closed, it
# extends to the end.
_MARK: Final = lazy(
    r"""[()\[\]{}]|/\*(?:[^*]|\*(?!/))*(?:\*/)?|//[^\n]*"""
    r"""|"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?""",
    re.DOTALL,
)
_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}
_BRACKET: Final = lazy(r"[()\[\]{}]")
# Each level takes time that grows with the length of the formula.
_USUAL_DEPTH: Final = 20
_NOT_COUNTED: Final = lazy(r"[\"']|/[*/]")
_CLOSED: Final = lazy(r"""(["'])(?:(?!\1)[^\\]|\\.)*\1""", re.DOTALL)


class Unmatched(NamedTuple):
    """The offset of a bracket or quote that does not match, a message, and what to write.

    `instead` is what may be meant by the formula from there on; None if nobody can tell. It may
    have another mistake.
    """

    at: int
    message: str
    help: str = ""
    instead: str | None = None


def find_unmatched(formula: str) -> Unmatched | None:
    """The first bracket or quote that does not match; None if all match."""
    if _is_simple(formula):
        return None
    opened: list[tuple[int, str]] = []
    for mark in _MARK.finditer(formula):
        bracket = mark[0]
        if bracket[0] in "\"'" and _CLOSED.fullmatch(bracket) is None:
            message = f"the text behind `{bracket[0]}` is never closed"
            closed = f"{formula[mark.start() :].rstrip()}{bracket[0]}"
            return Unmatched(mark.start(), message, f"write the closing `{bracket[0]}`", closed)
        if bracket in _CLOSING:
            opened.append((mark.start(), bracket))
        elif bracket in _CLOSING.values():
            if not opened:
                message = f"`{bracket}` closes nothing"
                return Unmatched(mark.start(), message, "", formula[mark.end() :].rstrip())
            due = _CLOSING[opened.pop()[1]]
            if bracket != due:
                return Unmatched(mark.start(), f"`{due}` is expected here, not `{bracket}`")
    if opened:
        at, bracket = opened[-1]
        closing = "".join(_CLOSING[each] for _, each in reversed(opened))
        closed = f"{formula[at:].rstrip()}{closing}"
        return Unmatched(at, f"`{bracket}` is never closed", "", closed)
    return None


def _is_simple(formula: str) -> bool:
    """Whether all brackets match, and none is in a comment or literal: nearly always."""
    if _NOT_COUNTED.search(formula) is not None:
        return False
    left = "".join(_BRACKET.findall(formula))
    for _ in range(_USUAL_DEPTH):
        if not left:
            return True
        for opening, closing in _CLOSING.items():
            left = left.replace(opening + closing, "")
    return False
