"""A session: a series of loads of the same inputs, each of which costs only what changed.

For each entry the session keeps a row (the digest of its text and its family of operators) and
the lines of the documents that came from it. The next load finds the families in which an entry
was changed, added, removed or reordered. It loads only these families, with the same steps as a
full load, and replaces their lines. No other line can have changed: see `families.py`.

An incremental load must give exactly what a full load would give, so it runs only where that is
certain. Everything else is loaded in full: when the tags changed, when a text is not a plain list
of entries, and when the rule of families does not cover a name.

With a mistake, there are no lines, and the result is the diagnostics. A session's state never has a
family with a mistake: it is that of the inputs without the entries of these families. So the next
load finds them changed, and loads them again, until they have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from derivload.cpp.dialect import Dialect
from derivload.derivatives.numbering import op_prefixes
from derivload.diagnostics import Diagnostic
from derivload.engine.backends import Backends, digest_of
from derivload.engine.found import FoundByFamily
from derivload.engine.inputs import InputEntries
from derivload.engine.laid import NotCertainError
from derivload.engine.lines import DocumentLines
from derivload.engine.lint import Linted
from derivload.engine.load import LoadedTexts, load_texts, passed_over
from derivload.engine.mistaken import UNKNOWN, LoadedRows, Lost, Mistaken
from derivload.engine.outcome import Outcome, outcome_of
from derivload.engine.pipeline import Load, Readers
from derivload.engine.rows import with_linked
from derivload.engine.state import (
    State,
    content_of,
    lines_of,
    no_state,
    pack,
    state_of,
    unpack,
)
from derivload.engine.texts import Text, Texts, collector_off
from derivload.engine.update import FamilyUpdate, KnownRows
from derivload.sources.splitting import Split

# Readers remember everything they have read, and each edit adds to it. So they are replaced by
# new ones after this many updates.
_UPDATES_TO_READERS: Final = 256


class Session:
    """Loads one set of inputs again after each edit, for one dialect.

    `with_refused` tells to find what PyTorch's generators refuse, with each load.
    """

    def __init__(self, dialect: Dialect, *, with_refused: bool = False) -> None:
        self._dialect = dialect
        self._with_refused = with_refused
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
        # The last load, if it was incremental and found mistakes: the state has still to follow.
        self._update_to_settle: tuple[FamilyUpdate, Mistaken] | None = None
        # Whether the state is of all entries of the last load. It never has a family with a
        # mistake: such a family is loaded each time, until it has none.
        self._is_certain = True
        self._rows: LoadedRows | None = None
        self._known = KnownRows({}, {})

    @property
    def entries(self) -> InputEntries | None:
        """The entries of the last load."""
        return self._inputs

    @property
    def is_restored(self) -> bool:
        """Whether it began with what another session kept."""
        return self._is_restored

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
        return None if self._state is None or not self._is_certain else pack(self._state)

    def load(self, texts: Texts, splits: Sequence[Split] = ()) -> Outcome:
        """Load these texts, incrementally if possible. `splits` are as in `InputEntries`."""
        with collector_off():
            inputs = InputEntries(texts, self._inputs, splits)
            self.settle()
            self._rows = None
            if self._state is not None:
                with suppress(NotCertainError):
                    return self._update(self._state, inputs)
            return self._load_all(inputs)

    def family_at(self, file: str, line: int) -> str | None:
        """The family of the entry of the last load that begins in this line, if it is known."""
        rows, inputs = self._known_rows(), self._inputs
        if rows is None or inputs is None:
            return None
        try:
            found = inputs.at_line(file, line)
        except NotCertainError:
            return None
        if found is None:
            return None
        of_native, at = found
        own = rows.natives.rows.rows if of_native else rows.definitions.rows
        family = own[at].family
        return None if family == UNKNOWN else family

    @property
    def readers(self) -> Readers:
        """The readers of this session, which have read what the last load did."""
        if self._readers is None:
            self._readers = Readers(self._dialect, frozenset())
        return self._readers

    def load_family(self, family: str, *, with_mistakes: bool = False) -> Load | None:
        """Load one family of the inputs of the last load.

        The entries have their lines. None if that cannot be done, or if there are mistakes.
        `with_mistakes` loads what is without.
        """
        rows, inputs = self._known_rows(), self._inputs
        if rows is None or inputs is None:
            return None
        families = with_linked(rows.natives, {family})
        natives, definitions, lost = rows
        declared = natives.rows.positions(families)
        positions = definitions.positions(families)
        declared = [i for i in declared if i not in lost.natives]
        positions = [i for i in positions if i not in lost.definitions]
        if not with_mistakes and (any(lost) or not self._is_certain):
            return None
        try:
            load = Load(self._readers_for(inputs.read_tags()))
            load.read_natives([inputs.native(i, with_line=True) for i in declared])
            load.derive([inputs.definition(i, with_line=True) for i in positions])
            numbers = {made.entry.index: op_prefixes(made.derived) for made in load.derived}
            known = {i: definitions.rows[i].numbers for i in positions}
            load.match(
                [
                    known[i] if len(known[i]) == len(prefixes) else tuple(0 for _ in prefixes)
                    for i, prefixes in numbers.items()
                ]
            )
        except Exception:
            if not self._is_restored:
                raise
            return None  # restored rows may not come from any real load
        return None if load.mistakes and not with_mistakes else load

    def _known_rows(self) -> LoadedRows | None:
        """The rows of all entries of the last load, if they are known."""
        self.settle()
        if self._rows is None and self._state is not None and self._is_certain:
            rows = self._state.definitions.rows
            self._rows = LoadedRows(self._state.natives, rows, Lost(set(), set()))
        return self._rows

    def content(self) -> bytes | None:
        """A digest of the entries and tags that the state was made from; None without a state."""
        self.settle()
        state = self._state
        if state is None or not self._is_certain:
            return None
        return content_of(state.natives.digests, state.definitions.digests, state.tags)

    def _load_all(self, inputs: InputEntries) -> Outcome:
        loaded = load_texts(inputs.texts, self._dialect)
        self._backends = loaded.backends, inputs.texts.backends, inputs.texts.unread
        self._inputs = inputs
        self._loaded = loaded
        return outcome_of(loaded)

    def settle(self) -> None:
        """Make the state of the last load, which is put off: few sessions need it.

        If it is not made while there is time, the next load begins with that.
        """
        loaded, inputs, update = self._loaded, self._inputs, self._update_to_settle
        self._loaded = self._update_to_settle = None
        if inputs is None:
            return
        try:
            if update is not None:
                self._leave_out(update)
            elif loaded is not None and loaded.diagnostics:
                self._start_without(loaded, inputs)
            elif loaded is not None:
                self._state = None
                self._state, self._is_certain = self._state_of(loaded, inputs), True
        except NotCertainError:
            pass

    def _no_state(self, loaded: LoadedTexts) -> State:
        return no_state(loaded.tags)._replace(
            refused=FoundByFamily({}) if self._with_refused else None
        )

    def _state_of(self, loaded: LoadedTexts, inputs: InputEntries) -> State:
        return state_of(loaded, inputs, with_refused=self._with_refused)

    def _start_without(self, loaded: LoadedTexts, inputs: InputEntries) -> None:
        """Make the state of inputs with mistakes: that of the families without any.

        It is what this session would have after a load of the other entries alone.
        """
        self._is_certain = False
        if self._state is not None and self._state.tags == sorted(loaded.tags):
            return  # the next load starts from before the mistakes
        self._state = None
        inputs.check_whole(())
        readers = self._readers_for(inputs.read_tags())
        update = FamilyUpdate(self._no_state(loaded), inputs, readers, self._known)
        update.run_rows()
        bad = {family for family in loaded.load.bad if family is not None}
        self._rows = update.rows
        rest = FamilyUpdate(
            self._no_state(loaded),
            update.without(update.linked({*bad, UNKNOWN})),
            readers,
            self._known,
        )
        self._state = rest.run()

    def _leave_out(self, update: tuple[FamilyUpdate, Mistaken]) -> None:
        """Bring the state up to date with all families that have no mistake."""
        before, mistaken = update
        assert self._state is not None
        assert self._readers is not None
        rest = FamilyUpdate(self._state, before.without(mistaken.bad), self._readers, self._known)
        made = rest.run()
        if made is not None:
            self._state = made
            self._is_certain = False

    def _readers_for(self, tags: frozenset[str]) -> Readers:
        readers = self._readers
        if readers is None or readers.tags != tags:
            readers = self._readers = Readers(self._dialect, tags)
            self._known = KnownRows({}, {})
        return readers

    def _update(self, state: State, inputs: InputEntries) -> Outcome:
        tags = inputs.read_tags()
        if sorted(tags) != state.tags or (self._with_refused and state.refused is None):
            raise NotCertainError
        if not self._with_refused:
            state = state._replace(refused=None)
        if self._updates % _UPDATES_TO_READERS == 0:
            self._readers = None
        readers = self._readers_for(tags)
        self._updates += 1
        update = FamilyUpdate(state, inputs, readers, self._known)
        backends = self._read_backends(inputs.texts)
        try:
            checked, told = self._check_backends(state, inputs, backends, readers)
            made = update.run()
            if made is None:
                return self._mistaken(update, inputs, backends)
        except Exception as error:
            if not self._is_restored:
                raise
            raise NotCertainError from error  # restored rows may not come from any real load
        made = self._state = made._replace(checked=checked, of_backends=told)
        self._is_certain = True
        self._inputs = inputs
        version = self._dialect.version
        return Outcome(
            own=update.load,
            whole=None,
            counts=update.counts,
            is_of_entries=inputs.is_of_entries,
            make_lines=lambda: lines_of(version, made),
            is_incremental=True,
            make_linted=lambda: Linted(
                made.found(),
                inputs,
                of_backends=made.of_backends,
                find_refused=made.found_refused,
            ),
            passed_over=passed_over(inputs.passed_over, inputs.texts, backends),
            backends=backends,
        )

    def _mistaken(self, update: FamilyUpdate, inputs: InputEntries, backends: Backends) -> Outcome:
        """The result of an update that has found a mistake. The state stays as it is for now."""
        mistaken = update.mistaken()
        self._inputs = inputs
        self._update_to_settle = update, mistaken
        self._is_certain = False
        self._rows = update.rows
        return Outcome(
            own=mistaken.load,
            whole=None,
            counts=mistaken.counts,
            is_of_entries=inputs.is_of_entries,
            make_lines=_no_lines,
            is_incremental=True,
            make_linted=lambda: mistaken.linted,
            passed_over=passed_over(inputs.passed_over, inputs.texts, backends),
            backends=backends,
            mistakes=mistaken.diagnostics,
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


def _no_lines() -> DocumentLines:
    raise AssertionError("inputs with mistakes have no documents")
