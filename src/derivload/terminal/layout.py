"""The layout of `derivload show`: aligns labelled rows, and wraps lines to the terminal's width.

This module does not know what an operator is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from derivload.terminal.text import printable

# A place (file and line) is never broken, so that it can be copied and clicked.
_UNBROKEN: Final = "place"
# Labels longer than this do not count for the column of the bodies.
_WIDEST_LABEL: Final = 24
# If less than this width is left beside the labels, the text continues under them.
_NARROWEST: Final = 24
_NARROW_HANG: Final = 6
_LINE_BREAK: Final = re.compile(r"(?<=[(\[{])\s*\n\s*|\s*\n\s*(?=[)\]}])|(\s*\n\s*)")
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[(\[{]|[)\]}]| ')
_OPENING: Final = "([{"
_CLOSING: Final = ")]}"
_BRANCHES: Final = "?:"
_OPERATORS: Final = "+-*/%&|<>="
# The cost of a break in the middle of an argument. Each open bracket costs 2, so a break at a good
# space up to three brackets deeper is not more expensive.
_WITHIN_A_PART: Final = 6


class Segment(NamedTuple):
    """A text and its kind (`style`), which decides its colour."""

    text: str
    style: str = ""


class Line(NamedTuple):
    """A line: a head, which is never broken, and a body, which may be.

    A broken body continues at column `hang`.
    """

    head: tuple[Segment, ...] = ()
    body: tuple[Segment, ...] = ()
    hang: int = 0

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All segments of the line."""
        return self.head + self.body

    @property
    def text(self) -> str:
        """The text of the line, without styles."""
        return "".join(segment.text for segment in self.segments)


class _Space(NamedTuple):
    """The offset of a space, and the cost of breaking the line there."""

    at: int
    cost: int


class Row(NamedTuple):
    """A label, and the text beside it.

    A row at level 0 begins a section. Rows at level 1 are inside the section. `mark` is printed
    before the label.
    """

    level: int
    label: Segment
    body: tuple[Segment, ...] = ()
    mark: str = " "


def section(name: str, *body: Segment) -> Row:
    """The row that begins a section. It may be the only one."""
    return Row(0, Segment(name, "section"), body)


def item(label: str, *body: Segment) -> Row:
    """A row in a section. Without a label, it continues the row before it."""
    return Row(1, Segment(label, "label"), body)


def joined(parts: Iterable[Segment]) -> tuple[Segment, ...]:
    """Segments with semicolons between them."""
    together: list[Segment] = []
    for part in parts:
        together += [Segment("; "), part] if together else [part]
    return tuple(together)


def listed(names: Sequence[str]) -> str:
    """Names as in a sentence: "a", "a and b", "a, b and c"."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def visible(text: str) -> str:
    """Text from a file on one line, without control characters."""
    return printable(_LINE_BREAK.sub(lambda found: " " if found[1] else "", text.strip()))


def align(sections: Iterable[Sequence[Row]]) -> list[Line]:
    """The rows as lines. All bodies begin at one column, and a blank line precedes each section."""
    sections = [section for section in sections if section]
    labels = [2 + 2 * row.level + len(row.label.text) for section in sections for row in section]
    column = max((length for length in labels if length <= _WIDEST_LABEL), default=0) + 2
    lines: list[Line] = []
    for section in sections:
        lines += [Line(), *(_line(row, column) for row in section)]
    return lines


def _line(row: Row, column: int) -> Line:
    indent = Segment(f"{row.mark}{' ' * (1 + 2 * row.level)}")
    if not row.body:
        return Line((indent, row.label))
    used = len(indent.text) + len(row.label.text)
    padding = Segment(" " * max(2, column - used))
    return Line((indent, row.label, padding), row.body, column)


def wrap(line: Line, width: int) -> list[Line]:
    """The line, broken into lines of at most `width` columns if possible.

    It is broken at spaces, never inside quotes or a place. Spaces after a comma or before an
    operator are preferred, and spaces outside of inner brackets.
    """
    hang = line.hang if width - line.hang >= _NARROWEST else _NARROW_HANG
    indent = (Segment(" " * hang),)
    first = width - sum(len(segment.text) for segment in line.head)
    parts = list(_break(line.body, first, width - hang))
    return [
        Line(line.head if i == 0 else indent, _cut(line.body, start, end), hang)
        for i, (start, end) in enumerate(parts)
    ]


def _break(body: tuple[Segment, ...], first: int, rest: int) -> Iterator[tuple[int, int]]:
    """Start and end of each line of a body. `first` is the width of the first, `rest` of others."""
    text = "".join(segment.text for segment in body)
    spaces = _spaces(body)
    start, room = 0, first
    while len(text) - start > room:
        end = _best_space(spaces, start, room)
        if end is None:
            break
        yield start, len(text[:end].rstrip())
        start, room = len(text) - len(text[end:].lstrip()), rest
    yield start, len(text)


def _best_space(spaces: list[_Space], start: int, room: int) -> int | None:
    """Where to break a line that begins at `start`: at the cheapest space in its second half.

    None if there is no later space. If none fits in the line, it is the next one.
    """
    later = [space for space in spaces if space.at > start]
    fitting = [space for space in later if space.at <= start + room]
    if not fitting:
        return later[0].at if later else None
    late = [space for space in fitting if space.at >= start + room // 2] or fitting
    return min(late, key=lambda space: (space.cost, -space.at)).at


def _spaces(body: tuple[Segment, ...]) -> list[_Space]:
    """The spaces where a body may be broken."""
    spaces: list[_Space] = []
    offset = 0
    for segment in body:
        if segment.style != _UNBROKEN:
            spaces += [_Space(offset + at, cost) for at, cost in _spaces_of(segment.text)]
        offset += len(segment.text)
    return spaces


def _spaces_of(text: str) -> Iterator[_Space]:
    depth = 0
    for token in _TOKEN.finditer(text):
        if token[0] in _OPENING:
            depth += 1
        elif token[0] in _CLOSING:
            depth -= 1
        elif token[0] == " ":
            yield _Space(token.start(), 2 * depth + _cost(text, token.start()))


def _cost(text: str, at: int) -> int:
    """The cost of breaking a text at this space, without that of open brackets."""
    if text[at - 1] in ",;" or text[at + 1 : at + 2] in _BRANCHES:
        return 0
    return 1 if text[at + 1 : at + 2] in _OPERATORS else _WITHIN_A_PART


def _cut(body: tuple[Segment, ...], start: int, end: int) -> tuple[Segment, ...]:
    """The part of a body between two offsets."""
    parts = []
    offset = 0
    for text, style in body:
        part = text[max(start - offset, 0) : max(end - offset, 0)]
        if part:
            parts.append(Segment(part, style))
        offset += len(text)
    return tuple(parts)
