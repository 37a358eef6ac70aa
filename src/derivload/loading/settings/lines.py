"""On which line each key of a TOML text stands, which tomllib does not tell.

The text has been read by tomllib before, so it is valid, and what is left is simple: cut it into
tokens, and follow where keys, tables and arrays begin. Values are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

Path = tuple[str | int, ...]

_TOKEN = re.compile(
    r"""
      (?P<blank>[ \t\r]+ | \#[^\n]*)
    | (?P<end>\n)
    | (?P<string>
          \"{3} (?: \\[\s\S] | \"{1,2}(?!\") | [^"\\] )* \"{3,5}
        | '{3} (?: '{1,2}(?!') | [^'] )* '{3,5}
        | " (?: \\. | [^"\\\n] )* "
        | ' [^'\n]* '
      )
    | (?P<mark>[\[\]{}=,.])
    | (?P<bare>[^\s#"'\[\]{}=,.]+)
    """,
    re.VERBOSE,
)


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def key_lines(text: str, read: Callable[[str], dict[str, object]]) -> dict[Path, int]:
    """The line of each key and of each item of an array, by its path from the top.

    Lines are counted from 1; the line of an item is the one where its value begins. A table that
    several headers belong to has the line of the first. `read` reads TOML, as tomllib.loads does.
    """
    finder = _LineFinder(_tokens(text), read)
    finder.find()
    return finder.lines


def _tokens(text: str) -> list[_Token]:
    tokens = []
    line = 1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind != "blank":
            tokens.append(_Token(kind, match[0], line))
        line += match[0].count("\n")
    tokens.append(_Token("end", "\n", line))
    return tokens


class _LineFinder:
    """Goes through the tokens once, from the first to the last."""

    def __init__(self, tokens: list[_Token], read: Callable[[str], dict[str, object]]) -> None:
        self._tokens = tokens
        self._read = read
        self._at = 0
        # How many items the arrays of tables have so far.
        self._items: dict[Path, int] = {}
        self.lines: dict[Path, int] = {}

    def find(self) -> None:
        """Note the line of everything."""
        table: Path = ()
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            if token.kind == "end":
                self._at += 1
            elif token.text == "[":
                table = self._header()
            else:
                self._pair(table)

    def _is(self, mark: str) -> bool:
        token = self._tokens[self._at]
        return token.kind == "mark" and token.text == mark

    def _header(self) -> Path:
        """Read `[a.b]` or `[[a.b]]`; the path of the table."""
        self._at += 1
        is_array = self._is("[")
        self._at += is_array
        line = self._tokens[self._at].line
        *outer, name = self._key()
        self._at += 1 + is_array
        path: Path = ()
        for part in outer:
            path = self._in_last((*path, part))
            self._note(path, line)
        path = (*path, name)
        if is_array:
            self._note(path, line)
            self._items[path] = self._items.get(path, 0) + 1
            path = self._in_last(path)
        self._note(path, line)
        return path

    def _in_last(self, path: Path) -> Path:
        """The last item, if there is an array of tables at a path; else the path."""
        count = self._items.get(path)
        return path if count is None else (*path, count - 1)

    def _note(self, path: Path, line: int) -> None:
        for end in range(1, len(path) + 1):
            self.lines.setdefault(path[:end], line)

    def _key(self) -> list[str]:
        """Read a key with its dots; the names in it."""
        names = []
        while True:
            token = self._tokens[self._at]
            names.append(token.text if token.kind == "bare" else self._unquoted(token.text))
            self._at += 1
            if not self._is("."):
                return names
            self._at += 1

    def _unquoted(self, text: str) -> str:
        return next(iter(self._read(f"{text} = 0")))

    def _pair(self, table: Path) -> None:
        """Read `key = value`."""
        line = self._tokens[self._at].line
        path = (*table, *self._key())
        self._note(path, line)
        self._at += 1
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._is("["):
            self._array(path)
        elif self._is("{"):
            self._inline_table(path)
        else:
            while self._tokens[self._at].kind != "end" and not any(map(self._is, ",]}")):
                self._at += 1

    def _array(self, path: Path) -> None:
        self._at += 1
        index = 0
        while not self._is("]"):
            if self._is(",") or self._tokens[self._at].kind == "end":
                self._at += 1
                continue
            item = (*path, index)
            self._note(item, self._tokens[self._at].line)
            self._value(item)
            index += 1
        self._at += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while not self._is("}"):
            if self._is(",") or self._tokens[self._at].kind == "end":
                self._at += 1
            else:
                self._pair(path)
        self._at += 1
