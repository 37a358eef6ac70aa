"""The C++ names of a function and of what it returns (torchgen's cpp.name, cpp.return_names)."""

from __future__ import annotations

from derivload.schema.function_schema import FunctionSchema


def cpp_name(schema: FunctionSchema) -> str:
    """The name of the C++ function: the operator's, with `_out` where it has out arguments."""
    return f"{schema.name.name}_out" if schema.arguments.out else schema.name.name


def return_names(schema: FunctionSchema) -> tuple[str, ...]:
    """What the returns are called in C++, one name each.

    `self` for an in-place function, the out arguments' names for an out variant, else the name
    that the schema gives (with `_return` where an argument has it too), else `result`, or
    `result0`, `result1`, … of several.
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
