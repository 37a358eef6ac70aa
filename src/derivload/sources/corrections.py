"""Finds what to write instead in a text that is not YAML, where that can be told.

The usual slips are tried one after another, near the place where YAML gave up. One that makes YAML
of the entry is the correction. If none does, there is no correction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

# An entry is far shorter. Each try reads it again.
_LONGEST = 20_000
_LINE = re.compile(r"(?P<key>[ ]*(?:- )?[\w ,.]+:[ ]+)(?P<value>\S.*?)(?P<comment>[ ]+#.*|[ ]*)")
_NO_BLANK = re.compile(r"[ ]*(?:- )?\w[\w ,]*:(?=\S)")
_NO_COLON = re.compile(r"[ ]*(?:- )?(?P<key>[A-Za-z_]\w*)(?:[ ]*[=\uff1a][ ]*|[ ]+(?=[\w(]))")
# An item that is no mapping, such as the name of an operator.
_ITEM = re.compile(r"(?P<dash>[ ]*-[ ]+)(?!.*:(?:[ ]|$))\S")
_TABS = re.compile(r"(?m)^[ ]*\t[ \t]*")
_NO_SPACE = re.compile(r"-[\w\"']")
_CLOSING = {"[": "]", "{": "}"}


class Correction(NamedTuple):
    """Parts of a text, by their indexes, and what to put there. `help` says what that is."""

    help: str
    pieces: list[tuple[int, int, str]]
    is_safe: bool = False


def find_correction(text: str, index: int, is_entry: Callable[[str], bool]) -> Correction | None:
    """The correction of the entry around an index, where YAML noticed the mistake.

    `is_entry` tells whether a text is YAML, and an entry.
    """
    start = text.rfind("\n-", 0, index + 1) + 1
    end = text.find("\n-", max(index, start))
    chunk = text[start : len(text) if end < 0 else end + 1]
    # A chunk that is an entry has no mistake. To YAML, `-name: x` is one too, with an odd key.
    if len(chunk) > _LONGEST or (is_entry(chunk) and not _NO_SPACE.match(chunk)):
        return None
    for correction in _tries(chunk, index - start):
        if is_entry(_applied(chunk, correction.pieces)):
            pieces = [(start + a, start + b, new) for a, b, new in correction.pieces]
            return correction._replace(pieces=pieces)
    return None


def _applied(text: str, pieces: list[tuple[int, int, str]]) -> str:
    for start, end, new in reversed(pieces):
        text = f"{text[:start]}{new}{text[end:]}"
    return text


def _tries(text: str, index: int) -> Iterator[Correction]:
    """What may be meant, the most certain first."""
    if _NO_SPACE.match(text):
        yield Correction("put a space after the dash", [(1, 1, " ")], is_safe=True)
    tabs = list(_TABS.finditer(text))
    if tabs:
        pieces = [(tab.start(), tab.end(), "  " * tab[0].count("\t")) for tab in tabs]
        yield Correction("indent with spaces", pieces, is_safe=True)
    at = text.rfind("\n", 0, index) + 1
    above = text.rfind("\n", 0, max(0, at - 1)) + 1
    for start in dict.fromkeys((at, above)):
        yield from _of_line(text, start)
    yield from _indented(text, at, above)


def _of_line(text: str, start: int) -> Iterator[Correction]:
    """The tries of the line that begins at an index."""
    end = text.find("\n", start)
    line = text[start : len(text) if end < 0 else end]
    instead = _NO_COLON.match(line)
    if instead is not None:
        at = start + instead.end("key")
        yield Correction("write `key: value`", [(at, start + instead.end(), ": ")])
    no_blank = _NO_BLANK.match(line)
    if no_blank is not None:
        at = start + no_blank.end()
        yield Correction("put a space after the colon", [(at, at, " ")], is_safe=True)
    parts = _LINE.fullmatch(line)
    if parts is None:
        return
    value = parts["value"]
    begin, behind = start + parts.start("value"), start + parts.end("value")
    if value[0] in "\"'":
        closed = [(behind, behind, value[0])]
        yield Correction("close the quotes", closed, is_safe=True)
    elif value[0] in _CLOSING:
        yield Correction("close the bracket", [(behind, behind, _CLOSING[value[0]])])
    else:
        quoted = "'{}'".format(value.replace("'", "''"))
        why = ": it has `: ` in it" if ": " in value else ""
        yield Correction(f"quote the value{why}", [(begin, behind, quoted)], is_safe=True)


def _indented(text: str, at: int, above: int) -> Iterator[Correction]:
    """The tries that indent the line at an index like the one above it."""
    # A blank that does not break lines looks the same.
    blank = re.compile(r"[ \xa0]*(?:- )?")
    before, own = blank.match(text, above), blank.match(text, at)
    item = _ITEM.match(text[above:at].rstrip("\n"))
    if item is not None:
        own = re.compile(r"[ \xa0]*(?:-[ ]*)?").match(text, at)
        pieces = [(at, own.end() if own else at, item["dash"])]
        yield Correction("begin it with a dash, indented like the one above", pieces)
    elif before is not None and own is not None and at > above:
        pieces = [(at, own.end(), " " * len(before[0]))]
        yield Correction("indent it like the keys", pieces)
