"""Turns remedies into fixes: changes of an entry into spans of its text, and what to put there.

YAML writes one value in many ways: plain, in two kinds of quotes, as a block, over several lines.
So no span is trusted. The pieces are put into the text of the entry, it is read again, and its
value must be what the changes make of the old value. If not, there is no fix.

This module is imported only if a mistake has remedies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from derivload.diagnostics import EntryChange
from derivload.sources.changing import changed_value
from derivload.sources.full import read_full
from derivload.sources.nodes import (
    behind_line,
    end_of,
    find_part,
    is_block_scalar,
    is_in_lines,
    line_start,
    span_of,
)
from derivload.sources.not_yaml import YamlError
from derivload.sources.plain import NotPlain, PlainReader
from derivload.sources.written import Written

if TYPE_CHECKING:
    import yaml

    from derivload.sources.plain import Value

# What stands in the place of the dash where an entry is a list item of the top level.
_PLAIN_INDENT = "  "


class TextPiece(NamedTuple):
    """The part of a text between two indexes, and what to put there."""

    start: int
    end: int
    text: str


class _NoSpanError(Exception):
    """A span cannot be told exactly."""


class Fixer:
    """Makes pieces of text from the changes of one entry, which is at `node` of a text."""

    def __init__(self, text: str, node: yaml.Node, plain: PlainReader) -> None:
        self._node = node
        self._text = text
        self._entry = _EntryText(text, node, plain)
        self._value: Value = None
        with suppress(_NoSpanError, YamlError):
            self._value = self._entry.value(())

    def pieces(self, changes: Iterable[EntryChange]) -> list[TextPiece]:
        """What changes come to in the text; [] if that cannot be told exactly.

        Changes that remove the whole entry are not for here.
        """
        wanted = self._value
        try:
            changes = [_with_values(change, self._node, self._text) for change in changes]
            for change in changes:
                wanted = changed_value(wanted, change)
            if repr(wanted) == repr(self._value):
                return []  # blanks, which YAML takes together, are all that it changes
        # ValueError, too, for a number with too many digits.
        except (LookupError, TypeError, ValueError, YamlError):
            return []
        for is_quoted in (False, True):
            try:
                pieces = sorted(self._entry.piece(c, is_quoted=is_quoted) for c in changes)
                # The texts of values tell `1` and `true` apart, and the order of keys.
                if repr(self._entry.value(pieces)) == repr(wanted):
                    return pieces
            except (_NoSpanError, ValueError, YamlError):
                continue
        return []


def _with_values(change: EntryChange, node: yaml.Node, text: str) -> EntryChange:
    """The change, as one that needs no look at what is written there.

    Raises LookupError or ValueError if what is there is not of its kind.
    """
    if change.kind not in ("quote", "add_item", "remove_item"):
        return change
    part = find_part(node, change.path)
    if part is None:
        if change.kind == "add_item":
            return EntryChange("add", change.path, change.text)
        raise LookupError(change.path)
    value = part.value.value
    if change.kind == "quote" and isinstance(value, str):
        return EntryChange("replace", change.path, _quoted(value))
    if change.kind == "quote" or any(isinstance(one, tuple) for one in value):  # a mapping
        raise LookupError(change.path)
    items = [part.value] if isinstance(value, str) else value
    if change.kind == "remove_item":
        at = [item.value for item in items].index(change.text)
        return EntryChange("remove", change.path if len(items) == 1 else (*change.path, at))
    sources = [text[item.start_mark.index : end_of(text, item)] for item in items]
    if sources == [""]:  # a key without a value
        return EntryChange("replace", change.path, change.text)
    return EntryChange("replace", change.path, f"[{', '.join((*sources, change.text))}]")


def _quoted(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))


class _EntryText:
    """An entry of a text: where its parts are, and its value with other text in some places."""

    def __init__(self, text: str, node: yaml.Node, plain: PlainReader) -> None:
        self._text = text
        self._node = node
        self._plain = plain
        # How many keys occur twice in the entry as it is. No fix may make more of them.
        self._duplicates: int | None = None

    def value(self, pieces: Sequence[TextPiece]) -> Value:
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
        text = "".join((*parts, self._text[at:end]))
        if text.startswith(_PLAIN_INDENT):
            with suppress(NotPlain):
                value = self._plain.read(f"- {text[2:]}")
                self._duplicates = self._duplicates or 0
                return value
        read = read_full(text)
        if self._duplicates is None:
            self._duplicates = len(read.duplicates)
        if len(read.duplicates) > self._duplicates:
            raise _NoSpanError
        return read.value

    def piece(self, change: EntryChange, *, is_quoted: bool) -> TextPiece:
        """The piece of text for a change.

        `is_quoted` puts a plain value in quotes, where other words in it would make it no text.
        """
        if change.kind == "add":
            return self._adding(change)
        part = find_part(self._node, change.path)
        if part is None:
            raise _NoSpanError
        if change.kind == "remove":
            span = span_of(self._text, part)
            if span is None:
                raise _NoSpanError
            return TextPiece(*span, "")
        node = part.key if change.on_key else part.value
        if node is None:
            raise _NoSpanError
        return self._replacing(node, change, is_quoted=is_quoted)

    def _replacing(self, node: yaml.Node, change: EntryChange, *, is_quoted: bool) -> TextPiece:
        start, end = node.start_mark.index, end_of(self._text, node)
        if not change.words:
            # A key without a value ends at its colon.
            blank = " " if start == end and self._text[start - 1 : start] == ":" else ""
            return TextPiece(start, end, f"{blank}{change.text}")
        style = getattr(node, "style", None)
        if is_quoted:
            if style or not isinstance(node.value, str):
                raise _NoSpanError
            new = changed_value({"": node.value}, _of_text(change))
            assert isinstance(new, dict)
            return TextPiece(start, end, _quoted(str(new[""])))
        if is_block_scalar(node):
            start = behind_line(self._text, start)
        found = Written(self._text, start, end).find(change.words, change.occurrence)
        if found is None:
            raise _NoSpanError
        return TextPiece(*found, _spelled(change.text, style))

    def _adding(self, change: EntryChange) -> TextPiece:
        *above, key = change.path
        part = find_part(self._node, tuple(above))
        holder = self._node if part is None else part.value
        behind = find_part(holder, (change.words,)) if change.words else None
        if not holder.value or not isinstance(holder.value[-1], tuple):
            raise _NoSpanError
        end = end_of(self._text, holder.value[-1][1] if behind is None else behind.value)
        if not is_in_lines(holder):
            return TextPiece(end, end, f", {key}: {change.text}")
        first = holder.value[0][0].start_mark.index
        line = "\n" + " " * (first - line_start(self._text, first))
        end = behind_line(self._text, end)
        blank = "" if change.text.startswith("\n") else " "
        added = f"\n{key}:{blank}{change.text}".replace("\n", line)
        return TextPiece(end, end, added)


def _of_text(change: EntryChange) -> EntryChange:
    """The change of a text, as one of a mapping with nothing but that text."""
    return EntryChange("replace", ("",), change.text, change.words, occurrence=change.occurrence)


def _spelled(text: str, style: str | None) -> str:
    """A text as it is written within a value of this style."""
    if style == "'":
        return text.replace("'", "''")
    if style == '"':
        return text.replace("\\", "\\\\").replace('"', '\\"')
    return text
