"""The part of `derivload show` about formulas.

It shows the backward formulas, what is saved for them, the forward formulas, and where they are
defined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from derivload.commands.show.groups import FunctionFormulas, Member
from derivload.cpp.names import return_names
from derivload.derivatives.definition import DEFAULT, Definition, read_definition
from derivload.derivatives.forward import AUTO_ELEMENT_WISE, AUTO_LINEAR
from derivload.derivatives.model import (
    Derivative,
    DifferentiabilityInfo,
    ForwardDerivative,
    SavedAttribute,
)
from derivload.native.function import NativeFunction
from derivload.sources.entries import Entry, read_entry
from derivload.sources.not_yaml import YamlError
from derivload.sources.plain import PlainReader
from derivload.terminal.layout import Row, Segment, item, joined, listed, section, visible


def formula_sections(formulas: FunctionFormulas, asked: frozenset[str]) -> Iterator[list[Row]]:
    """The sections about the formulas of one function, for each dispatch key.

    `asked` holds the schemas of the functions whose forward formulas are shown.
    """
    written = _read_written(formulas.entry)
    for key, info in formulas.dispatch.items():
        if list(formulas.dispatch) != [DEFAULT]:
            yield [section("dispatch", Segment(key, "kind"))]
        yield list(_backward(formulas, key, info))
        if info.derivatives:
            yield list(_saved(info, formulas.function))
        yield list(_outputs(info, formulas.function))
        if info.derivatives or info.forward_derivatives:
            yield from _forward(formulas, asked, key, _automatic(written, key))
    yield list(_origin(formulas))


def _backward(formulas: FunctionFormulas, key: str, info: DifferentiabilityInfo) -> Iterator[Row]:
    if info.derivatives:
        yield section("backward", *joined(_users(formulas.users, key)))
    else:
        reason = "its entry has no formula for an input"
        if info.output_differentiability is not None and not any(info.output_differentiability):
            reason = "its entry says that no output is differentiable"
        yield section("backward", Segment(f"none: {reason}", "absent"))
    yield from _input_rows(formulas, info)


def _input_rows(formulas: FunctionFormulas, info: DifferentiabilityInfo) -> list[Row]:
    """A row for each formula and each tensor without a formula, in the order of the arguments."""
    place_of = _argument_order(formulas.function)
    rows: list[tuple[int, Row]] = []
    without = {
        argument.name: "no formula"
        for argument in formulas.function.schema.arguments.flat_non_out
        if argument.type.is_tensor_like and info.derivatives
    }
    without |= dict.fromkeys(info.non_differentiable_arg_names, "not differentiable")
    for d in info.derivatives:
        formula = d.formula if formulas.translated else d.original_formula
        rows.append(
            (place_of(d.var_names[0]), item(", ".join(d.var_names), Segment(visible(formula))))
        )
        without = {name: why for name, why in without.items() if name not in d.var_names}
    rows += [(place_of(name), item(name, Segment(why, "note"))) for name, why in without.items()]
    return [row for _, row in sorted(rows, key=lambda placed: placed[0])]


def _argument_order(function: NativeFunction) -> Callable[[str], int]:
    """A function from an argument's name to its place. Names that the schema lacks come last."""
    places = {a.name: i for i, a in enumerate(function.schema.arguments.flat_non_out)}
    return lambda name: places.get(name, len(places))


def _users(users: Sequence[Member], key: str) -> list[Segment]:
    """The backward nodes, each with the functions that create it."""
    by_op: dict[str, list[str]] = {}
    for user in users:
        matched = (user.record.differentiability or {}).get(key)
        if matched is not None and matched.op is not None:
            by_op.setdefault(matched.op, []).append(user.name)
    return [Segment(f"{op} of {listed(names)}") for op, names in by_op.items()]


def _saved(info: DifferentiabilityInfo, function: NativeFunction) -> Iterator[Row]:
    """A row for each value that the backward node saves.

    It has the name, the C++ type, the expression, and the formulas that use it if not all do.
    """
    saved = _used_saved(info)
    if not saved:
        yield section("saved", Segment("nothing", "note"))
        return
    yield section("saved")
    names = max(len(attribute.name) for attribute, _ in saved)
    types = max(len(attribute.type) for attribute, _ in saved)
    expressions = max(len(visible(attribute.expr)) for attribute, _ in saved)
    outputs = set(info.all_saved_outputs)
    for attribute, users in saved:
        notes = ["an output"] if attribute in outputs else []
        if len(users) < len(info.derivatives):
            inputs = [name for d in users for name in d.var_names]
            notes.append(f"for {listed(sorted(inputs, key=_argument_order(function)))}")
        expression = f"{attribute.type:{types}}  = {visible(attribute.expr)}"
        # Names are padded, so that one long name shifts the whole table and not only its own row.
        name = f"{attribute.name:{names}}"
        yield item(name, *_noted(expression, types + expressions + 4, notes))


def _noted(text: str, width: int, notes: Sequence[str]) -> tuple[Segment, ...]:
    if not notes:
        return (Segment(text),)
    return Segment(f"{text:{width}}  "), Segment(", ".join(notes), "note")


def _used_saved(
    info: DifferentiabilityInfo,
) -> list[tuple[SavedAttribute, list[Derivative]]]:
    """The saved values, inputs first, each with the derivatives that use it."""
    return [
        (
            attribute,
            [d for d in info.derivatives if attribute in (*d.saved_inputs, *d.saved_outputs)],
        )
        for attribute in (*info.all_saved_inputs, *info.all_saved_outputs)
    ]


def _outputs(info: DifferentiabilityInfo, function: NativeFunction) -> Iterator[Row]:
    """A section with what `output_differentiability` says about each output."""
    if info.output_differentiability is None:
        return
    names = return_names(function.schema)
    if info.output_differentiability_conditions is not None:
        conditions = " and ".join(info.output_differentiability_conditions)
        says = f"{', '.join(names)} differentiable if {visible(conditions)}"
        yield section("outputs", Segment(says.lstrip()))
        return
    yield section("outputs")
    for name, differentiable in zip(names, info.output_differentiability, strict=False):
        says = "differentiable" if differentiable else "not differentiable"
        yield item(name, Segment(says, "" if differentiable else "note"))


def _forward(
    formulas: FunctionFormulas, asked: frozenset[str], key: str, automatic: str
) -> Iterator[list[Row]]:
    """A section for each distinct set of forward formulas among the functions asked for."""
    forms: dict[tuple[ForwardDerivative, ...], list[str]] = {}
    for user in formulas.users:
        if user.schema in asked:
            form = (user.record.forward_derivatives or {}).get(key, ())
            forms.setdefault(form, []).append(user.name)
    for form, names in forms.items():
        about = []
        if not form:
            about.append(Segment("none", "absent"))
        elif any(d.is_reusing_outplace_formula for d in form):
            about.append(Segment(f"of {listed(names)}, adapted from {formulas.function.qualified}"))
        elif len(forms) > 1:
            about.append(Segment(f"of {listed(names)}"))
        if automatic and form:
            about.append(Segment(f"by {automatic}", "note"))
        yield [section("forward", *joined(about)), *_forward_rows(form, formulas.function)]


def _forward_rows(form: Sequence[ForwardDerivative], function: NativeFunction) -> Iterator[Row]:
    outputs = {name: i for i, name in enumerate(return_names(function.schema))}
    for derivative in sorted(form, key=lambda d: outputs.get(d.var_names[0], 0)):
        yield item(", ".join(derivative.var_names), Segment(visible(derivative.formula)))
        if derivative.required_original_self_value:
            yield item("", Segment("a copy of self is kept from before the call", "note"))


def _read_written(entry: Entry) -> Definition | None:
    """The definition as written, or None if the entry cannot be read on its own."""
    if entry.whole:
        # If a file was read as a whole, the text of each entry begins after its dash.
        entry = msgspec.structs.replace(entry, text=f"- {entry.text}")
    try:
        value = read_entry(entry, PlainReader()).value
    except YamlError:
        return None
    return read_definition(value) if isinstance(value, dict) else None


def _automatic(written: Definition | None, key: str) -> str:
    """The word in place of a forward formula for this key: `auto_linear`, `auto_element_wise`.

    "" if there is no such word.
    """
    for formulas in () if written is None else written.dispatch:
        if formulas.dispatch_key == key:
            words = [f for _, f in formulas.formulas if f in (AUTO_ELEMENT_WISE, AUTO_LINEAR)]
            return words[0] if words else ""
    return ""


def _origin(formulas: FunctionFormulas) -> Iterator[Row]:
    """Where the formulas are written, and which functions outside the group use them too."""
    where = place(formulas.entry)
    if formulas.reference is None:
        yield section("defined at", where)
    else:
        whose = f" for {formulas.reference.qualified}, here applied to each tensor"
        yield section("defined at", where, Segment(whose, "note"))
    if formulas.elsewhere:
        yield section("also used by", Segment(", ".join(formulas.elsewhere)))


def place(entry: Entry) -> Segment:
    """The place of an entry: the file as the user named it, and the line."""
    return Segment(f"{visible(entry.file)}:{entry.line}", "place")
