"""Backward formulas (`create_derivative`, `check_grad_usage`, `used_gradient_indices`)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from derivload.derivatives.identifiers import words
from derivload.derivatives.model import Derivative, SavedAttribute
from derivload.derivatives.saved_variables import NamedType, Saver, concrete_sizes
from derivload.diagnostics import MAX_OF_ENTRY, Invalid
from derivload.patterns import lazy

_GRAD_INDEX = lazy(r"(?:^|\W)grads\[(\d+)\]")
# Python may be configured to refuse numbers with more digits. No function has so many outputs.
_MAX_DIGITS = 640
_OUT_OF_RANGE = 10**_MAX_DIGITS
_GRADS = lazy(r"(?:^|\W)grads(?:$|\W)")


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
    subject: Subject,
    formula: str,
    var_names: tuple[str, ...],
    saver: Saver,
    wrong: list[Invalid],
) -> Derivative:
    """The derivative for one formula. Its mistakes (DL410, DL420, DL421) are added to `wrong`.

    Raises Invalid (DL010).
    """
    original = formula
    wrong += concrete_sizes(formula)
    formula, saved_inputs = saver.saved_variables(formula, subject.inputs, var_names, wrong)
    formula, saved_outputs = saver.saved_variables(formula, subject.outputs, var_names, wrong)
    used: tuple[str, ...] = ()
    if subject.named_gradients:
        used = tuple(sorted(words(formula).intersection(subject.named_gradients)))
    count = len(subject.outputs)
    beyond = (i for i in dict.fromkeys(used_gradient_indices(formula)) if i >= count)
    wrong += [_out_of_range(subject.name, i, count) for i in islice(beyond, MAX_OF_ENTRY)]
    return Derivative(formula, original, var_names, saved_inputs, saved_outputs, used)


def _out_of_range(name: str, index: int, count: int) -> Invalid:
    message = (
        f"`grads[{index}]` is out of range: `{name}` has {count} "
        f"{'output' if count == 1 else 'outputs'}"
    )
    help_ = "write `grad`, the gradient of the one output" if count == 1 else ""
    return Invalid("DL410", message, f"grads[{index}]", help_)


def used_gradient_indices(formula: str) -> list[int]:
    """The indexes i of `grads[i]` that a formula uses, in its order."""
    if "grads[" not in formula:
        return []
    found = _GRAD_INDEX.findall(formula)
    return [int(digits) if len(digits) <= _MAX_DIGITS else _OUT_OF_RANGE for digits in found]


def check_grad_usage(derivatives: Sequence[Derivative]) -> Invalid | None:
    """The mistake that the formulas of a function name the gradients in different ways.

    It is DL411, DL412 or DL413: whoever writes all of them in one way breaks none.
    """
    uses_grad = any("grad" in d.formula and "grad" in words(d.formula) for d in derivatives)
    uses_named = any(d.named_gradients for d in derivatives)
    uses_grads = 0
    indices: list[int] = []
    for derivative in derivatives:
        if "grads" in derivative.formula:
            uses_grads += len(_GRADS.findall(derivative.formula))
            indices += used_gradient_indices(derivative.formula)
    if uses_named and (uses_grad or uses_grads):
        message = "gradients are used both by name and as `grad` or `grads`"
        return Invalid("DL413", message, "grads" if uses_grads else "grad")
    if uses_grad and uses_grads:
        return Invalid("DL411", "one formula uses `grad`, another `grads`", "grads")
    if uses_grads and uses_grads == len(indices) and set(indices) == {0}:
        return Invalid("DL412", "only `grads[0]` is used", "grads[0]")
    return None


def dedup_vars(saved: Sequence[SavedAttribute]) -> tuple[SavedAttribute, ...]:
    """The attributes of all formulas. Of attributes with the same name, the first is taken."""
    by_name: dict[str, SavedAttribute] = {}
    for attribute in saved:
        by_name.setdefault(attribute.name, attribute)
    return tuple(by_name.values())
