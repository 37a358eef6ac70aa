"""Finds what to write instead in a text that is not YAML, where that can be told.

The usual slips are tried one after another, near the place where YAML gave up. One that makes YAML
of the entry is the correction. If none does, there is no correction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from derivload.sources.nodes import line_start

# An entry is far shorter. Each try reads it again.
_LONGEST = 20_000
_LINE = re.compile(r"(?P<key>[ ]*(?:- )?[\w ,.]+:[ ]+)(?P<value>\S.*?)(?P<comment>[ ]+#.*|[ ]*)")
_NO_BLANK = re.compile(r"[ ]*(?:- )?\w[\w ,]*:(?=\S)")
_NO_COLON = re.compile(r"[ ]*(?:- )?(?P<key>[A-Za-z_]\w*)(?:[ ]*[=\uff1a][ ]*|[ ]+(?=[\w(]))")
# An item that is no mapping, such as the name of an operator.
_ITEM = re.compile(r"(?P<dash>[ ]*-[ ]+)(?!.*:(?:[ ]|$))\S")
# What a line begins with. A blank that does not break lines looks the same.
_HEAD = re.compile(r"[ \xa0]*(?:- )?")
_ITEM_HEAD = re.compile(r"[ \xa0]*(?:-[ ]*)?")
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
    start = text[: index + 1].rfind("\n-") + 1
    chunk = text[start : f"{text}\n-".find("\n-", max(index, start)) + 1]
    if len(chunk) > _LONGEST:
        return None
    # A chunk that is an entry has no mistake, but for a dash that YAML takes for a part of its key.
    tries = _dashed(chunk) if is_entry(chunk) else _tries(chunk, index - start)
    for correction in tries:
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
    yield from _dashed(text)
    tabs = list(_TABS.finditer(text))
    if tabs:
        pieces = [(tab.start(), tab.end(), "  " * tab[0].count("\t")) for tab in tabs]
        yield Correction("indent with spaces", pieces, is_safe=True)
    at = line_start(text, index)
    above = line_start(text, at - 1) if at else at
    for start in dict.fromkeys((at, above)):
        yield from _of_line(text, start)
    yield from _indented(text, at, above)


def _dashed(text: str) -> Iterator[Correction]:
    if _NO_SPACE.match(text):
        yield Correction("put a space after the dash", [(1, 1, " ")], is_safe=True)


def _of_line(text: str, start: int) -> Iterator[Correction]:
    """The tries of the line that begins at an index."""
    line = text[start:].partition("\n")[0]
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
    item = _ITEM.match(text[above:at])
    if item is not None:
        pieces = [(at, _behind(_ITEM_HEAD, text, at), item["dash"])]
        yield Correction("begin it with a dash, indented like the one above", pieces)
    elif at > above:
        indent = " " * (_behind(_HEAD, text, above) - above)
        yield Correction("indent it like the keys", [(at, _behind(_HEAD, text, at), indent)])


def _behind(head: re.Pattern[str], text: str, at: int) -> int:
    """Where the head of a line ends, which may be empty."""
    match = head.match(text, at)
    assert match is not None
    return match.end()
