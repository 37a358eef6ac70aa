"""The state of a session: a row for each entry and record, and the lines of the documents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from derivload.derivatives.info import op_prefixes
from derivload.derivatives.model import DifferentiabilityRecord
from derivload.diagnostics import Diagnostic
from derivload.engine.backends import digest_of
from derivload.engine.families import family_of
from derivload.engine.inputs import InputEntries
from derivload.engine.laid import NotCertainError
from derivload.engine.lines import DocumentLines, encode_line
from derivload.engine.lint import OfFamilies, Possible, by_family, lint, of_all
from derivload.engine.load import LoadedTexts
from derivload.engine.pipeline import Load
from derivload.native.function import NativeFunction


class NativeRow(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An entry of native_functions.yaml: its family, and the other families that it names."""

    digest: bytes
    family: str
    links: tuple[str, ...]


class DefinitionRow(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An entry of derivatives.yaml, and the result of loading it.

    `prefixes` are the names of its ops, `numbers` their numbers, `keys` its dispatch keys. `base`
    is the base name of its function; None for a duplicate definition, as only the first counts.
    `copy_base` is the base name of the copying variant that gets the same info; None if there is
    no such variant.
    """

    digest: bytes
    family: str
    prefixes: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    keys: tuple[str, ...] = ()
    base: str | None = None
    copy_base: str | None = None


class FunctionRow(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A record of functions.json: one of `functions` or one of `generated`."""

    cpp_name: str
    family: str


class Rows(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The part of a state that is packed: all of it but the lines of the documents."""

    tags: list[str]
    natives: list[NativeRow]
    definitions: list[DefinitionRow]
    functions: list[FunctionRow]
    generated: list[FunctionRow]
    checked: bytes = b""
    warnings: dict[str, tuple[Possible, ...]] = {}
    of_backends: list[tuple[int, Diagnostic]] = []
    refused: dict[str, tuple[Possible, ...]] | None = None


Row = TypeVar("Row", NativeRow, DefinitionRow, FunctionRow)


class Indexed(Generic[Row]):
    """Rows, with an index of where the rows of each family are, built on first use."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows: list[Row] = rows
        self._positions: dict[str, list[int]] | None = None

    def positions(self, families: Iterable[str]) -> list[int]:
        """The indexes of the rows of these families, ascending."""
        if self._positions is None:
            self._positions = {}
            for i, row in enumerate(self.rows):
                self._positions.setdefault(row.family, []).append(i)
        return sorted([i for family in families for i in self._positions.get(family, ())])

    def replaced(self, begin: int, end: int, window: list[Row]) -> Indexed[Row]:
        """The rows, those from `begin` to `end` replaced. The index stays if it is still right."""
        made = Indexed(self.rows[:begin] + window + self.rows[end:])
        if [row.family for row in self.rows[begin:end]] == [row.family for row in window]:
            made._positions = self._positions
        return made


class Natives:
    """The entries of native_functions.yaml, and which families they link."""

    def __init__(self, digests: list[bytes], rows: Indexed[NativeRow]) -> None:
        self.digests = digests
        self.rows = rows
        self._linked: dict[str, set[str]] | None = None

    def replaced(
        self, digests: list[bytes], begin: int, end: int, window: list[NativeRow]
    ) -> Natives:
        """The entries, those from `begin` to `end` replaced by those with the rows `window`."""
        made = Natives(digests, self.rows.replaced(begin, end, window))
        before = [(row.family, row.links) for row in self.rows.rows[begin:end]]
        if before == [(row.family, row.links) for row in window]:
            made._linked = self._linked
        return made

    def linked(self, family: str) -> Iterable[str]:
        """The families that an entry links to this one, in either direction."""
        if self._linked is None:
            self._linked = {}
            for row in self.rows.rows:
                for one in (row.family, *row.links) if row.links else ():
                    self._linked.setdefault(one, set()).update((row.family, *row.links))
        return self._linked.get(family, ())


class DefinitionEntries:
    """The entries of derivatives.yaml.

    Each has a digest, a row, the line of its own function (in `own`) and the line of the copying
    variant (in `copies`). A line is None if the entry makes no such record.
    """

    def __init__(
        self,
        digests: list[bytes],
        rows: Indexed[DefinitionRow],
        own: list[bytes | None],
        copies: list[bytes | None],
    ) -> None:
        self.digests = digests
        self.rows = rows
        self.own = own
        self.copies = copies
        self._bases: list[str] | None = None
        self._dispatch_keys: tuple[str, ...] | None = None

    @property
    def bases(self) -> list[str]:
        """The base names of the functions that have a line, in the order of the records."""
        if self._bases is None:
            rows = self.rows.rows
            self._bases = [row.base for row in rows if row.base is not None]
            self._bases += [row.copy_base for row in rows if row.copy_base is not None]
        return self._bases

    @property
    def dispatch_keys(self) -> tuple[str, ...]:
        """All dispatch keys, sorted."""
        if self._dispatch_keys is None:
            of_rows = {row.keys for row in self.rows.rows}
            self._dispatch_keys = tuple(sorted({key for keys in of_rows for key in keys}))
        return self._dispatch_keys

    def put(self, positions: Sequence[int], made: DefinitionEntries) -> None:
        """Put the rows and lines of `made` at these positions."""
        for at, row, own, copy in zip(
            positions, made.rows.rows, made.own, made.copies, strict=True
        ):
            self.rows.rows[at], self.own[at], self.copies[at] = row, own, copy

    def keep_from(self, before: DefinitionEntries, positions: Sequence[int]) -> None:
        """Keep what `before` made of all rows, if these rows make the same of it.

        All other rows are where they were before.
        """
        old, new = before.rows.rows, self.rows.rows
        if all([_head_of(old[i]) == _head_of(new[i]) for i in positions]):
            self._bases, self._dispatch_keys = before.bases, before.dispatch_keys


def _head_of(row: DefinitionRow) -> tuple[tuple[str, ...], str | None, str | None]:
    """What a row adds to what is made of all rows."""
    return row.keys, row.base, row.copy_base


class Functions(NamedTuple):
    """Records of functions.json in their order: the row and the line of each."""

    rows: Indexed[FunctionRow]
    lines: list[bytes]


class State(NamedTuple):
    """All that a session keeps from a load without mistakes.

    `checked` is the digest of what backends register and of the functions that it was checked
    against; empty if no file of a backend was loaded. `refused` is what PyTorch's generators
    refuse, by family; None if nobody has looked for it.
    """

    tags: list[str]
    natives: Natives
    definitions: DefinitionEntries
    functions: Functions
    generated: Functions
    warnings: OfFamilies
    checked: bytes = b""
    of_backends: Sequence[tuple[int, Diagnostic]] = ()
    refused: OfFamilies | None = None

    def found(self) -> list[Possible]:
        """What `lint` found, by the positions of the entries. Raises ValueError."""
        return self._of_all(self.warnings)

    def found_refused(self) -> list[Possible]:
        """What PyTorch's generators refuse, by the positions of the entries. Raises ValueError."""
        return self._of_all(self.refused or {})

    def _of_all(self, kept: OfFamilies) -> list[Possible]:
        return of_all(kept, self.natives.rows.positions, self.definitions.rows.positions)


def no_state(tags: Iterable[str]) -> State:
    """The state of inputs without entries."""
    definitions = DefinitionEntries([], Indexed([]), [], [])
    none = Functions(Indexed([]), [])
    return State(sorted(tags), Natives([], Indexed([])), definitions, none, none, {})


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Rows)


def state_of(loaded: LoadedTexts, inputs: InputEntries, *, with_refused: bool = False) -> State:
    """The state of a full load; `with_refused` finds what PyTorch's generators refuse too.

    Raises NotCertainError if no incremental load can start from it: if the rule of families does
    not cover a name, or the entries cannot be read one by one.
    """
    inputs.check_whole(loaded.whole)
    load = loaded.load
    declared = load.natives[: load.declared]
    natives = [native_row(digest, f) for digest, f in zip(inputs.natives, declared, strict=True)]
    tags = sorted(loaded.tags)
    backends = inputs.texts.backends
    definitions = definitions_of(load, inputs.definitions)
    rows = natives, definitions.rows.rows
    warnings = warnings_of(load, *rows)
    functions, generated = functions_of(load)
    return State(
        tags,
        Natives(inputs.natives, Indexed(natives)),
        definitions,
        functions,
        generated,
        warnings,
        digest_of(backends, inputs.natives, tags) if backends else b"",
        loaded.of_backends,
        refused_of(load, *rows) if with_refused else None,
    )


def refused_of(
    load: Load, natives: Sequence[NativeRow], definitions: Sequence[DefinitionRow]
) -> dict[str, tuple[Possible, ...]]:
    """What PyTorch's generators refuse of a load whose entries have these rows."""
    from derivload.engine.generators import find_refused

    found = find_refused(load)
    if not found:
        return {}
    return by_family(found, [row.family for row in natives], [row.family for row in definitions])


def warnings_of(
    load: Load, natives: Sequence[NativeRow], definitions: Sequence[DefinitionRow]
) -> dict[str, tuple[Possible, ...]]:
    """What `lint` finds in a load whose entries have these rows. Raises NotCertainError."""
    linted = lint(load)
    if not linted.is_complete:
        raise NotCertainError
    if not linted.found:
        return {}
    families = [row.family for row in natives], [row.family for row in definitions]
    return by_family(linted.found, *families)


def content_of(natives: list[bytes], definitions: list[bytes], tags: list[str]) -> bytes:
    """A digest of all inputs of a load: the digests of the entries, and the tags, sorted."""
    digest = hashlib.sha256()
    for part in (natives, definitions, tags):
        digest.update(_ENCODER.encode(part))
    return digest.digest()


def native_row(digest: bytes, function: NativeFunction) -> NativeRow:
    """The row of an entry of native_functions.yaml. Raises NotCertainError for some names."""
    family = certain_family(function.name.base)
    delegate = function.structured_delegate
    named = family if delegate is None else certain_family(delegate.base)
    return NativeRow(digest, family, () if named == family else (named,))


def definitions_of(load: Load, digests: list[bytes]) -> DefinitionEntries:
    """The rows and lines of the definitions of a load, none of which has a mistake.

    `digests` has the digest of each entry, in their order. Raises NotCertainError.
    """
    copies = {view: copy for copy, view in load.copied_from.items()}
    made = DefinitionEntries(digests, Indexed([]), [], [])
    seen = set()
    for digest, made_of, numbers in zip(digests, load.derived, load.numbers, strict=True):
        derived = made_of.derived
        schema = derived.function.schema.text
        copy = None if schema in seen else copies.get(schema)
        base = derived.function.name.base
        made.rows.rows.append(
            DefinitionRow(
                digest=digest,
                family=certain_family(base),
                prefixes=op_prefixes(derived),
                numbers=numbers,
                keys=made_of.keys,
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


def functions_of(load: Load) -> tuple[Functions, Functions]:
    """The records of functions.json: the functions and the generated records."""
    functions = Functions(Indexed([]), [])
    generated = Functions(Indexed([]), [])
    for function, record, made in load.matched:
        row = FunctionRow(function.cpp_name, certain_family(function.name.base))
        functions.rows.rows.append(row)
        functions.lines.append(encode_line(record))
        if made is not None:
            generated.rows.rows.append(row)
            generated.lines.append(encode_line(made))
    return functions, generated


def certain_family(base: str) -> str:
    """The family of a base name. Raises NotCertainError if `family_of` gives None."""
    family = family_of(base)
    if family is None:
        raise NotCertainError
    return family


def pack(state: State) -> bytes:
    """The rows of a state as bytes, without its lines: these are in the documents."""
    return _ENCODER.encode(
        Rows(
            state.tags,
            state.natives.rows.rows,
            state.definitions.rows.rows,
            state.functions.rows.rows,
            state.generated.rows.rows,
            state.checked,
            dict(state.warnings),
            [*state.of_backends],
            None if state.refused is None else dict(state.refused),
        )
    )


def unpack(packed: bytes, records: list[bytes], functions: list[bytes]) -> State:
    """The state from packed rows and the lines of both documents.

    `functions` are the lines of functions.json, with the generated records last. Raises
    ValueError if `packed` cannot be decoded, or if the lines do not fit the rows.
    """
    try:
        rows = _DECODER.decode(packed)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError("these are no rows") from error
    definitions = rows.definitions
    count = sum(row.base is not None for row in definitions)
    count_of_copies = sum(row.copy_base is not None for row in definitions)
    first = len(rows.functions)
    if len(records) != count + count_of_copies or len(functions) != first + len(rows.generated):
        raise ValueError("these lines are not of these rows")
    own, copies = iter(records), iter(records[count:])
    made = State(
        rows.tags,
        Natives([row.digest for row in rows.natives], Indexed(rows.natives)),
        DefinitionEntries(
            [row.digest for row in definitions],
            Indexed(definitions),
            [None if row.base is None else next(own) for row in definitions],
            [None if row.copy_base is None else next(copies) for row in definitions],
        ),
        Functions(Indexed(rows.functions), functions[:first]),
        Functions(Indexed(rows.generated), functions[first:]),
        rows.warnings,
        rows.checked,
        rows.of_backends,
        rows.refused,
    )
    made.found()
    made.found_refused()
    return made


def with_linked(natives: Natives, families: set[str]) -> set[str]:
    """The families and every one linked to them by `structured_delegate`.

    This goes in either direction, until no family is added.
    """
    linked = {*families}
    found = [*families]
    while found:
        more = {*natives.linked(found.pop())} - linked
        linked |= more
        found += more
    return linked


def lines_of(torch_version: str, state: State) -> DocumentLines:
    """The lines of the documents, from a state."""
    definitions = state.definitions
    return DocumentLines(
        torch_version=torch_version,
        used_dispatch_keys=definitions.dispatch_keys,
        records=[*filter(None, definitions.own), *filter(None, definitions.copies)],
        bases=definitions.bases,
        functions=state.functions.lines,
        generated=state.generated.lines,
    )
