"""What the generator of VariableType refuses (gen_variable_type.py).

It writes a wrapper for each function that has derivatives or kernels of its own. The wrapper calls
the kernel, sets up the backward node, and computes forward derivatives. What the generator checks
on the way is in the same order here. What follows from another mistake of the function is left
out.
"""

from __future__ import annotations

from collections.abc import Iterator

from derivload.generators.subject import Candidate, Refusal
from derivload.generators.tables import Tables
from derivload.generators.variable_body import WrapperBody, foreach_name
from derivload.native.function import EXPLICIT, NativeFunction
from derivload.remedies import add, remove


def is_written(subject: Candidate, tables: Tables) -> bool:
    """Whether a wrapper is written for a function."""
    function = subject.function
    if function.cpp_name in tables.by_hand:
        return False
    return function.is_abstract or subject.has_derivatives


def has_body(function: NativeFunction, tables: Tables) -> bool:
    """Whether the wrapper of a function without derivatives has a body of its own.

    Others have the one that says "not implemented".
    """
    name, base = function.cpp_name, function.name.base
    wrapper = f"{name}_{function.name.overload}" if function.name.overload else name
    return (
        not any(r.type.is_tensor_like for r in function.schema.returns)
        or base in tables.without_derivative
        or name in tables.unchecked
        or wrapper in tables.sharing
    )


def check_variable_type(subject: Candidate, tables: Tables) -> Iterator[Refusal]:
    """The mistakes that stop the generator (DL801 to DL815). The wrapper has to be written."""
    function = subject.function
    if function.manual_kernel_registration:
        yield Refusal(
            function,
            "DL802",
            f"`{function.qualified}` registers its kernel by hand, but PyTorch has no kernel by "
            "hand for it",
            path="manual_kernel_registration",
            on_key=True,
            remedies=(remove("manual_kernel_registration"),),
        )
    if not function.is_abstract and subject.has_derivatives:
        yield _without_dispatch(subject)
    if not subject.infos:
        if _is_inplace_foreach(function) and has_body(function, tables):
            yield from _check_lone_foreach(function, tables)
        return
    for key, derived in subject.infos.items():
        yield from WrapperBody(subject, key, derived, tables).check()


def _without_dispatch(subject: Candidate) -> Refusal:
    function = subject.function
    source = "" if subject.source == function.schema.text else ", those of its functional variant"
    return Refusal(
        function,
        "DL801",
        f"`{function.qualified}` has derivatives{source}, but no kernels of its own",
        function.name.text,
        remedies=(add("dispatch", f"\n  {EXPLICIT}: {function.cpp_name}"),),
    )


def _is_inplace_foreach(function: NativeFunction) -> bool:
    schema = function.schema
    return schema.kind == "inplace" and schema.name.name.startswith("_foreach")


def _check_lone_foreach(function: NativeFunction, tables: Tables) -> Iterator[Refusal]:
    if foreach_name(function) not in tables.foreach_without_info:
        base = function.name.base.removeprefix("_foreach_")
        yield Refusal(
            function,
            "DL810",
            f"`{function.qualified}` has no derivatives, and no function `{base}` with the same "
            "arguments has any",
            function.name.text,
        )
