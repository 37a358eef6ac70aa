"""The text of `derivload show`: a group of functions in, lines out.

The order is that of the questions people come with: which variants there are, what the formulas
are, what is saved; and only then how each function is declared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from derivload.commands.show_groups import Formulas, Group, Member, qualified
from derivload.commands.terminal import Line, Segment
from derivload.cpp.names import return_names
from derivload.derivatives.definition import DEFAULT, Definition, read_definition
from derivload.derivatives.forward import AUTO_ELEMENT_WISE, AUTO_LINEAR
from derivload.derivatives.model import (
    Derivative,
    DifferentiabilityInfo,
    ForwardDerivative,
    SavedAttribute,
)
from derivload.native.function import COMPOSITES, NativeFunction
from derivload.sources.entries import Entry, read_entry
from derivload.sources.full import YamlError
from derivload.sources.plain import PlainReader

_KINDS: Final = {
    "functional": "functional",
    "inplace": "in-place",
    "mutable": "mutable",
    "out": "out",
    "scratch": "scratch",
}
# A label longer than this does not push everything else to the right.
_WIDEST_LABEL: Final = 24
_LINE_BREAK: Final = re.compile(r"\s*\n\s*")


class _Row(NamedTuple):
    """A label and what stands beside it; at `level` 0 it begins a section, at 1 it is in one."""

    level: int
    label: Segment
    body: tuple[Segment, ...] = ()
    mark: str = " "


def group_lines(group: Group, derivatives: str) -> list[Line]:
    """The lines about one group. `derivatives` is the name of the file searched for formulas."""
    shown = group.shown
    sections = [list(_variants(group))]
    for formulas in group.formulas:
        sections += _formulas(formulas, group)
    sections.append(list(_without(group, derivatives)))
    sections.append(list(_functions(shown)))
    sections = [section for section in sections if section]
    column = _column(row for section in sections for row in section)
    lines = [Line((Segment(shown[0].name, "title"),))]
    for section in sections:
        lines += [Line(), *(_line(row, column) for row in section)]
    return lines


def _column(rows: Iterable[_Row]) -> int:
    """Where the bodies begin."""
    labels = [2 + 2 * row.level + len(row.label.text) for row in rows]
    return max((length for length in labels if length <= _WIDEST_LABEL), default=2) + 2


def _line(row: _Row, column: int) -> Line:
    indent = Segment(f"{row.mark}{' ' * (1 + 2 * row.level)}")
    if not row.body:
        return Line((indent, row.label))
    used = len(indent.text) + len(row.label.text)
    padding = Segment(" " * max(2, column - used))
    return Line((indent, row.label, padding), row.body, column)


def _section(name: str, *body: Segment) -> _Row:
    return _Row(0, Segment(name, "section"), body)


def _entry_row(label: str, *body: Segment) -> _Row:
    return _Row(1, Segment(label, "label"), body)


def _variants(group: Group) -> Iterator[_Row]:
    """A row for each function: its kind and schema; those asked for are marked where not all are."""
    for member in group.members:
        asked = member.schema in group.asked and len(group.asked) < len(group.members)
        function = member.function
        prefix = "" if function.namespace == "aten" else f"{function.namespace}::"
        body = [Segment(f"{prefix}{_visible(member.schema)}")]
        if function.generated:
            body.append(Segment("  generated", "note"))
        yield _Row(0, Segment(_kind(function), "kind"), tuple(body), "*" if asked else " ")


def _kind(function: NativeFunction) -> str:
    kind = _KINDS[function.schema.kind]
    if function.is_view:
        return "view" if kind == "functional" else f"{kind} view"
    is_copy = "view_copy" in function.tags and kind == "functional"
    return "view copy" if is_copy else kind


def _formulas(formulas: Formulas, group: Group) -> Iterator[list[_Row]]:
    """The sections about the formulas of one function, for each dispatch key."""
    written = None if formulas.reference is not None else _read_written(formulas.entry)
    for key, info in formulas.dispatch.items():
        on_key = () if key == DEFAULT else (Segment(key, "kind"),)
        yield list(_backward(formulas, key, info, on_key))
        if info.derivatives:
            yield list(_saved(info, formulas.function, on_key))
        yield list(_outputs(info, formulas.function))
        if _has_differentiable_output(info):
            yield from _forward(formulas, group, key, on_key, _automatic(written, key))
    yield list(_origin(formulas))


def _backward(
    formulas: Formulas, key: str, info: DifferentiabilityInfo, on_key: tuple[Segment, ...]
) -> Iterator[_Row]:
    users = _users(formulas.users, key)
    if not info.derivatives:
        why = "none: its entry has no formula for an input"
        if not _has_differentiable_output(info):
            why = "none: its entry says that no output is differentiable"
        yield _section("backward", *_joined([*on_key, Segment(why, "absent")]))
    else:
        yield _section("backward", *_joined([*on_key, *users]))
    generated = formulas.reference is not None
    by_name = {name: d for d in reversed(info.derivatives) for name in d.var_names}
    seen: set[str] = set()
    for argument in formulas.function.schema.arguments.flat_non_out:
        derivative = by_name.get(argument.name)
        if argument.name in seen:
            continue
        if derivative is not None:
            seen.update(derivative.var_names)
            formula = derivative.formula if generated else derivative.original_formula
            yield _entry_row(", ".join(derivative.var_names), Segment(_visible(formula)))
        elif argument.name in info.non_differentiable_arg_names:
            yield _entry_row(argument.name, Segment("not differentiable", "note"))
        elif argument.type.is_tensor_like and info.derivatives:
            yield _entry_row(argument.name, Segment("no formula", "note"))


def _users(users: Sequence[Member], key: str) -> list[Segment]:
    """The backward nodes, each with the functions that make it."""
    by_op: dict[str, list[str]] = {}
    for user in users:
        matched = (user.record.differentiability or {}).get(key)
        if matched is not None and matched.op is not None:
            by_op.setdefault(matched.op, []).append(user.name)
    return [Segment(f"{op} of {_listed(names)}") for op, names in by_op.items()]


def _has_differentiable_output(info: DifferentiabilityInfo) -> bool:
    return info.output_differentiability is None or any(info.output_differentiability)


def _saved(
    info: DifferentiabilityInfo, function: NativeFunction, on_key: tuple[Segment, ...]
) -> Iterator[_Row]:
    saved = _used_saved(info)
    if not saved:
        yield _section("saved", *_joined([*on_key, Segment("nothing", "note")]))
        return
    yield _section("saved", *on_key)
    types = max(len(attribute.type) for attribute, _ in saved)
    expressions = max(len(_visible(attribute.expr)) for attribute, _ in saved)
    outputs = set(info.all_saved_outputs)
    for attribute, users in saved:
        notes = ["an output"] if attribute in outputs else []
        if len(users) < len(info.derivatives):
            names = [a.name for a in function.schema.arguments.flat_non_out]
            for_names = [name for d in users for name in d.var_names]
            notes.append(f"for {_listed(sorted(for_names, key=names.index))}")
        expression = f"{attribute.type:{types}}  = {_visible(attribute.expr)}"
        yield _entry_row(attribute.name, *_noted(expression, types + expressions + 4, notes))


def _noted(text: str, width: int, notes: Sequence[str]) -> tuple[Segment, ...]:
    if not notes:
        return (Segment(text),)
    return Segment(f"{text:{width}}  "), Segment(", ".join(notes), "note")


def _used_saved(
    info: DifferentiabilityInfo,
) -> list[tuple[SavedAttribute, list[Derivative]]]:
    """What is saved, inputs first, each with the derivatives that use it."""
    return [
        (
            attribute,
            [d for d in info.derivatives if attribute in (*d.saved_inputs, *d.saved_outputs)],
        )
        for attribute in (*info.all_saved_inputs, *info.all_saved_outputs)
    ]


def _outputs(info: DifferentiabilityInfo, function: NativeFunction) -> Iterator[_Row]:
    """What `output_differentiability` says of each output."""
    if info.output_differentiability is None:
        return
    names = return_names(function.schema)
    if info.output_differentiability_conditions is not None:
        conditions = " and ".join(info.output_differentiability_conditions)
        yield _section(
            "outputs", Segment(f"{names[0]} is differentiable if {_visible(conditions)}")
        )
        return
    yield _section("outputs")
    for name, differentiable in zip(names, info.output_differentiability, strict=False):
        says = "differentiable" if differentiable else "not differentiable"
        yield _entry_row(name, Segment(says, "" if differentiable else "note"))


def _forward(
    formulas: Formulas, group: Group, key: str, on_key: tuple[Segment, ...], automatic: str
) -> Iterator[list[_Row]]:
    """A section for each form of the forward formulas that the functions asked for have."""
    forms: dict[tuple[ForwardDerivative, ...], list[str]] = {}
    for user in formulas.users:
        if user.schema in group.asked:
            form = (user.record.forward_derivatives or {}).get(key, ())
            forms.setdefault(form, []).append(user.name)
    for form, names in forms.items():
        about = list(on_key)
        if not form:
            about.append(Segment("none", "absent"))
        elif any(d.is_reusing_outplace_formula for d in form):
            about.append(
                Segment(f"of {_listed(names)}, adapted from {qualified(formulas.function)}")
            )
        elif len(forms) > 1:
            about.append(Segment(f"of {_listed(names)}"))
        if automatic and form:
            about.append(Segment(f"by {automatic}", "note"))
        yield [_section("forward", *_joined(about)), *_forward_rows(form)]


def _forward_rows(form: Sequence[ForwardDerivative]) -> Iterator[_Row]:
    for derivative in form:
        yield _entry_row(", ".join(derivative.var_names), Segment(_visible(derivative.formula)))
        if derivative.required_original_self_value:
            yield _entry_row("", Segment("a copy of self is kept from before the call", "note"))


def _read_written(entry: Entry) -> Definition | None:
    """The definition as written; None for an entry that can only be read as part of its file."""
    try:
        value = read_entry(entry, PlainReader()).value
    except YamlError:
        return None
    return read_definition(value)[0] if isinstance(value, dict) else None


def _automatic(written: Definition | None, key: str) -> str:
    """The word, if any, that the forward formula for this key was derived by."""
    for formulas in () if written is None else written.dispatch:
        if formulas.dispatch_key == key:
            words = [f for _, f in formulas.formulas if f in (AUTO_ELEMENT_WISE, AUTO_LINEAR)]
            return words[0] if words else ""
    return ""


def _origin(formulas: Formulas) -> Iterator[_Row]:
    """Where the formulas were written, and who else has them."""
    place = _place(formulas.entry)
    if formulas.reference is None:
        yield _section("defined at", place)
    else:
        taken = f" for {qualified(formulas.reference)}, here applied to each tensor"
        yield _section("defined at", place, Segment(taken, "note"))
    if formulas.elsewhere:
        yield _section("also used by", Segment(", ".join(formulas.elsewhere)))


def _without(group: Group, derivatives: str) -> Iterator[_Row]:
    """The functions asked for that have no derivative, and why."""
    members = [m for m in group.shown if m.written is None]
    if members:
        yield _section("no derivative")
    for member in members:
        yield _entry_row(member.name, Segment(_why_none(member, derivatives), "absent"))


def _why_none(member: Member, derivatives: str) -> str:
    function = member.function
    schema = function.schema
    if schema.is_out:
        return "out variants are never differentiable"
    if function.has_implicit_kernel:
        return "composite: autograd sees through it, to the functions that it calls"
    if not any(a.type.is_tensor_like for a in schema.arguments.flat_all):
        return "takes no tensor, so there is nothing to differentiate"
    if not any(t.is_write for t in schema.arguments.flat_all) and not any(
        r.type.is_tensor_like for r in schema.returns
    ):
        return "returns no tensor, so there is nothing to differentiate"
    if member.maker is not None:
        return f"generated from {qualified(member.maker)}, which has none to share"
    return f"{derivatives} has no entry for it"


def _functions(members: Sequence[Member]) -> Iterator[_Row]:
    """How each function is declared: how it is called, its dispatch, its tags, and where."""
    yield _section("functions")
    for member in members:
        yield _entry_row(member.name, *_joined([Segment(part) for part in _traits(member)]))
        if member.function.dispatch:
            keys = sorted(member.function.dispatch, key=lambda key: (key not in COMPOSITES, key))
            yield _entry_row("", Segment(f"kernels {', '.join(keys)}", "note"))
        yield _entry_row("", *_declared(member))


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
    how = "declared" if member.maker is None else f"generated from {member.maker.name.text}, declared"
    return Segment(f"{how} at ", "note"), _place(member.function.entry)


def _place(entry: Entry) -> Segment:
    return Segment(f"{_visible(entry.file)}:{entry.line}", "place")


def _joined(parts: Sequence[Segment]) -> tuple[Segment, ...]:
    joined: list[Segment] = []
    for part in parts:
        joined += [Segment("; "), part] if joined else [part]
    return tuple(joined)


def _listed(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _visible(text: str) -> str:
    """Text from a file on one line, with nothing in it that a terminal would obey."""
    line = _LINE_BREAK.sub(" ", text.strip())
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
