"""Turns a path into an entry back into a line and a column.

This happens only if a mistake is reported: the entry is parsed again, by PyYAML, with marks. If the
entry cannot be read alone, its file is parsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from derivload.diagnostics import Diagnostic, Mistake
from derivload.rules import RULES
from derivload.sources.entries import Entry
from derivload.sources.full import Lines, YamlError, compose
from derivload.sources.mistakes import Mistakes
from derivload.sources.written import Written

if TYPE_CHECKING:
    import yaml

    from derivload.sources.ignore_comments import CommentedEntry


class Placer:
    """Finds the places of the mistakes of one load. It keeps the texts that it has parsed.

    `texts` are the texts of the files, by name.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._lines: dict[str, list[str]] = {}
        self._parsed: dict[str, _Parsed] = {}
        self._last: _Parsed | None = None

    def place_all(self, mistakes: Mistakes) -> list[Diagnostic]:
        """The diagnostics of all mistakes, and those of files that have more of them (DL010)."""
        return [*(self.place(mistake, entry) for entry, mistake in mistakes), *mistakes.crowded]

    def place(self, mistake: Mistake, entry: Entry) -> Diagnostic:
        """The diagnostic of a mistake in `entry`, an entry of one of the files."""
        parsed = self._parse(entry)
        first_line = 1 if entry.whole else entry.line
        line, column, length, end = entry.line, 1, 1, (0, 0)
        node = parsed.node_of(entry)
        if node is not None:
            span = parsed.span(_follow(node, mistake), mistake)
            (line, column), end = (parsed.lines.at(index, first_line) for index in span)
            length = max(1, span[1] - span[0]) if end[0] == line else len(parsed.text)
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

    def commented(self, entry: Entry) -> CommentedEntry | None:
        """The entry with its comments; None if there is no such entry."""
        from derivload.sources.ignore_comments import CommentedEntry

        parsed = self._parse(entry)
        node = parsed.node_of(entry)
        if node is None:
            return None
        return CommentedEntry(node, parsed.text, parsed.lines, is_alone=not entry.whole)

    def at(self, entry: Entry, start: int, end: int, mistake: Mistake) -> Diagnostic:
        """The diagnostic of a mistake between two characters of the line of an entry's comment."""
        parsed = self._parse(entry)
        line, column = parsed.lines.at(start, 1 if entry.whole else entry.line)
        return self.in_line(entry.file, line, column, end - start, mistake)

    def in_line(
        self, file: str, line: int, column: int, length: int, mistake: Mistake
    ) -> Diagnostic:
        """The diagnostic of a mistake at a place within a line."""
        return Diagnostic(
            file=file,
            line=line,
            column=column,
            code=mistake.code,
            message=mistake.message,
            help=mistake.help,
            source_line=self._line(file, line),
            length=length,
            severity=RULES[mistake.code].severity,
        )

    def _line(self, file: str, line: int) -> str:
        lines = self._lines.get(file)
        if lines is None:
            lines = self._lines[file] = self._texts[file].split("\n")
        return lines[line - 1] if 0 < line <= len(lines) else ""

    def _parse(self, entry: Entry) -> _Parsed:
        """The parsed text of an entry, or of its file if it cannot be read alone."""
        if not entry.whole:
            if self._last is None or self._last.text != entry.text:
                self._last = _Parsed(entry.text)
            return self._last
        if entry.file not in self._parsed:
            self._parsed[entry.file] = _Parsed(self._texts[entry.file])
        return self._parsed[entry.file]


class _Parsed:
    """A text, its nodes (None if it is not YAML), and the places of its words."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.root: yaml.Node | None = None
        with suppress(YamlError):
            self.root = compose(text)
        self.lines = Lines(text)
        self._written: tuple[tuple[int, int], Written] | None = None

    def node_of(self, entry: Entry) -> yaml.Node | None:
        """The node of an entry of this text."""
        import yaml

        root = self.root
        lists = [v for _, v in root.value] if isinstance(root, yaml.MappingNode) else [root]
        for node in lists:
            for item in node.value if isinstance(node, yaml.SequenceNode) else ():
                if not entry.whole or self._begins(entry, item.start_mark.index):
                    found: yaml.Node = item
                    return found
        return None

    def _begins(self, entry: Entry, index: int) -> bool:
        """Whether an entry begins at this character. A mapping may have several lists of them."""
        return self.text.startswith(entry.text, index) and self.lines.at(index)[0] == entry.line

    def span(self, node: yaml.Node, mistake: Mistake) -> tuple[int, int]:
        """Where the offending words of a node begin and end."""
        start, end = node.start_mark.index, node.end_mark.index
        if _is_block(node):
            # Point at the text of the block, not at the `|` or `>` before it.
            head = self.text.find("\n", start, end)
            start = head + 1 if head >= 0 else start
        if mistake.words:
            if self._written is None or self._written[0] != (start, end):
                self._written = (start, end), Written(self.text, start, end)
            found = self._written[1].find(mistake.words, mistake.occurrence)
            if found is not None:
                return found
        shown = self.text[start:end].rstrip()
        start += len(shown) - len(shown.lstrip())
        return start, start + max(1, len(shown.strip()))


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


def _is_block(node: yaml.Node) -> bool:
    import yaml

    return isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
