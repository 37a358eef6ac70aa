"""What is wrong in families of which one has a mistake.

A session asks for it when an edit brought a mistake. The other families have none: the state that
it goes from is of inputs without mistakes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from derivload.derivatives.numbering import number_ops, op_prefixes
from derivload.diagnostics import Diagnostic
from derivload.engine.blame import Blame
from derivload.engine.found import FoundByFamily
from derivload.engine.inputs import InputEntries
from derivload.engine.laid import NotCertainError
from derivload.engine.lint import Linted, Possible, definitions_read, lint
from derivload.engine.load import diagnostics_of, names_lost
from derivload.engine.overlays import names_a_kernel
from derivload.engine.picked import PickedEntries
from derivload.engine.pipeline import Load, Readers
from derivload.engine.rows import DefinitionRow, Indexed, Natives, with_linked
from derivload.engine.state import State
from derivload.native.keys import EntryKeys
from derivload.sources.entries import Entry, EntryValue, read_mistaken
from derivload.tuples import NamedTuple

# The family of entries whose own family is not known. No name has this one.
UNKNOWN: Final = "\0"


class Lost(NamedTuple):
    """The positions of the entries that cannot be read: no mappings of keys, or not even YAML."""

    natives: set[int]
    definitions: set[int]


class Mistaken(NamedTuple):
    """What is wrong in the touched families.

    `load` is the load of these families, and `counts` says how much it read. `bad` are the families
    that the state must not have: those with a mistake, and those that may have one that another
    mistake hides.
    """

    load: Load
    counts: dict[str, int]
    diagnostics: list[Diagnostic]
    linted: Linted
    bad: set[str]


class LoadedRows(NamedTuple):
    """The rows of all entries of a load, and which entries could not be read."""

    natives: Natives
    definitions: Indexed[DefinitionRow]
    lost: Lost


class MistakenFamilies:
    """The families that an edit touched, of which one has a mistake: `touched`.

    `rows` are those of all entries. `state` is of before the edit.
    """

    def __init__(
        self,
        state: State,
        inputs: InputEntries,
        readers: Readers,
        rows: LoadedRows,
        touched: set[str],
    ) -> None:
        self._state = state
        self._inputs = inputs
        self._readers = readers
        self._natives, self._definitions, self._lost = rows
        self._touched = touched
        self._load = Load(readers)
        # The entries with a key twice, by whether they are native functions.
        self._doubtful: dict[bool, list[EntryValue]] = {True: [], False: []}

    def find(self) -> Mistaken:
        """Load them, and say what is wrong. Raises NotCertainError if only a full load can tell."""
        inputs, lost = self._inputs, self._lost
        texts = inputs.texts
        if texts.backends or texts.additions.override or texts.unread:
            raise NotCertainError
        in_yaml, natives_lost, definitions_lost = self._read_lost()
        self._touched = touched = with_linked(self._natives, {*self._touched, UNKNOWN})
        load = self._load = Load(
            self._readers,
            natives_lost=natives_lost,
            definitions_lost=definitions_lost,
            blame=Blame(
                [text.name for text in texts.native_functions],
                [text.name for text in (texts.derivatives, *texts.more_derivatives)],
            ),
            other_names=self._other_names,
            other_structured=self._other_structured,
        )
        declared = self._natives.rows.positions(touched)
        positions = self._definitions.positions(touched)
        natives = [i for i in declared if i not in lost.natives]
        definitions = [i for i in positions if i not in lost.definitions]
        keys = EntryKeys(texts.additions.entry_keys)
        doubtful = [EntryValue(e, keys.without(value)) for e, value in self._doubtful[True]]
        read = _in_order(doubtful, [inputs.native(i, with_line=True) for i in natives])
        overlays = {text.name for text in texts.native_functions[1:]}
        if any(entry.file in overlays and names_a_kernel(value) for entry, value in read):
            raise NotCertainError  # it may be a file that registers kernels
        load.read_natives(read)
        defined = [inputs.definition(i, with_line=True) for i in definitions]
        load.derive(_in_order(self._doubtful[False], defined))
        load.match(number_ops([op_prefixes(entry.derived) for entry in load.derived]))
        return Mistaken(
            load,
            counts_of(inputs, declared, positions, load),
            sorted({*in_yaml, *diagnostics_of(texts, load.mistakes)}),
            self._linted(),
            with_linked(self._natives, {UNKNOWN, *(f for f in load.bad if f is not None)}),
        )

    def _read_lost(
        self,
    ) -> tuple[list[Diagnostic], set[str | None], set[str | None]]:
        """The mistakes of the lost entries as YAML, and the names of these entries."""
        found: list[Diagnostic] = []
        names: dict[bool, set[str | None]] = {True: set(), False: set()}
        for of_native, lost in ((True, self._lost.natives), (False, self._lost.definitions)):
            by_file: dict[str, list[Entry]] = {}
            for index in sorted(lost):
                entry = self._inputs.entry(index, of_native=of_native)
                numbered = msgspec.structs.replace(entry, index=index)
                by_file.setdefault(entry.file, []).append(numbered)
            for file, entries in by_file.items():
                source = read_mistaken(file, self._inputs.text_of(file), entries)
                if source is None:
                    raise NotCertainError
                found += source.diagnostics
                self._doubtful[of_native] += source.entries
                names[of_native] |= names_lost(source.lost, "func" if of_native else "name")
        return found, names[True], names[False]

    def _other_names(self) -> set[str]:
        """The names of the functions that are not in the touched families."""
        if not self._readers.dialect.view_copies_have_own_derivatives:
            raise NotCertainError  # no definition can be of a copy of a view: names do not tell
        return {
            row.cpp_name.removesuffix("_out")
            for row in self._state.functions.rows.rows
            if row.family not in self._touched
        }

    def _other_structured(self) -> set[str]:
        """The names of the structured functions that are not in the touched families."""
        rows = self._natives.rows.rows
        return {r.structured for r in rows if r.structured and r.family not in self._touched}

    def _linted(self) -> Linted:
        """What there may be to warn of, by the positions among all entries."""
        linted = lint(self._load)
        if not linted.is_complete:
            raise NotCertainError
        found = [*self._kept(self._state.warnings), *_renumbered(linted.found, self._load)]
        read = {entry.index for entry, _ in self._load.read}
        touched = self._definitions.positions(self._touched)
        entries = _Entries(self._inputs, {*touched} - read)
        return Linted(found, entries, find_refused=self._find_refused)

    def _kept(self, found: FoundByFamily) -> list[Possible]:
        """What was found of the families that are not touched, by the positions among all."""
        return found.replaced(self._touched, {}).all(self._natives.rows, self._definitions)

    def _find_refused(self) -> list[Possible]:
        """What PyTorch's generators refuse, of the families without a mistake."""
        from derivload.engine.generators import find_refused

        if self._state.refused is None or None in self._load.bad:
            return []
        made = _renumbered(find_refused(self._load), self._load)
        # What is refused of a family may follow from a mistake in another one that is meant for it.
        refused = self._state.refused.replaced({f for f in self._load.bad if f is not None}, {})
        return [*self._kept(refused), *made]


def _in_order(entries: list[EntryValue], more: list[EntryValue]) -> list[EntryValue]:
    return sorted([*entries, *more], key=lambda read: read.entry.index)


def _renumbered(found: Iterable[Possible], load: Load) -> Iterator[Possible]:
    """What `lint` found in a load, by the positions of the entries among all of the inputs."""
    natives = [function.entry for function in load.natives]
    definitions = [made.entry for made in definitions_read(load)]
    for one in found:
        entries = natives if one.of_native else definitions
        yield msgspec.structs.replace(
            one,
            at=entries[one.at].index,
            other=entries[one.other].index if one.other >= 0 else -1,
            declared=natives[one.declared].index if one.declared >= 0 else -1,
        )


class _Entries:
    """The entries of inputs, of which some definitions cannot be read."""

    def __init__(self, inputs: InputEntries, unread: set[int]) -> None:
        self._inputs = inputs
        self._unread = unread

    def entry(self, at: int, *, of_native: bool) -> Entry:
        return self._inputs.entry(at, of_native=of_native)

    def file(self, at: int, *, of_native: bool) -> str:
        return self._inputs.file(at, of_native=of_native)

    def may_have(self, word: str, file: str = "") -> bool:
        return self._inputs.may_have(word, file)

    def entries_with(self, word: str) -> Iterable[tuple[bool, int, Entry]]:
        return self._inputs.entries_with(word)

    def schemas_of(self, bases: frozenset[str]) -> Iterable[str]:
        return self._inputs.schemas_of(bases)

    def called_with(self, name: str) -> bool:
        return self._inputs.called_with(name, self._unread)


def counts_of(
    inputs: InputEntries | PickedEntries,
    declared: Sequence[int],
    positions: Sequence[int],
    load: Load,
) -> dict[str, int]:
    """How much a load of entries at these positions read, reused, derived and matched."""
    read = len(declared) + len(positions)
    return {
        "read": read,
        "reused": len(inputs.natives) + len(inputs.definitions) - read,
        "derived": len(positions),
        "matched": len(load.matched),
    }
