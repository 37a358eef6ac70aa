"""From the texts of the three files to the two documents' records, one step after another."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from derivload.cpp.dialect import Dialect
from derivload.derivatives.definition import Definition, read_definition
from derivload.derivatives.info import (
    DerivativeReader,
    Derived,
    canonical_function,
    number_ops,
)
from derivload.derivatives.matching import match_differentiability_info
from derivload.derivatives.model import DifferentiabilityRecord, FunctionRecord
from derivload.derivatives.view_copy import add_view_copy_derivatives
from derivload.diagnostics import Diagnostic, Invalid, Mistake
from derivload.native.checks import check_duplicates, check_functions
from derivload.native.function import NativeFunction
from derivload.native.generation import Misfit, generate_variants
from derivload.native.reader import NativeFunctionReader
from derivload.native.tags import read_tag
from derivload.native.views import group_by_view
from derivload.schema.names import OperatorName
from derivload.sources.entries import Entry, SourceFile, read_source
from derivload.sources.places import place

# The key under which an overlay may hold its list of entries.
OVERLAY_KEY = "custom"

# The rules that one entry written twice breaks all at once; the first is reported.
_DUPLICATES = frozenset({"DL301", "DL304", "DL310"})


class Text(NamedTuple):
    """An input: the name that diagnostics call it by, and its text with `\\n` as line ends."""

    name: str
    text: str


class Texts(NamedTuple):
    """The inputs of a load; the overlays follow the base in `native_functions`."""

    derivatives: Text
    native_functions: tuple[Text, ...]
    tags: Text


class Loaded(NamedTuple):
    """What a load gives. With diagnostics, the rest is what could be made of the good entries."""

    torch_version: str
    used_dispatch_keys: tuple[str, ...]
    infos: dict[str, Derived]
    functions: list[FunctionRecord]
    generated: list[DifferentiabilityRecord]
    natives: list[NativeFunction]
    definitions: dict[str, Entry]
    """Where each function's definition stands, by schema."""
    diagnostics: list[Diagnostic]
    is_of_entries: bool
    """Whether each entry was read by itself, so that nothing between them means anything."""

    def records(self) -> Iterator[tuple[OperatorName, DifferentiabilityRecord]]:
        """The records of differentiability.json, each with its function's name."""
        for schema, derived in self.infos.items():
            yield derived.function.name, DifferentiabilityRecord(schema, derived.dispatch)


def load_texts(texts: Texts, dialect: Dialect) -> Loaded:
    """Load everything, and collect every mistake on the way."""
    with _collector_off():
        return _Load(texts, dialect).run()


@contextlib.contextmanager
def _collector_off() -> Iterator[None]:
    """Hold the cyclic garbage collector: a load makes many values and no cycles."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Load:
    """One load. Holds the diagnostics found so far, and which entries came to nothing."""

    def __init__(self, texts: Texts, dialect: Dialect) -> None:
        self._texts = texts
        self._dialect = dialect
        self._diagnostics: list[Diagnostic] = []
        self._text_of: dict[str, str] = {}
        # What could not be read: what only misses it is no mistake of its own.
        self._unread: set[str] = set()
        self._natives_incomplete = False
        self._natives_torn = False
        self._tags_incomplete = False
        self._any_whole = False
        self._duplicates: set[tuple[str, int]] = set()

    def run(self) -> Loaded:
        natives, reader = self._read_natives(self._read_tags())
        natives += self._generate(natives, reader)
        grouped = group_by_view(natives, self._dialect)
        self._report_misfits(grouped.misfits)
        derivatives = DerivativeReader(self._dialect)
        infos, keys, definitions = self._derive(grouped.functions, derivatives)
        defined = tuple(infos)
        add_view_copy_derivatives(infos, grouped.groups, self._dialect)
        matched = match_differentiability_info(
            natives, infos, self._dialect, derivatives.bindings.types
        )
        self._report_matching(matched.misfits, definitions)
        for schema in infos.keys() - defined:
            definitions.setdefault(schema, infos[schema].function.entry)
        return Loaded(
            torch_version=self._dialect.version,
            used_dispatch_keys=tuple(sorted(keys)),
            infos=infos,
            functions=matched.functions,
            generated=matched.generated,
            natives=natives,
            definitions=definitions,
            diagnostics=sorted(set(self._diagnostics)),
            is_of_entries=not self._any_whole,
        )

    def _read(
        self, text: Text, list_key: str | None = None, *, may_be_empty: bool = False
    ) -> SourceFile:
        self._text_of[text.name] = text.text
        source = read_source(text.name, text.text, list_key, may_be_empty=may_be_empty)
        self._diagnostics += source.diagnostics
        self._any_whole |= source.whole
        return source

    def _report(self, entry: Entry, mistakes: Iterable[Mistake]) -> None:
        text = self._text_of[entry.file]
        self._diagnostics += [place(mistake, entry, text) for mistake in mistakes]

    def _report_misfits(self, misfits: Sequence[Misfit]) -> None:
        if self._natives_incomplete:
            return  # what fits no other function may go with one that could not be read
        for function, invalid, key in misfits:
            if invalid.code in _DUPLICATES:
                place_ = (function.entry.file, function.entry.line)
                if place_ in self._duplicates:
                    continue
                self._duplicates.add(place_)
            self._report(function.entry, [invalid.at(key)])

    def _report_matching(self, misfits: Sequence[Misfit], definitions: dict[str, Entry]) -> None:
        """Report what matching found: at a function's own definition, where it has one."""
        for function, invalid, _ in misfits:
            definition = definitions.get(function.schema.text)
            if definition is not None:
                self._report(definition, [invalid.at()])
            else:
                self._report_misfits([Misfit(function, invalid)])

    def _read_tags(self) -> frozenset[str]:
        source = self._read(self._texts.tags)
        self._tags_incomplete = bool(source.diagnostics)
        tags = set()
        for entry, value in source.entries:
            tag, mistakes = read_tag(value)
            self._report(entry, mistakes)
            if tag is not None:
                tags.add(tag)
            else:
                self._tags_incomplete = True
        return frozenset(tags)

    def _read_natives(
        self, tags: frozenset[str]
    ) -> tuple[list[NativeFunction], NativeFunctionReader]:
        reader = NativeFunctionReader(self._dialect, tags)
        natives: list[NativeFunction] = []
        for i, text in enumerate(self._texts.native_functions):
            source = self._read(text, OVERLAY_KEY, may_be_empty=i > 0)
            self._natives_torn |= bool(source.diagnostics)
            for entry, value in source.entries:
                function, mistakes = reader.read(entry, value)
                if function is not None:
                    natives.append(function)
                    continue
                if self._tags_incomplete:
                    mistakes = [m for m in mistakes if m.code != "DL205"]
                self._report(entry, mistakes)
                func = value.get("func")
                if isinstance(func, str):
                    self._unread.add(_operator(func))
                self._natives_incomplete = True
        self._natives_incomplete |= self._natives_torn
        self._report_misfits(check_functions(natives, self._dialect))
        return natives, reader

    def _generate(
        self, natives: list[NativeFunction], reader: NativeFunctionReader
    ) -> list[NativeFunction]:
        generated, misfits = generate_variants(natives, self._dialect, reader.schemas)
        self._report_misfits(check_duplicates([*natives, *generated]))
        self._report_misfits(misfits)
        return generated

    def _derive(
        self, functions: Sequence[NativeFunction], derivatives: DerivativeReader
    ) -> tuple[dict[str, Derived], set[str], dict[str, Entry]]:
        """The info of each definition, the dispatch keys used, and where each stands."""
        index = _Index(functions)
        infos: dict[str, Derived] = {}
        keys: set[str] = set()
        entries: dict[str, Entry] = {}
        counts: dict[str, int] = {}
        for entry, value in self._read(self._texts.derivatives).entries:
            definition, mistakes = read_definition(value)
            if definition is not None:
                keys.update(formulas.dispatch_key for formulas in definition.dispatch)
                derived, mistakes = self._derive_one(definition, index, derivatives)
                # What comes of a definition with a mistake would break rules of its own.
                if derived is not None and not mistakes:
                    schema = derived.function.schema.text
                    infos[schema] = Derived(derived.function, number_ops(derived, counts))
                    entries[schema] = entry
            self._report(entry, mistakes)
        return infos, keys, entries

    def _derive_one(
        self, definition: Definition, index: _Index, derivatives: DerivativeReader
    ) -> tuple[Derived | None, list[Mistake]]:
        try:
            function = index.resolve(definition)
        except Invalid as invalid:
            unread = self._natives_torn or _operator(definition.specification) in self._unread
            if invalid.code == "DL405" and unread:
                return None, []
            return None, [invalid.at("name")]
        return derivatives.create_differentiability_info(definition, function)


def _operator(schema: str) -> str:
    """The base name that a schema, readable or not, begins with."""
    name = schema.partition("(")[0].rpartition("::")[2]
    return name.partition(".")[0].removesuffix("_")


class _Index:
    """The functions by schema and by signature, as definitions look for them."""

    def __init__(self, functions: Sequence[NativeFunction]) -> None:
        self._by_schema: dict[str, NativeFunction] = {}
        self._by_signature: dict[str, list[NativeFunction]] = {}
        for function in functions:
            self._by_schema[function.schema.text] = function
            self._by_signature.setdefault(function.signatures.exact, []).append(function)

    def resolve(self, definition: Definition) -> NativeFunction:
        """The canonical function of a definition. Raises Invalid (DL405, DL406)."""
        function = self._by_schema.get(definition.specification)
        if function is None:
            message = f"there is no function `{definition.specification}`"
            raise Invalid("DL405", message, definition.specification, self._nearest(definition))
        return canonical_function(self._by_signature[function.signatures.exact], definition.name)

    def _nearest(self, definition: Definition) -> str:
        overloads = [s for s, f in self._by_schema.items() if f.cpp_name == definition.name]
        if not overloads:
            import difflib

            names = sorted({f.name.name for f in self._by_schema.values()})
            close = difflib.get_close_matches(definition.name, names, 3)
            return f"did you mean {', '.join(f'`{n}`' for n in close)}?" if close else ""
        listed = "; ".join(f"`{schema}`" for schema in overloads[:5])
        return f"the functions of that name are: {listed}"
