"""Adapts forward formulas to in-place functions (part of `match_differentiability_info`).

When the formula runs, `self` already has the value of the result. So a formula that comes from the
functional variant is changed: instead of the primal of `self` it reads a saved copy, and instead of
`result` it reads `self`. If `self` has a tangent, the tangent is modified in place.
"""

from __future__ import annotations

from typing import Final

from derivload.derivatives.identifiers import replace_identifier, words
from derivload.derivatives.model import DifferentiabilityInfo, ForwardDerivative
from derivload.diagnostics import Invalid
from derivload.native.function import NativeFunction
from derivload.patterns import lazy

_CALL_ON_TANGENT: Final = lazy(r"self_t.([\w]*)\((.*)\)")


def adapt_to_inplace(
    function: NativeFunction, info: DifferentiabilityInfo, *, exact: bool
) -> tuple[ForwardDerivative, ...]:
    """The forward derivatives of an in-place function. `info` must have forward derivatives.

    `exact` tells that the info was defined for this function, not for its functional variant.
    Raises Invalid (DL505, DL506).
    """
    if len(info.forward_derivatives) != 1:
        message = f"`{function.qualified}` is in-place and has forward formulas for several outputs"
        raise Invalid("DL506", message, function.qualified)
    given = info.forward_derivatives[0]
    formula = given.formula
    if "self_p" in words(formula):
        if exact:
            message = (
                f"the forward formula of `{function.qualified}` reads the value that `self` had "
                "before it was overwritten"
            )
            raise Invalid("DL505", message, "self_p", "use `result` alone")
        formula = replace_identifier(formula, "self_p", "original_self_p")
        formula = replace_identifier(formula, "self_t", "original_self_t")
    formula = replace_identifier(formula, "result", "self_p")
    primals = given.required_inputs_primal or ()
    if "self_p" in words(formula):
        primals = tuple(sorted((*primals, "self")))
    if not exact:
        formula = f"self_t_raw.defined() ? {_modify_tangent(formula, info.name)} : {formula}"
    used = words(formula)
    return (
        ForwardDerivative(
            formula=formula,
            var_names=("self",),
            var_types=given.var_types,
            required_inputs_fw_grad=given.required_inputs_fw_grad,
            required_inputs_primal=primals or given.required_inputs_primal,
            required_original_self_value=("original_self_p" in used or "original_self_t" in used),
            is_reusing_outplace_formula=not exact,
        ),
    )


def _modify_tangent(formula: str, name: str) -> str:
    """The expression that updates the tangent of `self` in place.

    If the formula is one call of the same function on the tangent, the in-place variant is called.
    Any other formula is computed, and its value copied.
    """
    call = _CALL_ON_TANGENT.fullmatch(formula)
    if call is not None and call[1] == name and _is_one_call(call[2]):
        return f"self_t_raw.{name}_({call[2]})"
    return f"self_t_raw.copy_({formula})"


def _is_one_call(between: str) -> bool:
    """Whether the parenthesis that opened before `between` closes only after it."""
    level = 1
    for character in between:
        if character == "(":
            level += 1
        elif character == ")":
            level -= 1
            if level == 0:
                return False
    return True
