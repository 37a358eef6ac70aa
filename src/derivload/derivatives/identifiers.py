"""Identifiers in formulas, found as torchgen finds them.

Its rule (IDENT_REGEX) is a name with no word character on either side. Asking whether a name
is there is asking whether it is one of the formula's words, which one fixed pattern finds. To
replace a name takes torchgen's own pattern: it consumes the character on either side, so of two
names with one character between them it replaces the first alone, and so must we.
"""

from __future__ import annotations

import re

from derivload.diagnostics import Invalid

_WORDS = re.compile(r"\w+")
# Names that hold each other's replacements make a formula grow without end.
_MAX_FORMULA = 1_000_000


def words(formula: str) -> frozenset[str]:
    """The words of a formula, among them all identifiers that it uses."""
    return frozenset(_WORDS.findall(formula))


def replace_identifier(formula: str, name: str, replacement: str) -> str:
    """The formula with an identifier replaced, as `re.sub` with IDENT_REGEX would do it."""
    if name not in formula:
        return formula
    check_growth(formula, name, replacement)
    pattern = rf"(^|\W){re.escape(name)}($|\W)"
    return re.sub(pattern, lambda m: f"{m[1]}{replacement}{m[2]}", formula)


def check_growth(formula: str, name: str, replacement: str) -> None:
    """Check that a formula does not get too long by a replacement. Raises Invalid (DL010)."""
    if len(formula) + formula.count(name) * len(replacement) > _MAX_FORMULA:
        message = f"with `{name[:50]}` replaced, this formula has more than a million characters"
        raise Invalid("DL010", message)
