"""A reader for the plain subset of YAML that PyTorch's files are written in.

PyYAML, even in C, would take most of the time of a load. This reader is some fifteen times faster
on the same files. It reads one list entry at a time, and accepts block mappings, block lists,
scalars that are plain or in quotes without escapes (also over several lines), literal blocks, flow
lists of words, and `{}`. Anything else raises `NotPlain`, and PyYAML reads that entry. So this
reader need not be complete, only right on what it accepts.

It is fast because lines repeat: `  variants: function, method` occurs a thousand times. So each
different line is parsed only once, and the result is kept by the line's text.

The rules are those of YAML 1.1, as in PyYAML's scanner and its implicit resolvers.
"""

from __future__ import annotations

import re

from derivload.tuples import NamedTuple

Value = None | bool | int | float | str | list["Value"] | dict["Value", "Value"]

_KEY = re.compile(r"[A-Za-z_](?:[\w, ]*\w)?")
_ITEM = re.compile(r"( *)- +(\S.*)")
# A scalar that begins like this is a string, or one of _WORDS. Texts that PyYAML resolves to a
# number, a date or a merge key begin in another way, and contain no `*`, `(` or `/`.
_STRING = re.compile(r"-?[A-Za-z_(]|/|-?[\d.].*[*(/]")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys("yes Yes YES true True TRUE on On ON".split(), True),
    **dict.fromkeys("no No NO false False FALSE off Off OFF".split(), False),
    **dict.fromkeys("null Null NULL".split(), None),
}
_UNUSUAL = re.compile(r"[^\n -~]")
_FLOW_ITEM = re.compile(r"\"([^\"\\]*)\"|'([^']*)'|([A-Za-z_]\w*)")
_FLOW = re.compile(r"\[ *{i} *(?:, *{i} *)*\]".replace("{i}", f"(?:{_FLOW_ITEM.pattern})"))
# PyYAML requires the colon of a key within 1024 characters, and on the same line.
_MAX_KEY = 1000
_MAX_DEPTH = 20
_MAX_WORD = max(map(len, _WORDS))


class NotPlain(Exception):  # noqa: N818 - not an error: it says to use the other reader
    """The text has something outside the plain subset, so PyYAML must read it."""


class _Line(NamedTuple):
    """One parsed line. `key` is None if the line is not of the form `key: value`.

    `rest` is the text after the key; None if there is none. `value` is its value if it is a scalar
    of one line, or `_OPEN` if the value depends on the lines below.
    """

    indent: int
    blank: bool
    key: str | None
    rest: str | None
    value: object


_OPEN = object()


class PlainReader:
    """Reads entries. It keeps the parsed lines, so the values that it returns share parts."""

    def __init__(self) -> None:
        self._seen: dict[str, _Line] = {}
        self._keys: set[str] = set()

    def read(self, text: str) -> dict[Value, Value]:
        """The mapping of one list entry; `text` begins with its `- `.

        Raises NotPlain if the entry is not plain. The value must not be modified.
        """
        if not text.startswith("- ") or _UNUSUAL.search(text):
            raise NotPlain
        entry = _Entry(self._seen, self._keys, "  " + text[2:])
        value = entry.mapping(2, 0)
        if entry.rest():
            raise NotPlain
        return value


class _Entry:
    """The lines of one entry, and the index of the next one to read."""

    def __init__(self, seen: dict[str, _Line], keys: set[str], text: str) -> None:
        self._seen = seen
        self._keys = keys
        self._lines = text.split("\n")
        self._at = 0

    def rest(self) -> bool:
        """Whether anything but comments and blank lines is left."""
        return self._peek() is not None

    def mapping(self, indent: int, depth: int) -> dict[Value, Value]:
        """The mapping whose keys are indented by `indent`."""
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
                # The previous line ended in a plain scalar, and this line continues it.
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
        """Skip blank lines and comments. Returns the next line, without reading it."""
        while self._at < len(self._lines):
            text = self._lines[self._at]
            if not (self._seen.get(text) or self._take_apart(text)).blank:
                return text
            self._at += 1
        return None

    def _below(self, line: _Line, indent: int, depth: int) -> Value:
        """The value of a key whose value depends on the lines below it."""
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
                break  # if it does not belong to the mapping either, that gives up
            self._at += 1
            result.append(self._scalar(match[2], indent))
        return result

    def _scalar(self, text: str, indent: int) -> Value:
        if text[0] in "\"'":
            return self._quoted(text, text[0])
        if text.rstrip(" ") == "|":
            return self._literal(indent)
        value = _one_line(text)
        if self._continues(indent):
            return self._plain(text, indent)
        return value  # type: ignore[return-value]

    def _plain(self, text: str, indent: int) -> str:
        """A plain scalar: its first line is `text`, and the lines that continue it follow."""
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
        """Whether the next line continues the scalar: it is indented deeper, and not a comment.

        A scalar may also continue after a comment or a blank line. Then the mapping or list around
        it meets a line with an unknown indent, and gives up.
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
            raise NotPlain  # the file has no line end at its end, so the scalar has none either
        while not block[-1]:
            block.pop()
        return "\n".join(block) + "\n"


def _one_line(text: str) -> object:
    """The value of a scalar, if this one line is all of it; else _OPEN."""
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
    """Whether a line of a plain scalar has a comment, or looks like a mapping."""
    stripped = text.rstrip(" ")
    return " #" in text or ": " in text or stripped.endswith(":")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
