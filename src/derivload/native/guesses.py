"""What a misspelt name may be meant as."""

from __future__ import annotations

from collections.abc import Collection

# In characters compared with characters: some fifteen unknown functions of a release. What is
# unknown everywhere is a wrong file, and to guess at each would take minutes.
_BUDGET = 6_000_000
_LONGEST = 80


class Guesses:
    """The guesses of one load, of which there are only so many."""

    def __init__(self) -> None:
        self._left = _BUDGET

    def nearest(self, name: str, known: Collection[str], count: int) -> list[str]:
        """The known names that are most like this one, the best first; none when none is like it,
        or when enough was guessed.
        """
        if len(name) > _LONGEST or not self._left:
            return []
        candidates = sorted({other for other in known if len(other) <= _LONGEST})
        cost = len(name) * sum(map(len, candidates))
        self._left = max(0, self._left - cost)
        if not self._left:
            return []
        import difflib

        return difflib.get_close_matches(name, candidates, count)
