"""Families of operators: entries that can affect each other are in the same family.

Loading connects entries only by name: the variants of one signature (the base name is part of
it), a view and its copying variants (without `_copy` and `_scatter`), a foreach function and the
function that it applies to each tensor, a definition and the function that it names. So we reduce
each base name to a stem. The functions and definitions with one stem are a family, and can be
loaded without the others. A family may hold entries that have nothing to do with each other, but
entries that do must never be in different families.

Two connections go beyond a family, and `session.py` handles them: `structured_delegate` may name
any function, and ops are numbered across all definitions.
"""

from __future__ import annotations

import re
from typing import Final

_FOREACH: Final = "_foreach_"
_WORD: Final = re.compile(r"\w+")


def family_of(base: str) -> str | None:
    """The family of a base name; None for a name that the rule of families does not cover.

    Underscores do not count, wherever they are. `copy` is removed, and `scatter` replaced by
    `inverse`, until neither is left, however often the name contains them.
    """
    # Such a name may be the C++ name of an out variant of another family, or autogen may make from
    # it a name that means something else when it is read.
    if base.endswith(("_out", "_functional")) or (base.startswith("__") and base.endswith("__")):
        return None
    is_foreach = base.startswith(_FOREACH)
    stem = base.removeprefix(_FOREACH).replace("_", "")
    while True:
        shorter = stem.replace("copy", "").replace("scatter", "inverse")
        if shorter == stem:
            break
        stem = shorter
    # Without what was removed, the name may look like that of a foreach function. And in a name
    # with two such prefixes, the function applied to each tensor is named after the last one.
    if stem.startswith("foreach") or (is_foreach and "foreach" in stem):
        return None
    return stem


def first_word(schema: str) -> str:
    """The name that a text begins with which may be no schema; "" if it begins with none."""
    word = _WORD.match(schema)
    return word[0] if word is not None else ""
