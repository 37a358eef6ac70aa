"""Backward formulas (`create_derivative`, `check_grad_usage`, `used_gradient_indices`)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from derivload.derivatives.identifiers import words
from derivload.derivatives.model import Derivative, SavedAttribute
from derivload.derivatives.saved_variables import NamedType, Saver
from derivload.diagnostics import Invalid

_GRAD_INDEX = re.compile(r"(?:^|\W)grads\[(\d+)\]")
# Python may be configured to refuse numbers with more digits. No function has so many outputs.
_MAX_DIGITS = 640
_OUT_OF_RANGE = 10**_MAX_DIGITS
_GRADS = re.compile(r"(?:^|\W)grads(?:$|\W)")


class Subject:
    """The function of the formulas: its name, and the values that they may use."""

    def __init__(
        self,
        name: str,
        inputs: Sequence[NamedType],
        outputs: Sequence[NamedType],
        named_gradients: Sequence[str],
    ) -> None:
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.named_gradients = named_gradients


def create_derivative(
    subject: Subject, formula: str, var_names: tuple[str, ...], saver: Saver
) -> Derivative:
    """The derivative for one formula. Raises Invalid (DL410, and those of saved_variables)."""
    original = formula
    formula, saved_inputs = saver.saved_variables(formula, subject.inputs, var_names)
    formula, saved_outputs = saver.saved_variables(formula, subject.outputs, var_names)
    used: tuple[str, ...] = ()
    if subject.named_gradients:
        used = tuple(sorted(words(formula).intersection(subject.named_gradients)))
    for index in used_gradient_indices(formula):
        if index >= len(subject.outputs):
            count = len(subject.outputs)
            raise Invalid(
                "DL410",
                f"`grads[{index}]` is out of range: `{subject.name}` has {count} "
                f"{'output' if count == 1 else 'outputs'}",
                f"grads[{index}]",
            )
    return Derivative(formula, original, var_names, saved_inputs, saved_outputs, used)


def used_gradient_indices(formula: str) -> list[int]:
    """The indexes i of `grads[i]` that a formula uses, in its order."""
    if "grads[" not in formula:
        return []
    found = _GRAD_INDEX.findall(formula)
    return [int(digits) if len(digits) <= _MAX_DIGITS else _OUT_OF_RANGE for digits in found]


def check_grad_usage(derivatives: Sequence[Derivative]) -> None:
    """Check that all formulas of a function name the gradients in the same way.

    Raises Invalid (DL411, DL412, DL413).
    """
    uses_grad = any("grad" in d.formula and "grad" in words(d.formula) for d in derivatives)
    uses_named = any(d.named_gradients for d in derivatives)
    uses_grads = 0
    indices: list[int] = []
    for derivative in derivatives:
        if "grads" in derivative.formula:
            uses_grads += len(_GRADS.findall(derivative.formula))
            indices += used_gradient_indices(derivative.formula)
    if uses_grads < len(indices):
        raise Invalid("DL411", "`grads` is used in a place where it cannot be recognized", "grads")
    if uses_grad and uses_grads:
        raise Invalid("DL411", "one formula uses `grad`, another `grads`", "grads")
    if uses_grads and uses_grads == len(indices) and set(indices) == {0}:
        raise Invalid("DL412", "only `grads[0]` is used", "grads[0]")
    if uses_named and (uses_grad or uses_grads):
        raise Invalid("DL413", "gradients are used both by name and as `grad` or `grads`")


def dedup_vars(saved: Sequence[SavedAttribute]) -> tuple[SavedAttribute, ...]:
    """The attributes of all formulas. Of attributes with the same name, the first is taken."""
    by_name: dict[str, SavedAttribute] = {}
    for attribute in saved:
        by_name.setdefault(attribute.name, attribute)
    return tuple(by_name.values())
