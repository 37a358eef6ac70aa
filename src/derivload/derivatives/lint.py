"""Warnings about one definition (DL602 to DL604, DL606, and those of lint_formulas.py).

Upstream accepts all of this. The C++ compiler may report it hours later, or nobody ever does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from derivload.cpp.names import return_names
from derivload.derivatives.definition import Definition, Formulas
from derivload.derivatives.formula_names import called_names, used_names, words_outside_calls
from derivload.derivatives.formula_text import find_suspicious
from derivload.derivatives.identifiers import words
from derivload.derivatives.info import Derived, is_forward_derivative_definition, split_names
from derivload.derivatives.lint_allowed import (
    ALLOWED,
    FIXED,
    GENERATED_CODE,
    NO_VALUES,
    UNCHECKED,
)
from derivload.derivatives.lint_formulas import (
    WORDS,
    check_gradients,
    check_keys,
    check_texts,
    is_keyword,
    without_gradient,
)
from derivload.derivatives.meant import NON_DIFFERENTIABLE, USUAL_NAMES
from derivload.derivatives.model import DifferentiabilityInfo
from derivload.diagnostics import Mistake, Path, Remedy
from derivload.native.function import IMPLICIT, IMPLICIT_NESTED, NativeFunction
from derivload.patterns import lazy
from derivload.remedies import add, remove_entry, write
from derivload.schema.arguments import Argument
from derivload.spelling import Guesses, is_slip
from derivload.tuples import NamedTuple

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
# Those of them that have the same value, whatever is asked for further.
_INSTEAD: Final = {
    "ndimension": "dim()",
    "dtype": "scalar_type()",
    "device": "options().device()",
}
_ASKS: Final = lazy(rf"\.(?:{'|'.join(_METADATA)})\(")
_USE: Final = lazy(r"(\w+)(?=(?:\.(\w+)\()?)")
_NUMBERED: Final = lazy(r"result([0-9]{1,3})")
_TENSOR: Final = "at::Tensor"
_GRAD: Final = frozenset({"grad"})
_USUAL: Final = _GRAD | {"result"}
_NOT_IMPLEMENTED: Final = frozenset({"not_implemented", "not_implemented_list"})
# Names that no formula can use as values, which rules of their own are about.
_TOLD_OTHERWISE: Final = frozenset({"torch", "lambda", "elif"})


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

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self._guesses = Guesses()
        self._words: dict[str, set[str]] = {}
        self._suspicious = find_suspicious(
            formula
            for definition in definitions
            for formulas in definition.dispatch
            for _, formula in formulas.formulas
        )

    def check(
        self, definition: Definition, derived: Derived | None, *, is_whole: bool = True
    ) -> Iterator[Suspicion]:
        """The warnings about a definition.

        `derived` is None if its function is not known. Then only the text of its formulas is looked
        at. Without `is_whole`, the definition lacks what has a mistake.
        """
        if derived is None:
            for formulas in definition.dispatch:
                yield from map(Suspicion, check_texts(definition, formulas, None, self._suspicious))
            return
        for found in self._check(definition, derived, is_whole=is_whole):
            if derived.function.name.text not in ALLOWED.get(found.mistake.code, ()):
                yield found

    def _check(
        self, definition: Definition, derived: Derived, *, is_whole: bool
    ) -> Iterator[Suspicion]:
        for mistake in _check_composite(derived):
            yield Suspicion(mistake, is_of_kernels=True)
        function = derived.function
        for formulas in definition.dispatch:
            info = derived.dispatch.get(formulas.dispatch_key)
            text_flaws = list(check_texts(definition, formulas, function, self._suspicious))
            yield from map(Suspicion, text_flaws)
            if info is None:
                continue
            yield from map(Suspicion, check_keys(formulas, function))
            yield from map(Suspicion, check_gradients(formulas, function, info))
            if is_whole:
                yield from map(Suspicion, _check_arguments(formulas, function, info))
            garbled = {m.path for m in text_flaws if m.code in ("DL611", "DL614")}
            yield from self._check_names(formulas, function, info, garbled)
            if is_whole:
                yield from map(Suspicion, _check_saved(formulas, info))

    def _check_names(
        self,
        formulas: Formulas,
        function: NativeFunction,
        info: DifferentiabilityInfo,
        garbled: Collection[Path],
    ) -> Iterator[Suspicion]:
        known: _Known | None = None
        arguments = {argument.name for argument in function.schema.arguments.flat_all}
        usual = _USUAL if return_names(function.schema) == ("result",) else _GRAD
        for raw_names, formula in formulas.formulas:
            used_words = self._words.get(formula)
            if used_words is None:
                used_words = self._words[formula] = words_outside_calls(formula)
            unknown = used_words - arguments
            # Most formulas use nothing else but `grad`, under the key of one argument.
            is_usual = not unknown or (unknown <= usual and raw_names in arguments)
            if is_usual and "not" not in formula:
                continue
            path = (*formulas.path, raw_names)
            if is_keyword(formula) or path in garbled:
                continue
            yield from _check_calls(formula, path)
            if is_usual:
                continue
            known = known or _Known(function, info)
            names = known.names(raw_names)
            if unknown <= names:
                continue
            for used in used_names(formula):
                if (
                    used.name in names
                    or used.name in _TOLD_OTHERWISE
                    or used.name in known.without_gradient
                ):
                    continue
                is_alone = used.name == formula.strip()
                message = (
                    f"`{used.name}` is not an argument, output or gradient of `{known.function}`"
                )
                mistake = Mistake(
                    code="DL602",
                    message=message,
                    path=path,
                    words=used.name,
                    occurrence=used.occurrences[0],
                    also=used.occurrences[1:],
                    meant=tuple(
                        known.output_meant(used.name)
                        or self._meant(used.name, names | WORDS if is_alone else names)
                    ),
                )
                # Alone, the name of a function is no formula either.
                yield Suspicion(mistake, unless_called="" if is_alone else used.name)

    def _meant(self, name: str, known: Collection[str]) -> list[str]:
        """Which name may be meant by one that is unknown."""
        usual = USUAL_NAMES.get(name, "")
        return [usual] if usual in known else self._guesses.nearest(name, known)


def _check_calls(formula: str, path: Path) -> Iterator[Suspicion]:
    """The calls of `not_implemented`, misspelt. Which other functions there are is not known."""
    if "not" not in formula:
        return
    for name in sorted(called_names(formula) - _NOT_IMPLEMENTED):
        if name.startswith("not") and is_slip(name, "not_implemented"):
            message = f"`{name}` is no function of PyTorch's"
            yield Suspicion(Mistake("DL602", message, path, name, meant=("not_implemented",)))


def _check_composite(derived: Derived) -> Iterator[Mistake]:
    function = derived.function
    has_formulas = any(i.derivatives or i.forward_derivatives for i in derived.dispatch.values())
    if has_formulas and function.dispatch and function.dispatch <= {IMPLICIT, IMPLICIT_NESTED}:
        message = (
            f"`{function.qualified}` has only a {IMPLICIT} kernel: autograd differentiates "
            "the functions that it calls"
        )
        remedies = (remove_entry(),)
        yield Mistake("DL604", message, ("name",), function.name.text, remedies=remedies)


def _check_arguments(
    formulas: Formulas, function: NativeFunction, info: DifferentiabilityInfo
) -> Iterator[Mistake]:
    named = {name for raw_names, _ in formulas.formulas for name in split_names(raw_names)}
    tensors = [a for a in function.schema.arguments.flat_non_out if a.type.is_tensor_like]
    used: frozenset[str] | None = None
    has_gradients = info.output_differentiability is None or any(info.output_differentiability)
    for argument in tensors:
        if argument.name in named:
            continue
        if used is None:
            used = frozenset().union(*[words(formula) for _, formula in formulas.formulas])
        forward = used.intersection((f"{argument.name}_t", f"{argument.name}_p"))
        never = (add(argument.name, NON_DIFFERENTIABLE, path=formulas.path),)
        if forward and info.forward_derivatives:
            name = min(forward)
            message = f"`{argument.name}` has no formula, so a forward formula has no `{name}`"
            yield Mistake("DL603", message, ("name",), argument.text)
        elif has_gradients and _may_be_forgotten(function, argument, used):
            is_used = argument.name in used
            what = "though another formula uses it" if is_used else "and no formula uses it"
            message = f"`{argument.name}` is a tensor without a formula, {what}"
            yield Mistake("DL603", message, ("name",), argument.text, remedies=never)
            if not info.derivatives:
                return  # of one it is told that there is none


def _may_be_forgotten(function: NativeFunction, argument: Argument, used: Collection[str]) -> bool:
    """Whether an argument without a formula was probably forgotten.

    An optional tensor was often left out on purpose: who passes one that needs a gradient is told.
    """
    if argument.type.kind == "optional" or argument.name == UNCHECKED:
        return False
    allowed, operator = ALLOWED["DL603"], function.name.text
    if f"{operator}/{argument.name}" in allowed or f"{operator}/*" in allowed:
        return False
    parts = argument.name.split("_")
    if not NO_VALUES.isdisjoint(parts):
        return False
    # These are often used by the formulas of the others.
    is_fixed = argument.is_write or not FIXED.isdisjoint(parts)
    return argument.name not in used or not is_fixed


class _Known:
    """The names that the formulas of one function may use."""

    def __init__(self, function: NativeFunction, info: DifferentiabilityInfo) -> None:
        self.function = function.qualified
        arguments = function.schema.arguments
        self._arguments = [a.name for a in arguments.flat_all]
        names = return_names(function.schema)
        self._outputs = ["result" if name == "self" else name for name in names]
        both = {*self._arguments, *self._outputs}
        if arguments.options_index is not None:
            both.add("options")
        if function.is_foreach:
            both.add("i")  # the index of the tensor in the generated code
        self._backward = {*both, "grad", "grads", *info.available_named_gradients, *GENERATED_CODE}
        self._both = both
        # Of what has no gradient, there is no tangent.
        without = info.non_differentiable_arg_names
        tensors = [a.name for a in arguments.flat_all if a.type.is_tensor_like]
        tangents = {f"{name}_{form}" for name in tensors if name not in without for form in "pt"}
        self._forward = {*both, *tangents, "original_self_p", "original_self_t"}
        self.without_gradient = without_gradient(function, info)

    def output_meant(self, name: str) -> list[str]:
        """The output that is meant by a number, as in `result1`, if outputs have other names."""
        numbered = _NUMBERED.fullmatch(name)
        return self._outputs[int(numbered[1]) :][:1] if numbered else []

    def names(self, raw_names: str) -> set[str]:
        """The names that a formula with this key may use."""
        names = split_names(raw_names)
        if not is_forward_derivative_definition(self._arguments, names):
            return self._backward
        # With a key that is neither an argument nor an output, it may be either.
        is_known = not self._both.isdisjoint(names)
        return self._forward if is_known else self._forward | self._backward


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
        remedies: tuple[Remedy, ...] = ()
        instead = _INSTEAD.get(asked[0])
        if instead is not None and len(asked) == 1:
            remedies = (write(f"{name}.{instead}", f"{name}.{asked[0]}()", path=path),)
        words_ = f"{name}.{asked[0]}"
        yield Mistake("DL606", message, path, words_, help=help_, remedies=remedies)
