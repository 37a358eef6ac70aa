"""One incremental load: the families that an edit touched, in the place of the old ones.

If they have a mistake, the result is what is wrong in them, and no new state. The others have no
mistake, because the state that the load starts from is of inputs without mistakes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from operator import attrgetter
from typing import Final, TypeVar

from derivload.derivatives.definition import read_definition
from derivload.derivatives.numbering import number_ops, op_prefixes
from derivload.diagnostics import Invalid
from derivload.engine.families import first_word
from derivload.engine.inputs import InputEntries
from derivload.engine.laid import NotCertainError
from derivload.engine.load import names_lost
from derivload.engine.mistaken import (
    UNKNOWN,
    LoadedRows,
    Lost,
    Mistaken,
    MistakenFamilies,
    counts_of,
)
from derivload.engine.picked import PickedEntries
from derivload.engine.pipeline import Load, Readers
from derivload.engine.rows import (
    DefinitionEntries,
    DefinitionRow,
    Functions,
    Indexed,
    NativeRow,
    Natives,
    with_linked,
)
from derivload.engine.state import (
    State,
    certain_family,
    definitions_of,
    functions_of,
    native_row,
    refused_of,
    warnings_of,
)
from derivload.engine.window import EntryWindow
from derivload.sources.plain import Value
from derivload.sources.splitting import find_window
from derivload.tuples import NamedTuple

T = TypeVar("T")
_CPP_NAME: Final = attrgetter("cpp_name")


class KnownRows(NamedTuple):
    """The rows of entries that are in no state, because of a mistake, by the digest of each.

    They are kept from load to load, because such entries are new to every load.
    """

    natives: dict[bytes, NativeRow]
    definitions: dict[bytes, DefinitionRow]


class FamilyUpdate:
    """One incremental load: from the old state and the new inputs to the new state."""

    def __init__(
        self,
        state: State,
        inputs: InputEntries | PickedEntries,
        readers: Readers,
        known: KnownRows,
    ) -> None:
        self._state = state
        self._inputs = inputs
        self._readers = readers
        self._known = known
        self._touched: set[str] = set()
        self._stay = False
        self.load = Load(readers)
        """The load of the touched families."""
        self.counts: dict[str, int] = {}
        self.lost = Lost(set(), set())
        self.natives = state.natives
        self.definitions = state.definitions.rows

    def run(self) -> State | None:
        """The state of the new inputs; None if there is a mistake.

        Raises NotCertainError if only a full load can tell.
        """
        old = self._state
        inputs = self._inputs
        natives, definitions = self.run_rows()
        if any(self.lost):
            return None
        while True:
            self._touched = with_linked(natives, self._touched)
            declared = natives.rows.positions(self._touched)
            positions = definitions.rows.positions(self._touched)
            load = self.load = Load(self._readers)
            load.read_natives([inputs.native(i) for i in declared])
            load.derive([inputs.definition(i) for i in positions])
            if load.mistakes or len(load.derived) != len(positions):
                return None
            numbers = self._number(load, definitions.rows.rows, positions)
            if numbers is not None:
                break
        load.match(numbers)
        if load.mistakes:
            return None
        made = definitions_of(load, [inputs.definitions[i] for i in positions])
        rows = definitions.rows.rows
        if [row.family for row in made.rows.rows] != [rows[i].family for i in positions]:
            raise NotCertainError
        definitions.put(positions, made)
        if self._stay:
            definitions.keep_from(old.definitions, positions)
        self.counts = counts_of(inputs, declared, positions, load)
        functions, generated = functions_of(load)
        of_load = Indexed([natives.rows.rows[i] for i in declared]), made.rows
        return State(
            old.tags,
            natives,
            definitions,
            self._splice(old.functions, functions),
            self._splice(old.generated, generated),
            warnings=old.warnings.replaced(self._touched, warnings_of(load, *of_load)),
            refused=None
            if old.refused is None
            else old.refused.replaced(self._touched, refused_of(load, *of_load)),
        )

    def run_rows(self) -> tuple[Natives, DefinitionEntries]:
        """The first step: the rows of all entries, and which families are touched."""
        natives = self.natives = self._new_natives()
        definitions = self._new_definitions()
        self.definitions = definitions.rows
        return natives, definitions

    def linked(self, families: set[str]) -> set[str]:
        """The families, and all that are linked to them."""
        return with_linked(self.natives, families)

    def _new_natives(self) -> Natives:
        """The natives, with new rows for those that changed. Touches the families of these."""
        old, digests = self._state.natives, self._inputs.natives
        if digests is old.digests:
            return old
        change = EntryWindow(old.digests, old.rows.rows, digests, self._native_row)
        self._touched |= change.families
        return old.replaced(digests, change.begin, change.end, change.rows)

    def _new_definitions(self) -> DefinitionEntries:
        """The definitions, with provisional rows and no lines for those that changed.

        Touches the families of these. `run` fills in their rows and lines.
        """
        old, digests = self._state.definitions, self._inputs.definitions
        change = EntryWindow(old.digests, old.rows.rows, digests, self._definition_row)
        self._touched |= change.families
        self._stay = change.stay
        return DefinitionEntries(
            digests,
            old.rows.replaced(change.begin, change.end, change.rows),
            change.spliced(old.own, change.moved(old.own)),
            change.spliced(old.copies, change.moved(old.copies)),
        )

    def _native_row(self, index: int) -> NativeRow:
        digest = self._inputs.natives[index]
        known = self._known.natives.get(digest)
        if known is not None:
            return known
        read = self._inputs.read_native(index)
        if read is None:
            self.lost.natives.add(index)
            return NativeRow(digest, UNKNOWN, tuple(self._families_in(index, of_native=True)))
        function, _ = self._readers.natives.read(*read)
        if function is None:
            row = NativeRow(digest, self._family_of_schema(read.value.get("func")), ())
        else:
            row = native_row(digest, function)
        self._known.natives[digest] = row
        return row

    def _definition_row(self, index: int) -> DefinitionRow:
        digest = self._inputs.definitions[index]
        known = self._known.definitions.get(digest)
        if known is not None:
            return known
        read = self._inputs.read_definition(index)
        if read is None:
            self.lost.definitions.add(index)
            self._touched |= self._families_in(index, of_native=False)
            return DefinitionRow(digest, UNKNOWN)
        definition = read_definition(read.value, self._readers.dialect.autograd_keys)
        schema = read.value.get("name") if definition is None else definition.specification
        row = DefinitionRow(digest, self._family_of_schema(schema))
        if definition is None and isinstance(schema, str):
            # A schema without its brackets is compared with those of the operator that it names.
            self._touched |= {self._family_of_schema(first_word(schema))} - {UNKNOWN}
            return row
        self._known.definitions[digest] = row
        return row

    def _family_of_schema(self, schema: Value) -> str:
        """The family of a schema that may be wrong. Raises NotCertainError for some names."""
        if not isinstance(schema, str):
            return UNKNOWN
        try:
            name = self._readers.natives.schemas.name(schema.partition("(")[0])
        except Invalid:
            return UNKNOWN
        return certain_family(name.base)

    def _families_in(self, index: int, *, of_native: bool) -> set[str]:
        """The families of the names in an entry that cannot be read."""
        assert isinstance(self._inputs, InputEntries)  # none is picked that cannot be read
        key = "func" if of_native else "name"
        text = self._inputs.entry(index, of_native=of_native).text
        names = names_lost((text,), key)
        return {self._family_of_schema(name) for name in names if name} - {UNKNOWN}

    def _number(
        self, load: Load, rows: list[DefinitionRow], positions: list[int]
    ) -> list[tuple[int, ...]] | None:
        """The numbers of the ops of the derived definitions.

        Ops are numbered across all definitions. If definitions of other families get new
        numbers, these families are touched too, and the result is None: derive again.
        """
        old = self._state.definitions.rows.rows
        new = [op_prefixes(entry.derived) for entry in load.derived]
        if self._stay and new == [old[i].prefixes for i in positions]:
            return [old[i].numbers for i in positions]
        prefixes = [row.prefixes for row in rows]
        _put(prefixes, positions, new)
        numbers = number_ops(prefixes)
        renumbered = {
            row.family
            for row, new_numbers in zip(rows, numbers, strict=True)
            if row.numbers != new_numbers and row.family not in self._touched
        }
        self._touched |= renumbered
        return None if renumbered else [numbers[i] for i in positions]

    def _splice(self, old: Functions, made: Functions) -> Functions:
        """The old records, with those of the touched families replaced by the new ones."""
        positions = old.rows.positions(self._touched)
        if [old.rows.rows[i] for i in positions] == made.rows.rows:
            if [old.lines[i] for i in positions] == made.lines:
                return old
            lines = old.lines.copy()
            _put(lines, positions, made.lines)
            return Functions(old.rows, lines)
        rows, lines = old.rows.rows.copy(), old.lines.copy()
        for at in reversed(positions):
            del rows[at], lines[at]
        # Records with the same C++ name are of one family and already in order.
        for row, line in zip(made.rows.rows, made.lines, strict=True):
            at = bisect_right(rows, row.cpp_name, key=_CPP_NAME)
            rows.insert(at, row)
            lines.insert(at, line)
        begin, end, new_end = find_window(old.rows.rows, rows)
        return Functions(old.rows.replaced(begin, end, rows[begin:new_end]), lines)

    def mistaken(self) -> Mistaken:
        """What is wrong in the touched families, after `run` has found that something is.

        Raises NotCertainError if only a full load can tell.
        """
        assert isinstance(self._inputs, InputEntries)
        return MistakenFamilies(
            self._state, self._inputs, self._readers, self.rows, self._touched
        ).find()

    @property
    def rows(self) -> LoadedRows:
        """The rows of all entries, and which could not be read."""
        return LoadedRows(self.natives, self.definitions, self.lost)

    def without(self, bad: set[str]) -> PickedEntries:
        """The new inputs without the entries of these families."""
        assert isinstance(self._inputs, InputEntries)
        natives = [i for i, row in enumerate(self.natives.rows.rows) if row.family not in bad]
        definitions = [i for i, row in enumerate(self.definitions.rows) if row.family not in bad]
        return PickedEntries(self._inputs, natives, definitions)


def _put(into: list[T], positions: Iterable[int], values: Iterable[T]) -> None:
    for i, value in zip(positions, values, strict=True):
        into[i] = value
