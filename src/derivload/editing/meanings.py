"""What the keys of entries and the dispatch keys mean, in a sentence each."""

from __future__ import annotations

from typing import Final

DEFINITION_KEYS: Final = {
    "name": "The schema of the function that the formulas are for, as in native_functions.yaml.",
    "dispatch": "Formulas by dispatch key, instead of one set for all.",
    "output_differentiability": "Which outputs are differentiable: `True`, `False`, or a condition "
    "in C++, for each.",
}
NATIVE_KEYS: Final = {
    "func": "The schema: name, overload, arguments with their types, and returns.",
    "variants": "Whether it is a function of at::, a method of Tensor, or both.",
    "dispatch": "Its kernels, by dispatch key. Without it, its one kernel is composite.",
    "autogen": "The variants that torchgen makes from this one.",
    "structured": "Whether this out variant has a meta function of its own, from which the other "
    "variants are made.",
    "structured_delegate": "The structured out variant that this one is made from.",
    "structured_inherits": "The C++ class that the structured kernel derives from.",
    "precomputed": "What the meta function computes for the kernel.",
    "tags": "What is known of its behaviour. The tags are in tags.yaml.",
    "python_module": "The module of torch that it is in: `nn`, `linalg`, `fft`, `sparse`, "
    "`special`.",
    "device_check": "`NoCheck` leaves out the check that all tensors are on one device.",
    "device_guard": "`False` leaves out the device guard.",
    "cpp_no_default_args": "The arguments without a default in C++.",
    "manual_cpp_binding": "The C++ functions are written by hand.",
    "manual_kernel_registration": "The kernels are registered by hand.",
    "use_const_ref_for_mutable_tensors": "Tensors that are written to are `const Tensor &`.",
    "ufunc_inner_loop": "The inner loop of an elementwise operator, from which kernels are made.",
    "category_override": "The category of its trace.",
}
TAG_KEYS: Final = {
    "tag": "The name of the tag.",
    "desc": "What the tag says of an operator.",
}
NATIVE_VALUES: Final = {
    "variants": ("function", "method", "function, method"),
    "structured": ("True",),
    "device_check": ("NoCheck",),
    "device_guard": ("False",),
    "python_module": ("fft", "linalg", "nested", "nn", "sparse", "special"),
    "manual_cpp_binding": ("True",),
    "manual_kernel_registration": ("True",),
    "use_const_ref_for_mutable_tensors": ("True",),
    "structured_inherits": ("TensorIteratorBase",),
}
_COMPOSITES: Final = {
    "CompositeImplicitAutograd": "One kernel for all backends, made of other operators: autograd "
    "sees these, so it needs no derivative.",
    "CompositeImplicitAutogradNestedTensor": "As CompositeImplicitAutograd, for nested tensors.",
    "CompositeExplicitAutograd": "One kernel for all backends, which autograd does not look into: "
    "it needs a derivative.",
    "CompositeExplicitAutogradNonFunctional": "As CompositeExplicitAutograd, for operators that "
    "return a view or write to an argument.",
    "Meta": "Shapes and types alone, without data.",
    "Default": "The formulas for every key without formulas of its own.",
}


def meaning_of_dispatch_key(key: str) -> str:
    """What a dispatch key stands for."""
    known = _COMPOSITES.get(key)
    if known is not None:
        return known
    if key.startswith("Autograd"):
        return f"Autograd for tensors of {key.removeprefix('Autograd') or 'any backend'}."
    for form in ("SparseCsr", "Sparse", "NestedTensor", "Quantized"):
        if key.startswith(form) and key != form:
            return f"The kernel for {form.lower()} tensors on {key.removeprefix(form)}."
    return f"The kernel for tensors on {key}."
