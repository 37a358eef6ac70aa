"""The rules that hold between the parts of one schema (torchgen's FunctionSchema.__post_init__)."""

from __future__ import annotations

import re

from derivload.diagnostics import EntryChange, Invalid, Remedy, raise_all
from derivload.remedies import write
from derivload.schema.arguments import Argument, Return
from derivload.schema.function_schema import FunctionSchema


def check_schema(schema: FunctionSchema) -> None:
    """Check the rules between arguments, returns and name.

    Raises Invalid (DL111 to DL119). Of the rules on what is written to, it is the first that is
    broken, because the others often follow from it.
    """
    arguments = schema.arguments
    wrong: list[Invalid] = []
    try:
        if schema.name.inplace:
            _check_self_written(schema)
        if arguments.has_writes or any([r.is_write for r in schema.returns]):
            _check_mutable(schema)
        if schema.name.inplace:
            _check_inplace(schema)
    except Invalid as invalid:
        wrong += invalid.every
    if arguments.options_index is not None and schema.kind != "functional":
        message = f"`{schema.name.text}` makes no new tensor, so it cannot have TensorOptions"
        wrong.append(Invalid("DL118", message, ", ".join([a.text for a in arguments.options])))
    if "functional" in schema.name.overload and schema.kind != "functional":
        message = f"`{schema.name.text}` is functional only by its overload name"
        wrong.append(Invalid("DL119", message, schema.name.text))
    if wrong:
        raise_all(wrong)


def _check_mutable(schema: FunctionSchema) -> None:
    raise_all(
        [
            Invalid("DL111", f"`{a.text}` comes before `self`, so it cannot be written to", a.text)
            for a in schema.arguments.positional[: schema.arguments.self_index or 0]
            if a.is_write
        ]
    )
    out = schema.arguments.out
    raise_all(
        [
            Invalid(
                "DL112",
                f"`{argument.text}` and its return, `{returned.text}`, have different annotations",
                argument.text,
                remedies=_same_annotation(schema, argument, returned),
            )
            for argument, returned in zip(out, schema.returns, strict=False)
            if argument.annotation != returned.annotation
        ]
    )
    returned_ones = [r.annotation for r in schema.returns]
    raise_all(
        [
            Invalid(
                "DL113",
                f"`{a.text}` is positional, so it cannot be returned",
                a.text,
                *_as_out(schema, a),
            )
            for a in schema.arguments.post_self
            if a.is_write and a.annotation in returned_ones
        ]
    )
    _check_returns(schema)
    if out:
        _check_out(schema)


def _check_returns(schema: FunctionSchema) -> None:
    writes = [r for r in schema.returns if r.is_write]
    if not writes:
        return
    if len(writes) != len(schema.returns):
        message = "some returns alias an argument that is written to, and some do not"
        raise _wrong_returns(schema, "DL114", message)
    named_self = [a for a in schema.arguments.positional if a.name == "self"]
    targets = [a.annotation for a in (*schema.arguments.out, *named_self)]
    for returned in writes:
        if returned.annotation not in targets:
            raise Invalid(
                "DL115",
                f"the return `{returned.text}` aliases neither `self` nor an out argument",
                returned.text,
                occurrence=-1,
            )


def _check_out(schema: FunctionSchema) -> None:
    out = schema.arguments.out
    if any(a.type.text != "Tensor" for a in out):
        if schema.returns:
            message = "an out variant that writes to lists must return nothing"
            raise _wrong_returns(schema, "DL116", message)
        return
    returned = sum(not a.name.startswith("_scratch_") for a in out)
    if returned != len(schema.returns):
        raise _wrong_returns(
            schema,
            "DL116",
            "an out variant must return each of its out arguments; returns: "
            f"{len(schema.returns)}, out arguments: {returned}",
        )


def _check_self_written(schema: FunctionSchema) -> None:
    name = schema.name.text
    argument = schema.arguments.self_argument
    if argument is None or not argument.is_write:
        wrong = name if argument is None else argument.text
        message = f"`{name}` is in-place but does not write to `self`"
        raise Invalid("DL117", message, wrong, remedies=_written_self(schema))


def _check_inplace(schema: FunctionSchema) -> None:
    name = schema.name.text
    argument = schema.arguments.self_argument
    assert argument is not None
    if argument.type.text != "Tensor":
        if schema.returns:
            message = f"`{name}` writes to a list, so it must return nothing"
            raise _wrong_returns(schema, "DL117", message)
        return
    if len(schema.returns) != 1 or schema.returns[0].annotation != argument.annotation:
        message = f"`{name}` is in-place, so it must return only `self`"
        wrong = _wrong_returns(schema, "DL117", message)
        types = [returned.type.text for returned in schema.returns]
        if types == ["Tensor"] and argument.annotation:
            marked = f"Tensor({argument.annotation.text})"
            wrong.remedies = (write(f"-> {marked}", f"-> {schema.returns[0].text}"),)
        raise wrong


def _as_out(schema: FunctionSchema, argument: Argument) -> tuple[str, ...]:
    """What to write if an argument is to be an out argument."""
    is_out = argument.name.startswith("out") or schema.name.overload.endswith("out")
    return (f"write `*, {argument.text}`: out arguments come after `*`",) if is_out else ()


def _same_annotation(schema: FunctionSchema, argument: Argument, returned: Return) -> list[Remedy]:
    """The remedy for the only return of an out variant, whose annotation differs."""
    if len(schema.returns) > 1 or argument.annotation is None or returned.type.base != "Tensor":
        return []
    marked = f"Tensor({argument.annotation.text})"
    fitting = re.sub(r"Tensor(?:\([^)]*\))?", lambda _: marked, returned.text, count=1)
    return [write(f"-> {fitting}", f"-> {returned.text}")]


def _written_self(schema: FunctionSchema) -> list[Remedy]:
    """The remedy for an in-place schema whose `self` and only return lack their annotation."""
    argument = schema.arguments.self_argument
    if argument is None or argument.text != "Tensor self":
        return []
    marked = write("Tensor(a!) self", "Tensor self")
    if [returned.text for returned in schema.returns] != ["Tensor"]:
        return [marked]
    aliased = EntryChange("replace", (), "-> Tensor(a!)", "-> Tensor")
    return [Remedy(f"{marked.message}, and return it", (*marked.changes, aliased))]


def _wrong_returns(schema: FunctionSchema, code: str, message: str) -> Invalid:
    """The mistake that all returns together are wrong."""
    return Invalid(code, message, schema.text.rpartition(") -> ")[2], occurrence=-1)
