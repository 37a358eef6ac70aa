"""Derivatives of foreach functions (`gen_foreach_derivativeinfo`).

`_foreach_mul.List` applies `mul.Tensor`, its reference, to each tensor of a list. Its info is the
info of the reference, with the names of its own arguments. An argument that is a list gets `[i]`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from derivload.cpp.ctypes import CppTypes
from derivload.cpp.dialect import Dialect
from derivload.derivatives.identifiers import check_growth
from derivload.derivatives.info import Derived
from derivload.derivatives.model import (
    ArgumentBinding,
    Derivative,
    DifferentiabilityInfo,
    ForwardDerivative,
    SavedAttribute,
)
from derivload.diagnostics import Invalid
from derivload.native.function import NativeFunction
from derivload.schema.arguments import Argument

_PREFIX: Final = "_foreach_"


class ForeachReferences:
    """The functions with info that can be references of foreach functions, by base name."""

    def __init__(
        self, functional: Iterable[Derived], others: Iterable[Derived], dialect: Dialect
    ) -> None:
        self._functional = _by_base(functional)
        self._others = _by_base(others)
        self._checks_count = dialect.foreach_checks_argument_count
        self._without_alpha = dialect.foreach_without_alpha
        self._with_inplace_reference = dialect.foreach_with_inplace_reference

    def find(self, function: NativeFunction) -> Derived | None:
        """The reference of a foreach function; None if it has no reference."""
        base = function.name.base.split(_PREFIX)[-1]
        for derived in self._functional.get(base, ()):
            if self._is_reference(function, derived.function):
                return derived
        if function.schema.kind == "inplace" and function.name.text in self._with_inplace_reference:
            for derived in self._others.get(base, ()):
                if self._is_reference(function, derived.function):
                    return derived
        return None

    def _is_reference(self, function: NativeFunction, reference: NativeFunction) -> bool:
        own = function.schema.arguments.flat_non_out
        # The signature of the reference counts. It has no TensorOptions.
        theirs = (
            *reference.schema.arguments.positional,
            *reference.schema.arguments.without_options,
        )
        counted = self._checks_count and function.name.text not in self._without_alpha
        if counted and len(own) != len(theirs):
            return False
        return all(b.type in (a.type, a.type.elem) for a, b in zip(own, theirs, strict=False))


def _by_base(infos: Iterable[Derived]) -> dict[str, list[Derived]]:
    by_base: dict[str, list[Derived]] = {}
    for derived in infos:
        by_base.setdefault(derived.function.name.base, []).append(derived)
    return by_base


def gen_foreach_derivativeinfo(
    function: NativeFunction,
    reference: NativeFunction,
    info: DifferentiabilityInfo,
    types: CppTypes,
    dialect: Dialect,
) -> DifferentiabilityInfo:
    """The info of a foreach function that is not in-place, made from the info of its reference.

    Raises Invalid (DL504) if a formula of the reference cannot be used for lists.
    """
    translation = _Translation(function, reference, types, dialect)
    derivatives = tuple(map(translation.derivative, info.derivatives))
    derived = {name for d in derivatives for name in d.var_names}
    return DifferentiabilityInfo(
        name=function.name.base,
        op=f"Foreach{info.op}{function.name.overload}",
        derivatives=derivatives,
        forward_derivatives=tuple(map(translation.forward, info.forward_derivatives)),
        all_saved_inputs=_all_saved([s for d in derivatives for s in d.saved_inputs]),
        all_saved_outputs=_all_saved([s for d in derivatives for s in d.saved_outputs]),
        available_named_gradients=(),
        used_named_gradients=(),
        args_with_derivatives=translation.args_with_derivatives(derived),
        non_differentiable_arg_names=(),
        output_differentiability=None,
        output_differentiability_conditions=None,
    )


def _all_saved(saved: list[SavedAttribute]) -> tuple[SavedAttribute, ...]:
    # torchgen has these in a set. The documents have them sorted.
    unique = {(s.name, s.expr, s.type): s for s in saved}
    return tuple(unique[key] for key in sorted(unique))


class _Translation:
    """Replaces the arguments of a reference by those of a foreach function, by position."""

    def __init__(
        self,
        function: NativeFunction,
        reference: NativeFunction,
        types: CppTypes,
        dialect: Dialect,
    ) -> None:
        self._function = function
        self._types = types
        self._tensor_list = dialect.cpp_names["tensorListT"]
        self._takes_tensor = function.name.text in dialect.foreach_with_tensor_overload
        self._own = function.schema.arguments.flat_non_out
        arguments = reference.schema.arguments
        signature = (*arguments.positional, *arguments.without_options)
        self._by_reference = {
            theirs.name: own for own, theirs in zip(self._own, signature, strict=False)
        }
        self._pairs = list(zip(self._own, arguments.flat_non_out, strict=False))

    def derivative(self, derivative: Derivative) -> Derivative:
        formula = derivative.formula.replace("grad", "grads[i]").replace("result", "result[i]")
        saved_inputs = []
        for saved in derivative.saved_inputs:
            reference_name = saved.expr.split(".")[0]
            own = self._argument(reference_name)
            element = f"{own.name}[i]" if own.type.kind == "list" else own.name
            carried = saved.expr.replace(reference_name, element)
            check_growth(formula, saved.name, carried)
            formula = formula.replace(saved.name, carried)
            ctype = self._types.argument(
                own.type, mutable=own.is_write, symint=False, scope=self._function.scope
            )
            saved_inputs.append(SavedAttribute(own.name, ctype.value, own.name))
        for saved in derivative.saved_outputs:
            if saved.name != "result":
                name = self._function.qualified
                message = f"the reference of `{name}` saves `{saved.name}`, not all of `result`"
                raise Invalid("DL504", message, name)
        return Derivative(
            formula=formula,
            original_formula=derivative.formula,
            var_names=tuple(self._argument(name).name for name in derivative.var_names),
            saved_inputs=tuple(saved_inputs),
            saved_outputs=tuple(
                SavedAttribute("result", self._tensor_list, "result")
                for _ in derivative.saved_outputs
            ),
            named_gradients=(),
        )

    def _argument(self, reference_name: str) -> Argument:
        own = self._by_reference.get(reference_name)
        if own is None:
            name = self._function.qualified
            message = f"`{name}` has no argument where its reference has `{reference_name}`"
            raise Invalid("DL504", message, name)
        return own

    def args_with_derivatives(self, derived: set[str]) -> tuple[ArgumentBinding, ...]:
        scope = self._function.scope
        return tuple(
            ArgumentBinding(
                a.name,
                self._types.argument(a.type, mutable=a.is_write, symint=False, scope=scope).text,
                None,
            )
            for a in self._own
            if a.name in derived
        )

    def forward(self, forward: ForwardDerivative) -> ForwardDerivative:
        formula = forward.formula.replace("result", "result[i]")
        names = list(forward.var_names)
        types = list(forward.var_types)
        tangents = list(forward.required_inputs_fw_grad or ())
        primals = list(forward.required_inputs_primal or ())
        for own, theirs in self._pairs:
            formula = self._rename(formula, own, theirs)
            for i, name in enumerate(names):
                if name == theirs.name:
                    names[i], types[i] = own.name, own.type.text
            tangents = [own.name if n == theirs.name else n for n in tangents]
            primals = [own.name if n == theirs.name else n for n in primals]
        return ForwardDerivative(
            formula=formula,
            var_names=tuple(names),
            var_types=tuple(types),
            required_inputs_fw_grad=tuple(sorted(tangents)),
            required_inputs_primal=tuple(sorted(primals)),
            required_original_self_value=forward.required_original_self_value,
            is_reusing_outplace_formula=forward.is_reusing_outplace_formula,
        )

    def _rename(self, formula: str, own: Argument, theirs: Argument) -> str:
        check_growth(formula, theirs.name, own.name)
        if own.type.kind == "list" and not own.type.is_tensor_like:
            return formula.replace(theirs.name, f"{own.name}[i]")
        if not own.type.is_tensor_like:
            return formula.replace(theirs.name, own.name)
        if own.type.kind != "list" and not (own.type.text == "Tensor" and self._takes_tensor):
            message = f"`{self._function.qualified}` takes `{own.text}`, which is not a list"
            raise Invalid("DL504", message, self._function.qualified)
        for suffix in ("_p", "_t"):
            formula = formula.replace(theirs.name + suffix, own.name + suffix)
        return formula
