"""Applies edits to the text of a file: only their spans change, and the line ends stay."""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence

from derivload.diagnostics import Edit

# The line ends of Python's universal newlines, by which diagnostics count lines.
_LINE_END = re.compile(r"\r\n|\r|\n")


class EditedText:
    """The text of a file as it is on the disk, to which edits are applied."""

    def __init__(self, text: str) -> None:
        self.text = text
        ends = list(_LINE_END.finditer(text))
        self._starts = [0, *(end.end() for end in ends)]
        self._ends = [*(end.start() for end in ends), len(text)]
        self._line_end = ends[0][0] if ends else "\n"

    @property
    def lines(self) -> list[str]:
        """The lines, without their ends."""
        return [self.text[a:b] for a, b in zip(self._starts, self._ends, strict=True)]

    def span(self, edit: Edit) -> tuple[int, int]:
        """The indexes between which an edit replaces the text.

        Raises ValueError if the text has no such place.
        """
        start = self._index(edit.line, edit.column)
        end = self._index(edit.end_line, edit.end_column)
        if start > end:
            raise ValueError("an edit ends before it begins")
        return start, end

    def spelled(self, text: str) -> str:
        """The text of an edit, with the line ends of this file."""
        return text.replace("\n", self._line_end)

    def index_of(self, line: int, column: int) -> int:
        """The index of a place; the nearest one if the text has no such place."""
        at = min(line, len(self._starts)) - 1
        return min(self._starts[at] + column - 1, self._ends[at])

    def line_at(self, index: int) -> int:
        """The number of the line of an index."""
        return bisect.bisect_right(self._starts, index)

    def _index(self, line: int, column: int) -> int:
        if not 0 < line <= len(self._starts) or column < 1:
            raise ValueError(f"there is no line {line} with a column {column}")
        start, end = self._starts[line - 1], self._ends[line - 1]
        if start + column - 1 > end:
            raise ValueError(f"line {line} has no column {column}")
        return start + column - 1

    def apply(self, edits: Sequence[Edit]) -> str:
        """The text with these edits. Raises ValueError if they overlap or have no place."""
        parts: list[str] = []
        at = 0
        for (start, end), text in sorted((self.span(edit), edit.text) for edit in edits):
            if start < at:
                raise ValueError("two edits overlap")
            parts += (self.text[at:start], self.spelled(text))
            at = end
        return "".join((*parts, self.text[at:]))
