"""What the formulas of a function may use, from its schema."""

from __future__ import annotations

from contextlib import suppress

from derivload.cpp.bindings import CppBindings
from derivload.cpp.ctypes import Locals
from derivload.cpp.names import return_names
from derivload.diagnostics import Invalid
from derivload.editing.formulas import Names, Value
from derivload.schema.function_schema import FunctionSchema
from derivload.schema.reader import SchemaReader

_PLAIN = Locals(const_ref_tensors=False, ilistref=False)


def read_schema(text: str, reader: SchemaReader) -> FunctionSchema | None:
    """The schema that a text spells; None if it spells none."""
    try:
        return reader.schema(text.strip().strip("\"'").rpartition("::")[2])
    except Invalid:
        return None


def names_of(
    schema: FunctionSchema,
    bindings: CppBindings,
    scope: Locals = _PLAIN,
    gradients: tuple[str, ...] | None = None,
) -> Names:
    """What a formula may use. `gradients` are the named ones, if they are known."""
    cpp: dict[str, str] = {}
    with suppress(Invalid):
        made = bindings.cpp_arguments(schema, no_default=frozenset(), scope=scope)
        cpp = {binding.name: binding.ctype.text for binding in made}
    arguments = [
        Value(argument.name, argument.type.text, cpp.get(argument.name, ""))
        for argument in schema.arguments.flat_non_out
    ]
    outputs = []
    for name, returned in zip(return_names(schema), schema.returns, strict=True):
        with suppress(Invalid):
            value = bindings.types.returned(
                returned.type, mutable=returned.is_write, scope=scope
            ).value
            shown = "result" if name == "self" else name
            outputs.append(Value(shown, returned.type.text, value))
    if gradients is None:
        gradients = tuple(f"grad_{r.name}" for r in schema.returns if r.name is not None)
    return Names(arguments, outputs, gradients)
