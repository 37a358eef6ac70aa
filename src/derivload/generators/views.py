"""What the generators refuse of functions that return views.

Three generators write code for a view: gen_variable_type.py checks that it shares storage,
gen_inplace_or_view_type.py makes its outputs views and says how to make them anew from the base,
and gen_view_funcs.py writes a class that keeps its other arguments. Which functions these are is
decided by a list of names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from derivload.generators.subject import Candidate, Refusal, differentiable_outputs, is_list
from derivload.generators.tables import Tables
from derivload.native.function import NativeFunction
from derivload.schema.arguments import Argument
from derivload.schema.types import Type

_DEFAULT: Final = "Default"
_REPLAYED: Final = frozenset({"int", "int?", "SymInt", "SymInt?", "bool", "Tensor"})


def is_view(function: NativeFunction, tables: Tables) -> bool:
    """Whether the generators take a function for a view."""
    return function.name.base in tables.views and function.schema.kind not in ("inplace", "out")


def check_view(subject: Candidate, tables: Tables) -> Iterator[Refusal]:
    """The first mistake of a view that stops a generator (DL820 to DL822)."""
    for found in (_check_returns(subject, tables), *_check_outputs(subject, tables)):
        if found is not None:
            yield found
            return
    yield from _check_arguments(subject, tables)


def _check_returns(subject: Candidate, tables: Tables) -> Refusal | None:
    function = subject.function
    returns = function.schema.returns
    is_checked = function.name.base in tables.checked_views and bool(subject.infos)
    is_wrong = tables.view_functions and len(returns) != 1
    if is_wrong or (is_checked and any(r.type.text == "Tensor" for r in returns[1:])):
        return _refusal(function, "DL820", f"returns {len(returns)} values: a view returns one")
    return None


def _check_outputs(subject: Candidate, tables: Tables) -> Iterator[Refusal]:
    function = subject.function
    derived = subject.infos.get(_DEFAULT)
    if subject.infos and derived is None:
        yield Refusal(
            function,
            "DL822",
            f"`{function.qualified}` is a view, so it needs derivatives for {_DEFAULT} too",
            path="dispatch",
            definition=subject.source,
            on_key=True,
        )
        return
    info = None if derived is None else derived.dispatch[_DEFAULT]
    outputs = differentiable_outputs(function, info)
    if len(outputs) > 1:
        yield _refusal(function, "DL820", "is a view with several differentiable outputs")
    elif outputs and not outputs[0].is_tensor_like:
        found = f"is a view, and its output is of type `{outputs[0].text}`"
        yield _refusal(function, "DL820", found)
    elif outputs and (tables.list_views_are_replayed or not is_list(outputs[0])):
        for argument in function.schema.arguments.flat_all:
            if not _is_base(argument, tables) and not _is_replayed(function, argument, tables):
                yield _of_argument(function, argument)


def _is_base(argument: Argument, tables: Tables) -> bool:
    """Whether an argument is taken for the base of the view."""
    if argument.name != "self":
        return False
    return tables.view_functions or argument.type.base == "Tensor"


def _is_replayed(function: NativeFunction, argument: Argument, tables: Tables) -> bool:
    type_ = argument.type
    if argument.is_write and not function.use_const_ref_for_mutable_tensors:
        return False
    if type_.kind == "list" and type_.elem is not None:
        return type_.elem.text in ("int", "SymInt")
    if type_.text == "Tensor?":
        return tables.replayed_optional_tensor
    return type_.text in _REPLAYED


def _check_arguments(subject: Candidate, tables: Tables) -> Iterator[Refusal]:
    """What the class of a view cannot keep."""
    if not tables.view_functions:
        return
    function = subject.function
    arguments = function.schema.arguments.flat_all
    for i, argument in enumerate(arguments):
        if i > 0 and argument.name == "self":
            yield _refusal(function, "DL820", "is a view whose first argument is not `self`")
            return
        if not _is_kept(argument, tables, is_first=i == 0):
            yield _of_argument(function, argument)
            return


def _is_kept(argument: Argument, tables: Tables, *, is_first: bool) -> bool:
    if argument.is_write or _has_tensor_list(argument.type):
        return False
    text = argument.type.text
    if is_first:
        return True
    return (tables.keeps_text or text != "str") and (tables.keeps_scalar or text != "Scalar")


def _has_tensor_list(type_: Type) -> bool:
    if type_.elem is None:
        return False
    return (type_.kind == "list" and type_.elem.text == "Tensor") or _has_tensor_list(type_.elem)


def _refusal(function: NativeFunction, code: str, why: str) -> Refusal:
    message = f"`{function.qualified}` {why}"
    return Refusal(function, code, message, function.name.text)


def _of_argument(function: NativeFunction, argument: Argument) -> Refusal:
    message = (
        f"`{function.qualified}` is a view, which cannot be made anew with the argument "
        f"`{argument.text}`"
    )
    return Refusal(function, "DL821", message, argument.text)
