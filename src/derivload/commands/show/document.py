"""What `derivload show --json` prints: the same as the text, for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from derivload.commands.show.groups import FunctionFormulas, Group, Member
from derivload.commands.show.text import why_none
from derivload.derivatives.model import (
    DifferentiabilityInfo,
    DifferentiabilityRecord,
    FunctionRecord,
)
from derivload.engine.backends import Kernels
from derivload.engine.lines import DocumentLines
from derivload.outputs.documents import Place, PlacedKernel
from derivload.sources.entries import Entry


class ShownFunction(msgspec.Struct, frozen=True):
    """One function of a group: its record in functions.json, and what its entries say besides."""

    name: str
    asked: bool
    record: FunctionRecord
    native_function: Place
    generated_from: str | None
    dispatch_keys: tuple[str, ...]
    structured_delegate: str | None
    autogen: tuple[str, ...]
    backend_kernels: tuple[PlacedKernel, ...]
    no_derivative: str | None


class ShownFormulas(msgspec.Struct, frozen=True):
    """The formulas of one function, and the functions that use them."""

    schema: str
    definition: Place
    reference: str | None
    dispatch: dict[str, DifferentiabilityInfo]
    used_by: tuple[str, ...]
    also_used_by: tuple[str, ...]


class ShownGroup(msgspec.Struct, frozen=True):
    """The functions of one signature, and the formulas of those that were asked for."""

    functions: tuple[ShownFunction, ...]
    formulas: tuple[ShownFormulas, ...]


class OperatorsDocument(msgspec.Struct, frozen=True):
    """Everything about the operators that were asked for.

    Where a tree's own torchgen gives another result than derivload would, there are no groups, but
    the records of that torchgen.
    """

    format: Literal["derivload.operators"]
    version: Literal[1]
    torch_version: str
    groups: tuple[ShownGroup, ...]
    functions: tuple[FunctionRecord, ...] = ()
    definitions: tuple[DifferentiabilityRecord, ...] = ()


def render_groups(
    groups: Iterable[Group],
    torch_version: str,
    derivatives: Sequence[str],
    kernels: Kernels,
    own: DocumentLines | None = None,
) -> bytes:
    """The groups as JSON.

    `derivatives` are the names of the files searched for formulas, and `kernels` all that backends
    register. `own` are records of a tree's own torchgen.
    """
    document = OperatorsDocument(
        "derivload.operators",
        1,
        torch_version,
        tuple([_group(group, derivatives, kernels) for group in groups]),
    )
    if own is not None:
        definitions = [*own.records, *own.generated]
        document = msgspec.structs.replace(
            document,
            functions=tuple([msgspec.json.decode(f, type=FunctionRecord) for f in own.functions]),
            definitions=tuple(
                [msgspec.json.decode(line, type=DifferentiabilityRecord) for line in definitions]
            ),
        )
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _group(group: Group, derivatives: Sequence[str], kernels: Kernels) -> ShownGroup:
    return ShownGroup(
        tuple([_function(group, member, derivatives, kernels) for member in group.members]),
        tuple([_formulas(formulas) for formulas in group.formulas]),
    )


def _function(
    group: Group, member: Member, derivatives: Sequence[str], kernels: Kernels
) -> ShownFunction:
    function = member.function
    delegate = function.structured_delegate
    registered = kernels.get(function.name.text, ())
    return ShownFunction(
        name=member.name,
        asked=member.schema in group.asked,
        record=member.record,
        native_function=_place(function.entry),
        generated_from=None if member.maker is None else member.maker.qualified,
        dispatch_keys=tuple(sorted({*function.dispatch, *(k.dispatch_key for k in registered)})),
        structured_delegate=None if delegate is None else delegate.text,
        autogen=tuple([name.text for name in function.autogen]),
        backend_kernels=tuple([PlacedKernel(*kernel) for kernel in registered]),
        no_derivative=None if member.written is not None else why_none(member, derivatives),
    )


def _formulas(formulas: FunctionFormulas) -> ShownFormulas:
    reference = formulas.reference
    return ShownFormulas(
        schema=formulas.function.schema.text,
        definition=_place(formulas.entry),
        reference=None if reference is None else reference.schema.text,
        dispatch=dict(formulas.dispatch),
        used_by=tuple([user.schema for user in formulas.users]),
        also_used_by=formulas.elsewhere,
    )


def _place(entry: Entry) -> Place:
    return Place(entry.file, entry.line)
