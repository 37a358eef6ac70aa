"""Identifiers in formulas, found as torchgen finds them.

Its rule (IDENT_REGEX) is a name with no word character on either side. Asking whether a name
is there is asking whether it is one of the formula's words, which one fixed pattern finds. To
replace a name takes torchgen's own pattern: it consumes the character on either side, so of two
names with one character between them it replaces the first alone, and so must we.
"""

from __future__ import annotations

import re

_WORDS = re.compile(r"\w+")


def words(formula: str) -> frozenset[str]:
    """The words of a formula, among them all identifiers that it uses."""
    return frozenset(_WORDS.findall(formula))


def replace_identifier(formula: str, name: str, replacement: str) -> str:
    """The formula with an identifier replaced, as `re.sub` with IDENT_REGEX would do it."""
    if name not in formula:
        return formula
    pattern = rf"(^|\W){re.escape(name)}($|\W)"
    return re.sub(pattern, lambda m: f"{m[1]}{replacement}{m[2]}", formula)
