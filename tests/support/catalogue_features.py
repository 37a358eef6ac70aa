"""What the tests of catalogue share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import derivload
from derivload.derivatives.model import (
    DifferentiabilityInfo,
    ForwardDerivative,
    FunctionRecord,
    SavedAttribute,
)
from support.paths import CATALOGUE

DERIVATIVES = CATALOGUE / "derivatives.yaml"


NATIVE_FUNCTIONS = CATALOGUE / "native_functions.yaml"


TAGS = CATALOGUE / "tags.yaml"


Definitions = derivload.Definitions


Feature = Callable[[Definitions], bool]


def infos(definitions: Definitions) -> Iterator[DifferentiabilityInfo]:
    for record in definitions.differentiability:
        yield from record.dispatch.values()


def saved(definitions: Definitions) -> Iterator[SavedAttribute]:
    for info in infos(definitions):
        yield from info.all_saved_inputs


def formulas(definitions: Definitions) -> Iterator[str]:
    for info in infos(definitions):
        yield from (derivative.formula for derivative in info.derivatives)


def tangents(definitions: Definitions) -> Iterator[ForwardDerivative]:
    for info in infos(definitions):
        yield from info.forward_derivatives


def matched(definitions: Definitions, kind: str) -> Iterator[ForwardDerivative]:
    """The tangents that the functions of a kind were given."""
    for function in definitions.functions:
        if function.kind == kind:
            for formulas in (function.forward_derivatives or {}).values():
                yield from formulas


def saves(name: str, type_: str, expression: str) -> Feature:
    """Some input is saved under a name that ends so, as that type, by such an expression."""
    return lambda d: any(
        s.name.endswith(name) and s.type == type_ and expression in s.expr for s in saved(d)
    )


def saves_whole(type_: str) -> Feature:
    """Some input of that C++ type is saved as it is."""
    return lambda d: any(s.type == type_ and s.name == s.expr for s in saved(d))


def some_info(test: Callable[[DifferentiabilityInfo], object]) -> Feature:
    return lambda d: any(test(info) for info in infos(d))


def some_function(test: Callable[[FunctionRecord], object]) -> Feature:
    return lambda d: any(test(function) for function in d.functions)


def some_schema(pattern: str) -> Feature:
    found = re.compile(pattern)
    return some_function(lambda function: found.search(function.schema))


def some_formula(pattern: str) -> Feature:
    found = re.compile(pattern)
    return lambda d: any(found.search(formula) for formula in formulas(d))


def some_tangent(pattern: str) -> Feature:
    found = re.compile(pattern)
    return lambda d: any(found.search(tangent.formula) for tangent in tangents(d))


def some_foreach(op: str, formula: str) -> Feature:
    """A generated record with an op that ends so and a gradient that holds that text."""
    return lambda d: any(
        (info.op or "").endswith(op) and any(formula in b.formula for b in info.derivatives)
        for record in d.generated
        for info in record.dispatch.values()
    )


def shows_inplace_tangent(pattern: str, *, original_self: bool) -> Feature:
    found = re.compile(pattern)
    return lambda d: any(
        found.search(tangent.formula)
        and tangent.is_reusing_outplace_formula
        and tangent.required_original_self_value == original_self
        for tangent in matched(d, "inplace")
    )


def by_hand(schema: str) -> Feature:
    """Some function is declared, not generated, and its schema begins so."""
    return some_function(lambda f: f.schema.startswith(schema) and not has(f, "generated"))


def has(function: FunctionRecord, *tags: str) -> bool:
    return set(tags) <= {*function.tags}


SYM_SIZES = "c10::SymIntArrayRef"


LISTS = "::std::vector<::std::vector<{}>>"


FEATURES: dict[str, Feature] = {
    # What is saved instead of an argument.
    "sizes": saves("_sym_sizes", SYM_SIZES, ".sym_sizes()"),
    "sizes of an optional": saves(
        "_sym_sizes_opt", f"::std::optional<{SYM_SIZES}>", ".has_value() ? "
    ),
    "one size": saves("_sym_argsize_0", "c10::SymInt", ".sym_size(0)"),
    "the last size": saves("_sym_argsize_minus_1", "c10::SymInt", ".sym_size(-1)"),
    "numel": saves("_numel", "int64_t", ".numel()"),
    "sym_numel": saves("_sym_numel", "c10::SymInt", ".sym_numel()"),
    "dim": saves("_dim", "int64_t", ".dim()"),
    "strides": saves("_sym_strides", SYM_SIZES, "strides_or_error("),
    "block size": saves(
        "_self_sym_blocksize_opt", f"::std::optional<{SYM_SIZES}>", "getSymIntBlockSize("
    ),
    "options of a tensor": saves("_options", "at::TensorOptions", ".options()"),
    "layout of a tensor": saves("_layout", "at::Layout", ".layout()"),
    "scalar type of a tensor": saves("_scalar_type", "at::ScalarType", ".scalar_type()"),
    "conjugation": saves("_conjugate", "bool", ".is_conj()"),
    "geometry": saves("_geometry", "at::TensorGeometry", "TensorGeometry("),
    "sizes of a list": saves("_args_sizes", LISTS.format("int64_t"), "to_args_sizes("),
    "symbolic sizes of a list": saves(
        "_args_sizes_symint", LISTS.format("c10::SymInt"), "to_args_sizes_symint("
    ),
    "types of a list": saves(
        "_args_scalartypes", "::std::vector<at::ScalarType>", "to_args_scalartypes("
    ),
    "type and size": saves("_info", "torch::autograd::generated::TypeAndSize", ""),
    "zeros of a type and size": some_formula(r"_info\.zeros\(\)"),
    "options of the operator": saves_whole("at::TensorOptions"),
    # Outputs.
    "saved result": some_info(lambda i: any(s.name == "result" for s in i.all_saved_outputs)),
    "saved result by number": some_info(
        lambda i: any(s.name == "result0" for s in i.all_saved_outputs)
    ),
    "saved result by name": some_info(lambda i: any(s.name == "mask" for s in i.all_saved_outputs)),
    "gradients by number": some_formula(r"grads\[1\]"),
    "gradients as a list": some_formula(r"grads\b(?!\[)"),
    "gradients by name": some_info(lambda i: i.used_named_gradients),
    "gradients that have a name but go by `grad`": some_info(
        lambda i: i.available_named_gradients and not i.used_named_gradients
    ),
    "not all outputs differentiable": some_info(
        lambda i: i.output_differentiability == (True, False)
    ),
    "no output differentiable": some_info(
        lambda i: i.output_differentiability == (False,) and i.op is None
    ),
    "condition": some_info(lambda i: i.output_differentiability_conditions),
    # Inputs.
    "no gradient for an optional tensor": some_info(
        lambda i: i.name == "burnish" and "cloth" in i.non_differentiable_arg_names
    ),
    "no gradient for a list": some_info(
        lambda i: i.name == "ballast" and "guards" in i.non_differentiable_arg_names
    ),
    "no gradient for what is written": some_info(
        lambda i: {"ledger", "count"} <= {*i.non_differentiable_arg_names}
    ),
    "one formula for several inputs": some_info(
        lambda i: any(len(d.var_names) == 3 for d in i.derivatives)
    ),
    "mask of the wanted gradients": some_formula(r"grad_input_mask\)"),
    "optional text": some_formula(r"\? std::optional<std::string_view>\("),
    "no gradient implemented": some_formula(r"^not_implemented\("),
    "formula with line ends": some_formula(r"\n"),
    "default of an argument": some_info(
        lambda i: any(a.default == "{}" for a in i.args_with_derivatives)
    ),
    "default that C++ does not have": some_info(
        lambda i: any(a.name == "lining" and a.default is None for a in i.args_with_derivatives)
    ),
    # Tangents.
    "auto_linear, a function": some_tangent(r"^at::\w+\(\w+_t, dim\)$"),
    "auto_linear, a method": some_tangent(r"^self_t\.ripple\(dim, shift\)$"),
    "auto_linear, two tangents and a symbolic size": some_tangent(
        r"^at::\w+_symint\(self_t, src_t, "
    ),
    "auto_element_wise": some_tangent(r"^\(self_t\.conj\(\) \* .*\)\.conj\(\)$"),
    "tangents of several outputs": some_info(lambda i: len(i.forward_derivatives) == 2),
    "tangent that needs a value": lambda d: any(t.required_inputs_primal for t in tangents(d)),
    "in-place by calling the in-place method": shows_inplace_tangent(
        r"^self_t_raw\.defined\(\) \? self_t_raw\.gild_\(", original_self=False
    ),
    "in-place by a copy, with the value from before": shows_inplace_tangent(
        r"self_t_raw\.copy_\(.*original_self_p", original_self=True
    ),
    "in-place where the result is self": shows_inplace_tangent(
        r"self_t_raw\.copy_\(.* \+ self_p \* ", original_self=False
    ),
    "tangent of a list of outputs": lambda d: any("Tensor[]" in t.var_types for t in tangents(d)),
    # Definitions.
    "second overload": some_info(lambda i: i.op == "TemperBackward1"),
    "a second dispatch key": lambda d: any(len(r.dispatch) > 1 for r in d.differentiability),
    "dispatch keys in use": lambda d: (
        d.used_dispatch_keys == ("AutogradCUDA", "AutogradNestedTensor", "Default")
    ),
    "tangent for one dispatch key alone": lambda d: any(
        {bool(info.forward_derivatives) for info in record.dispatch.values()} == {True, False}
        for record in d.differentiability
    ),
    "definition of an in-place function": some_info(lambda i: i.op == "DustBackward0"),
    "definition of a dunder method": some_info(lambda i: i.op == "ImodBackward0"),
    "copy of a view, with the definition of the view": some_info(
        lambda i: i.op == "RippleBackward0_copy"
    ),
    "copy of a view of a list": some_info(lambda i: i.op == "FacetBackward0_copy"),
    "copy of a view, with a definition of its own": lambda d: (
        {info.op for info in infos(d) if info.name.startswith("inlay")}
        == {"InlayInverseBackward0", "InlayScatterBackward0"}
    ),
    # Foreach functions.
    "foreach by hand": by_hand("_foreach_gleam("),
    "foreach over a list": some_foreach("GleamBackward0", "grads[i] * gleam_slope(self[i])"),
    "foreach, a list and a list": some_foreach("Backward0List", "other[i]"),
    "foreach, a list and a number": some_foreach("Backward1Scalar", "grads[i], scalar)"),
    "foreach, a list and numbers": some_foreach("Backward1ScalarList", "scalars[i]"),
    "foreach, a list and a tensor": some_foreach("Backward0Tensor", "pivot.rsqrt()"),
    "foreach in place, by the definition of one": some_function(
        lambda f: (
            f.schema.startswith("_foreach_gleam_(")
            and f.differentiability is not None
            and f.differentiability["Default"].op == "GleamBackward0"
        )
    ),
    # Functions.
    "functional": some_function(lambda f: f.kind == "functional"),
    "in-place": some_function(lambda f: f.kind == "inplace"),
    "out": some_function(lambda f: f.kind == "out"),
    "mutable": some_function(lambda f: f.kind == "mutable"),
    "method alone": some_function(lambda f: f.variants == ("method",)),
    "module": some_function(lambda f: f.python_module == "nn"),
    "structured": some_function(lambda f: f.structured),
    "structured, of an overload": some_schema(r"^temper\.out\("),
    "delegate of a structured function": by_hand("gleam_("),
    "delegate, of an overload": by_hand("temper.Tensor("),
    "functional beside in-place": by_hand("gild("),
    "not abstract": some_function(lambda f: not f.is_abstract),
    "explicit composite": some_function(lambda f: f.has_composite_explicit_autograd_kernel),
    "implicit composite": some_function(
        lambda f: f.has_composite_implicit_autograd_kernel and f.schema.startswith("sift(")
    ),
    "variants of a core composite": some_function(
        lambda f: has(f, "generated") and f.schema.startswith("lull.out(")
    ),
    "functional variant of an in-place function": some_function(
        lambda f: has(f, "generated") and f.schema.startswith("dust(")
    ),
    "functional variant of a mutable function": some_function(
        lambda f: has(f, "generated") and "_functional(" in f.schema
    ),
    "out variant of an overload": some_function(
        lambda f: has(f, "generated") and f.schema.startswith("temper.Scalar_out(")
    ),
    "out variant of a list": some_schema(r"^braid\.out\(Tensor\[\] strands, "),
    "out variant without the options": some_schema(
        r"^kiln\.out\(Tensor self, \*, MemoryFormat\? memory_format=None, Tensor\(a!\) out\)"
    ),
    "out variant with several outputs": some_schema(r"Tensor\(a!\) out0, Tensor\(b!\) out1\)"),
    "several out arguments by hand": some_schema(r"Tensor\(a!\) upper, Tensor\(b!\) lower\)"),
    "a list as the out argument by hand": some_function(
        lambda f: not has(f, "generated") and "Tensor(a!)[] out) -> ()" in f.schema
    ),
    "factory": some_schema(r"^tally\(int high, .*ScalarType\? dtype=long"),
    "randomness": some_function(lambda f: has(f, "nondeterministic_seeded")),
    "randomness of a generated variant": some_function(
        lambda f: has(f, "nondeterministic_seeded", "generated")
    ),
    "view in place": some_function(lambda f: has(f, "inplace_view")),
    "copy of a view by hand": some_function(
        lambda f: has(f, "view_copy") and not has(f, "generated")
    ),
    "tag that comes by itself, of an out variant": some_function(
        lambda f: has(f, "out") and not has(f, "generated")
    ),
    "tag that comes by itself, of an in-place function": some_function(lambda f: has(f, "inplace")),
    "tag that comes by itself, without a namespace": some_function(
        lambda f: has(f, "pt2_compliant_tag")
    ),
    "several tags": some_function(lambda f: has(f, "core", "pointwise")),
    "namespace": some_function(lambda f: not has(f, "pt2_compliant_tag")),
    "no return": some_schema(r"^hush\(.*\) -> \(\)$"),
    "a return that may be undefined": some_schema(r"\) -> Tensor\?$"),
    "custom class": some_schema(r"__torch__\.torch\.classes\."),
    # Types.
    **{
        f"C++ type {type_}": saves_whole(type_)
        for type_ in (
            *("at::Tensor", "::std::optional<at::Tensor>", "int64_t", "double", "bool"),
            *("at::Scalar", "c10::string_view", "c10::SymInt", "c10::SymBool", "at::DimVector"),
            *("at::Storage", "at::Stream", "at::Device", "at::DeviceIndex", "at::Layout"),
            *("at::QScheme", "at::ScalarType", "at::MemoryFormat", "::std::optional<int64_t>"),
            *("::std::optional<double>", "::std::optional<bool>", "::std::optional<at::Scalar>"),
            *("::std::optional<c10::string_view>", "::std::optional<c10::SymInt>"),
            *("at::OptionalIntArrayRef", "at::OptionalSymIntArrayRef", "at::IntArrayRef"),
            *("::std::optional<at::ArrayRef<double>>", "c10::SymIntArrayRef"),
            *("::std::array<bool,3>", "at::ArrayRef<at::Scalar>", "at::ArrayRef<double>"),
        )
    },
}
