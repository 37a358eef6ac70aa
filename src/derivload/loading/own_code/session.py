"""A series of loads by a tree's own torchgen, each of which costs what changed.

It is asked for the families alone whose entries changed, with those that they are linked to. That
families do not depend on each other under this torchgen is shown once, when everything is loaded
first: in halves, which must come to what the whole comes to. The store has the answer, under the
digest of the torchgen's source. Where they do depend on each other, each load is a whole one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from derivload.cpp.dialect import NEWEST
from derivload.engine.inputs import InputEntries, NotCertainError
from derivload.engine.lines import DocumentLines
from derivload.engine.load import Texts, collector_off, read_entries
from derivload.engine.outcome import Outcome
from derivload.identity import tool_digest
from derivload.loading.errors import InputError, TreeCodeError
from derivload.loading.own_code.families import (
    FamilyRows,
    NotSeparableError,
    as_item,
    linked,
)
from derivload.loading.own_code.process import (
    OwnTorchgen,
    RefusedError,
    TreeAnswer,
    backend_name,
)
from derivload.loading.own_code.state import (
    FamilyState,
    difference,
    join,
    lines_of,
    related,
    rows_of,
    split,
)

if TYPE_CHECKING:
    from derivload.engine.pipeline import Load
    from derivload.loading.rules_of_tree import Rules
    from derivload.sources.splitting import Split
    from derivload.store.store import Store

_KIND: Final = b"independence of families"
_INDEPENDENT: Final = b"independent"
_PLACE: Final = re.compile(
    r"^\s*in (.*?)(derivatives|native_functions|tags)\.yaml:(\d+):?$(?:\n\s*(.*))?", re.M
)


class OwnCodeSession:
    """Loads by the torchgen of a tree. `rules` say which, `store` has what is known of it."""

    def __init__(self, rules: Rules, torchgen: OwnTorchgen, store: Store | None) -> None:
        self._rules = rules
        self._torchgen = torchgen
        self._store = store
        self._state: FamilyState | None = None
        self._key = hashlib.sha256(
            b"\0".join([_KIND, tool_digest(), rules.key.encode("utf-8", "surrogateescape")])
        ).digest()
        self._dependence = None if store is None else store.get(self._key)

    def restore(self, kept: bytes, records: list[bytes], functions: list[bytes]) -> None:
        """Start from what another session's `keep` returned. What is not that is ignored."""
        del records, functions
        with suppress(msgspec.DecodeError):
            self._state = msgspec.msgpack.decode(kept, type=FamilyState)

    def keep(self) -> bytes | None:
        """The state for another session to `restore`; None when there is none."""
        return None if self._state is None else msgspec.msgpack.encode(self._state)

    def settle(self) -> None:
        """Nothing is put off."""

    def content(self) -> bytes | None:
        """None: it is not told what the state was made from."""
        return None

    def load_family(self, family: str) -> Load | None:
        """None: there is no load by rules of ours."""
        del family
        return None

    def load(self, texts: Texts, splits: Sequence[Split] = ()) -> Outcome:
        """Load these texts. Raises TreeCodeError, with what torchgen refuses too."""
        self._rules.remark = ""
        with collector_off():
            rows = self._rows(texts, splits)
            # What backends register is checked against all functions.
            if rows is not None and self._state is not None and not texts.backends:
                with suppress(NotSeparableError, RefusedError):
                    return self._update(self._state, rows)
            return self._load_all(texts, rows)

    def _rows(self, texts: Texts, splits: Sequence[Split]) -> FamilyRows | None:
        state = self._state
        try:
            inputs = InputEntries(texts, None, splits)
            return FamilyRows(inputs, {} if state is None else state.known())
        except NotSeparableError as error:
            self._rules.remark = f"whole, for {error}"
        except NotCertainError:
            self._rules.remark = "whole, for the inputs are no plain lists of entries"
        return None

    def _update(self, state: FamilyState, rows: FamilyRows) -> Outcome:
        """Load what changed. Raises NotSeparableError, and RefusedError."""
        old, new = state.digests, rows.digests
        touched = {f for f in old.keys() | new.keys() if old.get(f) != new.get(f)}
        links = [*state.natives, *rows.natives]
        parts = dict(state.parts)
        while True:
            touched = linked(links, related(parts, touched))
            here = touched & new.keys()
            made = split(self._torchgen.run(rows.texts(here)), rows_of(rows, here)) if here else {}
            if not made.keys() <= touched:
                raise NotSeparableError("it made what no entry is of")
            rest = {family: part for family, part in state.parts.items() if family not in touched}
            parts = {**rest, **made}
            if related(parts, touched) <= touched:
                break
        self._state = FamilyState(rows.natives, rows.definitions, new, parts)
        lines = join(parts, rows.definitions, self._rules.release)
        changed = sum(row.family in touched for row in (*rows.natives, *rows.definitions))
        every = len(rows.natives) + len(rows.definitions)
        return _outcome(lines, changed, every - changed, is_incremental=True, is_of_entries=True)

    def _load_all(self, texts: Texts, rows: FamilyRows | None) -> Outcome:
        self._state = None
        try:
            whole = self._torchgen.run(_whole_texts(texts, rows), backends_of(texts))
        except RefusedError as error:
            raise _refusal(error, texts) from None
        lines = lines_of(whole, self._rules.release)
        if rows is not None:
            try:
                self._keep_parts(whole, rows, lines)
            except NotSeparableError as error:
                self._rules.remark = f"whole, for {error}"
        is_of_entries = self._state is not None
        read = 0 if rows is None else len(rows.natives) + len(rows.definitions)
        return _outcome(lines, read, 0, is_incremental=False, is_of_entries=is_of_entries)

    def _keep_parts(self, whole: TreeAnswer, rows: FamilyRows, lines: DocumentLines) -> None:
        """Make the state, where families do not depend on each other. Raises NotSeparableError."""
        if self._dependence is None:
            self._dependence = self._find_dependence(whole, rows, lines).encode()
            if self._store is not None:
                self._store.put(self._key, self._dependence)
        if self._dependence != _INDEPENDENT:
            raise NotSeparableError(self._dependence.decode("utf-8", "replace"))
        parts = split(whole, rows.definitions)
        self._state = FamilyState(rows.natives, rows.definitions, rows.digests, parts)

    def _find_dependence(self, whole: TreeAnswer, rows: FamilyRows, lines: DocumentLines) -> str:
        """What is different where families are loaded in halves."""
        try:
            parts = split(whole, rows.definitions)
            every = rows.digests.keys()
            half = {family for family in every if len(family) % 2}
            before: set[str] = set()
            while half != before:
                before = half
                half = linked(rows.natives, related(parts, half)) & every
            halves = [
                split(self._torchgen.run(rows.texts(part)), rows_of(rows, part))
                for part in (half, every - half)
                if part
            ]
            joined = join(
                {f: p for made in halves for f, p in made.items()},
                rows.definitions,
                lines.torch_version,
            )
        except NotSeparableError as error:
            return str(error)
        except RefusedError as error:
            return f"it refuses one half: {_last(error)}"
        except (KeyError, IndexError):
            return "its halves do not fit together"
        found = difference(lines, joined)
        return f"its halves come to another result: {found}" if found else _INDEPENDENT.decode()


def load_whole(torchgen: OwnTorchgen, texts: Texts, release: str) -> DocumentLines:
    """The lines of the documents that a tree's torchgen gives for these texts, all at once.

    Raises TreeCodeError, with what torchgen refuses too, and InputError.
    """
    try:
        return lines_of(torchgen.run(_whole_texts(texts, None), backends_of(texts)), release)
    except RefusedError as error:
        raise _refusal(error, texts) from None


def _outcome(
    lines: DocumentLines, read: int, reused: int, *, is_incremental: bool, is_of_entries: bool
) -> Outcome:
    counts = {
        "read": read,
        "reused": reused,
        "derived": len(lines.records),
        "matched": len(lines.functions),
    }
    return Outcome(None, None, counts, is_of_entries, lambda: lines, is_incremental)


def _whole_texts(texts: Texts, rows: FamilyRows | None) -> tuple[str, str, str]:
    if _are_as_written(texts):
        return texts.derivatives.text, texts.native_functions[0].text, texts.tags.text
    if rows is not None:
        return rows.whole_texts()
    definitions, natives, diagnostics = read_entries(texts)
    if diagnostics:
        raise InputError(diagnostics)
    joined = [
        "\n".join([*(as_item(e.value) for e in entries), ""]) for entries in (definitions, natives)
    ]
    return joined[0], joined[1], texts.tags.text


def backends_of(texts: Texts) -> list[str]:
    """The texts of the backends' files that torchgen reads: those in its own form.

    Raises InputError with the mistakes in others.
    """
    backends = texts.read_backends(NEWEST)
    found = backends.mistakes_of_own_forms()
    if found:
        raise InputError(found)
    return [text for _, text in backends.in_torchgens_form]


def _are_as_written(texts: Texts) -> bool:
    """Whether torchgen gets the files as they are: nothing is laid over them or passed over."""
    return len(texts.of_entries) == 2 and not texts.additions.entry_keys


def _refusal(error: RefusedError, texts: Texts) -> TreeCodeError:
    """What torchgen raised, with the entry that it names if it names one."""
    by_name = {
        "derivatives": texts.derivatives,
        "native_functions": texts.native_functions[0],
        "tags": texts.tags,
    }
    place = ""
    for found in _PLACE.finditer(str(error)):
        name = by_name[found[2]].name
        line = f":{found[3]}" if _are_as_written(texts) else ""
        place = f"{_place_of(found[4], texts) or name + line}: "
    said = _last(error)
    for index, (name, _) in enumerate(texts.read_backends(NEWEST).in_torchgens_form):
        said = said.replace(backend_name(index), name)
    return TreeCodeError(f"{place}the tree's own torchgen refuses this: {said}")


def _place_of(schema: str | None, texts: Texts) -> str:
    """The place of the entry with this schema, where it is of a file with overlays."""
    if not schema or _are_as_written(texts):
        return ""
    for entry, value in reversed(read_entries(texts)[1]):
        if value.get("func") == schema.strip():
            return f"{entry.file}:{entry.line}"
    return ""


def _last(error: RefusedError) -> str:
    """The exception, without the traceback."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    at = max((i for i, line in enumerate(lines) if line[:1] != " "), default=0)
    said = " ".join(" ".join(lines[at:]).split())
    return said.replace(error.folder + "/", "")
