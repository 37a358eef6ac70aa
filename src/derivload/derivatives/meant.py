"""What is meant in a definition by a formula that is one word, or by a name that is not known."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from derivload.spelling import Guesses, nearest

NON_DIFFERENTIABLE: Final = "non_differentiable"
USUAL_NAMES: Final = {
    "grad_output": "grad",
    "grad_out": "grad",
    "grad_outputs": "grads",
    "input": "self",
    "x": "self",
    "output": "result",
    "out": "result",
}
"""What the same is called in Python and in functions for the backward pass."""
_NOTHING: Final = frozenset({"none", "null", "nullptr", "undefined"})
_KEYS: Final = ("output_differentiability", "dispatch")
_WORD: Final = re.compile(r"\w+")


def meant_keys(
    names: Sequence[str],
    known: Collection[str],
    tensors: Sequence[str],
    given: Collection[str],
    guesses: Guesses,
) -> list[str]:
    """What may be meant by a key that lists `names`, none of which is an argument or an output.

    `known` are the arguments and outputs, `tensors` the arguments that are tensors. `given` are the
    keys that there are, which are not meant.
    """
    several = [name for name in _WORD.findall(", ".join(names)) if name != "and"]
    if len(several) > 1:
        return [", ".join(several)] if set(known).issuperset(several) else []
    if len(names) > 1:
        return []
    usual = USUAL_NAMES.get(names[0], "")
    close = [usual] if usual in known else guesses.nearest(names[0], [*known, *_KEYS])
    left = [name for name in tensors if name not in given]
    if not close and len(left) == 1:
        close = left
    return [name for name in close if name not in given]


def is_non_differentiable(formula: str) -> bool:
    """Whether torchgen takes a formula for this word: it passes over blanks and capitals."""
    return formula.strip().lower() == NON_DIFFERENTIABLE


def as_word(formula: str) -> str:
    """The word that a formula is, as people write it: `Auto-Linear ()` is `auto_linear`."""
    return formula.strip().lower().removesuffix("()").rstrip().replace("-", "_")


def is_misspelt(formula: str) -> bool:
    """Whether a formula is probably to say that an argument is not differentiable."""
    word = as_word(formula)
    return word in _NOTHING or bool(nearest(word, [NON_DIFFERENTIABLE]))
