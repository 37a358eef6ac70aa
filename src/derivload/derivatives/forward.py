"""Forward formulas (`create_forward_derivative`, `postprocess_forward_derivatives`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from derivload.cpp.bindings import Binding
from derivload.derivatives.identifiers import replace_identifier, words
from derivload.derivatives.model import Derivative, ForwardDerivative
from derivload.diagnostics import Invalid, raise_all
from derivload.native.function import NativeFunction
from derivload.patterns import lazy
from derivload.remedies import write
from derivload.tuples import NamedTuple

_RESULT: Final = lazy(r"^result(\d+)$")
_MAX_DIGITS: Final = 640  # Python may be configured to refuse numbers with more digits
_TENSOR_LISTS: Final = frozenset({"at::TensorList", "const at::ITensorListRef &"})
AUTO_ELEMENT_WISE: Final = "auto_element_wise"
AUTO_LINEAR: Final = "auto_linear"


class Draft(NamedTuple):
    """A forward formula as written, the names of its outputs, and their types."""

    formula: str
    var_names: tuple[str, ...]
    var_types: tuple[str, ...]


class Backward(NamedTuple):
    """The parts of a function's backward side that its forward formulas depend on."""

    arg_names: tuple[str, ...]
    derivatives: Sequence[Derivative]
    args_with_derivatives: Sequence[Binding]


def create_forward_derivative(
    function: NativeFunction, formula: str, names: tuple[str, ...]
) -> Draft:
    """The draft of one forward formula. Raises Invalid (DL430) if its key names no output."""
    returns = function.schema.returns
    types = tuple(r.type.text for r in returns if r.name in names)
    if not types and names == ("result",):
        if len(returns) != 1:
            raise Invalid("DL430", f"there are {len(returns)} outputs, and none is named `result`")
        types = (returns[0].type.text,)
    elif not types:
        types = tuple(_numbered_type(function, name) for name in names if _RESULT.match(name))
    if not types:
        raise Invalid("DL430", f"`{', '.join(names)}` is neither an argument nor an output")
    return Draft(formula, names, types)


def _numbered_type(function: NativeFunction, name: str) -> str:
    returns = function.schema.returns
    digits = name.removeprefix("result")
    if len(digits) > _MAX_DIGITS or int(digits) >= len(returns):
        outputs = (
            f"is {len(returns)} output" if len(returns) == 1 else f"are {len(returns)} outputs"
        )
        raise Invalid("DL430", f"`{name}` is out of range: there {outputs}")
    return returns[int(digits)].type.text


def postprocess_forward_derivatives(
    function: NativeFunction,
    name: str,
    backward: Backward,
    drafts: Sequence[Draft],
    wrong: list[tuple[int, Invalid]],
) -> list[ForwardDerivative]:
    """The forward derivatives for the drafts, made after the backward side is known.

    `auto_element_wise` and `auto_linear` are replaced by formulas. Mistakes (DL431 to DL434) are
    added to `wrong`, each with the index of its draft.
    """
    result = []
    for index, draft in enumerate(drafts):
        try:
            result.append(_forward_derivative(function, name, backward, drafts, draft))
        except Invalid as invalid:
            wrong += [(index, each) for each in invalid.every]
    return result


def _forward_derivative(
    function: NativeFunction,
    name: str,
    backward: Backward,
    drafts: Sequence[Draft],
    draft: Draft,
) -> ForwardDerivative:
    formula = draft.formula
    tangents = find_required_inputs(function, formula, "_t", backward)
    if formula == AUTO_ELEMENT_WISE:
        _check_element_wise(function, backward, drafts)
        formula = _element_wise(backward)
        tangents = backward.arg_names
    elif formula == AUTO_LINEAR:
        if len(drafts) > 1 or len(draft.var_names) > 1:
            raise Invalid("DL433", "`auto_linear` is for functions with one output")
        formula = _linear(function, name, backward)
        tangents = tuple(b.name for b in backward.args_with_derivatives)
    return ForwardDerivative(
        formula=formula,
        var_names=draft.var_names,
        var_types=draft.var_types,
        required_inputs_fw_grad=tuple(sorted(tangents)),
        required_inputs_primal=find_required_inputs(function, formula, "_p", backward),
        required_original_self_value=False,
        is_reusing_outplace_formula=False,
    )


def find_required_inputs(
    function: NativeFunction, formula: str, postfix: str, backward: Backward
) -> tuple[str, ...]:
    """The inputs whose tangent (`_t`) or primal (`_p`) a formula uses, sorted.

    Raises Invalid (DL431) if it uses inputs by their bare names.
    """
    used = words(formula)
    required = set()
    wrong = []
    for binding in backward.args_with_derivatives:
        if binding.ctype.text in _TENSOR_LISTS and not function.is_foreach:
            continue  # functions of tensor lists handle tangents and primals themselves
        if binding.name in used:
            wrong.append(_ambiguous(binding.name))
        if binding.name + postfix in used:
            required.add(binding.name)
    raise_all(wrong)
    return tuple(sorted(required))


def _ambiguous(name: str) -> Invalid:
    return Invalid(
        "DL431",
        f"`{name}` in a forward formula may mean its value or its tangent",
        name,
        f"write `{name}_p` for the value, `{name}_t` for the tangent",
        remedies=[write(f"{name}_{form}", name) for form in "pt"],
    )


def _check_element_wise(
    function: NativeFunction, backward: Backward, drafts: Sequence[Draft]
) -> None:
    if function.schema.kind == "inplace":
        raise Invalid("DL432", "`auto_element_wise` is not for in-place functions")
    if not backward.args_with_derivatives:
        message = "`auto_element_wise` is made from a backward formula, and there is none"
        raise Invalid("DL432", message, help="give the argument a backward formula")
    if len(backward.args_with_derivatives) != 1 or len(drafts) > 1 or len(drafts[0].var_names) > 1:
        raise Invalid(
            "DL432",
            "`auto_element_wise` is for one differentiable input and one differentiable output",
        )
    if len(backward.derivatives) != 1:
        raise Invalid("DL432", "`auto_element_wise` needs exactly one backward formula")


def _element_wise(backward: Backward) -> str:
    """The Jacobian of an element-wise function is diagonal: J t is the conjugate of J^H conj(t).

    So the forward formula is the conjugate of the backward formula, with the conjugate tangent for
    `grad` and the primal for the input.
    """
    formula = backward.derivatives[0].original_formula
    name = backward.args_with_derivatives[0].name
    formula = replace_identifier(formula, "grad", f"{name}_t.conj()")
    return f"({replace_identifier(formula, name, f'{name}_p')}).conj()"


def _linear(function: NativeFunction, name: str, backward: Backward) -> str:
    """The Jacobian of a linear function is the function itself, so it is called on the tangents."""
    differentiable = {b.name for b in backward.args_with_derivatives}
    if not differentiable:
        raise Invalid("DL434", "`auto_linear` needs a differentiable argument")
    called = f"{name}_symint" if function.schema.arguments.has_symint else name
    arguments = [f"{a}_t" if a in differentiable else a for a in backward.arg_names]
    if "function" in function.variants:
        return f"at::{called}({', '.join(arguments)})"
    return f"{arguments[0]}.{called}({', '.join(arguments[1:])})"
