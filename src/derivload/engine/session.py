"""A session: a series of loads of the same inputs, each of which costs only what changed.

For each entry the session keeps a row (the digest of its text and its family of operators) and
the lines of the documents that came from it. The next load finds the families in which an entry
was changed, added, removed or reordered. It loads only these families, with the same steps as a
full load, and replaces their lines. No other line can have changed: see `families.py`.

An incremental load must give exactly what a full load would give, so it runs only where that is
certain. Everything else is loaded in full: when the tags changed, when a text is not a plain list
of entries, when the rule of families does not cover a name, and when a text has a mistake,
because diagnostics may depend on every entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final, TypeVar

from derivload.cpp.dialect import Dialect
from derivload.derivatives.definition import read_definition
from derivload.derivatives.info import number_ops, op_prefixes
from derivload.diagnostics import Diagnostic, Invalid
from derivload.engine.backends import Backends, digest_of
from derivload.engine.inputs import InputEntries, NotCertainError
from derivload.engine.lint import Linted, Possible
from derivload.engine.load import LoadedTexts, load_texts, passed_over
from derivload.engine.outcome import Outcome, outcome_of
from derivload.engine.pipeline import Load, Readers
from derivload.engine.state import (
    DefinitionEntries,
    DefinitionRow,
    Functions,
    Indexed,
    NativeRow,
    Natives,
    State,
    certain_family,
    content_of,
    definitions_of,
    functions_of,
    lines_of,
    native_row,
    pack,
    state_of,
    unpack,
    warnings_of,
    with_linked,
)
from derivload.engine.texts import Text, Texts, collector_off
from derivload.engine.window import EntryWindow
from derivload.sources.splitting import Split

# Readers remember everything they have read, and each edit adds to it. So they are replaced by
# new ones after this many updates.
_UPDATES_TO_READERS: Final = 256

T = TypeVar("T")


class Session:
    """Loads one set of inputs again after each edit, for one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._state: State | None = None
        self._is_restored = False
        self._readers: Readers | None = None
        self._updates = 0
        # What backends register, the texts that say so, and which of all texts could not be read.
        self._backends: tuple[Backends, Sequence[Text], frozenset[str]] | None = None
        # The inputs that the state was made from. If it has not been made yet (see `settle`),
        # the inputs to make it from, together with `_loaded`.
        self._inputs: InputEntries | None = None
        self._loaded: LoadedTexts | None = None

    def restore(self, kept: bytes, records: list[bytes], functions: list[bytes]) -> None:
        """Start from what another session's `keep` returned.

        That session must have had the same dialect and the same derivload. `records` are the
        lines of its differentiability.json, `functions` those of its functions.json, with the
        generated records last. If these do not fit together, they are ignored.
        """
        with suppress(ValueError):
            self._state = unpack(kept, records, functions)
            self._is_restored = True

    def keep(self) -> bytes | None:
        """The state for another session to `restore`, together with the lines of the last load.

        None when there is no state.
        """
        self.settle()
        return None if self._state is None else pack(self._state)

    def load(self, texts: Texts, splits: Sequence[Split] = ()) -> Outcome:
        """Load these texts, incrementally if possible. `splits` are as in `InputEntries`."""
        with collector_off():
            inputs = InputEntries(texts, self._inputs, splits)
            self.settle()
            if self._state is not None:
                with suppress(NotCertainError):
                    return self._update(self._state, inputs)
            return self._load_all(inputs)

    def load_family(self, family: str) -> Load | None:
        """Load one family of the inputs of the last load, which was incremental.

        The entries have their lines. None if that cannot be done.
        """
        state, inputs, readers = self._state, self._inputs, self._readers
        if state is None or inputs is None or readers is None:
            return None
        families = with_linked(state.natives, {family})
        declared = state.natives.rows.positions(families)
        rows = state.definitions.rows
        positions = [i for i, row in enumerate(rows) if row.family in families]
        load = Load(readers)
        try:
            load.read_natives([inputs.native(i, with_line=True) for i in declared])
            load.derive([inputs.definition(i, with_line=True) for i in positions])
            load.match([rows[i].numbers for i in positions])
        except Exception:
            if not self._is_restored:
                raise
            return None  # restored rows may not come from any real load
        return None if load.mistakes else load

    def content(self) -> bytes | None:
        """A digest of the entries and tags that the state was made from; None without a state."""
        self.settle()
        state = self._state
        if state is None:
            return None
        return content_of(state.natives.digests, state.definitions.digests, state.tags)

    def _load_all(self, inputs: InputEntries) -> Outcome:
        loaded = load_texts(inputs.texts, self._dialect)
        self._backends = loaded.backends, inputs.texts.backends, inputs.texts.unread
        if not loaded.diagnostics:
            self._inputs = inputs
            self._loaded = loaded
        return outcome_of(loaded)

    def settle(self) -> None:
        """Make the state of the last full load, which is put off: few sessions need it.

        If it is not made while there is time, the next load begins with that.
        """
        if self._loaded is None or self._inputs is None:
            return
        try:
            self._state = state_of(self._loaded, self._inputs)
        except NotCertainError:
            self._state = None
        self._loaded = None

    def _update(self, state: State, inputs: InputEntries) -> Outcome:
        tags = inputs.read_tags()
        if sorted(tags) != state.tags:
            raise NotCertainError
        readers = self._readers
        if readers is None or readers.tags != tags or self._updates % _UPDATES_TO_READERS == 0:
            readers = self._readers = Readers(self._dialect, tags)
        self._updates += 1
        update = _FamilyUpdate(state, inputs, readers)
        backends = self._read_backends(inputs.texts)
        try:
            checked, told = self._check_backends(state, inputs, backends, readers)
            made = self._state = update.run()._replace(checked=checked, of_backends=told)
        except Exception as error:
            if not self._is_restored:
                raise
            raise NotCertainError from error  # restored rows may not come from any real load
        self._inputs = inputs
        version = self._dialect.version
        return Outcome(
            own=update.load,
            whole=None,
            counts=update.counts,
            is_of_entries=inputs.is_of_entries,
            make_lines=lambda: lines_of(version, made),
            is_incremental=True,
            make_linted=lambda: Linted(made.found(), inputs, of_backends=made.of_backends),
            passed_over=passed_over(inputs.passed_over, inputs.texts, backends),
            backends=backends,
        )

    def _read_backends(self, texts: Texts) -> Backends:
        """What backends register; read again only if it changed."""
        read = texts.backends, texts.unread
        if self._backends is None or self._backends[1:] != read:
            self._backends = (texts.read_backends(self._dialect), *read)
        return self._backends[0]

    def _check_backends(
        self, state: State, inputs: InputEntries, backends: Backends, readers: Readers
    ) -> tuple[bytes, Sequence[tuple[int, Diagnostic]]]:
        """Check what backends register, if it or the functions changed.

        Returns the state's mark and the warnings. Raises NotCertainError if there is a mistake.
        """
        texts = inputs.texts.backends
        checked = digest_of(texts, inputs.natives, state.tags) if texts else b""
        if checked == state.checked or not texts:
            return checked, state.of_backends if texts else ()
        load = Load(readers)
        load.read_natives([inputs.native(i) for i in range(len(inputs.natives))])
        found = backends.check(load.natives, load.may_be_lost)
        if load.mistakes or any(diagnostic.is_error for diagnostic in found):
            raise NotCertainError
        return checked, backends.numbered(found)


class _FamilyUpdate:
    """One incremental load: from the old state and the new inputs to the new state."""

    def __init__(self, state: State, inputs: InputEntries, readers: Readers) -> None:
        self._state = state
        self._inputs = inputs
        self._readers = readers
        self._touched: set[str] = set()
        self._stay = False
        self.load = Load(readers)
        """The load of the touched families."""
        self.counts: dict[str, int] = {}

    def run(self) -> State:
        """The state of the new inputs. Raises NotCertainError if only a full load can tell."""
        old = self._state
        inputs = self._inputs
        natives = self._new_natives()
        definitions = self._new_definitions()
        while True:
            self._touched = with_linked(natives, self._touched)
            declared = natives.rows.positions(self._touched)
            positions = self._touched_definitions(definitions)
            load = self.load = Load(self._readers)
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
        made = definitions_of(load, [inputs.definitions[i] for i in positions])
        if [row.family for row in made.rows] != [definitions.rows[i].family for i in positions]:
            raise NotCertainError
        _put(definitions.rows, positions, made.rows)
        _put(definitions.own, positions, made.own)
        _put(definitions.copies, positions, made.copies)
        self.counts = {
            "read": len(declared) + len(positions),
            "reused": len(natives.digests) + len(definitions.rows) - len(declared) - len(positions),
            "derived": len(positions),
            "matched": len(load.matched),
        }
        functions, generated = functions_of(load)
        return State(
            old.tags,
            natives,
            definitions,
            self._splice(old.functions, functions),
            self._splice(old.generated, generated),
            warnings=self._warnings(natives, definitions.rows, declared, positions),
        )

    def _warnings(
        self,
        natives: Natives,
        definitions: Sequence[DefinitionRow],
        declared: Sequence[int],
        positions: Sequence[int],
    ) -> dict[str, tuple[Possible, ...]]:
        """The old warnings, with those of the touched families replaced by the new ones."""
        rows = [natives.rows.rows[i] for i in declared]
        made = warnings_of(self.load, rows, [definitions[i] for i in positions])
        old = self._state.warnings.items()
        return {f: kept for f, kept in old if f not in self._touched} | made

    def _new_natives(self) -> Natives:
        """The natives, with new rows for those that changed. Touches the families of these."""
        old, digests = self._state.natives, self._inputs.natives
        if digests is old.digests:
            return old
        change = EntryWindow(old.digests, old.rows.rows, digests, self._native_row)
        self._touched |= change.families
        return Natives(digests, change.spliced(old.rows.rows, change.rows))

    def _new_definitions(self) -> DefinitionEntries:
        """The definitions, with provisional rows and no lines for those that changed.

        Touches the families of these. `run` fills in their rows and lines.
        """
        old, digests = self._state.definitions, self._inputs.definitions
        change = EntryWindow(old.digests, old.rows, digests, self._definition_row)
        self._touched |= change.families
        self._stay = change.stay
        return DefinitionEntries(
            digests,
            change.spliced(old.rows, change.rows),
            change.spliced(old.own, change.moved(old.own)),
            change.spliced(old.copies, change.moved(old.copies)),
        )

    def _touched_definitions(self, definitions: DefinitionEntries) -> list[int]:
        touched = self._touched
        return [i for i, row in enumerate(definitions.rows) if row.family in touched]

    def _native_row(self, index: int) -> NativeRow:
        function, _ = self._readers.natives.read(*self._inputs.native(index))
        if function is None:
            raise NotCertainError
        return native_row(self._inputs.natives[index], function)

    def _definition_row(self, index: int) -> DefinitionRow:
        definition, _ = read_definition(
            self._inputs.definition(index).value, self._readers.dialect.autograd_keys
        )
        if definition is None:
            raise NotCertainError
        try:
            name = self._readers.natives.schemas.name(definition.specification.partition("(")[0])
        except Invalid:
            raise NotCertainError from None
        return DefinitionRow(self._inputs.definitions[index], certain_family(name.base))

    def _number(
        self, load: Load, rows: list[DefinitionRow], positions: list[int]
    ) -> list[tuple[int, ...]] | None:
        """The numbers of the ops of the derived definitions.

        Ops are numbered across all definitions. If definitions of other families get new
        numbers, these families are touched too, and the result is None: derive again.
        """
        old = self._state.definitions.rows
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
        kept = [
            (row, line)
            for row, line in zip(old.rows.rows, old.lines, strict=True)
            if row.family not in self._touched
        ]
        # Records with the same C++ name are of one family and already in order; the sort is stable.
        every = sorted(
            [*kept, *zip(made.rows.rows, made.lines, strict=True)], key=lambda row: row[0].cpp_name
        )
        return Functions(Indexed([row for row, _ in every]), [line for _, line in every])


def _put(into: list[T], positions: Iterable[int], values: Iterable[T]) -> None:
    for i, value in zip(positions, values, strict=True):
        into[i] = value
