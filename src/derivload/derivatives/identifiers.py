"""Finds and replaces identifiers in formulas, exactly as torchgen does.

torchgen's rule (IDENT_REGEX): an identifier is a name without a word character on either side. To
test whether a formula uses a name, we only look for it among the formula's words. To replace a
name, we must use torchgen's own pattern. It consumes the character on either side of the name. So
if two of the names have only one character between them, it replaces only the first one.
"""

from __future__ import annotations

import re

from derivload.diagnostics import Invalid

_WORDS = re.compile(r"\w+")
# If replacements contain other names that are replaced, a formula could grow without end.
_MAX_FORMULA = 1_000_000


def words(formula: str) -> frozenset[str]:
    """The words of a formula. They include all identifiers that it uses."""
    return frozenset(_WORDS.findall(formula))


def replace_identifier(formula: str, name: str, replacement: str) -> str:
    """The formula with an identifier replaced, as by `re.sub` with IDENT_REGEX.

    Raises Invalid (DL010) if the formula gets too long.
    """
    if name not in formula:
        return formula
    check_growth(formula, name, replacement)
    pattern = rf"(^|\W){re.escape(name)}($|\W)"
    return re.sub(pattern, lambda m: f"{m[1]}{replacement}{m[2]}", formula)


def check_growth(formula: str, name: str, replacement: str) -> None:
    """Check that a replacement does not make a formula too long. Raises Invalid (DL010)."""
    if len(formula) + formula.count(name) * len(replacement) > _MAX_FORMULA:
        message = f"with `{name[:50]}` replaced, this formula has more than a million characters"
        raise Invalid("DL010", message)
