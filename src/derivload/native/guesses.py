"""Guesses which known name a misspelt name may mean."""

from __future__ import annotations

from collections.abc import Collection

from derivload.spelling import nearest

# The limit of comparisons between characters: enough for some fifteen unknown functions of a
# release. A file full of unknown names is the wrong file, and guessing at each would take minutes.
_BUDGET = 6_000_000
_LONGEST = 80


class Guesses:
    """Makes the guesses of one load, up to a limit."""

    def __init__(self) -> None:
        self._left = _BUDGET

    def nearest(self, name: str, known: Collection[str], count: int) -> list[str]:
        """At most `count` known names that are most like this one, the best first.

        Empty if none is like it, or if the limit is reached.
        """
        if len(name) > _LONGEST or not self._left:
            return []
        candidates = sorted({other for other in known if len(other) <= _LONGEST})
        cost = len(name) * sum(map(len, candidates))
        self._left = max(0, self._left - cost)
        if not self._left:
            return []
        return nearest(name, candidates, count)
