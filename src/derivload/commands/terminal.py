"""Lines of styled text, and how they get to stdout: plain when piped, wrapped on a terminal.

Piped, a line stays one line, so that grep finds all of it. On a terminal it is wrapped to the
width, and coloured unless NO_COLOR is set. Both are the same lines.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

# What rich is to make of a segment's style.
STYLES: Final = {
    "": "",
    "title": "bold",
    "section": "bold",
    "label": "cyan",
    "kind": "green",
    "absent": "yellow",
    "note": "dim",
    "place": "dim",
}
# A place is for copying and clicking: it stays whole.
_UNBROKEN: Final = "place"
# Where less than this is left beside the labels, the text goes on under them.
_NARROWEST: Final = 24
_NARROW_HANG: Final = 6
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[(\[{]|[)\]}]| ')


class Segment(NamedTuple):
    """Text in one style, a key of STYLES."""

    text: str
    style: str = ""


class Line(NamedTuple):
    """A line: a head that is never broken, and a body that is, to go on at column `hang`."""

    head: tuple[Segment, ...] = ()
    body: tuple[Segment, ...] = ()
    hang: int = 0

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All of it."""
        return self.head + self.body

    @property
    def text(self) -> str:
        """All of it, without styles."""
        return "".join(segment.text for segment in self.segments)


def print_lines(lines: Iterable[Line]) -> None:
    """Print to stdout: as they are, or wrapped and in colour when a person looks on."""
    if not sys.stdout.isatty():
        _print_plain(lines)
        return
    width = shutil.get_terminal_size().columns
    wrapped = [part for line in lines for part in wrap(line, width)]
    if os.environ.get("NO_COLOR"):
        _print_plain(wrapped)
    else:
        _print_styled(wrapped)


def _print_plain(lines: Iterable[Line]) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    for line in lines:
        # A stream that cannot say a letter gets its number, rather than us a traceback.
        print(line.text.encode(encoding, "backslashreplace").decode(encoding))


def _print_styled(lines: Iterable[Line]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(file=sys.stdout, highlight=False)
    for line in lines:
        text = Text.assemble(*((part, STYLES[style]) for part, style in line.segments))
        console.print(text, soft_wrap=True)


def wrap(line: Line, width: int) -> list[Line]:
    """The line as lines of at most `width` columns, as far as it can be broken.

    It is broken at spaces, never inside quotes or a place, and rather between the arguments of
    the outer call than of an inner one.
    """
    if len(line.text) <= width:
        return [line]
    hang = line.hang if width - line.hang >= _NARROWEST else _NARROW_HANG
    indent = (Segment(" " * hang),)
    first = width - sum(len(segment.text) for segment in line.head)
    parts = list(_break(line.body, first, width - hang))
    return [
        Line(line.head if i == 0 else indent, _cut(line.body, start, end), hang)
        for i, (start, end) in enumerate(parts)
    ]


def _break(body: tuple[Segment, ...], first: int, rest: int) -> Iterator[tuple[int, int]]:
    """Start and end of each line of a body, the first and the rest of these widths."""
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


def _best_space(spaces: list[tuple[int, int]], start: int, room: int) -> int | None:
    """Where to break a line that begins at `start`: in its last third, at the outermost space."""
    later = [(at, depth) for at, depth in spaces if at > start]
    fitting = [(at, depth) for at, depth in later if at <= start + room]
    if not fitting:
        return later[0][0] if later else None
    late = [(at, depth) for at, depth in fitting if at > start + room * 2 // 3] or fitting[-1:]
    return min(late, key=lambda space: (space[1], -space[0]))[0]


def _spaces(body: tuple[Segment, ...]) -> list[tuple[int, int]]:
    """The spaces where a body may be broken, each with how many brackets are open there."""
    spaces: list[tuple[int, int]] = []
    offset = depth = 0
    for segment in body:
        for token in _TOKEN.finditer(segment.text) if segment.style != _UNBROKEN else ():
            if token[0] == " ":
                spaces.append((offset + token.start(), depth))
            elif token[0] in "([{":
                depth += 1
            elif token[0] in ")]}":
                depth -= 1
        offset += len(segment.text)
    return spaces


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
