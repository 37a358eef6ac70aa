"""Differentiability info. These types have exactly the form of the documents.

Where torchgen has a set, they have a sorted tuple.
"""

from __future__ import annotations

import msgspec


class SavedAttribute(msgspec.Struct, frozen=True, gc=False):
    """A value that a backward node saves: the member's name and C++ type, and the expression."""

    name: str
    type: str
    expr: str


class Derivative(msgspec.Struct, frozen=True, gc=False):
    """A backward formula, for one or more arguments.

    `original_formula` is the formula as written. `formula` reads saved attributes instead of
    arguments.
    """

    formula: str
    original_formula: str
    var_names: tuple[str, ...]
    saved_inputs: tuple[SavedAttribute, ...]
    saved_outputs: tuple[SavedAttribute, ...]
    named_gradients: tuple[str, ...]


class ForwardDerivative(msgspec.Struct, frozen=True, gc=False):
    """A forward formula, for one or more outputs, and the tangents and primals that it needs."""

    formula: str
    var_names: tuple[str, ...]
    var_types: tuple[str, ...]
    required_inputs_fw_grad: tuple[str, ...] | None
    required_inputs_primal: tuple[str, ...] | None
    required_original_self_value: bool
    is_reusing_outplace_formula: bool


class ArgumentBinding(msgspec.Struct, frozen=True, gc=False):
    """An argument that has a derivative, as in the C++ function."""

    name: str
    type: str
    default: str | None


class DifferentiabilityInfo(msgspec.Struct, frozen=True, gc=False):
    """All information on one function's derivatives for one dispatch key.

    `op` is the name of the backward node, with its number; null if there is nothing to compute.
    """

    name: str
    op: str | None
    derivatives: tuple[Derivative, ...]
    forward_derivatives: tuple[ForwardDerivative, ...]
    all_saved_inputs: tuple[SavedAttribute, ...]
    all_saved_outputs: tuple[SavedAttribute, ...]
    available_named_gradients: tuple[str, ...]
    used_named_gradients: tuple[str, ...]
    args_with_derivatives: tuple[ArgumentBinding, ...]
    non_differentiable_arg_names: tuple[str, ...]
    output_differentiability: tuple[bool, ...] | None
    output_differentiability_conditions: tuple[str, ...] | None


class DifferentiabilityRecord(msgspec.Struct, frozen=True, gc=False):
    """One function of differentiability.json: its schema, and its info by dispatch key."""

    schema: str
    dispatch: dict[str, DifferentiabilityInfo]


class MatchedInfo(msgspec.Struct, frozen=True, gc=False):
    """The source of a function's info: the schema that it was defined for, and its op."""

    schema: str
    op: str | None


class FunctionRecord(msgspec.Struct, frozen=True, gc=False):
    """One native function of functions.json, with its result of match_differentiability_info."""

    schema: str
    kind: str
    variants: tuple[str, ...]
    python_module: str | None
    tags: tuple[str, ...]
    structured: bool
    is_abstract: bool
    has_composite_implicit_autograd_kernel: bool
    has_composite_explicit_autograd_kernel: bool
    differentiability: dict[str, MatchedInfo] | None
    forward_derivatives: dict[str, tuple[ForwardDerivative, ...]] | None
