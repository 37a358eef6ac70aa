"""Words of a value, found again in the YAML that it was read from."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator

# What YAML writes in another way than the value has it: line ends, and quotes within quotes.
_WRITTEN = re.compile(r"(?:\s|\\\n)+|'+|\\\"")
_WORD = re.compile(r"\w")


class Written:
    """A part of a text, with each piece that YAML writes in another way made one character.

    So words are found in it without a pattern made of them, which they could be made to blow up.
    """

    def __init__(self, text: str, start: int, end: int) -> None:
        pieces: list[str] = []
        # Where pieces begin: here, and in the text.
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
        """From where to where words stand in the text; None where they do not.

        They stand by themselves, if they do so anywhere. `occurrence` counts, from 0, which of
        them are meant, -1 being the last; the first, if there are fewer.
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
