"""A full load, from the texts of the inputs. Incremental loads must give the same result."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from derivload.cpp.dialect import Dialect
from derivload.derivatives.model import DifferentiabilityRecord
from derivload.derivatives.numbering import number_ops, op_prefixes
from derivload.diagnostics import Diagnostic
from derivload.engine.backends import Backends
from derivload.engine.blame import Blame
from derivload.engine.overlays import Replaced, join_entries, without_kernels
from derivload.engine.pipeline import Load, Readers
from derivload.engine.texts import Text, Texts, collector_off
from derivload.native.function import NativeFunction
from derivload.native.keys import EntryKeys
from derivload.native.tags import read_tag
from derivload.sources.additions import NOTHING, Additions
from derivload.sources.entries import EntryValue, SourceFile, read_source
from derivload.sources.mistakes import Mistakes
from derivload.sources.places import Placer
from derivload.tuples import NamedTuple


class LoadedTexts(NamedTuple):
    """The result of a full load. If there are diagnostics, `load` has only the good entries.

    `whole` are the names of the files that had to be read whole, not entry by entry. `backends` has
    what backends register, and `warnings` are those about their files. `passed_over` are the
    sections of overlays and backends' files that were not read.
    """

    torch_version: str
    tags: frozenset[str]
    load: Load
    diagnostics: list[Diagnostic]
    whole: frozenset[str]
    backends: Backends
    warnings: list[Diagnostic]
    passed_over: tuple[str, ...]

    @property
    def is_of_entries(self) -> bool:
        """Whether each entry was read by itself, so that the text between entries has no effect."""
        return not self.whole

    @property
    def of_backends(self) -> list[tuple[int, Diagnostic]]:
        """The warnings about the files of backends, by the index of each."""
        return self.backends.numbered(self.warnings)

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
        sources = _TextReader(texts.unread, texts.additions)
        tags, tags_incomplete = sources.read_tags(texts.tags)
        natives = sources.read_all(texts.native_functions, "func", texts.additions.sections)
        definitions = sources.read_all((texts.derivatives, *texts.more_derivatives), "name")
        load = Load(
            Readers(dialect, tags, any_tag=tags_incomplete),
            natives_lost=natives.lost,
            definitions_lost=definitions.lost,
            blame=Blame(
                [text.name for text in texts.native_functions],
                [text.name for text in (texts.derivatives, *texts.more_derivatives)],
                replaced=natives.replaced,
            ),
        )
        load.read_natives(natives.without(texts.additions.entry_keys))
        derived = load.derive(definitions.entries)
        load.match(number_ops([op_prefixes(entry.derived) for entry in derived]))
        backends = texts.read_backends(dialect)
        checked = backends.check(load.natives, load.may_be_lost)
        found = sources.diagnostics(load.mistakes)
        found += _not_told_yet(checked, found)
        return LoadedTexts(
            torch_version=dialect.version,
            tags=tags,
            load=load,
            diagnostics=sorted(found),
            whole=frozenset(sources.whole),
            backends=backends,
            warnings=[d for d in checked if not d.is_error],
            passed_over=passed_over(sources.passed_over, texts, backends),
        )


def _not_told_yet(checked: Iterable[Diagnostic], told: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The errors of backends' files, without those of a line that another one was told of.

    A file may be an overlay and a backend's too. Then what is wrong with its form is found twice.
    """
    places = {(one.file, one.line) for one in told}
    return [one for one in checked if one.is_error and (one.file, one.line) not in places]


def passed_over(
    sections: Mapping[str, Sequence[str]], texts: Texts, backends: Backends
) -> tuple[str, ...]:
    """The sections that were not read, sorted. `sections` are those of each overlay, by name.

    A file may be an overlay and a backend's too. Then it is read as both.
    """
    read = [text.text for text in texts.backends]
    overlays = [text for text in texts.native_functions if text.text not in read]
    left = [key for overlay in overlays for key in sections.get(overlay.name, ())]
    return tuple(sorted({*left, *backends.passed_over}))


def read_entries(
    texts: Texts,
) -> tuple[list[EntryValue], list[EntryValue], list[Diagnostic]]:
    """The definitions, the native functions, and the mistakes in their YAML."""
    sources = _TextReader(texts.unread, texts.additions)
    natives = sources.read_all(texts.native_functions, "func", texts.additions.sections)
    definitions = sources.read_all((texts.derivatives, *texts.more_derivatives), "name")
    entries = natives.without(texts.additions.entry_keys)
    return definitions.entries, entries, sources.diagnostics(Mistakes())


def find_replaced(texts: Texts) -> list[Replaced]:
    """The entries that entries of overlays take the place of."""
    if not texts.additions.override:
        return []
    sources = _TextReader(texts.unread, texts.additions)
    definitions = sources.read_all((texts.derivatives, *texts.more_derivatives), "name")
    natives = sources.read_all(texts.native_functions, "func", texts.additions.sections)
    return [*definitions.replaced, *natives.replaced]


def read_tags(text: Text) -> frozenset[str] | None:
    """The valid tags; None when there is a mistake in them, or the file had to be read whole."""
    sources = _TextReader()
    tags, _ = sources.read_tags(text)
    return None if sources.diagnostics(Mistakes()) or sources.whole else tags


def names_lost(lost: Iterable[str | None], key: str) -> set[str | None]:
    """The names, under `key`, of the entries whose YAML cannot be read. `lost` has their texts.

    None in the set stands for any name: that of some entry could not be found.
    """
    names: set[str | None] = set()
    for text in lost:
        # An entry may hold another one that is wrongly indented: we take the names of both.
        names |= {*re.findall(rf"\b{key}[\"']?\s*:\s*[\"']?([\w.:]*)", text or "")} or {None}
    return names


class _Joined(NamedTuple):
    """The entries of a file and its overlays, the names of those that cannot be read, and the
    entries that others took the place of.
    """

    entries: list[EntryValue]
    lost: set[str | None]
    replaced: list[Replaced]

    def without(self, entry_keys: Sequence[str]) -> list[EntryValue]:
        """The entries without keys that only a backend's own tools read."""
        if not entry_keys:
            return self.entries
        keys = EntryKeys(entry_keys)
        return [EntryValue(entry, keys.without(value)) for entry, value in self.entries]


class _TextReader:
    """Reads the inputs as YAML, and collects the mistakes found in that."""

    def __init__(
        self, unread: frozenset[str] = frozenset(), additions: Additions = NOTHING
    ) -> None:
        self._unread = unread
        self._additions = additions
        self._text_of: dict[str, str] = {}
        self._diagnostics: list[Diagnostic] = []
        self._mistakes = Mistakes()
        self.whole: set[str] = set()
        self.passed_over: dict[str, Sequence[str]] = {}

    def read(
        self, text: Text, sections: Sequence[str] = (), *, may_be_empty: bool = False
    ) -> SourceFile:
        self._text_of[text.name] = text.text
        if text.name in self._unread:
            return SourceFile(text.name, "", [], [], lost=(None,))
        source = read_source(text.name, text.text, sections, may_be_empty=may_be_empty)
        source = without_kernels(source) if sections else source
        self._diagnostics += source.diagnostics
        self.passed_over[text.name] = source.passed_over
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
            if tag is not None and not entry.doubtful:
                tags.add(tag)
            else:
                incomplete = True
        return frozenset(tags), incomplete

    def read_all(self, texts: Sequence[Text], key: str, sections: Sequence[str] = ()) -> _Joined:
        """The entries of a base and its overlays. `key` is that of their schemas."""
        sources = [self.read(text, sections, may_be_empty=i > 0) for i, text in enumerate(texts)]
        lost = {name for source in sources for name in names_lost(source.lost, key)}
        override = self._additions.override
        files = [source.entries for source in sources]
        entries, replaced = join_entries(files, key, override=override)
        return _Joined(entries, lost, replaced)

    def diagnostics(self, mistakes: Mistakes) -> list[Diagnostic]:
        """All diagnostics, with those for these mistakes in entries, sorted by place."""
        placer = Placer(self._text_of)
        placed = [*placer.place_all(self._mistakes), *placer.place_all(mistakes)]
        return sorted({*self._diagnostics, *placed})


def diagnostics_of(texts: Texts, mistakes: Mistakes) -> list[Diagnostic]:
    """The diagnostics of the mistakes in the entries of these texts."""
    return Placer({text.name: text.text for text in texts.of_entries}).place_all(mistakes)
