"""Decides which function gets which info (`match_differentiability_info`).

A function without a definition of its own uses the definition of a related function: an in-place
function that of its functional variant, a generated functional function that of its mutable
variant, and a foreach function that of the function that it applies to each tensor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from derivload.cpp.ctypes import CppTypes
from derivload.cpp.dialect import Dialect
from derivload.derivatives.foreach import ForeachReferences, gen_foreach_derivativeinfo
from derivload.derivatives.info import Derived
from derivload.derivatives.inplace_forward import adapt_to_inplace
from derivload.derivatives.model import (
    DifferentiabilityRecord,
    ForwardDerivative,
    FunctionRecord,
    MatchedInfo,
)
from derivload.diagnostics import Invalid
from derivload.native.function import EXPLICIT, IMPLICIT, NativeFunction
from derivload.native.generation import Misfit
from derivload.tuples import NamedTuple

_STRIDES: Final = "strides_or_error"


class MatchedFunction(NamedTuple):
    """The record of a function in functions.json, and its generated info.

    Only a foreach function without a definition of its own has generated info.
    """

    function: NativeFunction
    record: FunctionRecord
    generated: DifferentiabilityRecord | None


class Matched(NamedTuple):
    """The functions that could be matched, and the mistakes of the others.

    `references` has, by the schema of each foreach function with generated info, the schema of the
    function that it applies to each tensor.
    """

    functions: list[MatchedFunction]
    misfits: list[Misfit]
    references: dict[str, str]


class Match(NamedTuple):
    """The info found for one function. `exact` tells that it was defined for this function itself.

    `reference` is the function that it was generated from, if it was.
    """

    derived: Derived | None
    exact: bool = False
    reference: NativeFunction | None = None


_NONE: Final = Match(None)


def match_differentiability_info(
    functions: Iterable[NativeFunction],
    infos: Mapping[str, Derived],
    dialect: Dialect,
    types: CppTypes,
) -> Matched:
    """Match all functions, in the order of their C++ names. `infos` has the info by schema.

    Mistakes: DL501 to DL506.
    """
    matcher = Matcher(infos, dialect, types)
    matched: list[MatchedFunction] = []
    misfits: list[Misfit] = []
    references: dict[str, str] = {}
    for function in sorted(functions, key=lambda f: f.cpp_name):
        try:
            match = matcher.find(function)
            record = function_record(function, match)
        except Invalid as invalid:
            misfits.append(Misfit(function, invalid))
            continue
        generated = None
        if match.derived is not None and match.reference is not None:
            generated = DifferentiabilityRecord(function.schema.text, match.derived.dispatch)
            references[function.schema.text] = match.reference.schema.text
        matched.append(MatchedFunction(function, record, generated))
    return Matched(matched, misfits, references)


class Matcher:
    """Finds the info of functions. It keeps the definitions by the signature of their function."""

    def __init__(self, infos: Mapping[str, Derived], dialect: Dialect, types: CppTypes) -> None:
        self._infos = infos
        self._types = types
        self._dialect = dialect
        self._functional: dict[str, Derived] = {}
        self._others: dict[str, Derived] = {}
        for derived in infos.values():
            kind = derived.function.schema.kind
            by_signature = self._functional if kind == "functional" else self._others
            by_signature[derived.function.signatures.loose] = derived
        self._references = ForeachReferences(
            self._functional.values(), self._others.values(), dialect
        )

    def find(self, function: NativeFunction) -> Match:
        """The info of a function. Raises Invalid (DL501 to DL504)."""
        match = self._find(function)
        if function.schema.kind == "inplace" and match.derived is not None:
            _check_strides(function, match.derived)
        return match

    def _find(self, function: NativeFunction) -> Match:
        if function.generated and function.schema.kind == "out":
            return _NONE
        own = self._infos.get(function.schema.text)
        if own is not None:
            return Match(own, True)
        signature = function.signatures.loose
        functional = None if function.is_foreach else self._functional.get(signature)
        if functional is not None:
            return Match(functional)
        if function.generated and signature in self._others:
            other = self._others[signature]
            _check_reusable(function, other)
            return Match(other)
        if function.is_foreach:
            return self._find_foreach(function)
        return _NONE

    def _find_foreach(self, function: NativeFunction) -> Match:
        reference = self._references.find(function)
        if reference is None:
            return _NONE
        info = reference.dispatch.get("Default")
        if info is None:
            of = f"`{function.qualified}` applies `{reference.function.qualified}`"
            message = f"{of} to each tensor, which has no derivatives for Default"
            raise Invalid("DL503", message, function.qualified)
        if function.schema.kind == "inplace":
            return Match(Derived(reference.function, {"Default": info}))
        generated = gen_foreach_derivativeinfo(
            function, reference.function, info, self._types, self._dialect
        )
        return Match(Derived(function, {"Default": generated}), reference=reference.function)


def _check_strides(function: NativeFunction, derived: Derived) -> None:
    name = function.qualified
    for info in derived.dispatch.values():
        for derivative in info.derivatives:
            if "self" in derivative.var_names and any(
                _STRIDES in saved.expr for saved in derivative.saved_inputs
            ):
                message = f"a formula asks for the strides of `self`, which `{name}` overwrites"
                raise Invalid("DL501", message, name)


def _check_reusable(function: NativeFunction, other: Derived) -> None:
    for info in other.dispatch.values():
        if any("self" in saved.name for saved in info.all_saved_inputs):
            message = (
                f"`{function.qualified}` would reuse the formulas of `{other.function.qualified}`, "
                "but these save `self`"
            )
            raise Invalid("DL502", message)


def function_record(function: NativeFunction, match: Match) -> FunctionRecord:
    """The record of a function with the info matched to it. Raises Invalid (DL505, DL506)."""
    differentiability: dict[str, MatchedInfo] | None = None
    forward: dict[str, tuple[ForwardDerivative, ...]] | None = None
    if match.derived is not None and match.derived.dispatch:
        inplace = function.schema.kind == "inplace"
        schema = match.derived.function.schema.text
        differentiability, forward = {}, {}
        for key, info in match.derived.dispatch.items():
            differentiability[key] = MatchedInfo(schema, info.op)
            forward[key] = (
                adapt_to_inplace(function, info, exact=match.exact)
                if inplace and info.forward_derivatives
                else info.forward_derivatives
            )
    return FunctionRecord(
        schema=function.schema.text,
        kind=function.schema.kind,
        variants=tuple(sorted(function.variants)),
        python_module=function.python_module,
        tags=tuple(sorted(function.tags)),
        structured=function.structured,
        is_abstract=function.is_abstract,
        has_composite_implicit_autograd_kernel=IMPLICIT in function.dispatch,
        has_composite_explicit_autograd_kernel=EXPLICIT in function.dispatch,
        differentiability=differentiability,
        forward_derivatives=forward,
    )
