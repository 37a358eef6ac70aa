"""From a path into an entry back to a line and a column.

Asked for only when something is reported: the entry (or, where it cannot be read alone, its
file) is parsed once more, by PyYAML and with marks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from derivload.diagnostics import Diagnostic, Mistake
from derivload.rules import RULES
from derivload.sources.entries import MAX_MISTAKES, Entry
from derivload.sources.full import YamlError, compose

if TYPE_CHECKING:
    import yaml


# So many mistakes of one entry are told; each takes a look through all of it.
_MAX_OF_ENTRY = 100


class Placer:
    """Places mistakes; what one load found. Holds each file's lines and, where needed, its nodes.

    `texts` are the files' texts by name.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._lines: dict[str, list[str]] = {}
        self._roots: dict[str, yaml.Node | None] = {}
        self._last: tuple[str, yaml.Node | None] = ("", None)

    def place_all(self, mistakes: Iterable[tuple[Entry, Mistake]]) -> list[Diagnostic]:
        """The diagnostics of mistakes, of each entry and each file no more than can be of use.

        Where there are more, the last diagnostic of that file says so (DL010).
        """
        placed: list[Diagnostic] = []
        of_entry: Counter[tuple[str, int]] = Counter()
        of_file: Counter[str] = Counter()
        for entry, mistake in mistakes:
            of_entry[entry.file, entry.index] += 1
            if of_entry[entry.file, entry.index] > _MAX_OF_ENTRY:
                continue
            of_file[entry.file] += 1
            if of_file[entry.file] <= MAX_MISTAKES:
                placed.append(self.place(mistake, entry))
            elif of_file[entry.file] == MAX_MISTAKES + 1:
                message = f"this file has more than {MAX_MISTAKES} mistakes"
                placed.append(Diagnostic(entry.file, 0, 0, "DL010", message))
        return placed

    def place(self, mistake: Mistake, entry: Entry) -> Diagnostic:
        """The diagnostic of a mistake in `entry`, which is of one of the files."""
        read_from, first_line = entry.text, entry.line
        if entry.whole:
            read_from, first_line = self._texts[entry.file], 1
        line, column, length, end = entry.line, 1, 1, (0, 0)
        node = _entry_node(self._root(entry, read_from), entry)
        if node is not None:
            span = _span(_follow(node, mistake), mistake, read_from)
            (line, column), end = (_line_and_column(read_from, at, first_line) for at in span)
            length = max(1, span[1] - span[0]) if end[0] == line else len(read_from)
        shown = self._line(entry.file, line)
        return Diagnostic(
            file=entry.file,
            line=line,
            column=column,
            code=mistake.code,
            message=mistake.message,
            help=mistake.help,
            source_line=shown,
            length=min(length, max(1, len(shown.rstrip()) - column + 1)),
            end_line=end[0] if end[0] > line else 0,
            end_column=end[1] if end[0] > line else 0,
            severity=RULES[mistake.code].severity,
        )

    def _line(self, file: str, line: int) -> str:
        lines = self._lines.get(file)
        if lines is None:
            lines = self._lines[file] = self._texts[file].split("\n")
        return lines[line - 1] if 0 < line <= len(lines) else ""

    def _root(self, entry: Entry, text: str) -> yaml.Node | None:
        if not entry.whole:
            if self._last[0] != text:
                self._last = text, _compose(text)
            return self._last[1]
        if entry.file not in self._roots:
            self._roots[entry.file] = _compose(text)
        return self._roots[entry.file]


def _compose(text: str) -> yaml.Node | None:
    try:
        return compose(text)
    except YamlError:
        return None


def _line_and_column(text: str, at: int, first_line: int) -> tuple[int, int]:
    return first_line + text.count("\n", 0, at), at - text.rfind("\n", 0, at)


def _entry_node(root: yaml.Node | None, entry: Entry) -> yaml.Node | None:
    import yaml

    index = entry.index if entry.whole else 0
    lists = [v for _, v in root.value] if isinstance(root, yaml.MappingNode) else [root]
    for node in lists:
        if isinstance(node, yaml.SequenceNode) and index < len(node.value):
            item: yaml.Node = node.value[index]
            if not entry.whole or item.start_mark.line + 1 == entry.line:
                return item
    return None


def _follow(node: yaml.Node, mistake: Mistake) -> yaml.Node:
    import yaml

    for depth, step in enumerate(mistake.path):
        last = depth == len(mistake.path) - 1
        if isinstance(node, yaml.MappingNode):
            found = [(k, v) for k, v in node.value if k.value == step]
            if not found:
                return node
            key, value = found[-1]
            node = key if last and mistake.on_key else value
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            if not 0 <= step < len(node.value):
                return node
            node = node.value[step]
        else:
            return node
    return node


def _span(node: yaml.Node, mistake: Mistake, text: str) -> tuple[int, int]:
    """From where to where, in `text`, the offending words of a node stand."""
    start, end = node.start_mark.index, node.end_mark.index
    if _is_block(node):
        # What is wrong is the text, not the `|` or `>` before it.
        head = text.find("\n", start, end)
        start = head + 1 if head >= 0 else start
    words = mistake.words.split()
    if words:
        # Over several lines, a scalar has line ends where its value has spaces.
        pattern = r"(?:\s|\\\n)+".join(map(_as_written, words))
        for search in (rf"(?<!\w){pattern}(?!\w)", pattern):
            found = [match.span() for match in re.compile(search).finditer(text, start, end)]
            if found:
                return found[mistake.occurrence if mistake.occurrence < len(found) else 0]
    shown = text[start:end].rstrip()
    start += len(shown) - len(shown.lstrip())
    return start, start + max(1, len(shown.strip()))


def _is_block(node: yaml.Node) -> bool:
    import yaml

    return isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")


def _as_written(word: str) -> str:
    """A pattern for a word as it may be quoted: YAML doubles `'` and escapes `"`."""
    return re.escape(word).replace("'", "''?").replace('"', '\\\\?"')
