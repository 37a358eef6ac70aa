"""The C++ names of a function and of its returns (torchgen's cpp.name, cpp.return_names)."""

from __future__ import annotations

from derivload.schema.function_schema import FunctionSchema


def cpp_name(schema: FunctionSchema) -> str:
    """The name of the C++ function: the operator's, with `_out` if it has out arguments."""
    return f"{schema.name.name}_out" if schema.arguments.out else schema.name.name


def return_names(schema: FunctionSchema) -> tuple[str, ...]:
    """The names of the returns in C++.

    - In-place function: `self`.
    - Out variant: the names of the out arguments.
    - Else the name in the schema, with `_return` added if an argument has the same name.
    - Without a name in the schema: `result`, or `result0`, `result1`, … if there are several.
    """
    returns, out = schema.returns, schema.arguments.out
    if schema.name.inplace:
        return ("self",) * len(returns)
    if out:
        return tuple(out[i].name for i in range(len(returns)))
    taken = {a.name for a in schema.arguments.flat_all}
    names = []
    for i, returned in enumerate(returns):
        if returned.name:
            names.append(f"{returned.name}_return" if returned.name in taken else returned.name)
        else:
            names.append("result" if len(returns) == 1 else f"result{i}")
    return tuple(names)
