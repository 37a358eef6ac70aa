"""A full load, from the texts of the inputs. Incremental loads must give the same result."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from derivload.cpp.dialect import Dialect
from derivload.derivatives.info import number_ops, op_prefixes
from derivload.derivatives.model import DifferentiabilityRecord
from derivload.diagnostics import Diagnostic
from derivload.engine.pipeline import Load, Readers
from derivload.engine.texts import OVERLAY_KEY, Text, Texts, collector_off
from derivload.native.function import NativeFunction
from derivload.native.tags import read_tag
from derivload.sources.entries import EntryValue, SourceFile, read_source
from derivload.sources.mistakes import Mistakes
from derivload.sources.places import Placer


class LoadedTexts(NamedTuple):
    """The result of a full load. If there are diagnostics, `load` has only the good entries.

    `whole` are the names of the files that had to be read whole, not entry by entry.
    """

    torch_version: str
    tags: frozenset[str]
    load: Load
    diagnostics: list[Diagnostic]
    whole: frozenset[str]

    @property
    def is_of_entries(self) -> bool:
        """Whether each entry was read by itself, so that the text between entries has no effect."""
        return not self.whole

    @property
    def used_dispatch_keys(self) -> tuple[str, ...]:
        """The dispatch keys that the definitions name, sorted."""
        return tuple(sorted({key for entry in self.load.derived for key in entry.keys}))

    def records(self) -> Iterator[tuple[NativeFunction, DifferentiabilityRecord]]:
        """The records of differentiability.json, each with its function."""
        for schema, derived in self.load.infos.items():
            yield derived.function, DifferentiabilityRecord(schema, derived.dispatch)


def load_texts(texts: Texts, dialect: Dialect) -> LoadedTexts:
    """Load everything, and collect all mistakes instead of ending at the first."""
    with collector_off():
        sources = _TextReader(texts.unread)
        tags, tags_incomplete = sources.read_tags(texts.tags)
        natives, lost = sources.read_natives(texts.native_functions)
        definitions = sources.read(texts.derivatives)
        load = Load(
            Readers(dialect, tags, any_tag=tags_incomplete),
            natives_lost=lost,
            definitions_lost=names_lost(definitions, "name"),
        )
        load.read_natives(natives)
        derived = load.derive(definitions.entries)
        load.match(number_ops([op_prefixes(entry.derived) for entry in derived]))
        diagnostics = sources.diagnostics(load.mistakes)
        return LoadedTexts(dialect.version, tags, load, diagnostics, frozenset(sources.whole))


def read_tags(text: Text) -> frozenset[str] | None:
    """The valid tags; None when there is a mistake in them, or the file had to be read whole."""
    sources = _TextReader()
    tags, _ = sources.read_tags(text)
    return None if sources.diagnostics(Mistakes()) or sources.whole else tags


def names_lost(source: SourceFile, key: str) -> set[str | None]:
    """The names, under `key`, of the entries whose YAML cannot be read.

    None in the set stands for any name: that of some entry could not be found.
    """
    names: set[str | None] = set()
    for text in source.lost:
        # An entry may hold another one that is wrongly indented: we take the names of both.
        names |= {*re.findall(rf"\b{key}[\"']?\s*:\s*[\"']?([\w.:]*)", text or "")} or {None}
    return names


class _TextReader:
    """Reads the inputs as YAML, and collects the mistakes found in that."""

    def __init__(self, unread: frozenset[str] = frozenset()) -> None:
        self._unread = unread
        self._text_of: dict[str, str] = {}
        self._diagnostics: list[Diagnostic] = []
        self._mistakes = Mistakes()
        self.whole: set[str] = set()

    def read(
        self, text: Text, list_key: str | None = None, *, may_be_empty: bool = False
    ) -> SourceFile:
        self._text_of[text.name] = text.text
        if text.name in self._unread:
            return SourceFile(text.name, "", [], [], lost=(None,))
        source = read_source(text.name, text.text, list_key, may_be_empty=may_be_empty)
        self._diagnostics += source.diagnostics
        if source.whole:
            self.whole.add(text.name)
        return source

    def read_tags(self, text: Text) -> tuple[frozenset[str], bool]:
        """The valid tags, and whether some could not be read."""
        source = self.read(text)
        incomplete = bool(source.lost)
        tags = set()
        for entry, value in source.entries:
            tag, mistakes = read_tag(value)
            self._mistakes.add(entry, mistakes)
            if tag is not None:
                tags.add(tag)
            else:
                incomplete = True
        return frozenset(tags), incomplete

    def read_natives(self, texts: Sequence[Text]) -> tuple[list[EntryValue], set[str | None]]:
        """The entries of the base and its overlays, and the names of those that cannot be read."""
        entries: list[EntryValue] = []
        lost: set[str | None] = set()
        for i, text in enumerate(texts):
            source = self.read(text, OVERLAY_KEY, may_be_empty=i > 0)
            lost |= names_lost(source, "func")
            entries += source.entries
        return entries, lost

    def diagnostics(self, mistakes: Mistakes) -> list[Diagnostic]:
        """All diagnostics, with those for these mistakes in entries, sorted by place."""
        placer = Placer(self._text_of)
        placed = [*placer.place_all(self._mistakes), *placer.place_all(mistakes)]
        return sorted({*self._diagnostics, *placed})
