"""A session: loads that follow one another, of which each costs what changed.

What is kept is what a load came to, by entry: the digest of its text, the family of operators
that it belongs to (a row), and the lines of the documents that came of it. The next load finds
the families of which any entry changed, came, went or moved, loads these alone, by the very
steps of a load of everything, and puts their lines in the place of the old ones. Nothing else
can have changed: see `families.py`.

An incremental load is a short cut to what loading everything would give, and is taken only
where that is certain. Anything else is loaded whole: other tags, a text that is no plain list
of entries, a name that the rule of families was not made for, and every text with a mistake in
it, whose diagnostics may depend on everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from derivload.cpp.dialect import Dialect
from derivload.derivatives.definition import read_definition
from derivload.derivatives.info import number_ops, op_prefixes
from derivload.derivatives.model import DifferentiabilityRecord
from derivload.diagnostics import Diagnostic, Invalid
from derivload.engine.families import family_of
from derivload.engine.inputs import InputEntries, NotCertainError
from derivload.engine.lines import DocumentLines, encode_line, encode_lines
from derivload.engine.load import Loaded, Texts, collector_off, load_texts
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

    `prefixes` are the names of its ops and `numbers` the numbers that they got. `base` is the
    base name of its function, None where an earlier entry defines the same; `copy_base` that of
    the copying variant that has its info too, None where there is none.
    """

    digest: bytes
    family: str
    prefixes: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    keys: tuple[str, ...] = ()
    base: str | None = None
    copy_base: str | None = None


class FunctionRow(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A function of functions.json, and whether it has a generated record there too."""

    cpp_name: str
    family: str
    has_generated: bool


class Rows(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What is kept of a load besides the lines of its documents."""

    tags: list[str]
    natives: list[NativeRow]
    definitions: list[DefinitionRow]
    functions: list[FunctionRow]


class Definitions(NamedTuple):
    """Rows, and the lines of each: its own function's record and that of the copying variant."""

    rows: list[DefinitionRow]
    own: list[bytes | None]
    copies: list[bytes | None]


class Functions(NamedTuple):
    """Rows, and the lines of each: its record and the one generated for it."""

    rows: list[FunctionRow]
    lines: list[bytes]
    generated: list[bytes | None]


class State(NamedTuple):
    """What is kept of a load without mistakes."""

    tags: list[str]
    natives: list[NativeRow]
    definitions: Definitions
    functions: Functions


Row = TypeVar("Row", NativeRow, DefinitionRow)
T = TypeVar("T")

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Rows)


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

    def restore(self, kept: bytes, records: list[bytes], functions: list[bytes]) -> None:
        """Start from what `keep` of another session gave, of the same dialect and derivload.

        `records` are the lines of differentiability.json then, `functions` those of
        functions.json, the generated ones behind. What does not fit together is left aside.
        """
        with suppress(ValueError):  # msgspec's errors are such too
            self._state = _with_lines(_DECODER.decode(kept), records, functions)

    def keep(self) -> bytes | None:
        """What another session can start from, given the lines of the last load too; None when
        there is nothing to start from.
        """
        self._settle()
        if self._state is None:
            return None
        tags, natives, definitions, functions = self._state
        return _ENCODER.encode(Rows(tags, natives, definitions.rows, functions.rows))

    def load(self, texts: Texts, splits: Sequence[Split] = ()) -> Outcome:
        """Load these texts. `splits` are theirs, in the order of the command line, if known."""
        with collector_off():
            inputs = InputEntries(texts, self._inputs, splits)
            self._settle()
            if self._state is not None:
                with suppress(NotCertainError):
                    return self._update(self._state, inputs)
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
        tags = inputs.read_tags()
        if sorted(tags) != state.tags:
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
        old = self._state
        inputs = self._inputs
        natives = self._window(old.natives, inputs.natives, self._native_row).splice(old.natives)
        window = self._window(old.definitions.rows, inputs.definitions, self._definition_row)
        definitions = Definitions(
            window.splice(old.definitions.rows),
            window.splice_nothing(old.definitions.own),
            window.splice_nothing(old.definitions.copies),
        )
        while True:
            self._touch_linked(natives)
            declared = self._touched_in(natives)
            positions = self._touched_in(definitions.rows)
            load = Load(self._readers)
            load.read_natives([inputs.native(i) for i in declared])
            load.derive([inputs.definition(i) for i in positions])
            if load.mistakes or len(load.derived) != len(positions):
                raise NotCertainError
            numbers = self._number(load, definitions.rows, positions)
            if numbers is not None:
                break
        load.match(numbers)
        if load.mistakes:
            raise NotCertainError
        made = _definitions(load, inputs.definitions)
        if [row.family for row in made.rows] != [definitions.rows[i].family for i in positions]:
            raise NotCertainError
        _put(definitions.rows, positions, made.rows)
        _put(definitions.own, positions, made.own)
        _put(definitions.copies, positions, made.copies)
        self.counts = {
            "read": len(declared) + len(positions),
            "reused": len(natives) + len(definitions.rows) - len(declared) - len(positions),
            "derived": len(positions),
            "matched": len(load.matched),
        }
        return State(old.tags, natives, definitions, self._functions(_functions(load)))

    def _window(
        self, old: list[Row], digests: Sequence[bytes], make: Callable[[int], Row]
    ) -> _Window[Row]:
        """Where these digests differ from the old rows, and what rows are to stand there for the
        time being. Touches the families of the entries that came, went or moved.
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
        rows = [known.get(digests[i]) or make(i) for i in range(begin, new_end)]
        self._touched.update([row.family for row in known.values()])
        self._touched.update([row.family for row in rows])
        return _Window(begin, old_end, rows)

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
        return DefinitionRow(self._inputs.definitions[index], _family(name.base))

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

    def _touched_in(self, rows: Sequence[NativeRow | DefinitionRow | FunctionRow]) -> list[int]:
        touched = self._touched
        return [i for i, row in enumerate(rows) if row.family in touched]

    def _number(
        self, load: Load, rows: list[DefinitionRow], positions: list[int]
    ) -> list[tuple[int, ...]] | None:
        """The numbers of the ops that were derived.

        They count through all definitions: None when others get new numbers by that, whose
        families are then touched too.
        """
        prefixes = [row.prefixes for row in rows]
        _put(prefixes, positions, [op_prefixes(entry.derived) for entry in load.derived])
        numbers = number_ops(prefixes)
        renumbered = {
            row.family
            for row, new in zip(rows, numbers, strict=True)
            if row.numbers != new and row.family not in self._touched
        }
        self._touched |= renumbered
        return None if renumbered else [numbers[i] for i in positions]

    def _functions(self, made: Functions) -> Functions:
        old = self._state.functions
        positions = self._touched_in(old.rows)
        if [old.rows[i] for i in positions] == made.rows:
            lines, generated = old.lines.copy(), old.generated.copy()
            _put(lines, positions, made.lines)
            _put(generated, positions, made.generated)
            return Functions(old.rows, lines, generated)
        kept = [row for row in zip(*old, strict=True) if row[0].family not in self._touched]
        # Those of one C++ name are of one family, in which they are in order.
        every = sorted([*kept, *zip(*made, strict=True)], key=lambda row: row[0].cpp_name)
        return Functions(*map(list, zip(*every, strict=True)))


class _Window(Generic[Row]):
    """From where to where old rows are replaced, and by which."""

    def __init__(self, begin: int, end: int, rows: list[Row]) -> None:
        self._begin = begin
        self._end = end
        self._new: list[Row] = rows

    def splice(self, old: list[Row]) -> list[Row]:
        """The rows with those of the window in the place of the old ones."""
        rows: list[Row] = old[: self._begin] + self._new + old[self._end :]
        return rows

    def splice_nothing(self, old: list[bytes | None]) -> list[bytes | None]:
        """The lines of the old rows with none yet for those of the window."""
        nothing: list[bytes | None] = [None] * len(self._new)
        return old[: self._begin] + nothing + old[self._end :]


def _put(into: list[T], positions: Iterable[int], values: Iterable[T]) -> None:
    for i, value in zip(positions, values, strict=True):
        into[i] = value


def _state_of(loaded: Loaded, inputs: InputEntries) -> State:
    """The state of a load of everything. Raises NotCertainError."""
    inputs.check_whole(loaded.whole)
    load = loaded.load
    declared = load.natives[: load.declared]
    return State(
        sorted(loaded.tags),
        [_native_row(digest, f) for digest, f in zip(inputs.natives, declared, strict=True)],
        _definitions(load, inputs.definitions),
        _functions(load),
    )


def _native_row(digest: bytes, function: NativeFunction) -> NativeRow:
    family = _family(function.name.base)
    delegate = function.structured_delegate
    named = family if delegate is None else _family(delegate.base)
    return NativeRow(digest, family, () if named == family else (named,))


def _definitions(load: Load, digests: Sequence[bytes]) -> Definitions:
    copies = {view: copy for copy, view in load.copied_from.items()}
    made = Definitions([], [], [])
    seen = set()
    for (entry, derived, keys), numbers in zip(load.derived, load.numbers, strict=True):
        schema = derived.function.schema.text
        copy = None if schema in seen else copies.get(schema)
        base = derived.function.name.base
        made.rows.append(
            DefinitionRow(
                digest=digests[entry.index],
                family=_family(base),
                prefixes=op_prefixes(derived),
                numbers=numbers,
                keys=keys,
                base=None if schema in seen else base,
                copy_base=None if copy is None else load.infos[copy].function.name.base,
            )
        )
        made.own.append(None if schema in seen else _record_line(load, schema))
        made.copies.append(None if copy is None else _record_line(load, copy))
        seen.add(schema)
    return made


def _record_line(load: Load, schema: str) -> bytes:
    return encode_line(DifferentiabilityRecord(schema, load.infos[schema].dispatch))


def _functions(load: Load) -> Functions:
    made = Functions([], [], [])
    for function, record, generated in load.matched:
        family = _family(function.name.base)
        made.rows.append(FunctionRow(function.cpp_name, family, generated is not None))
        made.lines.append(encode_line(record))
        made.generated.append(None if generated is None else encode_line(generated))
    return made


def _family(base: str) -> str:
    family = family_of(base)
    if family is None:
        raise NotCertainError
    return family


def _with_lines(rows: Rows, records: list[bytes], functions: list[bytes]) -> State:
    """The state of these rows and lines. Raises ValueError when they do not fit together."""
    count = sum(row.base is not None for row in rows.definitions)
    own, copies = iter(records[:count]), iter(records[count:])
    first = len(rows.functions)
    generated = iter(functions[first:])
    state = State(
        rows.tags,
        rows.natives,
        Definitions(
            rows.definitions,
            [None if row.base is None else next(own, None) for row in rows.definitions],
            [None if row.copy_base is None else next(copies, None) for row in rows.definitions],
        ),
        Functions(
            rows.functions,
            functions[:first],
            [next(generated, None) if row.has_generated else None for row in rows.functions],
        ),
    )
    left = [*own, *copies, *generated]
    lines = _lines("", state)
    fits = len(lines.records) == len(records) == len(lines.bases)
    if left or not fits or len(lines.functions) + len(lines.generated) != len(functions):
        raise ValueError("these lines are not of these rows")
    return state


def _lines(torch_version: str, state: State) -> DocumentLines:
    rows, own, copies = state.definitions
    return DocumentLines(
        torch_version=torch_version,
        used_dispatch_keys=tuple(sorted({key for row in rows for key in row.keys})),
        records=[line for line in own if line is not None]
        + [line for line in copies if line is not None],
        bases=[row.base for row in rows if row.base is not None]
        + [row.copy_base for row in rows if row.copy_base is not None],
        functions=state.functions.lines,
        generated=[line for line in state.functions.generated if line is not None],
    )
