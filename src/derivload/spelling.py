"""Which known names a misspelt name may mean, and how messages ask.

Everything that suggests a name does it here, by one measure. Names are compared without capitals
and without underscores around them, which people leave out: `cuda` is `CUDA`, and `_gelu` is
`gelu`. If that alone makes a name known, only such names are suggested. Otherwise it is those that
have most letters in common, in the same order.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

# How like a name must be, from 0 to 1: the part of both names that they have in common.
_CUTOFF = 0.6
_SLIP = 0.75
# The limit of comparisons between characters: enough for some fifteen unknown functions of a
# release. A file full of unknown names is the wrong file, and guessing at each would take minutes.
_BUDGET = 6_000_000
_LONGEST = 80
# What a name of Python or C++ may begin with, before that of the operator.
_MODULES = frozenset("torch at aten ops nn functional F Tensor _C _VF".split())


def nearest(name: str, known: Iterable[str], count: int = 3, cutoff: float = _CUTOFF) -> list[str]:
    """At most `count` known names that are most like this one, the best first.

    `cutoff` is how like they must be, from 0 to 1. The time grows with the letters of `name` times
    those of `known`.
    """
    if len(name) > _LONGEST:
        return []
    by_key: dict[str, list[str]] = {}
    for other in dict.fromkeys(known):
        by_key.setdefault(_key(other), []).append(other)
    key = _key(name)
    if key in by_key:
        return by_key[key][:count]
    # Imported here, because most runs are without a misspelt name.
    from difflib import get_close_matches

    keys = get_close_matches(key, by_key, count, cutoff)
    # Some names differ only in what is not compared. Of these, take the one closest in spelling.
    return [get_close_matches(name, by_key[key], 1, 0)[0] for key in keys]


def is_slip(name: str, meant: str) -> bool:
    """Whether a name is so like another one that it certainly is that, misspelt."""
    if _key(name) == _key(meant):
        return True
    from difflib import SequenceMatcher

    return SequenceMatcher(None, _key(name), _key(meant)).ratio() >= _SLIP


def _key(name: str) -> str:
    """The form in which names are compared. An overload behind a dot is a name of its own."""
    return ".".join([part.strip("_") for part in name.lower().split(".")])


def operators_of(name: str) -> list[str]:
    """The names that an operator may have which is called so in Python or C++, best first.

    `torch.linalg.svd` is `linalg_svd`, `torch.nn.functional.gelu` is `gelu`, and
    `torch.ops.aten.add.Tensor` is `add.Tensor`. Empty if `name` is no such name.
    """
    parts = name.replace("::", ".").removesuffix(".default").split(".")
    rest = parts[next((i for i, part in enumerate(parts) if part not in _MODULES), len(parts)) :]
    if not rest or len(rest) == len(parts):
        return []
    return list(dict.fromkeys(["_".join(rest), ".".join(rest), rest[-1], rest[0]]))


class Guesses:
    """Makes the guesses of one load, up to a limit."""

    def __init__(self) -> None:
        self._left = _BUDGET

    def renew(self) -> None:
        """Begin anew, for another load."""
        self._left = _BUDGET

    def nearest(self, name: str, known: Collection[str], count: int = 1) -> list[str]:
        """At most `count` known names that are most like this one, the best first.

        Empty if none is like it, or if the limit is reached.
        """
        if len(name) > _LONGEST or not self._left:
            return []
        candidates = sorted({other for other in known if len(other) <= _LONGEST})
        if not self.can_compare(name, candidates):
            return []
        return nearest(name, candidates, count)

    def can_compare(self, text: str, others: Sequence[str]) -> bool:
        """Whether a text may be compared with others without going beyond the limit."""
        self._left = max(0, self._left - len(text) * sum(map(len, others)))
        return self._left > 0

    def ask(self, name: str, known: Collection[str], count: int = 1) -> str:
        """The question whether one of these names was meant; "" if none is like it."""
        return ask(self.nearest(name, known, count))


def did_you_mean(names: Sequence[str]) -> str:
    """The question that ends a message, with its separator; "" without names."""
    return f"; {ask(names)}" if names else ""


def ask(names: Sequence[str]) -> str:
    """The question whether one of these names was meant; "" without names."""
    if not names:
        return ""
    *first, last = [f"`{name}`" for name in names]
    return f"did you mean {', '.join(first)}{' or ' if first else ''}{last}?"
