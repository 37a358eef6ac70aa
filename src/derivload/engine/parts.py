"""The parts of a function, as texts that can be compared.

A part has a kind and tells which of that kind it is. All that the records and the facts of a
function hold is in some part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from derivload.derivatives.model import (
    DifferentiabilityInfo,
    DifferentiabilityRecord,
    ForwardDerivative,
    FunctionRecord,
    SavedAttribute,
)
from derivload.engine.facts import FunctionFacts

# The kinds of parts. All other parts are fields of the documents, under their own names.
SCHEMA: Final = "schema"
NODE: Final = "node"
BACKWARD: Final = "backward"
SAVED: Final = "saved"
FORWARD: Final = "forward"
COMPUTED: Final = "backward as computed"
READS: Final = "backward reads"
MATCHED: Final = "forward as matched"
NEEDS: Final = "forward needs"
DEFINED_FOR: Final = "defined for"
# Those of the facts.
KERNELS: Final = "kernels"
AUTOGEN: Final = "autogen"
DELEGATE: Final = "structured_delegate"
NAMESPACE: Final = "namespace"
# Those of a schema, where it is told argument by argument.
ARGUMENT: Final = "argument"
ORDER: Final = "order of arguments"
RETURNS: Final = "returns"

Parts = dict[tuple[str, str], str]
"""The parts of a function as text, by the kind and by which of that kind it is."""

_Part = tuple[tuple[str, str], str]
_DEFAULT: Final = "Default"


def name_in(schema: str) -> str:
    """The name, with its overload, that a schema begins with."""
    return schema.partition("(")[0]


def fact_parts(facts: FunctionFacts) -> Iterator[_Part]:
    """The parts that the facts of a function hold."""
    yield (KERNELS, ""), as_text(facts.dispatch_keys)
    yield (AUTOGEN, ""), as_text(facts.autogen)
    yield (DELEGATE, ""), facts.structured_delegate or "none"
    yield (NAMESPACE, ""), facts.namespace


def function_parts(record: FunctionRecord, *, in_full: bool) -> Iterator[_Part]:
    """The parts that a record of functions.json holds.

    `in_full`, the schema of the definition is not told: that of the function tells it.
    """
    yield (SCHEMA, ""), record.schema
    for field in record.__struct_fields__:
        if field in ("schema", "differentiability", "forward_derivatives"):
            continue
        yield (field, ""), as_text(getattr(record, field))
    for key, info in (record.differentiability or {}).items():
        yield (DEFINED_FOR, _of("", key)), name_in(info.schema) if in_full else info.schema
        yield (NODE, _of("", key)), info.op or "none"
    for key, forwards in (record.forward_derivatives or {}).items():
        yield from _forward_parts(forwards, key)


def record_parts(record: DifferentiabilityRecord) -> Iterator[_Part]:
    """The parts that a record of differentiability.json holds."""
    yield (SCHEMA, ""), record.schema
    for key, info in record.dispatch.items():
        yield (NODE, _of("", key)), info.op or "none"
        for derivative in info.derivatives:
            of = _of(", ".join(derivative.var_names), key)
            yield (BACKWARD, of), derivative.original_formula
            yield (COMPUTED, of), derivative.formula
            saved = (*derivative.saved_inputs, *derivative.saved_outputs)
            reads = [f"{a.type} {a.name} = {a.expr}" for a in saved]
            yield (READS, of), as_text([*reads, *derivative.named_gradients])
        yield from _saved_parts(info.all_saved_inputs, key)
        yield from _saved_parts(info.all_saved_outputs, key)
        yield from _forward_parts(info.forward_derivatives, key)
        yield from _other_parts(info, key)


def _saved_parts(saved: Iterable[SavedAttribute], key: str) -> Iterator[_Part]:
    for attribute in saved:
        yield (SAVED, _of(attribute.name, key)), f"{attribute.type} = {attribute.expr}"


def _forward_parts(forwards: Iterable[ForwardDerivative], key: str) -> Iterator[_Part]:
    for forward in forwards:
        of = _of(", ".join(forward.var_names), key)
        yield (FORWARD, of), forward.formula
        needs = {
            "of": forward.var_types,
            "tangents": forward.required_inputs_fw_grad,
            "primals": forward.required_inputs_primal,
            "original self": forward.required_original_self_value,
            "as out-of-place": forward.is_reusing_outplace_formula,
        }
        yield (NEEDS, of), "; ".join(f"{name} {as_text(value)}" for name, value in needs.items())


# `record_parts` reports the contents of these fields one by one.
_SAID: Final = (
    "op",
    "derivatives",
    "forward_derivatives",
    "all_saved_inputs",
    "all_saved_outputs",
)


def _other_parts(info: DifferentiabilityInfo, key: str) -> Iterator[_Part]:
    for field in info.__struct_fields__:
        if field == "args_with_derivatives":
            arguments = [
                f"{a.type} {a.name}" + ("" if a.default is None else f"={a.default}")
                for a in info.args_with_derivatives
            ]
            yield (field, _of("", key)), as_text(arguments)
        elif field not in _SAID:
            yield (field, _of("", key)), as_text(getattr(info, field))


def _of(name: str, key: str) -> str:
    return name if key == _DEFAULT else f"{name} ({key})".lstrip()


def as_text(value: object) -> str:
    """A value of a field as the text of a part."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (tuple, list)):
        return ", ".join(as_text(item) for item in value) or "none"
    return "none" if value is None else str(value)
