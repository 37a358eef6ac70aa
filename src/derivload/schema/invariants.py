"""The rules that hold between the parts of one schema (torchgen's FunctionSchema.__post_init__)."""

from __future__ import annotations

from derivload.diagnostics import Invalid
from derivload.schema.function_schema import FunctionSchema


def check_schema(schema: FunctionSchema) -> None:
    """Check what must hold between arguments, returns and name.

    Raises Invalid (DL111 to DL119) for the first that does not.
    """
    arguments = schema.arguments
    if arguments.has_writes or any([r.is_write for r in schema.returns]):
        _check_mutable(schema)
    if schema.name.inplace:
        _check_inplace(schema)
    if arguments.options_index is not None and schema.kind != "functional":
        raise Invalid("DL118", f"only factory functions take TensorOptions: `{schema.text}`")
    if "functional" in schema.name.overload and schema.kind != "functional":
        raise Invalid("DL119", f"`{schema.name.text}` is functional by its overload name alone")


def _check_mutable(schema: FunctionSchema) -> None:
    for argument in schema.arguments.positional[: schema.arguments.self_index or 0]:
        if argument.is_write:
            raise Invalid(
                "DL111", f"`{argument.text}` stands before `self`, where nothing may be written to"
            )
    out = schema.arguments.out
    for argument, returned in zip(out, schema.returns, strict=False):
        if argument.annotation != returned.annotation:
            raise Invalid(
                "DL112",
                f"`{argument.text}` and the return in its place, `{returned.text}`, do not alias",
            )
    for argument in schema.arguments.post_self:
        if argument.is_write and any(argument.annotation == r.annotation for r in schema.returns):
            raise Invalid("DL113", f"`{argument.text}` is positional, so it cannot be returned")
    _check_returns(schema)
    if out:
        _check_out(schema)


def _check_returns(schema: FunctionSchema) -> None:
    writes = [r for r in schema.returns if r.is_write]
    if not writes:
        return
    if len(writes) != len(schema.returns):
        raise Invalid("DL114", "some returns alias an argument that is written to, and some do not")
    named_self = [a for a in schema.arguments.positional if a.name == "self"]
    targets = [a.annotation for a in (*schema.arguments.out, *named_self)]
    for returned in writes:
        if returned.annotation not in targets:
            raise Invalid(
                "DL115",
                f"the return `{returned.text}` aliases neither `self` nor an out argument",
                returned.text,
            )


def _check_out(schema: FunctionSchema) -> None:
    out = schema.arguments.out
    if any(a.type.text != "Tensor" for a in out):
        if schema.returns:
            raise Invalid("DL116", "an out variant with lists to write to returns nothing")
        return
    returned = sum(not a.name.startswith("_scratch_") for a in out)
    if returned != len(schema.returns):
        raise Invalid(
            "DL116",
            "an out variant returns each of its out arguments; returns: "
            f"{len(schema.returns)}, out arguments: {returned}",
        )


def _check_inplace(schema: FunctionSchema) -> None:
    argument = schema.arguments.self_argument
    if argument is None or not argument.is_write:
        raise Invalid("DL117", f"`{schema.name.text}` is in-place but does not write to `self`")
    if argument.type.text != "Tensor":
        if schema.returns:
            raise Invalid("DL117", f"`{schema.name.text}` writes to a list, so it returns nothing")
        return
    if len(schema.returns) != 1 or schema.returns[0].annotation != argument.annotation:
        raise Invalid("DL117", f"`{schema.name.text}` is in-place, so it returns `self` alone")
