"""Warnings about one definition (DL602 to DL604, DL606, DL607): it loads, but is probably wrong.

Upstream accepts all of this. The C++ compiler may report it hours later, or nobody ever does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from derivload.derivatives.brackets import find_unmatched
from derivload.derivatives.definition import Definition, Formulas
from derivload.derivatives.formula_names import used_names, words_outside_calls
from derivload.derivatives.forward import AUTO_ELEMENT_WISE, AUTO_LINEAR
from derivload.derivatives.identifiers import words
from derivload.derivatives.info import Derived, is_forward_derivative_definition, split_names
from derivload.derivatives.lint_allowed import ALLOWED, GENERATED_CODE, NO_VALUES, UNCHECKED
from derivload.derivatives.model import DifferentiabilityInfo
from derivload.diagnostics import Mistake, Path
from derivload.native.function import IMPLICIT, IMPLICIT_NESTED, NativeFunction
from derivload.native.guesses import Guesses
from derivload.schema.arguments import Argument
from derivload.spelling import ask

_NO_FORMULAS: Final = frozenset({"non_differentiable", AUTO_ELEMENT_WISE, AUTO_LINEAR})
# Methods that ask a tensor for its sizes or type, and what to write so that the tensor need not be
# saved. (Methods with a row in `replacements` are replaced, and do not occur here.)
_METADATA: Final = {
    "size": "write `{0}.sym_size(N)`, or take it from `{0}.sym_sizes()`",
    "sym_size": "take it from `{0}.sym_sizes()`",
    "ndimension": "write `{0}.dim()`",
    "dtype": "write `{0}.scalar_type()`",
    "device": "write `{0}.options().device()`",
    "is_complex": "use `{0}.scalar_type()`",
    "is_floating_point": "use `{0}.scalar_type()`",
    "sym_stride": "take it from `{0}.sym_strides()`",
}
_ASKS: Final = re.compile(rf"\.(?:{'|'.join(_METADATA)})\(")
_USE: Final = re.compile(r"(\w+)(?=(?:\.(\w+)\()?)")
_TENSOR: Final = "at::Tensor"
_GRAD: Final = frozenset({"grad"})


class Suspicion(NamedTuple):
    """A warning about a definition, and what may still speak against it.

    `unless_called` is a name: if any formula calls it, it is that of a function, which a formula
    may also pass as a value. `is_of_kernels` tells that a kernel which is registered elsewhere
    speaks against it.
    """

    mistake: Mistake
    unless_called: str = ""
    is_of_kernels: bool = False


class DefinitionLinter:
    """Finds the warnings about definitions."""

    def __init__(self) -> None:
        self._guesses = Guesses()

    def check(self, definition: Definition, derived: Derived) -> Iterator[Suspicion]:
        """The warnings about a definition that loads without mistakes."""
        for found in self._check(definition, derived):
            if derived.function.name.text not in ALLOWED.get(found.mistake.code, {}):
                yield found

    def _check(self, definition: Definition, derived: Derived) -> Iterator[Suspicion]:
        for mistake in _check_composite(derived):
            yield Suspicion(mistake, is_of_kernels=True)
        for formulas in definition.dispatch:
            info = derived.dispatch.get(formulas.dispatch_key)
            if info is None:
                continue
            yield from map(Suspicion, _check_brackets(formulas))
            yield from map(Suspicion, _check_arguments(formulas, derived.function, info))
            yield from self._check_names(formulas, derived.function, info)
            yield from map(Suspicion, _check_saved(formulas, info))

    def _check_names(
        self, formulas: Formulas, function: NativeFunction, info: DifferentiabilityInfo
    ) -> Iterator[Suspicion]:
        known: _Known | None = None
        arguments = {argument.name for argument in function.schema.arguments.flat_all}
        for raw_names, formula in formulas.formulas:
            if formula.strip().lower() in _NO_FORMULAS:
                continue
            unknown = words_outside_calls(formula) - arguments
            # Most formulas use nothing else but `grad`, under the key of one argument.
            if not unknown or (unknown == _GRAD and raw_names in arguments):
                continue
            known = known or _Known(function, info)
            names = known.names(raw_names)
            if unknown <= names:
                continue
            for used in used_names(formula):
                if used.name not in names:
                    close = self._guesses.nearest(used.name, names, 1)
                    mistake = Mistake(
                        code="DL602",
                        message=f"`{used.name}` is not an argument, output or gradient of "
                        f"`{known.function}`",
                        path=(*formulas.path, raw_names),
                        words=used.name,
                        help=ask(close),
                        occurrence=used.occurrence,
                    )
                    yield Suspicion(mistake, unless_called=used.name)


def _check_composite(derived: Derived) -> Iterator[Mistake]:
    function = derived.function
    has_formulas = any(i.derivatives or i.forward_derivatives for i in derived.dispatch.values())
    if has_formulas and function.dispatch and function.dispatch <= {IMPLICIT, IMPLICIT_NESTED}:
        message = (
            f"`{function.qualified}` has only a {IMPLICIT} kernel: autograd differentiates "
            "the functions that it calls"
        )
        yield Mistake("DL604", message, ("name",), function.name.text)


def _check_brackets(formulas: Formulas) -> Iterator[Mistake]:
    for raw_names, formula in formulas.formulas:
        unmatched = find_unmatched(formula)
        if unmatched is not None:
            path = (*formulas.path, raw_names)
            rest = formula[unmatched.at :].rstrip()
            yield Mistake("DL607", unmatched.message, path, rest, occurrence=-1)


def _check_arguments(
    formulas: Formulas, function: NativeFunction, info: DifferentiabilityInfo
) -> Iterator[Mistake]:
    if not info.derivatives:
        return  # without backward formulas, there is no backward node
    named = {name for raw_names, _ in formulas.formulas for name in split_names(raw_names)}
    used: frozenset[str] | None = None
    for argument in function.schema.arguments.flat_non_out:
        if argument.name in named or not _may_be_forgotten(argument):
            continue
        if used is None:
            used = frozenset().union(*[words(formula) for _, formula in formulas.formulas])
        forms = (argument.name, f"{argument.name}_p", f"{argument.name}_t")
        if used.isdisjoint(forms):
            message = f"`{argument.name}` is a tensor without a formula, and no formula uses it"
            yield Mistake("DL603", message, ("name",), argument.text)


def _may_be_forgotten(argument: Argument) -> bool:
    """Whether an argument that no formula mentions was probably forgotten.

    An optional tensor was often left out on purpose: who passes one that needs a gradient is told.
    """
    is_tensor = argument.type.is_tensor_like and argument.type.kind != "optional"
    if not is_tensor or argument.name == UNCHECKED:
        return False
    return NO_VALUES.isdisjoint(argument.name.split("_"))


class _Known:
    """The names that the formulas of one function may use."""

    def __init__(self, function: NativeFunction, info: DifferentiabilityInfo) -> None:
        self.function = function.qualified
        arguments = function.schema.arguments
        self._arguments = [a.name for a in arguments.flat_all]
        returns = function.schema.returns
        both = {*self._arguments, "result", *(f"result{i}" for i in range(len(returns)))}
        both |= {r.name for r in returns if r.name is not None}
        if arguments.options_index is not None:
            both.add("options")
        if function.is_foreach:
            both.add("i")  # the index of the tensor in the generated code
        self._backward = {*both, "grad", "grads", *info.available_named_gradients, *GENERATED_CODE}
        tangents = {f"{name}_{form}" for name in self._arguments for form in "pt"}
        self._forward = {*both, *tangents, "original_self_p", "original_self_t"}

    def names(self, raw_names: str) -> set[str]:
        """The names that a formula with this key may use."""
        forward = is_forward_derivative_definition(self._arguments, split_names(raw_names))
        return self._forward if forward else self._backward


def _check_saved(formulas: Formulas, info: DifferentiabilityInfo) -> Iterator[Mistake]:
    asking = [d for d in info.derivatives if _ASKS.search(d.formula) is not None]
    if not asking:
        return
    raw = {split_names(raw_names): raw_names for raw_names, _ in formulas.formulas}
    for derivative in asking:
        path = (*formulas.path, raw[derivative.var_names])
        asked = _asked(derivative.formula)
        for saved in (*derivative.saved_inputs, *derivative.saved_outputs):
            if saved.name == saved.expr and saved.type == _TENSOR:
                yield from _check_use(saved.name, asked.get(saved.name, ()), path)


def _asked(formula: str) -> dict[str, list[str]]:
    """For each word of a formula, the methods called on it; "" for each other use."""
    asked: dict[str, list[str]] = {}
    for match in _USE.finditer(formula):
        asked.setdefault(match[1], []).append(match[2] or "")
    return asked


def _check_use(name: str, asked: Sequence[str], path: Path) -> Iterator[Mistake]:
    if asked and all(method in _METADATA for method in asked):
        message = f"all of `{name}` is saved, but only its `{asked[0]}` is used"
        help_ = _METADATA[asked[0]].format(name)
        yield Mistake("DL606", message, path, f"{name}.{asked[0]}", help=help_)
