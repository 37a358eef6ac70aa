"""What the generator of VariableType refuses (gen_variable_type.py).

It writes a wrapper for each function that has derivatives or kernels of its own. The wrapper calls
the kernel, sets up the backward node, and computes forward derivatives. What the generator checks
on the way is in the same order here. What follows from another mistake of the function is left
out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from derivload.derivatives.info import Derived
from derivload.generators.subject import (
    Candidate,
    Refusal,
)
from derivload.generators.tables import Tables
from derivload.generators.variable_body import WrapperBody, foreach_name
from derivload.native.function import EXPLICIT, NativeFunction
from derivload.remedies import add, remove

_CPP_TENSOR: Final = "const at::Tensor &"
_ONE_TENSOR: Final = ("Tensor",)


def is_written(subject: Candidate, tables: Tables) -> bool:
    """Whether a wrapper is written for a function."""
    function = subject.function
    if function.cpp_name in tables.by_hand:
        return False
    return function.is_abstract or subject.has_derivatives


def has_body(subject: Candidate, tables: Tables) -> bool:
    """Whether the wrapper has a body of its own, and not the one that says "not implemented"."""
    if subject.infos:
        return True
    function = subject.function
    name, base = function.cpp_name, function.name.base
    wrapper = f"{name}_{function.name.overload}" if function.name.overload else name
    return (
        not any(r.type.is_tensor_like for r in function.schema.returns)
        or function.name.name in tables.resetting
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
        if _is_inplace_foreach(function) and has_body(subject, tables):
            yield from _check_lone_foreach(function, tables)
        return
    for key, derived in subject.infos.items():
        is_plain = derived.function is function and _is_plain(subject, key, derived, tables)
        if not is_plain and not _is_as_functional(function, key, derived, tables):
            yield from WrapperBody(subject, key, derived, tables).check()


def _is_plain(subject: Candidate, key: str, derived: Derived, tables: Tables) -> bool:
    """Whether nothing is refused of the function of a definition, as is known of most.

    It returns one tensor, each formula is for one tensor, and the forward formula has tangents.
    """
    schema, info = subject.function.schema, derived.dispatch[key]
    returns, tensors, forward = schema.returns, info.args_with_derivatives, subject.forward.get(key)
    if len(returns) != 1 or returns[0].type.text != "Tensor" or schema.kind != "functional":
        return False
    if info.output_differentiability is not None or info.non_differentiable_arg_names:
        return False
    if not tensors or len(tensors) != len(info.derivatives):
        return False
    if forward and (
        len(forward) > 1
        or not forward[0].required_inputs_fw_grad
        or forward[0].var_types != _ONE_TENSOR
    ):
        return False
    return (
        all([argument.type == _CPP_TENSOR for argument in tensors])
        and all([len(derivative.var_names) == 1 for derivative in info.derivatives])
        and schema.name.base not in tables.without_derivative
        and subject.function.cpp_name not in tables.without_derivative
        and not schema.name.name.startswith("_foreach")
    )


def _is_as_functional(function: NativeFunction, key: str, derived: Derived, tables: Tables) -> bool:
    """Whether nothing is refused of a variant but what is of the functional variant."""
    source, info = derived.function, derived.dispatch[key]
    schema, kind = source.schema, function.schema.kind
    if (
        kind not in ("inplace", "out")
        or schema.kind != "functional"
        or len(schema.returns) != len(function.schema.returns)
        or source.cpp_name in tables.by_hand
        or not info.args_with_derivatives
        or info.non_differentiable_arg_names
    ):
        return False
    return kind == "out" or (
        info.output_differentiability is None
        and not schema.name.name.startswith("_foreach")
        and all([saved.name == "result" for saved in info.all_saved_outputs])
    )


def _without_dispatch(subject: Candidate) -> Refusal:
    function = subject.function
    source = "" if subject.source == function.schema.text else ", those of its functional variant"
    return Refusal(
        function,
        "DL801",
        f"`{function.qualified}` has derivatives{source}, but no kernels of its own",
        function.name.text,
        path="func",
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
            path="func",
        )
