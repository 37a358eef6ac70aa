"""Reads a file whose top level is a mapping of sections, each a value or a list of items.

That is the form of what a backend registers. Every value has its place, since such a file is
small: it is read as a whole, by PyYAML.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from derivload.diagnostics import Diagnostic, Edit, Fix, shortened
from derivload.rules import RULES
from derivload.sources.entries import MAX_MISTAKES, fixes_of, too_many
from derivload.sources.full import DuplicateKey, compose, construct
from derivload.sources.not_yaml import Lines, YamlError
from derivload.sources.plain import Value
from derivload.spelling import ask
from derivload.tuples import NamedTuple

if TYPE_CHECKING:
    import yaml

_NAMING = ("func", "op")


class Spot(NamedTuple):
    """A place in a file: its line and column, which count from 1, and its length."""

    line: int
    column: int
    length: int


class Flaw(NamedTuple):
    """A mistake in a file, and its place.

    `words` are the offending words, at the spot or behind it in its line. `meant` are the names of
    which one was probably meant instead. `is_superfluous` tells that the words are an item of a
    list that can be left out.
    """

    code: str
    message: str
    spot: Spot
    help: str = ""
    words: str = ""
    meant: tuple[str, ...] = ()
    is_superfluous: bool = False

    @property
    def severity(self) -> str:
        """The severity of the rule that is broken."""
        return RULES[self.code].severity

    def diagnostic(self, file: str, lines: Sequence[str]) -> Diagnostic:
        """The diagnostic of this mistake. `lines` are those of the file."""
        line, at, length = self.spot
        shown = lines[line - 1] if 0 < line <= len(lines) else ""
        column = min(at, len(shown) + 1)
        return Diagnostic(
            file=file,
            line=line,
            column=column,
            code=self.code,
            message=shortened(self.message),
            help=self.help or ask(self.meant),
            source_line=shown,
            length=max(1, min(length, len(shown) + 1 - column)),
            severity=self.severity,
            fixes=tuple(self._fixes(file, lines, column)),
        )

    def _fixes(self, file: str, lines: Sequence[str], column: int) -> Iterator[Fix]:
        """The fixes, as far as the words are where they are looked for."""
        line = self.spot.line
        shown = lines[line - 1] if line <= len(lines) else ""
        at = shown.find(self.words, column - 1) + 1
        if not self.words or not at:
            return
        is_error = self.severity == "error"
        for name in self.meant:
            edit = Edit(file, line, at, line, at + len(self.words), name)
            yield Fix(f"write `{name}`", (edit,), is_error and len(self.meant) == 1)
        above = lines[line - 2] if line > 1 else ""
        is_item = shown.strip() == f"- {self.words}"
        if self.is_superfluous and is_item and above.lstrip().startswith("- "):
            edit = Edit(file, line - 1, len(above) + 1, line, len(shown) + 1, "")
            yield Fix(f"remove `{self.words}`", (edit,), is_safe=True)


def place_flaws(flaws: Iterable[Flaw], file: str, text: str) -> list[Diagnostic]:
    """The diagnostics of the flaws of a file: of many, the first, and one that says so (DL010)."""
    lines = text.split("\n")
    ordered = sorted(flaws, key=lambda flaw: flaw.spot)
    found = []
    for severity in ("error", "warning"):
        those = [flaw for flaw in ordered if flaw.severity == severity]
        found += [flaw.diagnostic(file, lines) for flaw in those[:MAX_MISTAKES]]
        if len(those) > MAX_MISTAKES:
            found.append(too_many(file, severity))
    return found


class SectionItem(NamedTuple):
    """An item of a list. The spot of a mapping is that of its `func` or `op`, if it has one."""

    value: Value
    spot: Spot


class Section(NamedTuple):
    """A key of the top level. `items` are those of its list or mapping; None if it has neither."""

    key: Value
    key_spot: Spot
    value: Value
    items: list[SectionItem] | None


class SectionFile(NamedTuple):
    """A file of sections.

    If its top level is a list, it is one section without a key. `sections` is None if the file
    cannot be read, or its top level is neither; the diagnostics or `value` say why.
    """

    name: str
    sections: list[Section] | None
    is_list: bool
    value: Value
    diagnostics: list[Diagnostic]


def read_sections(name: str, text: str) -> SectionFile:
    """The sections of a file, and its mistakes as YAML (DL003, DL009)."""
    return _SectionReader(name, text).read()


class _SectionReader:
    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text
        self._lines = Lines(text)
        self._written = text.split("\n")

    def read(self) -> SectionFile:
        import yaml

        try:
            root = compose(self._text)
            value, duplicates, _ = construct(root, self._text)
        except YamlError as error:
            found = self._diagnostic("DL003", f"this is not YAML: {error.message}", error)
            return SectionFile(self._name, None, False, None, [found])
        double = [
            self._diagnostic("DL009", f"the key `{d.key}` occurs twice in one mapping", d)
            for d in duplicates[:MAX_MISTAKES]
        ]
        sections = None
        is_list = isinstance(root, yaml.SequenceNode)
        if double:
            return SectionFile(self._name, None, is_list, value, double)
        if isinstance(root, yaml.MappingNode) and isinstance(value, dict):
            sections = [
                Section(key, self._spot(key_node), held, self._items(held_node, held))
                for (key_node, held_node), (key, held) in zip(
                    root.value, value.items(), strict=True
                )
            ]
        elif root is not None and is_list:
            sections = [Section(None, Spot(1, 1, 1), value, self._items(root, value))]
        return SectionFile(self._name, sections, is_list, value, [])

    def _items(self, node: yaml.Node, value: Value) -> list[SectionItem] | None:
        import yaml

        if isinstance(node, yaml.SequenceNode) and isinstance(value, list):
            return [
                SectionItem(held, self._spot(_func_of(item)))
                for item, held in zip(node.value, value, strict=True)
            ]
        if isinstance(node, yaml.MappingNode):
            # YAML writes sets as mappings without values.
            keys = value if isinstance(value, dict) else [key.value for key, _ in node.value]
            return [
                SectionItem(key, self._spot(item))
                for (item, _), key in zip(node.value, keys, strict=True)
            ]
        return None

    def _spot(self, node: yaml.Node) -> Spot:
        start, end = node.start_mark.index, node.end_mark.index
        line, column = self._lines.at(start)
        shown = self._text[start:end].partition("\n")[0].rstrip()
        return Spot(line, column, max(1, len(shown)))

    def _diagnostic(self, code: str, message: str, place: YamlError | DuplicateKey) -> Diagnostic:
        help_ = place.help if isinstance(place, YamlError) else ""
        flaw = Flaw(code, message, Spot(place.line + 1, place.column + 1, 1), help_)
        found = flaw.diagnostic(self._name, self._written)
        return msgspec.structs.replace(found, fixes=fixes_of(place.instead, self._name, 1))


def _func_of(node: yaml.Node) -> yaml.Node:
    """The node of a mapping's `func` or `op`, or the node itself."""
    import yaml

    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value in _NAMING:
                found: yaml.Node = value
                return found
    return node
