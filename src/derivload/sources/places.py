"""Turns a path into an entry back into a line and a column, and a remedy into edits.

This happens only if a mistake is reported: the entry is parsed again, by PyYAML, with marks. If the
entry cannot be read alone, its file is parsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from derivload.diagnostics import (
    Diagnostic,
    Edit,
    Elsewhere,
    Fix,
    Mistake,
    Related,
    help_of,
    moved,
    remedies_of,
)
from derivload.patterns import lazy
from derivload.rules import RULES
from derivload.sources.entries import Entry
from derivload.sources.full import compose
from derivload.sources.mistakes import Mistakes
from derivload.sources.nodes import behind_line, follow, is_block_scalar
from derivload.sources.not_yaml import Lines, YamlError
from derivload.sources.plain import PlainReader
from derivload.sources.written import Written

if TYPE_CHECKING:
    import yaml

    from derivload.sources.ignore_comments import CommentedEntry

# Words are not looked for in a line of more characters: it takes time, for each warning.
_LONGEST: Final = 10_000
# What an entry begins with: its dash.
_DASH: Final = lazy(r"\s*(?:- +)?")


class KnownPlaces:
    """The diagnostics of a series of loads. Those of an entry with the same text only move."""

    def __init__(self) -> None:
        self._before: dict[tuple[str, str, Mistake], tuple[int, Diagnostic]] = {}
        self._now = self._before

    def begin(self) -> None:
        """Begin with the next load. What the last one did not place is forgotten."""
        self._before, self._now = self._now, {}

    def find(self, mistake: Mistake, entry: Entry) -> Diagnostic | None:
        """The diagnostic of a mistake in an entry, if the load before had it too."""
        key = entry.file, entry.text, mistake
        known = self._before.get(key)
        if known is None:
            return None
        line, found = known
        if line != entry.line:
            found = moved(found, entry.line - line)
        self._now[key] = entry.line, found
        return found

    def note(self, mistake: Mistake, entry: Entry, found: Diagnostic) -> None:
        """Keep a diagnostic, if the text of its entry tells all of it but its line."""
        if not (entry.whole or _is_elsewhere(mistake)):
            self._now[entry.file, entry.text, mistake] = entry.line, found


def _is_elsewhere(mistake: Mistake) -> bool:
    """Whether a diagnostic is about other entries too, or about what is around its entry."""
    changes = (change for remedy in mistake.remedies for change in remedy.changes)
    return any(other.line for other in mistake.elsewhere) or any(
        change.kind == "remove_entry" for change in changes
    )


class Placer:
    """Finds the places of the mistakes of one load. It keeps the texts that it has parsed.

    `texts` are the texts of the files, by name. `known` are the diagnostics of the loads before.
    """

    def __init__(self, texts: Mapping[str, str], known: KnownPlaces | None = None) -> None:
        self._texts = texts
        self._known = known or KnownPlaces()
        self._lines: dict[str, list[str]] = {}
        self._parsed: dict[str, _Parsed] = {}
        self._last: _Parsed | None = None
        self._plain = PlainReader()

    def place_all(self, mistakes: Mistakes) -> list[Diagnostic]:
        """The diagnostics of all mistakes, and those of files that have more of them (DL010)."""
        return [*(self.place(mistake, entry) for entry, mistake in mistakes), *mistakes.crowded]

    def place(self, mistake: Mistake, entry: Entry) -> Diagnostic:
        """The diagnostic of a mistake in `entry`, an entry of one of the files."""
        found = self._known.find(mistake, entry)
        if found is None:
            found = self._find(mistake, entry)
            self._known.note(mistake, entry, found)
        return found

    def _find(self, mistake: Mistake, entry: Entry) -> Diagnostic:
        parsed = self._parse(entry)
        first_line = 1 if entry.whole else entry.line
        line, column, length, end = entry.line, 1, 1, (0, 0)
        node = parsed.node_of(entry)
        if node is not None:
            of = follow(node, mistake.path, on_key=mistake.on_key)
            span = parsed.span(of, mistake.words, mistake.occurrence)
            (line, column), end = (parsed.lines.at(index, first_line) for index in span)
            length = max(1, span[1] - span[0]) if end[0] == line else len(parsed.text)
        shown = self._shown(entry, parsed, line)
        return Diagnostic(
            file=entry.file,
            line=line,
            column=column,
            code=mistake.code,
            message=mistake.message,
            help=help_of(mistake),
            source_line=shown,
            length=min(length, max(1, len(shown.rstrip()) - column + 1)),
            end_line=end[0] if end[0] > line else 0,
            end_column=end[1] if end[0] > line else 0,
            severity=RULES[mistake.code].severity,
            fixes=self._fixes(mistake, entry) if mistake.meant or mistake.remedies else (),
            related=tuple(self._related(other, entry) for other in mistake.elsewhere),
        )

    def _fixes(self, mistake: Mistake, entry: Entry) -> tuple[Fix, ...]:
        """The fixes that the remedies of a mistake come to, without those that are not exact."""
        from derivload.sources.fixing import Fixer

        parsed = self._parse(entry)
        node = parsed.node_of(entry)
        fixer = None if node is None else Fixer(parsed.text, node, self._plain)
        first_line = 1 if entry.whole else entry.line
        fixes = []
        for remedy in remedies_of(mistake) if fixer is not None else ():
            edits = []
            first = remedy.changes[0]
            if first.kind == "remove_entry":
                file, line = (first.file, first.line) if first.line else (entry.file, entry.line)
                edits = self._without(file, line)
            elif fixer is not None:
                for start, end, text in fixer.pieces(remedy.changes):
                    begin, behind = (parsed.lines.at(at, first_line) for at in (start, end))
                    edits.append(Edit(entry.file, *begin, *behind, text))
            if edits:
                fixes.append(Fix(remedy.message, tuple(edits), remedy.is_safe))
        return tuple(fixes)

    def _without(self, file: str, line: int) -> list[Edit]:
        """The edit that removes the entry at a line, with the blank lines behind it.

        Comments behind it stay. There is no edit if it is the only entry, or is indented.
        """
        lines = self._lines_of(file)
        dashes = [at for at, text in enumerate(lines) if text.startswith("- ")]
        first = line - 1
        if first not in dashes or len(dashes) < 2:
            return []
        end = next((at for at in dashes if at > first), len(lines))
        while not lines[end - 1].strip() or lines[end - 1][0] == "#":
            end -= 1
        behind = end
        while behind < len(lines) and not lines[behind].strip():
            behind += 1
        if behind < len(lines):
            return [Edit(file, line, 1, behind + 1, 1, "")]
        # It is the last in the file, which ends as before. The line end before it goes.
        return [Edit(file, first, len(lines[first - 1]) + 1, end, len(lines[end - 1]) + 1, "")]

    def _related(self, other: Elsewhere, entry: Entry) -> Related:
        """The place that a mistake is about besides its own."""
        if other.line:
            text = self.line_of(other.file, other.line)
            is_short = len(text) <= _LONGEST
            found = Written(text, 0, len(text)).find(other.words, 0) if is_short else None
            dash = _DASH.match(text)
            assert dash is not None  # it may be empty
            start, end = found or (dash.end(), len(text.rstrip()))
            return Related(other.file, other.line, start + 1, end + 1, other.message)
        parsed = self._parse(entry)
        node = parsed.node_of(entry)
        start, end = 0, 1
        if node is not None:
            of = follow(node, other.path, on_key=other.on_key)
            start, end = parsed.span(of, other.words)
        end = min(end, behind_line(parsed.text, start))
        line, column = parsed.lines.at(start, 1 if entry.whole else entry.line)
        return Related(entry.file, line, column, column + end - start, other.message)

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
        place = parsed.lines.at(start, 1 if entry.whole else entry.line)
        shown = self._shown(entry, parsed, place[0])
        return self.in_line(entry.file, place, end - start, mistake, shown)

    def in_line(
        self, file: str, place: tuple[int, int], length: int, mistake: Mistake, shown: str
    ) -> Diagnostic:
        """The diagnostic of a mistake at a line and column; `shown` is that line."""
        line, column = place
        return Diagnostic(
            file=file,
            line=line,
            column=column,
            code=mistake.code,
            message=mistake.message,
            help=help_of(mistake),
            source_line=shown,
            length=length,
            severity=RULES[mistake.code].severity,
        )

    def _shown(self, entry: Entry, parsed: _Parsed, line: int) -> str:
        """A line of an entry. Of an entry that is alone, its text has it.

        To cut its whole file into lines takes long.
        """
        if entry.whole:
            return self.line_of(entry.file, line)
        return parsed.text.split("\n")[line - entry.line]

    def line_of(self, file: str, line: int) -> str:
        """The text of a line, which counts from 1; "" if there is none."""
        lines = self._lines_of(file)
        return lines[line - 1] if 0 < line <= len(lines) else ""

    def _lines_of(self, file: str) -> list[str]:
        lines = self._lines.get(file)
        if lines is None:
            lines = self._lines[file] = self._texts[file].split("\n")
        return lines

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

    def span(self, node: yaml.Node, words: str, occurrence: int = 0) -> tuple[int, int]:
        """Where words of a node begin and end, or all of it."""
        start, end = node.start_mark.index, node.end_mark.index
        if is_block_scalar(node):
            # Point at the text of the block, not at the `|` or `>` before it.
            head = self.text.find("\n", start, end)
            start = head + 1 if head != -1 else start
        if words:
            if self._written is None or self._written[0] != (start, end):
                self._written = (start, end), Written(self.text, start, end)
            found = self._written[1].find(words, occurrence)
            if found is not None:
                return found
        shown = self.text[start:end].rstrip()
        start += len(shown) - len(shown.lstrip())
        return start, start + len(shown.strip())
