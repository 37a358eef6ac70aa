"""Forward formulas adapted for in-place functions (part of `match_differentiability_info`).

When the formula runs, `self` holds the result already. So a formula borrowed from the
functional variant reads a saved copy where it asks for the primal of `self`, `result` is
`self`, and the tangent that `self` may have is modified in place.
"""

from __future__ import annotations

import re
from typing import Final

from derivload.derivatives.identifiers import replace_identifier, words
from derivload.derivatives.model import DifferentiabilityInfo, ForwardDerivative
from derivload.diagnostics import Invalid
from derivload.native.function import NativeFunction

_CALL_ON_TANGENT: Final = re.compile(r"self_t.([\w]*)\((.*)\)")


def adapt_to_inplace(
    function: NativeFunction, info: DifferentiabilityInfo, *, exact: bool
) -> tuple[ForwardDerivative, ...]:
    """The forward derivatives of an in-place function, from info that has some.

    `exact` tells that the info was defined for this function and not for its functional
    variant. Raises Invalid (DL505, DL506).
    """
    if len(info.forward_derivatives) != 1:
        message = f"`{function.name.text}` is in-place and has forward formulas for several outputs"
        raise Invalid("DL506", message, function.name.text)
    given = info.forward_derivatives[0]
    formula = given.formula
    if "self_p" in words(formula):
        if exact:
            message = (
                f"the forward formula of `{function.name.text}` reads the value that `self` had "
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
    """The expression that brings the tangent of `self` up to date in place.

    A formula that is one call on the tangent, of the very function, has an in-place variant to
    call; any other is computed and copied.
    """
    call = _CALL_ON_TANGENT.fullmatch(formula)
    if call is not None and call[1] == name and _is_one_call(call[2]):
        return f"self_t_raw.{name}_({call[2]})"
    return f"self_t_raw.copy_({formula})"


def _is_one_call(between: str) -> bool:
    """Whether the parenthesis that opened before `between` is still open at its end."""
    level = 1
    for character in between:
        if character == "(":
            level += 1
        elif character == ")":
            level -= 1
            if level == 0:
                return False
    return True
