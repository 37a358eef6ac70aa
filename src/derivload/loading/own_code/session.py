"""A series of loads by a tree's own torchgen. Each load costs what changed.

The torchgen loads only the families whose entries changed, and those that they are linked to. This
is right only if families do not depend on each other under this torchgen. The first load checks it:
groups of them, loaded one by one, must give what everything together gives. The store keeps the
answer under the digest of the torchgen's source, with how many families showed it: it is checked
again where there are twice as many. If families depend on each other, each load is of everything.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from derivload.cpp.dialect import NEWEST
from derivload.engine.inputs import InputEntries
from derivload.engine.laid import NotCertainError
from derivload.engine.lines import DocumentLines
from derivload.engine.outcome import Outcome
from derivload.engine.texts import Texts, collector_off
from derivload.identity import tool_digest
from derivload.loading.errors import InputError, TreeCodeError
from derivload.loading.own_code.division import divide
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
    FamilyPart,
    FamilyState,
    difference,
    join,
    lines_of,
    related,
    rows_of,
    split,
)
from derivload.terminal.progress import tell

if TYPE_CHECKING:
    from derivload.engine.pipeline import Load
    from derivload.loading.paths import Files
    from derivload.loading.rules_of_tree import Rules
    from derivload.sources.splitting import Split
    from derivload.store.store import Store

_KIND: Final = b"independence of families"
_INDEPENDENT: Final = "independent"
_SHOWN: Final = re.compile(rf"{_INDEPENDENT} (\d{{1,9}})")
_PLACE: Final = re.compile(
    r"^\s*in (.*?)(derivatives|native_functions|tags)\.yaml:(\d+):?$(?:\n\s*(.*))?", re.M
)


class OwnCodeSession:
    """Loads by the torchgen of a tree. The store has what earlier runs found out about it."""

    def __init__(self, rules: Rules, torchgen: OwnTorchgen, store: Store | None) -> None:
        self._rules = rules
        self._torchgen = torchgen
        self._store = store
        self._state: FamilyState | None = None
        self._key = hashlib.sha256(
            b"\0".join([_KIND, tool_digest(), rules.key.encode("utf-8", "surrogateescape")])
        ).digest()
        kept = None if store is None else store.get(self._key)
        self._dependence = None if kept is None else kept.decode("utf-8", "replace")

    def restore(self, kept: bytes, records: list[bytes], functions: list[bytes]) -> None:
        """Start from what another session's `keep` returned. Anything else is ignored."""
        del records, functions
        with suppress(msgspec.DecodeError):
            self._state = msgspec.msgpack.decode(kept, type=FamilyState)

    def keep(self) -> bytes | None:
        """The state for another session to `restore`; None if there is none."""
        return None if self._state is None else msgspec.msgpack.encode(self._state)

    def settle(self) -> None:
        """Do nothing: no work was put off."""

    def content(self) -> bytes | None:
        """None: the state does not record which texts it was made from."""
        return None

    def load_family(self, family: str) -> Load | None:
        """None: our own rules loaded nothing."""
        del family
        return None

    def load(self, texts: Texts, splits: Sequence[Split] = ()) -> Outcome:
        """Load these texts. Raises TreeCodeError, also if torchgen refuses them."""
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
            self._rules.remark = f"everything was loaded, because {error}"
        except NotCertainError:
            self._rules.remark = (
                "everything was loaded, because the inputs are not plain lists of entries"
            )
        return None

    def _update(self, state: FamilyState, rows: FamilyRows) -> Outcome:
        """Load what changed. Raises NotSeparableError, and RefusedError."""
        old, new = state.digests, rows.digests
        if self._is_open(len(new)):
            raise NotSeparableError("there are many more families than before")
        touched = {f for f in old.keys() | new.keys() if old.get(f) != new.get(f)}
        links = [*state.natives, *rows.natives]
        parts = dict(state.parts)
        while True:
            touched = linked(links, related(parts, touched))
            here = touched & new.keys()
            made = split(self._torchgen.run(rows.texts(here)), rows_of(rows, here)) if here else {}
            if not made.keys() <= touched:
                raise NotSeparableError("it made records that belong to no entry")
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
        tell("loading with the tree's own torchgen", is_long=True)
        try:
            whole = self._torchgen.run(_whole_texts(texts, rows), backends_of(texts))
        except RefusedError as error:
            raise _refusal(error, texts) from None
        lines = lines_of(whole, self._rules.release)
        if rows is not None:
            try:
                self._keep_parts(whole, rows, lines)
            except NotSeparableError as error:
                self._rules.remark = f"everything was loaded, because {error}"
        is_of_entries = self._state is not None
        read = 0 if rows is None else len(rows.natives) + len(rows.definitions)
        return _outcome(lines, read, 0, is_incremental=False, is_of_entries=is_of_entries)

    def _keep_parts(self, whole: TreeAnswer, rows: FamilyRows, lines: DocumentLines) -> None:
        """Make the state. Raises NotSeparableError if families depend on each other."""
        count = len(rows.digests)
        if self._is_open(count):
            found = self._find_dependence(whole, rows, lines)
            self._dependence = found or f"{_INDEPENDENT} {count}"
            if self._store is not None:
                self._store.put(self._key, self._dependence.encode())
        assert self._dependence is not None
        if not _SHOWN.fullmatch(self._dependence):
            raise NotSeparableError(self._dependence)
        parts = split(whole, rows.definitions)
        self._state = FamilyState(rows.natives, rows.definitions, rows.digests, parts)

    def _is_open(self, count: int) -> bool:
        """Whether it is to be checked if so many families depend on each other."""
        if self._dependence is None:
            return True
        shown = _SHOWN.fullmatch(self._dependence)
        return shown is not None and count > 2 * int(shown[1])

    def _find_dependence(self, whole: TreeAnswer, rows: FamilyRows, lines: DocumentLines) -> str:
        """What differs if the families are loaded in groups; "" if nothing does."""
        try:
            every = rows.digests.keys()
            made: dict[str, FamilyPart] = {}
            for group in divide(every, rows.natives, split(whole, rows.definitions)):
                done = len(made)
                tell("comparing with what it makes of groups", done, len(every), is_long=True)
                made.update(split(self._torchgen.run(rows.texts(group)), rows_of(rows, group)))
            joined = join(made, rows.definitions, lines.torch_version)
        except NotSeparableError as error:
            return str(error)
        except RefusedError as error:
            return f"it refuses a part: {_last(error)}"
        except (KeyError, IndexError):
            return "its parts do not fit together"
        found = difference(lines, joined)
        return f"its parts come to another result: {found}" if found else ""


def load_whole(torchgen: OwnTorchgen, texts: Texts, release: str) -> DocumentLines:
    """The lines of the documents that a tree's torchgen gives for these texts, all at once.

    Raises TreeCodeError, also if torchgen refuses them, and InputError.
    """
    tell("loading with the tree's own torchgen", is_long=True)
    try:
        return lines_of(torchgen.run(_whole_texts(texts, None), backends_of(texts)), release)
    except RefusedError as error:
        raise _refusal(error, texts) from None


def generate_whole(torchgen: OwnTorchgen, files: Files, texts: Texts, out: str) -> None:
    """Have the generators of a tree write everything for these files to the folder `out`.

    `texts` are the contents of the files. Raises TreeCodeError, also if a generator refuses them,
    and InputError.
    """
    assert files.tree is not None
    tell("generating with the tree's own torchgen", is_long=True)
    derivatives, natives = files.derivatives, files.native_functions[0]
    with tempfile.TemporaryDirectory(prefix="derivload-") as folder:
        if not _are_as_written(texts):  # torchgen reads one file of each
            whole = _whole_texts(texts, None)
            if texts.more_derivatives:
                derivatives = _written(folder, derivatives, whole[0])
            natives = _written(folder, natives, whole[1])
        try:
            torchgen.generate((derivatives, natives, files.tags), files.tree.autograd, out)
        except RefusedError as error:
            raise _refusal(error, texts) from None


def _written(folder: str, path: str, text: str) -> str:
    """The path of a file in `folder` that has the name of another, and this text."""
    path = os.path.join(folder, os.path.basename(path))
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    return path


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
    from derivload.engine.load import read_entries

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
    """An error with what torchgen raised, and with the place that it names, if any."""
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


def _place_of(schema: str | None, texts: Texts) -> str | None:
    """The place of the entry with this schema, where it is of a file with overlays."""
    if not schema or _are_as_written(texts):
        return None
    from derivload.engine.load import read_entries

    for entry, value in reversed(read_entries(texts)[1]):
        if value.get("func") == schema.strip():
            return f"{entry.file}:{entry.line}"
    return None


def _last(error: RefusedError) -> str:
    """The exception, without the traceback."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    at = max(i for i, line in enumerate(lines) if line[:1] != " ")
    said = " ".join(" ".join(lines[at:]).split())
    return said.replace(error.folder + "/", "")
