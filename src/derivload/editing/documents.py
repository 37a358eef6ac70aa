"""A text as an editor has it, and edits to it in the editor's positions.

A position of the protocol is a line and a number of code units in it, from 0. What a code unit is,
client and server agree on: UTF-16, which every client knows, UTF-8 or UTF-32. Everything else in
derivload counts characters, and so does a `TextSpot`.

The text is kept as a list of lines, so that an edit costs the lines that it touches. The whole text
is put together when it is asked for. A line ends with `\n`, `\r\n` or `\r`, as the protocol has it,
and with nothing else: Python's own `splitlines` knows many more line ends.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

Encoding = Literal["utf-8", "utf-16", "utf-32"]

_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z")
_END: Final = "\r\n"


class TextSpot(NamedTuple):
    """A place in a text: its line and its character in the line, both from 0."""

    line: int
    character: int


def units_before(line: str, character: int, encoding: Encoding) -> int:
    """How many code units come before a character of a line."""
    before = line[:character]
    if encoding == "utf-32" or before.isascii():
        return len(before)
    if encoding == "utf-8":
        return len(before.encode("utf-8", "surrogatepass"))
    return len(before) + sum(1 for c in before if c > "\uffff")


def character_at(line: str, units: int, encoding: Encoding) -> int:
    """The character of a line that comes after so many code units, at most its end.

    In the middle of a character, it is that character.
    """
    line = line.rstrip(_END)
    if encoding == "utf-32" or line.isascii():
        return min(units, len(line))
    left = units
    for at, character in enumerate(line):
        left -= units_before(character, 1, encoding)
        if left < 0:
            return at
    return len(line)


def split_lines(text: str) -> list[str]:
    """The lines of a text, each with its end. The last one is empty if the text ends in one."""
    if "\r" not in text:
        lines = text.split("\n")
        return [*(line + "\n" for line in lines[:-1]), lines[-1]]
    lines = _LINE.findall(text)
    if not lines or lines[-1][-1] in _END:
        lines.append("")
    return lines


class Document:
    """One text. `version` is the editor's number for it; None if it is the file on disk.

    `uri` is the editor's name for it.
    """

    def __init__(self, uri: str, text: str, version: int | None = None) -> None:
        self.uri = uri
        self.version = version
        self._lines = split_lines(text)
        self._text: str | None = text
        self._bytes: bytes | None = None
        self.state: object = object()
        """Stands for the text as it is: each edit makes another one."""

    @property
    def text(self) -> str:
        """The whole text."""
        if self._text is None:
            self._text = "".join(self._lines)
        return self._text

    @property
    def content(self) -> bytes:
        """The text as the bytes that a file would have. Half a surrogate pair is no UTF-8."""
        if self._bytes is None:
            self._bytes = self.text.encode("utf-8", "surrogatepass")
        return self._bytes

    @property
    def last(self) -> int:
        """The number of the last line."""
        return len(self._lines) - 1

    def line(self, number: int) -> str:
        """A line without its end; empty if there is no such line."""
        return self._lines[number].rstrip(_END) if 0 <= number < len(self._lines) else ""

    def all_lines(self) -> list[str]:
        """All lines as they are now, with their ends."""
        return self._lines.copy()

    def lines(self, first: int, last: int) -> list[str]:
        """The lines from one to another, that one included, without their ends."""
        return [line.rstrip(_END) for line in self._lines[max(0, first) : last + 1]]

    def spot(self, line: int, units: int, encoding: Encoding) -> TextSpot:
        """The place at a position of the protocol. Outside the text, it is the nearest inside."""
        if line < 0:
            return TextSpot(0, 0)
        if line >= len(self._lines):
            return TextSpot(self.last, len(self._lines[-1]))
        return TextSpot(line, character_at(self._lines[line], max(0, units), encoding))

    def units(self, spot: TextSpot, encoding: Encoding) -> int:
        """The code units in the line before a place."""
        return units_before(self.line(spot.line), spot.character, encoding)

    def replace(self, text: str, version: int | None = None) -> None:
        """Put another text in the place of the whole one."""
        self.version = version
        self._lines = split_lines(text)
        self._text, self._bytes = text, None
        self.state = object()

    def edit(self, start: TextSpot, end: TextSpot, text: str) -> None:
        """Put a text in the place of what is between two places."""
        if end < start:
            start, end = end, start
        first, last = start.line, end.line
        made = self._lines[first][: start.character] + text + self._lines[last][end.character :]
        # A `\r` and a `\n` that come to stand beside each other are one line end.
        if first and self._lines[first - 1].endswith("\r"):
            first -= 1
            made = self._lines[first] + made
        if made.endswith("\r") and last < self.last:
            last += 1
            made += self._lines[last]
        lines = split_lines(made)
        if last < self.last and lines[-1] == "":
            lines.pop()
        self._lines[first : last + 1] = lines
        self._text = self._bytes = None
        self.state = object()
