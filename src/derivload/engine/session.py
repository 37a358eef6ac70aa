"""A session: loads that follow one another, of which each costs what changed.

What is kept is what a load came to, by entry: the digest of its text, the family of operators
that it belongs to, and the lines of the documents that came of it. The next load finds the
families of which any entry changed, came, went or moved, loads these alone, by the very steps of
a load of everything, and puts their lines in the place of the old ones. Nothing else can have
changed: see `families.py`.

An incremental load is a short cut to what loading everything would give, and is taken only
where that is certain. Anything else is loaded whole: other tags, a text that is no plain list
of entries, a name that the rule of families was not made for, and every text with a mistake in
it, whose diagnostics may depend on everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple, TypeVar

import msgspec

from derivload.cpp.dialect import Dialect
from derivload.derivatives.definition import read_definition
from derivload.derivatives.info import number_ops, op_prefixes
from derivload.derivatives.model import DifferentiabilityRecord
from derivload.diagnostics import Diagnostic, Invalid
from derivload.engine.families import family_of
from derivload.engine.inputs import InputEntries, NotCertainError
from derivload.engine.lines import DocumentLines, RecordLine, encode_line, encode_lines
from derivload.engine.load import Loaded, Texts, collector_off, load_texts, read_tags
from derivload.engine.pipeline import Load, Readers
from derivload.native.function import NativeFunction
from derivload.sources.splitting import Split


class NativeRow(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An entry of native_functions.yaml: its family, and others that it names."""

    digest: bytes
    family: str
    links: tuple[str, ...]


class DefinitionRow(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An entry of derivatives.yaml, and what came of it.

    `prefixes` are the names of its ops and `numbers` the numbers that they got. `record` is None
    where an earlier entry defines the same function, `copy` where there is no copying variant.
    """

    digest: bytes
    family: str
    prefixes: tuple[str, ...]
    numbers: tuple[int, ...]
    keys: tuple[str, ...]
    record: RecordLine | None
    copy: RecordLine | None


class FunctionRow(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A function of functions.json; `generated` is the record generated for it, if any."""

    cpp_name: str
    family: str
    line: bytes
    generated: bytes | None


class State(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What is kept of a load without mistakes."""

    tags: list[str]
    natives: list[NativeRow]
    definitions: list[DefinitionRow]
    functions: list[FunctionRow]


Row = TypeVar("Row", NativeRow, DefinitionRow)

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(State)


class Outcome(NamedTuple):
    """What a load gives: lines or, with mistakes, diagnostics; never both.

    `is_incremental` tells by which way it came, `is_of_entries` whether each entry was read by
    itself; `counts` what was done: entries read and reused, definitions derived, functions
    matched.
    """

    lines: DocumentLines | None
    diagnostics: list[Diagnostic]
    is_incremental: bool
    is_of_entries: bool
    counts: dict[str, int]


class Session:
    """Loads the edits of one set of inputs, for one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._state: State | None = None
        self._readers: Readers | None = None
        # What the state was made of, or, before anybody asked for it, what it is to be made of.
        self._inputs: InputEntries | None = None
        self._loaded: Loaded | None = None

    def restore(self, kept: bytes) -> None:
        """Start from what `keep` of another session gave, of the same dialect and derivload.

        What is no such thing is left aside.
        """
        try:
            self._state = _DECODER.decode(kept)
        except msgspec.DecodeError:
            return

    def keep(self) -> bytes | None:
        """What another session can start from; None when there is nothing to start from."""
        self._settle()
        return None if self._state is None else _ENCODER.encode(self._state)

    def load(self, texts: Texts, splits: Sequence[Split] = ()) -> Outcome:
        """Load these texts. `splits` are theirs, in the order of the command line, if known."""
        with collector_off():
            inputs = InputEntries(texts, self._inputs, splits)
            self._settle()
            if self._state is not None:
                try:
                    return self._update(self._state, inputs)
                except NotCertainError:
                    pass
            return self._load_all(inputs)

    def _load_all(self, inputs: InputEntries) -> Outcome:
        loaded = load_texts(inputs.texts, self._dialect)
        load = loaded.load
        counts = {
            "read": load.declared + len(load.derived),
            "reused": 0,
            "derived": len(load.derived),
            "matched": len(load.matched),
        }
        if loaded.diagnostics:
            return Outcome(None, loaded.diagnostics, False, loaded.is_of_entries, counts)
        self._inputs = inputs
        self._loaded = loaded
        return Outcome(encode_lines(loaded), [], False, loaded.is_of_entries, counts)

    def _settle(self) -> None:
        """Make the state of the last load of everything: few sessions ask for it."""
        if self._loaded is None or self._inputs is None:
            return
        try:
            self._state = _state_of(self._loaded, self._inputs)
        except NotCertainError:
            self._state = None
        self._loaded = None

    def _update(self, state: State, inputs: InputEntries) -> Outcome:
        tags, diagnostics = read_tags(inputs.texts.tags)
        if diagnostics or sorted(tags) != state.tags:
            raise NotCertainError
        if self._readers is None or self._readers.tags != tags:
            self._readers = Readers(self._dialect, tags)
        update = _Update(state, inputs, self._readers)
        self._state = update.run()
        self._inputs = inputs
        lines = _lines(self._dialect.version, self._state)
        return Outcome(lines, [], True, inputs.is_of_entries, update.counts)


class _Update:
    """From one state to the next."""

    def __init__(self, state: State, inputs: InputEntries, readers: Readers) -> None:
        self._state = state
        self._inputs = inputs
        self._readers = readers
        self._touched: set[str] = set()
        self.counts: dict[str, int] = {}

    def run(self) -> State:
        """The state of the new inputs. Raises NotCertainError."""
        natives = self._rows(self._state.natives, self._inputs.natives, self._native_row)
        rows = self._rows(self._state.definitions, self._inputs.definitions, self._definition_row)
        while True:
            self._touch_linked(natives)
            load = Load(self._readers)
            sub_natives = [i for i, row in enumerate(natives) if row.family in self._touched]
            load.read_natives(map(self._inputs.native, sub_natives))
            positions = [i for i, row in enumerate(rows) if row.family in self._touched]
            derived = load.derive(map(self._inputs.definition, positions))
            if load.mistakes or len(derived) != len(positions):
                raise NotCertainError
            prefixes = [row.prefixes for row in rows]
            for i, entry in zip(positions, derived, strict=True):
                prefixes[i] = op_prefixes(entry.derived)
            numbers = number_ops(prefixes)
            renumbered = {
                row.family
                for row, new in zip(rows, numbers, strict=True)
                if row.numbers != new and row.family not in self._touched
            }
            if not renumbered:
                break
            self._touched |= renumbered
        load.match([numbers[i] for i in positions])
        if load.mistakes:
            raise NotCertainError
        made = _definition_rows(load, self._inputs.definitions)
        for i, row in zip(positions, made, strict=True):
            if row.family != rows[i].family:
                raise NotCertainError
            rows[i] = row
        functions = self._functions(_function_rows(load))
        self.counts = {
            "read": len(sub_natives) + len(positions),
            "reused": len(natives) + len(rows) - len(sub_natives) - len(positions),
            "derived": len(positions),
            "matched": len(load.matched),
        }
        return State(self._state.tags, natives, rows, functions)

    def _rows(
        self, old: list[Row], digests: Sequence[bytes], make: Callable[[int], Row]
    ) -> list[Row]:
        """The rows of these digests, old or for the time being; touches the families of those
        that came, went or moved.
        """
        begin = 0
        end = min(len(old), len(digests))
        while begin < end and old[begin].digest == digests[begin]:
            begin += 1
        old_end, new_end = len(old), len(digests)
        while min(old_end, new_end) > begin and old[old_end - 1].digest == digests[new_end - 1]:
            old_end -= 1
            new_end -= 1
        known = {row.digest: row for row in old[begin:old_end]}
        window = [known.get(digests[i]) or make(i) for i in range(begin, new_end)]
        self._touched.update([row.family for row in known.values()])
        self._touched.update([row.family for row in window])
        return old[:begin] + window + old[old_end:]

    def _native_row(self, index: int) -> NativeRow:
        function, _ = self._readers.natives.read(*self._inputs.native(index))
        if function is None:
            raise NotCertainError
        return _native_row(self._inputs.natives[index], function)

    def _definition_row(self, index: int) -> DefinitionRow:
        definition, _ = read_definition(self._inputs.definition(index).value)
        if definition is None:
            raise NotCertainError
        try:
            name = self._readers.natives.schemas.name(definition.specification.partition("(")[0])
        except Invalid:
            raise NotCertainError from None
        digest = self._inputs.definitions[index]
        return DefinitionRow(digest, _family(name.base), (), (), (), None, None)

    def _touch_linked(self, natives: Iterable[NativeRow]) -> None:
        """Touch the families that name one that is touched, or that one that is touched names."""
        linked = [{row.family, *row.links} for row in natives if row.links]
        grown = True
        while grown:
            before = len(self._touched)
            for families in linked:
                if not families.isdisjoint(self._touched):
                    self._touched |= families
            grown = len(self._touched) > before

    def _functions(self, made: list[FunctionRow]) -> list[FunctionRow]:
        old = self._state.functions
        if [row for row in old if row.family in self._touched] == made:
            return old
        kept = [row for row in old if row.family not in self._touched]
        # Those of one C++ name are of one family, in which they are in order.
        return sorted([*kept, *made], key=lambda row: row.cpp_name)


def _state_of(loaded: Loaded, inputs: InputEntries) -> State:
    """The state of a load of everything. Raises NotCertainError."""
    inputs.check_whole(loaded.whole)
    load = loaded.load
    declared = load.natives[: load.declared]
    return State(
        sorted(loaded.tags),
        [_native_row(digest, f) for digest, f in zip(inputs.natives, declared, strict=True)],
        _definition_rows(load, inputs.definitions),
        _function_rows(load),
    )


def _native_row(digest: bytes, function: NativeFunction) -> NativeRow:
    family = _family(function.name.base)
    delegate = function.structured_delegate
    named = family if delegate is None else _family(delegate.base)
    return NativeRow(digest, family, () if named == family else (named,))


def _definition_rows(load: Load, digests: Sequence[bytes]) -> list[DefinitionRow]:
    copies = {view: copy for copy, view in load.copied_from.items()}
    rows = []
    seen = set()
    for (entry, derived, keys), numbers in zip(load.derived, load.numbers, strict=True):
        schema = derived.function.schema.text
        copy = copies.get(schema)
        rows.append(
            DefinitionRow(
                digests[entry.index],
                _family(derived.function.name.base),
                op_prefixes(derived),
                numbers,
                keys,
                None if schema in seen else _record_line(load, schema),
                None if schema in seen or copy is None else _record_line(load, copy),
            )
        )
        seen.add(schema)
    return rows


def _record_line(load: Load, schema: str) -> RecordLine:
    derived = load.infos[schema]
    line = encode_line(DifferentiabilityRecord(schema, derived.dispatch))
    return RecordLine(derived.function.name.base, line)


def _function_rows(load: Load) -> list[FunctionRow]:
    return [
        FunctionRow(
            function.cpp_name,
            _family(function.name.base),
            encode_line(record),
            None if generated is None else encode_line(generated),
        )
        for function, record, generated in load.matched
    ]


def _family(base: str) -> str:
    family = family_of(base)
    if family is None:
        raise NotCertainError
    return family


def _lines(torch_version: str, state: State) -> DocumentLines:
    rows = state.definitions
    own = [row.record for row in rows if row.record is not None]
    copies = [row.copy for row in rows if row.copy is not None]
    return DocumentLines(
        torch_version=torch_version,
        used_dispatch_keys=tuple(sorted({key for row in rows for key in row.keys})),
        records=own + copies,
        functions=[row.line for row in state.functions],
        generated=[row.generated for row in state.functions if row.generated is not None],
    )
