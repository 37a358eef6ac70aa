"""Random edits of documents, as an editor sends them, and what the text is after each."""

from __future__ import annotations

import re
from random import Random

from support.language_client import Message, spot_at

_TYPED = [*"aelsx_()[]{}:,.-#'\"|>&*! \n", "\r\n", "\t", "é", "\U0001f600", "\u2028", "- ", "self"]
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?")


def random_edit(random: Random, text: str) -> tuple[Message, str]:
    """A change, with positions in UTF-16, and the text after it."""
    if random.random() < 0.01:
        return {"text": text}, text
    start = _between_line_ends(text, random.randrange(len(text) + 1))
    kind = random.random()
    length = 0 if kind < 0.6 else 1 if kind < 0.85 else random.randrange(80)
    end = _between_line_ends(text, min(len(text), start + length))
    typed = "".join(random.choices(_TYPED, k=random.choice([0, 1, 1, 1, 4])))
    change = {
        "range": {"start": spot_at(text, start), "end": spot_at(text, end)},
        "text": typed,
    }
    return change, text[:start] + typed + text[end:]


def _between_line_ends(text: str, at: int) -> int:
    """A place that a position can name: not in the middle of a line end."""
    return at - 1 if text[at - 1 : at + 1] == "\r\n" and at else at
