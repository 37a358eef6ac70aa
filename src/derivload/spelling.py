"""Which known names a misspelt name may mean, and how messages ask.

Everything that suggests a name does it by this one measure.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def nearest(name: str, known: Iterable[str], count: int = 3, cutoff: float = 0.6) -> list[str]:
    """At most `count` known names that are most like this one, the best first.

    `cutoff` is how like they must be, from 0 to 1. The time grows with the letters of `name` times
    those of `known`.
    """
    # Imported here, because most runs are without a misspelt name.
    import difflib

    return difflib.get_close_matches(name, list(known), count, cutoff)


def did_you_mean(names: Sequence[str]) -> str:
    """The question that ends a message, with its separator; "" without names."""
    return f"; {ask(names)}" if names else ""


def ask(names: Sequence[str]) -> str:
    """The question whether one of these names was meant; "" without names."""
    if not names:
        return ""
    *first, last = [f"`{name}`" for name in names]
    return f"did you mean {', '.join(first)}{' or ' if first else ''}{last}?"
