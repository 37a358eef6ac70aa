"""The types of the records of differentiability.json, as `json` decodes them."""

from __future__ import annotations

from typing import TypedDict


class SavedRecord(TypedDict):
    """A value that a backward node saves."""

    name: str
    type: str
    expr: str


class DerivativeRecord(TypedDict):
    """A backward formula."""

    formula: str
    original_formula: str
    var_names: list[str]
    saved_inputs: list[SavedRecord]
    saved_outputs: list[SavedRecord]
    named_gradients: list[str]


class ForwardRecord(TypedDict):
    """A forward formula."""

    formula: str
    var_names: list[str]
    var_types: list[str]
    required_inputs_fw_grad: list[str] | None
    required_inputs_primal: list[str] | None
    required_original_self_value: bool
    is_reusing_outplace_formula: bool


class BindingRecord(TypedDict):
    """An argument that has a derivative."""

    name: str
    type: str
    default: str | None


class InfoRecord(TypedDict):
    """All information on a function's derivatives for one dispatch key."""

    name: str
    op: str | None
    derivatives: list[DerivativeRecord]
    forward_derivatives: list[ForwardRecord]
    all_saved_inputs: list[SavedRecord]
    all_saved_outputs: list[SavedRecord]
    available_named_gradients: list[str]
    used_named_gradients: list[str]
    args_with_derivatives: list[BindingRecord]
    non_differentiable_arg_names: list[str]
    output_differentiability: list[bool] | None
    output_differentiability_conditions: list[str] | None


class FunctionInfos(TypedDict):
    """A function, with its infos by dispatch key."""

    schema: str
    dispatch: dict[str, InfoRecord]
