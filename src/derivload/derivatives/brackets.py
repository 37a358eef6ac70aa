"""Finds brackets and quotes that do not match. The C++ compiler would report them hours later."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

# A bracket; or a comment or literal, in which brackets do not count. If that is not closed, it
# extends to the end.
_MARK: Final = re.compile(
    r"""[()\[\]{}]|/\*(?:[^*]|\*(?!/))*(?:\*/)?|//[^\n]*"""
    r"""|"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?""",
    re.DOTALL,
)
_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}
_BRACKET: Final = re.compile(r"[()\[\]{}]")
_NOT_COUNTED: Final = re.compile(r"[\"']|/[*/]")
_CLOSED: Final = re.compile(r"""(["'])(?:(?!\1)[^\\]|\\.)*\1""", re.DOTALL)


class Unmatched(NamedTuple):
    """The offset of a bracket or quote that does not match, a message, and what to write."""

    at: int
    message: str
    help: str = ""


def find_unmatched(formula: str) -> Unmatched | None:
    """The first bracket or quote that does not match; None if all match."""
    if _is_simple(formula):
        return None
    opened: list[tuple[int, str]] = []
    for mark in _MARK.finditer(formula):
        bracket = mark[0]
        if bracket[0] in "\"'" and _CLOSED.fullmatch(bracket) is None:
            message = f"the text behind `{bracket[0]}` is never closed"
            return Unmatched(mark.start(), message, f"write the closing `{bracket[0]}`")
        if bracket in _CLOSING:
            opened.append((mark.start(), bracket))
        elif len(bracket) == 1 and bracket in ")]}":
            if not opened:
                return Unmatched(mark.start(), f"`{bracket}` closes nothing")
            due = _CLOSING[opened.pop()[1]]
            if bracket != due:
                return Unmatched(mark.start(), f"`{due}` is expected here, not `{bracket}`")
    if opened:
        at, bracket = opened[-1]
        return Unmatched(at, f"`{bracket}` is never closed")
    return None


def _is_simple(formula: str) -> bool:
    """Whether all brackets match, and none is in a comment or literal: nearly always."""
    if _NOT_COUNTED.search(formula) is not None:
        return False
    left, before = "".join(_BRACKET.findall(formula)), ""
    while left != before:
        before, left = left, left.replace("()", "").replace("[]", "").replace("{}", "")
    return not left
