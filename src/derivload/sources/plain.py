"""A reader for the plain subset of YAML that PyTorch's files are written in.

PyYAML, even in C, takes most of the time of a load; this reads the same files some fifteen
times faster. It accepts one list entry at a time: block mappings and block lists, plain,
single- and double-quoted scalars without escapes (over several lines too), literal blocks,
flow lists of words, and `{}`. Whatever else it meets raises `NotPlain`, and PyYAML reads that
entry. So it never has to be complete, only right on what it accepts.

How it is fast: lines repeat (`  variants: function, method` stands there a thousand times), so
each line is taken apart once, and what that gave is kept by the line's text.

The rules: YAML 1.1, as PyYAML's scanner and its implicit resolvers have it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

Value = None | bool | int | float | str | list["Value"] | dict["Value", "Value"]

_KEY = re.compile(r"[A-Za-z_](?:[\w, ]*\w)?")
_ITEM = re.compile(r"( *)- +(\S.*)")
# A scalar that begins so is a string, or one of _WORDS: whatever PyYAML resolves to a number, a
# date or a merge key begins with something else, and has no `*`, `(` or `/` in it.
_STRING = re.compile(r"-?[A-Za-z_(]|/|-?[\d.].*[*(/]")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys("yes Yes YES true True TRUE on On ON".split(), True),
    **dict.fromkeys("no No NO false False FALSE off Off OFF".split(), False),
    **dict.fromkeys("null Null NULL".split(), None),
}
_UNUSUAL = re.compile(r"[^\n -~]")
_FLOW_ITEM = re.compile(r"\"([^\"\\]*)\"|'([^']*)'|([A-Za-z_]\w*)")
_FLOW = re.compile(r"\[ *{i} *(?:, *{i} *)*\]".replace("{i}", f"(?:{_FLOW_ITEM.pattern})"))
# PyYAML looks for the colon of a key within 1024 characters and on its line.
_MAX_KEY = 1000
_MAX_DEPTH = 20
_MAX_WORD = max(map(len, _WORDS))


class NotPlain(Exception):  # noqa: N818 - not an error: it says which reader is to be used
    """The text has something outside the plain subset; PyYAML reads it."""


class _Line(NamedTuple):
    """One line taken apart. `key` is None where it is no `key: value` line.

    `value` is what stands behind the key when that is a scalar of one line, or `_OPEN` when
    the lines below decide. `rest` is its text, None when there is nothing.
    """

    indent: int
    blank: bool
    key: str | None
    rest: str | None
    value: object


_OPEN = object()


class PlainReader:
    """Reads entries. Holds the lines taken apart so far; the values that it returns share parts."""

    def __init__(self) -> None:
        self._seen: dict[str, _Line] = {}
        self._keys: set[str] = set()

    def read(self, text: str) -> dict[Value, Value]:
        """The mapping that one list entry, `- ` and all, holds.

        Raises NotPlain where it is not plain enough. Nothing in the value may be modified.
        """
        if not text.startswith("- ") or _UNUSUAL.search(text):
            raise NotPlain
        entry = _Entry(self._seen, self._keys, "  " + text[2:])
        value = entry.mapping(2, 0)
        if entry.rest():
            raise NotPlain
        return value


class _Entry:
    """One entry's lines, and which of them is to be read next."""

    def __init__(self, seen: dict[str, _Line], keys: set[str], text: str) -> None:
        self._seen = seen
        self._keys = keys
        self._lines = text.split("\n")
        self._at = 0

    def rest(self) -> bool:
        """Whether anything but comments and blank lines is left."""
        return self._peek() is not None

    def mapping(self, indent: int, depth: int) -> dict[Value, Value]:
        """The mapping whose keys stand at `indent`."""
        if depth > _MAX_DEPTH:
            raise NotPlain
        result: dict[Value, Value] = {}
        lines, seen = self._lines, self._seen
        last_key, last_rest, last_at = None, "", -1
        while self._at < len(lines):
            text = lines[self._at]
            line = seen.get(text) or self._take_apart(text)
            if line.blank:
                self._at += 1
            elif line.indent < indent:
                break
            elif line.indent > indent:
                if last_at != self._at:
                    raise NotPlain
                # The line before ended in a plain scalar, and this one goes on with it.
                result[last_key] = self._plain(last_rest, indent)
                last_at = -1
            else:
                key = line.key
                if key is None or key in result:
                    raise NotPlain
                self._at += 1
                if line.value is _OPEN:
                    result[key] = self._below(line, indent, depth)
                else:
                    result[key] = line.value  # type: ignore[assignment]
                    last_key, last_rest, last_at = key, line.rest or "", self._at
        if not result:
            raise NotPlain
        return result

    def _take_apart(self, text: str) -> _Line:
        bare = text.strip(" ")
        indent = len(text) - len(text.lstrip(" "))
        if not bare or bare[0] == "#":
            line = _Line(indent, True, None, None, None)
        else:
            key, colon, rest = bare.partition(": ")
            if not colon and key[-1] == ":":
                key, colon = key[:-1], ":"
            if not colon or not self._is_key(key):
                line = _Line(indent, False, None, None, None)
            else:
                rest = rest.lstrip(" ")
                if not rest or rest[0] == "#":
                    line = _Line(indent, False, key, None, _OPEN)
                else:
                    line = _Line(indent, False, key, rest, _one_line(rest))
        self._seen[text] = line
        return line

    def _is_key(self, key: str) -> bool:
        if key in self._keys:
            return True
        if _KEY.fullmatch(key) is None:
            return False
        if key in _WORDS or len(key) > _MAX_KEY:
            raise NotPlain
        self._keys.add(key)
        return True

    def _peek(self) -> str | None:
        """The next line that is neither blank nor a comment, made the next one to read."""
        while self._at < len(self._lines):
            text = self._lines[self._at]
            if not (self._seen.get(text) or self._take_apart(text)).blank:
                return text
            self._at += 1
        return None

    def _below(self, line: _Line, indent: int, depth: int) -> Value:
        """The value of a key that the lines below it decide."""
        if line.rest is not None:
            return self._scalar(line.rest, indent)
        below = self._peek()
        if below is None:
            return None
        deeper = _indent(below)
        if below[deeper] == "-":
            return self._list(deeper) if deeper >= indent else None
        return self.mapping(deeper, depth + 1) if deeper > indent else None

    def _list(self, indent: int) -> Value:
        result: list[Value] = []
        while (line := self._peek()) is not None:
            match = _ITEM.fullmatch(line)
            if match is None or len(match[1]) != indent:
                if _indent(line) <= indent and line[_indent(line)] != "-":
                    break
                raise NotPlain
            self._at += 1
            result.append(self._scalar(match[2], indent))
        return result

    def _scalar(self, text: str, indent: int) -> Value:
        if text[0] in "\"'":
            return self._quoted(text, text[0])
        if text.rstrip(" ") == "|":
            return self._literal(indent)
        value = _one_line(text)
        if value is _OPEN:
            raise NotPlain
        if self._continues(indent):
            return self._plain(text, indent)
        return value  # type: ignore[return-value]

    def _plain(self, text: str, indent: int) -> str:
        """A plain scalar whose first line, `text`, is read, with the lines that go on with it."""
        if text[0] in "[{\"'":
            raise NotPlain
        parts = []
        while True:
            if _ends_or_breaks(text):
                raise NotPlain
            parts.append(text.strip(" "))
            if not self._continues(indent):
                return " ".join(parts)
            text = self._lines[self._at]
            self._at += 1

    def _continues(self, indent: int) -> bool:
        """Whether the next line goes on with the scalar: deeper, and no comment.

        Where it does not but a later, deeper line would (after a comment or a blank line), the
        mapping or list around finds that line at a depth that it does not know, and gives up.
        """
        if self._at >= len(self._lines):
            return False
        line = self._lines[self._at]
        deep = _indent(line)
        return indent < deep < len(line) and line[deep] != "#"

    def _quoted(self, text: str, quote: str) -> str:
        parts: list[str] = []
        text = text[1:]
        while quote not in text:
            parts.append(text.strip(" ") if parts else text.rstrip(" "))
            if self._at >= len(self._lines):
                raise NotPlain
            text = self._lines[self._at]
            if not text.strip(" ") or not text.startswith("  "):
                raise NotPlain
            self._at += 1
        text, _, behind = text.partition(quote)
        if behind.strip(" ") or "\\" in text or any("\\" in part for part in parts):
            raise NotPlain
        return " ".join([*parts, text.lstrip(" ")]) if parts else text

    def _literal(self, indent: int) -> str:
        lines = self._lines
        first = lines[self._at] if self._at < len(lines) else ""
        deep = _indent(first)
        if deep <= indent or deep == len(first):
            raise NotPlain
        block: list[str] = []
        while self._at < len(lines):
            line = lines[self._at]
            if _indent(line) < deep and line.strip(" "):
                break
            block.append(line[deep:])
            self._at += 1
        if block[-1] and self._at == len(lines):
            raise NotPlain  # the file ends without a line end, and then so does the scalar
        while not block[-1]:
            block.pop()
        return "\n".join(block) + "\n"


def _one_line(text: str) -> object:
    """The value of a scalar, if this one line is enough to know it; else _OPEN."""
    if text[0].isalpha() or _STRING.match(text.partition(" #")[0]):
        word = text.partition(" #")[0].rstrip(" ") if " #" in text else text.rstrip(" ")
        if ": " in word or word[-1] == ":":
            raise NotPlain
        return _WORDS.get(word, word) if len(word) <= _MAX_WORD else word
    text = text.rstrip(" ")
    if text == "{}":
        return {}
    quote = text[0]
    if quote in "\"'":
        closed = text[-1] == quote and text.count(quote) == 2
        return text[1:-1] if closed and "\\" not in text else _OPEN
    flow = text.partition(" #")[0].rstrip(" ")
    if _FLOW.fullmatch(flow):
        return [_flow_item(m) for m in _FLOW_ITEM.finditer(flow)]
    if text == "|":
        return _OPEN
    raise NotPlain


def _flow_item(match: re.Match[str]) -> Value:
    double, single, word = match.groups()
    if word is not None:
        return _WORDS.get(word, word)
    return double if double is not None else single


def _ends_or_breaks(text: str) -> bool:
    """Whether a comment ends a plain scalar on this line, or the line makes it a mapping."""
    stripped = text.rstrip(" ")
    return " #" in text or ": " in text or stripped.endswith(":")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
