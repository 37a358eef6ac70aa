"""What the generator of backward nodes refuses (gen_autograd_functions.py).

A backward node is a C++ class. It keeps what the formulas save, as members.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from derivload.derivatives.model import DifferentiabilityInfo, SavedAttribute
from derivload.generators.subject import Refusal
from derivload.generators.tables import Tables
from derivload.native.function import NativeFunction

_TENSORS: Final = "::std::vector<at::Tensor>"
# References that the node keeps in a form of its own; the others are those behind an optional.
_KEPT: Final = frozenset(
    {
        *("at::ITensorListRef", "at::IntArrayRef", "c10::SymIntArrayRef"),
        *("at::OptionalIntArrayRef", "at::OptionalSymIntArrayRef", "c10::string_view"),
        *("std::string_view", "at::ArrayRef<at::Scalar>"),
    }
)
_KEPT_OPTIONAL: Final = (
    *("optional<at::IntArrayRef>", "optional<c10::SymIntArrayRef>"),
    *("optional<at::ArrayRef<double>>", "optional<c10::string_view>", "optional<std::string_view>"),
)
_OF_REFERENCES: Final = ("ref", "view", "*", "&")


def check_node(
    function: NativeFunction, source: str, key: str, info: DifferentiabilityInfo, tables: Tables
) -> Iterator[Refusal]:
    """The mistakes that stop the generator (DL805, DL812) in the info of a function.

    `source` is the schema of the definition that the info comes from.
    """
    if not info.args_with_derivatives:
        return
    for saved in info.all_saved_inputs:
        if not can_be_kept(saved.type, of_foreach_output=False):
            yield _refusal(function, source, key, info, saved)
    for saved in info.all_saved_outputs:
        of_foreach = function.name.base.startswith("_foreach")
        if not can_be_kept(saved.type, of_foreach_output=of_foreach):
            yield _refusal(function, source, key, info, saved)
    if tables.nodes_by_index:
        count = sum([len(derivative.var_names) for derivative in info.derivatives])
        if count != len(info.args_with_derivatives):
            yield from _check_names(function, source, key, info)


def _check_names(
    function: NativeFunction, source: str, key: str, info: DifferentiabilityInfo
) -> Iterator[Refusal]:
    """A formula for what is no argument: there is no index for it."""
    known = {argument.name for argument in info.args_with_derivatives}
    for derivative in info.derivatives:
        for name in derivative.var_names:
            if name not in known:
                yield Refusal(
                    function,
                    "DL805",
                    f"`{name}` is no tensor of `{function.qualified}`, so it has no derivative",
                    name,
                    definition=source,
                    dispatch_key=key,
                    var_names=derivative.var_names,
                    on_key=True,
                )
                return


def can_be_kept(type_: str, *, of_foreach_output: bool) -> bool:
    """Whether a backward node can have a member for a value of this C++ type."""
    if type_ == _TENSORS:
        return of_foreach_output
    if type_ in _KEPT or type_.endswith(_KEPT_OPTIONAL):
        return True
    lower = type_.lower()
    return not any(mark in lower for mark in _OF_REFERENCES)


def _refusal(
    function: NativeFunction,
    source: str,
    key: str,
    info: DifferentiabilityInfo,
    saved: SavedAttribute,
) -> Refusal:
    users = [d for d in info.derivatives if saved in (*d.saved_inputs, *d.saved_outputs)]
    return Refusal(
        function,
        "DL812",
        f"a formula of `{function.qualified}` uses `{saved.expr}`, which cannot be saved: its type "
        f"is `{saved.type}`",
        saved.expr,
        definition=source,
        dispatch_key=key,
        var_names=users[0].var_names if users else (),
    )
