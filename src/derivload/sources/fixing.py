"""Turns remedies into fixes: changes of an entry into spans of its text, and what to put there.

YAML writes one value in many ways: plain, in two kinds of quotes, as a block, over several lines.
So no span is trusted. The pieces are put into the text of the entry, it is read again, and its
value must be what the changes make of the old value. If not, there is no fix.

This module is imported only if a mistake has remedies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from derivload.diagnostics import Change
from derivload.sources.changing import changed_value
from derivload.sources.full import YamlError, read_full
from derivload.sources.nodes import (
    Part,
    behind_line,
    end_of,
    find_part,
    is_block_scalar,
    is_in_lines,
    line_start,
)
from derivload.sources.written import Written

if TYPE_CHECKING:
    import yaml

    from derivload.sources.plain import Value

_DASH = re.compile(r" *- +")
_COMMA_BEHIND = re.compile(r"\s*,[ ]*")


class Piece(NamedTuple):
    """The part of a text between two indexes, and what to put there."""

    start: int
    end: int
    text: str


class _NoSpanError(Exception):
    """A span cannot be told exactly."""


def pieces_of(changes: Iterable[Change], text: str, node: yaml.Node) -> list[Piece]:
    """What changes of the entry at `node` come to in its text; [] if that cannot be told exactly.

    Changes that remove the whole entry are not for here.
    """
    entry = _Entry(text, node)
    try:
        wanted = entry.value(())
        for change in changes:
            wanted = changed_value(wanted, change)
    except (_NoSpanError, LookupError, TypeError, ValueError, YamlError):
        return []
    for is_quoted in (False, True):
        try:
            pieces = sorted(entry.piece(change, is_quoted=is_quoted) for change in changes)
            # The texts of values tell `1` and `true` apart, and the order of keys.
            if repr(entry.value(pieces)) == repr(wanted):
                return pieces
        except (_NoSpanError, ValueError, YamlError):
            continue
    return []


class _Entry:
    """An entry of a text: where its parts are, and its value with other text in some places."""

    def __init__(self, text: str, node: yaml.Node) -> None:
        self._text = text
        self._node = node

    def value(self, pieces: Sequence[Piece]) -> Value:
        """The value of the entry with these pieces.

        Raises YamlError, and `_NoSpanError` if the pieces overlap or are not of the entry.
        """
        start, end = self._node.start_mark.index, self._node.end_mark.index
        parts, at = [" " * (start - line_start(self._text, start))], start
        for piece in pieces:
            if not at <= piece.start <= piece.end <= end:
                raise _NoSpanError
            parts += (self._text[at : piece.start], piece.text)
            at = piece.end
        read = read_full("".join((*parts, self._text[at:end])))
        if read.duplicates:
            raise _NoSpanError
        return read.value

    def piece(self, change: Change, *, is_quoted: bool) -> Piece:
        """The piece of text for a change.

        `is_quoted` puts a plain value in quotes, where other words in it would make it no text.
        """
        if change.kind == "add":
            return self._adding(change)
        part = find_part(self._node, change.path)
        if part is None:
            raise _NoSpanError
        if change.kind == "remove":
            return self._removing(part)
        node = part.key if change.on_key else part.value
        if node is None:
            raise _NoSpanError
        return self._replacing(node, change, is_quoted=is_quoted)

    def _replacing(self, node: yaml.Node, change: Change, *, is_quoted: bool) -> Piece:
        start, end = node.start_mark.index, end_of(self._text, node)
        if not change.words:
            # A key without a value ends at its colon.
            blank = " " if start == end and self._text[start - 1 : start] == ":" else ""
            return Piece(start, end, f"{blank}{change.text}")
        style = getattr(node, "style", None)
        if is_quoted:
            if style or not isinstance(node.value, str):
                raise _NoSpanError
            new = changed_value({"": node.value}, _of_text(change))
            assert isinstance(new, dict)
            return Piece(start, end, "'{}'".format(str(new[""]).replace("'", "''")))
        if is_block_scalar(node):
            start = behind_line(self._text, start)
        found = Written(self._text, start, end).find(change.words, change.occurrence)
        if found is None:
            raise _NoSpanError
        return Piece(*found, _spelled(change.text, style))

    def _adding(self, change: Change) -> Piece:
        *above, key = change.path
        part = find_part(self._node, tuple(above))
        holder = self._node if part is None else part.value
        behind = find_part(holder, (change.words,)) if change.words else None
        if not holder.value or not isinstance(holder.value[-1], tuple):
            raise _NoSpanError
        end = end_of(self._text, holder.value[-1][1] if behind is None else behind.value)
        if not is_in_lines(holder):
            return Piece(end, end, f", {key}: {change.text}")
        first = holder.value[0][0].start_mark.index
        line = "\n" + " " * (first - line_start(self._text, first))
        end = behind_line(self._text, end)
        blank = "" if change.text.startswith("\n") else " "
        added = f"\n{key}:{blank}{change.text}".replace("\n", line)
        return Piece(end, end, added)

    def _removing(self, part: Part) -> Piece:
        """The part with the line end or comma that belongs to it."""
        count = len(part.holder.value)
        if count == 1:
            raise _NoSpanError  # nothing would be left of the mapping or list
        node = part.value if part.key is None else part.key
        start, end = node.start_mark.index, end_of(self._text, part.value)
        is_last = part.index == count - 1
        if is_in_lines(part.holder):
            return self._removing_lines(part, start, end)
        if is_last:
            before = part.holder.value[part.index - 1]
            return Piece(end_of(self._text, before[1] if part.key else before), end, "")
        comma = _COMMA_BEHIND.match(self._text, end)
        if comma is None:
            raise _NoSpanError
        return Piece(start, comma.end(), "")

    def _removing_lines(self, part: Part, start: int, end: int) -> Piece:
        begin, end = line_start(self._text, start), behind_line(self._text, end)
        before = self._text[begin:start]
        if part.key is None and not _DASH.fullmatch(before):
            raise _NoSpanError
        if part.key is None or not before.strip():
            # The line end before it is removed: the last line of a text may have none of its own.
            return Piece(begin - 1, end, "")
        # The first key, behind the dash of its entry: the next one comes in its place.
        following = part.holder.value[part.index + 1][0].start_mark.index
        if "#" in self._text[end:following]:
            raise _NoSpanError
        return Piece(start, following, "")


def _of_text(change: Change) -> Change:
    """The change of a text, as one of a mapping with nothing but that text."""
    return Change("replace", ("",), change.text, change.words, occurrence=change.occurrence)


def _spelled(text: str, style: str | None) -> str:
    """A text as it is written within a value of this style."""
    if style == "'":
        return text.replace("'", "''")
    if style == '"':
        return text.replace("\\", "\\\\").replace('"', '\\"')
    return text
