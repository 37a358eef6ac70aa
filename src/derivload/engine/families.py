"""Families of operators: what one entry can have to do with another is in the same one.

Everything that loading does across entries goes by the name: the variants of one signature (in
which the base name stands), a view and its copying variants (`_copy` and `_scatter` taken off),
a foreach function and the function that it applies to each tensor, a definition and the
function that it names. So the functions and definitions whose base names come to one stem can
be loaded without the others. The stem may throw together what has nothing to do with each
other; it must not part what has.

Two things go beyond, and are looked after in `session.py`: `structured_delegate` may name any
function, and ops are numbered over all definitions.
"""

from __future__ import annotations

from typing import Final

_FOREACH: Final = "_foreach_"


def family_of(base: str) -> str | None:
    """The family of a base name; None for a name that this rule was not made for.

    That outer and inner underscores do not count covers `__add__` too, and that the letters
    left are brought to a form without `copy` and `scatter` covers however often they are in it.
    """
    # The C++ name of an out variant of another family, or a name that autogen might make of this
    # one and that means another when it is read.
    if base.endswith(("_out", "_functional")) or (base.startswith("__") and base.endswith("__")):
        return None
    is_foreach = base.startswith(_FOREACH)
    stem = base.removeprefix(_FOREACH).replace("_", "")
    while True:
        shorter = stem.replace("copy", "").replace("scatter", "inverse")
        if shorter == stem:
            break
        stem = shorter
    # What was taken off may be all that kept a name from being a foreach function's, and of a
    # name with two such prefixes the reference is named by what follows the last.
    if stem.startswith("foreach") or (is_foreach and "foreach" in stem):
        return None
    return stem
