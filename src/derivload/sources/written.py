"""Finds words of a value in the YAML text that the value was read from."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator

from derivload.patterns import lazy

# The pieces that look different in YAML and in the value: line ends, and quotes within quotes.
_WRITTEN = lazy(r"(?:\s|\\\n)+|'+|\\\"")
_WORD = lazy(r"\w")


class Written:
    """A part of a text, in which each piece that YAML writes differently becomes one character.

    So words can be found by a simple search. A pattern made from the words could be made to take
    very long by malicious input.
    """

    def __init__(self, text: str, start: int, end: int) -> None:
        pieces: list[str] = []
        # Where each piece begins: in the simplified text, and in the original.
        self._begins: list[int] = [0]
        self._origins: list[int] = [start]
        at, length = start, 0
        for match in _WRITTEN.finditer(text, start, end):
            pieces += (text[at : match.start()], _simplified(match))
            length += match.start() - at
            self._begins += (length, length + 1)
            self._origins += (match.start(), match.end())
            at, length = match.end(), length + 1
        self._simple = "".join([*pieces, text[at:end]])

    def find(self, words: str, occurrence: int) -> tuple[int, int] | None:
        """Where words begin and end in the text; None if they do not occur.

        Places where they are not part of a longer word are preferred. `occurrence` tells which
        place is meant: it counts from 0, and -1 is the last. If there are fewer, it is the first.
        """
        wanted = _WRITTEN.sub(_simplified, words).strip()
        found = list(self._places(wanted)) if wanted else []
        alone = [at for at in found if self._stands_alone(at, at + len(wanted))]
        places = alone or found
        if not places:
            return None
        at = places[occurrence if occurrence < len(places) else 0]
        return self._origin(at), self._origin(at + len(wanted))

    def _places(self, wanted: str) -> Iterator[int]:
        at = self._simple.find(wanted)
        while at >= 0:
            yield at
            at = self._simple.find(wanted, at + len(wanted))

    def _stands_alone(self, start: int, end: int) -> bool:
        around = self._simple[max(0, start - 1) : start], self._simple[end : end + 1]
        return not any(_WORD.match(character) for character in around)

    def _origin(self, at: int) -> int:
        piece = bisect.bisect_right(self._begins, at) - 1
        return self._origins[piece] + at - self._begins[piece]


def _simplified(match: re.Match[str]) -> str:
    last = match[0][-1]
    return last if last in "'\"" else " "
