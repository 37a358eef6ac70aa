"""The keys of an entry, by its lines: also where it is half typed.

PyTorch's files have one form: an entry begins with `- ` at the begin of a line, a key is alone on
its line or has its value behind it, and deeper lines belong to the key above them. A text in
another form of YAML has fewer keys here than it really has, and none that it has not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from derivload.editing.documents import TextSpot

_KEY: Final = re.compile(r"( *(?:- +)?)(\"[^\"]*\"|'[^']*'|[A-Za-z_][\w, .]*?) *:(?: +|$)")
_ITEM: Final = re.compile(r" *- +")
_WORD: Final = re.compile(r"\w+")
_NO_FORMULA: Final = frozenset({"name", "dispatch", "output_differentiability"})
# An entry longer than this is not looked through.
_MAX_LINES: Final = 2_000


class KeyLine(NamedTuple):
    """A key of an entry. `path` has the keys from the entry to it, itself last.

    It stands in `line` from `start` to `end`. Its value begins at `value`; the last line of it is
    `last`. All count from 0, lines from the begin of the file.
    """

    path: tuple[str, ...]
    line: int
    start: int
    end: int
    value: TextSpot
    last: int

    @property
    def name(self) -> str:
        """The key itself."""
        return self.path[-1]

    @property
    def is_formula(self) -> bool:
        """Whether its value is a formula, if the entry is one of derivatives.yaml."""
        if self.path[0] == "dispatch":
            return len(self.path) == 3
        return len(self.path) == 1 and self.name not in _NO_FORMULA

    @property
    def names(self) -> tuple[str, ...]:
        """The arguments or outputs that a formula is for."""
        return tuple(part.strip() for part in self.name.split(","))


class Outline(NamedTuple):
    """An entry: its lines, of which the first is `first`, and its keys."""

    first: int
    lines: Sequence[str]
    keys: Sequence[KeyLine]

    @property
    def last(self) -> int:
        """Its last line, without the blank lines and comments behind it."""
        at = len(self.lines)
        while at > 1 and (not self.lines[at - 1].strip() or self.lines[at - 1].startswith("#")):
            at -= 1
        return self.first + at - 1

    def key(self, *path: str) -> KeyLine | None:
        """The key with this path."""
        return next((key for key in self.keys if key.path == path), None)

    def line(self, number: int) -> str:
        """A line, by its number in the file."""
        return self.lines[number - self.first]

    def value_of(self, key: KeyLine) -> str:
        """The text of a key's value, with its line ends, without quotes and a comment behind it."""
        last = min(key.last, self.last)
        lines = [self.line(n) for n in range(key.value.line, last + 1)]
        if not lines:
            return ""
        quote = lines[0][key.value.character - 1 : key.value.character]
        lines[0] = lines[0][key.value.character :]
        text = "\n".join(line.split(" #", 1)[0].rstrip() for line in lines).rstrip()
        return text.removesuffix(quote) if quote in ("'", '"') else text

    def spot_in(self, key: KeyLine, offset: int) -> TextSpot:
        """The place of a character of a key's value."""
        line, character = key.value.line, key.value.character
        for part in self.value_of(key).split("\n"):
            if offset <= len(part):
                break
            offset -= len(part) + 1
            line, character = line + 1, 0
        return TextSpot(line, character + offset)

    def offset_in(self, key: KeyLine, spot: TextSpot) -> int | None:
        """The character of a key's value at a place; None if the place is not in it."""
        if not key.value.line <= spot.line <= key.last or spot < key.value:
            return None
        lines = self.value_of(key).split("\n")
        number = spot.line - key.value.line
        if number >= len(lines):
            return None
        character = spot.character - (key.value.character if number == 0 else 0)
        if character > len(lines[number]):
            return None
        return sum(len(line) + 1 for line in lines[:number]) + character

    def key_at(self, spot: TextSpot) -> KeyLine | None:
        """The key whose line, or whose value, a place is in."""
        found = None
        for key in self.keys:
            if key.line <= spot.line <= key.last:
                found = key
        return found


class Word(NamedTuple):
    """A word of a line, and where it begins and ends in it."""

    text: str
    start: int
    end: int


def entry_around(line_of: Callable[[int], str], last: int, line: int) -> Outline | None:
    """The entry that a line of a file is in; None if it is in none. `last` is the last line."""
    first = line
    while not _begins(line_of(first)):
        if first == 0 or line - first >= _MAX_LINES:
            return None
        first -= 1
    end = first + 1
    while end <= last and end - first <= _MAX_LINES and not _begins(line_of(end)):
        end += 1
    return outline([line_of(number) for number in range(first, end)], first)


def _begins(line: str) -> bool:
    return line.startswith("- ") or line == "-"


def outline(lines: Sequence[str], first: int = 0) -> Outline:
    """The keys of an entry that has these lines."""
    keys: list[KeyLine] = []
    open_: list[tuple[int, int]] = []  # the indent and the index of each key around this line
    for number, line in enumerate(lines, first):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        found = _KEY.match(line)
        indent = len(found[1]) if found else len(line) - len(line.lstrip())
        if number > first and _ITEM.match(line):
            found = None  # an item of a list
        while open_ and (indent < open_[-1][0] or (found and indent == open_[-1][0])):
            open_.pop()
        is_text = bool(open_) and indent > open_[-1][0] and _has_value(lines, first, keys, open_)
        if found and not is_text:
            path = (*(keys[at].name for _, at in open_), found[2].strip("\"'"))
            start = len(found[1])
            end = start + len(found[2])
            at = found.end() + line.startswith(("'", '"'), found.end())
            keys.append(KeyLine(path, number, start, end, TextSpot(number, at), number))
            open_.append((indent, len(keys) - 1))
        for _, at in open_:
            keys[at] = keys[at]._replace(last=number)
    return Outline(first, lines, keys)


def _has_value(
    lines: Sequence[str], first: int, keys: Sequence[KeyLine], open_: Sequence[tuple[int, int]]
) -> bool:
    """Whether the innermost key has a value in its own line, which deeper lines go on with."""
    key = keys[open_[-1][1]]
    rest = lines[key.line - first][key.end :].lstrip(" :").strip()
    return bool(rest) and not rest.startswith("#")


def word_at(line: str, character: int) -> Word | None:
    """The word that a place of a line is in or behind."""
    for found in _WORD.finditer(line):
        if found.start() <= character <= found.end():
            return Word(found[0], found.start(), found.end())
    return None


def operator_name(schema: str) -> str:
    """The name, with overload and namespace, that a schema begins with."""
    return schema.strip().strip("\"'").partition("(")[0].strip()
