"""The text of `derivload show`: a group of functions in, lines out.

The sections follow the order in which people ask: which variants exist, what the formulas are, what
is saved, and last how each function is declared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Final

from derivload.commands.show.formulas import formula_sections, place
from derivload.commands.show.groups import Group, Member
from derivload.engine.backends import Kernels
from derivload.engine.overlays import Replaced
from derivload.native.function import COMPOSITES, NativeFunction
from derivload.terminal.layout import (
    Line,
    Row,
    Segment,
    align,
    item,
    joined,
    listed,
    section,
    visible,
)

_KINDS: Final = {
    "functional": "functional",
    "inplace": "in-place",
    "mutable": "mutable",
    "out": "out",
    "scratch": "scratch",
}


def group_lines(
    group: Group,
    derivatives: Sequence[str],
    replaced: Sequence[Replaced] = (),
    kernels: Kernels = MappingProxyType({}),
) -> list[Line]:
    """The lines about one group.

    `derivatives` are the names of the files searched for formulas. `replaced` are all entries that
    entries of overlays took the place of, and `kernels` all that backends register.
    """
    shown = group.shown
    sections = [list(_variants(group))]
    for formulas in group.formulas:
        sections += formula_sections(formulas, group.asked)
    sections += [list(_without(shown, derivatives)), list(_functions(shown, kernels))]
    sections.append(list(_replaced(group, replaced)))
    return [Line((Segment(shown[0].name, "title"),)), *align(sections)]


def _variants(group: Group) -> Iterator[Row]:
    """A row for each function: its kind and schema.

    If only some were asked for, these are marked with `*`.
    """
    for member in group.members:
        asked = member.schema in group.asked and len(group.asked) < len(group.members)
        function = member.function
        prefix = "" if function.namespace == "aten" else f"{function.namespace}::"
        body = [Segment(f"{prefix}{visible(member.schema)}")]
        if function.generated:
            body.append(Segment("  generated", "note"))
        yield Row(0, Segment(_kind(function), "kind"), tuple(body), "*" if asked else " ")


def _kind(function: NativeFunction) -> str:
    kind = _KINDS[function.schema.kind]
    if function.is_view:
        return "view" if kind == "functional" else f"{kind} view"
    is_copy = "view_copy" in function.tags and kind == "functional"
    return "view copy" if is_copy else kind


def _replaced(group: Group, replaced: Sequence[Replaced]) -> Iterator[Row]:
    """Which entries the entries of this group took the place of."""
    entries = [member.function.entry for member in group.shown]
    entries += [formulas.entry for formulas in group.formulas]
    places = {(entry.file, entry.line) for entry in entries}
    label = "replaced"
    for name, old, new in replaced:
        if (new.file, new.line) in places:
            by = Segment(f", by {place(new).text}", "place")
            yield section(label, Segment(f"{visible(name)} at "), place(old), by)
            label = ""


def _without(members: Sequence[Member], derivatives: Sequence[str]) -> Iterator[Row]:
    """Which functions have no derivative, and why."""
    by_reason: dict[str, list[str]] = {}
    for member in members:
        if member.written is None:
            by_reason.setdefault(why_none(member, derivatives), []).append(member.name)
    label = "no derivative"
    for reason, names in by_reason.items():
        yield section(label, Segment(f"{listed(names)}: "), Segment(reason, "absent"))
        label = ""


def why_none(member: Member, derivatives: Sequence[str]) -> str:
    """Why a function has no derivative. `derivatives` are the files searched for one."""
    function = member.function
    schema = function.schema
    if schema.is_out:
        return "out variants are never differentiable"
    if function.has_implicit_kernel:
        return "composite: autograd differentiates the functions that it calls"
    if not any(a.type.is_tensor_like for a in schema.arguments.flat_all):
        return "takes no tensor, so there is nothing to differentiate"
    if not any(t.is_write for t in schema.arguments.flat_all) and not any(
        r.type.is_tensor_like for r in schema.returns
    ):
        return "returns no tensor, so there is nothing to differentiate"
    if member.maker is not None:
        return f"generated from {member.maker.qualified}, which has no derivatives"
    if len(derivatives) == 1:
        return f"{derivatives[0]} has no entry for it"
    return f"none of {', '.join(derivatives)} has an entry for it"


def _functions(members: Sequence[Member], kernels: Kernels) -> Iterator[Row]:
    """How each function is declared: its variants and traits, its tags, its kernels, and where."""
    yield section("functions")
    for member in members:
        yield item(member.name, *joined(Segment(part) for part in _traits(member)))
        if member.function.dispatch:
            keys = sorted(member.function.dispatch, key=lambda key: (key not in COMPOSITES, key))
            yield item("", Segment(f"kernels {', '.join(keys)}", "note"))
        for key, file, line in kernels.get(member.function.name.text, ()):
            where = Segment(visible(f"{file}:{line}"), "place")
            yield item("", Segment(f"kernel of a backend for {key}, ", "note"), where)
        yield item("", *_declared(member))


def _traits(member: Member) -> Iterator[str]:
    function = member.function
    yield ", ".join(sorted(function.variants))
    if function.python_module is not None:
        yield f"python_module {function.python_module}"
    yield "abstract" if function.is_abstract else "composite"
    if function.structured:
        yield "structured"
    if function.structured_delegate is not None:
        yield f"delegates to {function.structured_delegate.text}"
    if function.tags:
        yield f"tags {', '.join(sorted(function.tags))}"


def _declared(member: Member) -> tuple[Segment, ...]:
    where = place(member.function.entry)
    if member.maker is None:
        return (where,)
    return Segment(f"generated from {member.maker.qualified}, ", "note"), where
