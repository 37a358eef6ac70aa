"""Finds comments such as `# derivload: ignore[DL604] reason`, and the values beside them.

The readers of entries drop comments, so nothing here costs anything until a text has the marker.
Then the entry is parsed by PyYAML, whose marks tell a comment from a `#` within a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from derivload.diagnostics import Path
from derivload.patterns import lazy
from derivload.sources.nodes import behind_line, end_of, is_block_scalar, line_start
from derivload.sources.not_yaml import Lines
from derivload.tuples import NamedTuple

if TYPE_CHECKING:
    import yaml

MARKER: Final = "derivload:"
_COMMENT: Final = lazy(
    r"(?:^|(?<=\s))#[ \t]*derivload:[ \t]*ignore\b[ \t]*(?:\[([^\]\n]*)\])?[ \t]*([^\n]*)",
    re.MULTILINE,
)


class IgnoreComment(NamedTuple):
    """A comment that asks to ignore rules: where it begins and ends, their names, and why.

    `start` and `end` are indexes of the text. `is_alone` tells that it stands in a line of its own
    that is not indented, and so beside nothing.
    """

    start: int
    end: int
    names: tuple[str, ...]
    reason: str
    is_alone: bool


def find_comments(text: str) -> list[IgnoreComment]:
    """All that look like such comments in a text."""
    return [
        IgnoreComment(
            match.start(),
            match.start() + len(text[match.start() : match.start(2)].rstrip()),
            tuple(name for part in (match[1] or "").split(",") if (name := part.strip())),
            match[2].strip(),
            text[max(0, match.start() - 1) : match.start()] in ("", "\n"),
        )
        for match in _matches(text)
    ]


def _matches(text: str) -> Iterator[re.Match[str]]:
    """What the pattern matches, which ends with its line. The marker is found much faster."""
    at = text.find(MARKER)
    while at >= 0:
        end = behind_line(text, at)
        match = _COMMENT.search(text, line_start(text, at), end)
        if match is not None:
            yield match
        at = text.find(MARKER, end)


class CommentedEntry:
    """An entry of a text, and which of its lines belong to which value.

    `node` is the entry in the tree of `text`, `lines` finds the lines of the text. `is_alone` tells
    that the text is that of the entry alone.
    """

    def __init__(self, node: yaml.Node, text: str, lines: Lines, *, is_alone: bool) -> None:
        self._text = text
        self._line_of = lines
        self._first = self._line(node.start_mark.index)
        self._scalars = [self._within(one) for one in _scalars(node)]
        self._lines = dict(self._of_values(node, ()))
        last = max((last for _, last in self._lines.values()), default=self._first)
        self._last = text.count("\n") + 1 if is_alone else last

    def comments(self) -> list[IgnoreComment]:
        """The comments in the lines of the entry."""
        return [
            comment
            for comment in find_comments(self._text)
            if self._first <= self._line(comment.start) <= self._last
            and not any(start <= comment.start < end for start, end in self._scalars)
        ]

    def is_beside(self, comment: IgnoreComment, path: Path) -> bool:
        """Whether a comment stands in the first line of the entry, or in a line of this value."""
        line = self._line(comment.start)
        steps = tuple(map(str, path))
        while steps and steps not in self._lines:
            steps = steps[:-1]
        first, last = self._lines[steps] if steps else (self._first, self._first)
        return line == self._first or first <= line <= last

    def _line(self, index: int) -> int:
        return self._line_of.at(index)[0]

    def _within(self, node: yaml.ScalarNode) -> tuple[int, int]:
        """Where a scalar begins and ends. A block begins behind its first line, `|` or `>`."""
        start, end = node.start_mark.index, node.end_mark.index
        if is_block_scalar(node):
            start = behind_line(self._text, start)
        return start, end

    def _of_values(
        self, node: yaml.Node, path: tuple[str, ...]
    ) -> Iterator[tuple[tuple[str, ...], tuple[int, int]]]:
        """The first and the last line of each key with its value, by the path to the value."""
        import yaml

        if not isinstance(node, yaml.MappingNode):
            return
        for key, value in node.value:
            here = (*path, str(key.value))
            is_block = is_block_scalar(value)
            last = value.start_mark.index if is_block else end_of(self._text, value)
            yield here, (self._line(key.start_mark.index), self._line(last))
            yield from self._of_values(value, here)


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    import yaml

    if isinstance(node, yaml.ScalarNode):
        yield node
        return
    children = node.value if isinstance(node.value, list) else []
    for child in children:
        for one in child if isinstance(child, tuple) else (child,):
            yield from _scalars(one)
