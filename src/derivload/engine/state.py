"""The state of a session: a row for each entry and record, and the lines of the documents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from derivload.derivatives.model import DifferentiabilityRecord
from derivload.derivatives.numbering import op_prefixes
from derivload.diagnostics import Diagnostic
from derivload.engine.backends import digest_of
from derivload.engine.families import family_of
from derivload.engine.found import FoundByFamily, by_family
from derivload.engine.inputs import InputEntries
from derivload.engine.laid import NotCertainError
from derivload.engine.lines import DocumentLines, encode_line
from derivload.engine.lint import Possible, lint
from derivload.engine.load import LoadedTexts
from derivload.engine.pipeline import Load
from derivload.engine.rows import (
    DefinitionEntries,
    DefinitionRow,
    FunctionRow,
    Functions,
    Indexed,
    NativeRow,
    Natives,
)
from derivload.native.function import NativeFunction
from derivload.tuples import NamedTuple


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
    warnings: FoundByFamily
    checked: bytes = b""
    of_backends: Sequence[tuple[int, Diagnostic]] = ()
    refused: FoundByFamily | None = None

    def found(self) -> list[Possible]:
        """What `lint` found, by the positions of the entries. Raises ValueError."""
        return self.warnings.all(self.natives.rows, self.definitions.rows)

    def found_refused(self) -> list[Possible]:
        """What PyTorch's generators refuse, by the positions of the entries. Raises ValueError."""
        if self.refused is None:
            return []
        return self.refused.all(self.natives.rows, self.definitions.rows)


def no_state(tags: Iterable[str]) -> State:
    """The state of inputs without entries."""
    definitions = DefinitionEntries([], Indexed([]), [], [])
    none = Functions(Indexed([]), [])
    return State(sorted(tags), Natives([], Indexed([])), definitions, none, none, FoundByFamily({}))


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
    natives = Indexed(
        [native_row(digest, f) for digest, f in zip(inputs.natives, declared, strict=True)]
    )
    tags = sorted(loaded.tags)
    backends = inputs.texts.backends
    definitions = definitions_of(load, inputs.definitions)
    rows = natives, definitions.rows
    warnings = FoundByFamily(warnings_of(load, *rows))
    functions, generated = functions_of(load)
    return State(
        tags,
        Natives(inputs.natives, natives),
        definitions,
        functions,
        generated,
        warnings,
        digest_of(backends, inputs.natives, tags) if backends else b"",
        loaded.of_backends,
        FoundByFamily(refused_of(load, *rows)) if with_refused else None,
    )


def refused_of(
    load: Load, natives: Indexed[NativeRow], definitions: Indexed[DefinitionRow]
) -> dict[str, tuple[Possible, ...]]:
    """What PyTorch's generators refuse of a load whose entries have these rows."""
    from derivload.engine.generators import find_refused

    return by_family(find_refused(load), natives, definitions)


def warnings_of(
    load: Load, natives: Indexed[NativeRow], definitions: Indexed[DefinitionRow]
) -> dict[str, tuple[Possible, ...]]:
    """What `lint` finds in a load whose entries have these rows. Raises NotCertainError."""
    linted = lint(load)
    if not linted.is_complete:
        raise NotCertainError
    return by_family(linted.found, natives, definitions)


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
    structured = function.name.text if function.structured else ""
    return NativeRow(digest, family, () if named == family else (named,), structured)


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
            dict(state.warnings.by_family),
            [*state.of_backends],
            None if state.refused is None else dict(state.refused.by_family),
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
        FoundByFamily(rows.warnings),
        rows.checked,
        rows.of_backends,
        None if rows.refused is None else FoundByFamily(rows.refused),
    )
    made.found()
    made.found_refused()
    return made


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
