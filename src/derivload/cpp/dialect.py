"""The differences between PyTorch releases: one table, with one row for each release.

A row has only values. Code uses these values by name and never compares versions, so a new release
needs only a new row. Each row is written as its changes against the release before it.
"""

from __future__ import annotations

from typing import Final

import msgspec

from derivload.patterns import lazy
from derivload.schema.arguments import Grammar


class Dialect(msgspec.Struct, frozen=True, gc=False):
    """The values of one PyTorch release that loading its definitions needs."""

    version: str

    # Types, and their spelling in C++. A base type without a spelling can be parsed, but it has no
    # C++ type.
    cpp_types: dict[str, str]
    unspelled_types: frozenset[str]
    optional: str
    """The C++ optional of argument and return types; `{}` stands for its element."""
    optional_returns: bool
    """Whether `Tensor?` may be returned."""
    cpp_names: dict[str, str]
    """torchgen's own constants for C++ types, as far as rules name one: how each is spelled."""
    cpp_defaults: dict[str, str]
    """Defaults of the schema language that C++ writes otherwise."""
    nullopt_default: str

    # Spellings inside formulas.
    formula_optional: str
    formula_nullopt: str
    formula_string_view: str
    saves_sym_numel: bool

    # Reading schemas and entries.
    grammar: Grammar
    dispatch_keys: frozenset[str]
    """The keys that an entry may have kernels for."""
    all_dispatch_keys: frozenset[str]
    """The members of torchgen's DispatchKey: a backend may add any of these to the keys above."""
    structured_dispatch_keys: frozenset[str]
    autograd_keys: frozenset[str]
    """The keys that an entry of derivatives.yaml may dispatch on, besides Default."""
    scalar_types: frozenset[str]
    python_keywords_checked: bool
    const_ref_excludes_out: bool
    philox_is_seeded: bool
    implied_tags: tuple[str, ...]
    """Tags that an entry gets without naming them, if tags.yaml has them."""

    # Generated variants and view groups.
    core_composites_get_variants: bool
    mutable_before_inplace: bool
    """Which variant the others are generated from, if an operator has both."""
    set_is_no_view: bool
    scatter_is_inverse: bool
    generated_keep_compliance: bool
    without_out_variant: frozenset[str]
    ungrouped_out: frozenset[str]
    """Declared out variants whose functional variant has another signature."""
    ungrouped_inplace: frozenset[str]
    """In-place functions whose functional variant has an argument before self."""

    # Derivatives.
    view_copies_have_own_derivatives: bool
    foreach_with_tensor_overload: frozenset[str]
    foreach_checks_argument_count: bool
    foreach_without_alpha: frozenset[str]
    """Foreach functions whose references take an alpha that they do not."""
    foreach_with_inplace_reference: frozenset[str]


_BACKENDS = (
    "CPU CUDA HIP XLA MTIA MPS IPU XPU HPU VE Lazy Meta PrivateUse1 PrivateUse2 PrivateUse3".split()
)
_FUNCTIONALITIES = ("", "Quantized", "Sparse", "NestedTensor", "Autograd")

# torchgen's constants for C++ types that its rules name.
_CPP_NAMES = {
    "SymIntT": "c10::SymInt",
    "boolT": "bool",
    "dimnameListT": "at::DimnameList",
    "iTensorListRefT": "at::ITensorListRef",
    "intArrayRefT": "at::IntArrayRef",
    "layoutT": "at::Layout",
    "longT": "int64_t",
    "optionalIntArrayRefT": "at::OptionalIntArrayRef",
    "optionalSymIntArrayRefT": "at::OptionalSymIntArrayRef",
    "scalarT": "at::Scalar",
    "scalarTypeT": "at::ScalarType",
    "stringT": "c10::string_view",
    "symIntArrayRefT": "c10::SymIntArrayRef",
    "tensorGeometryT": "at::TensorGeometry",
    "tensorListT": "at::TensorList",
    "tensorOptionsT": "at::TensorOptions",
    "tensorT": "at::Tensor",
    "typeAndSizeT": "torch::autograd::generated::TypeAndSize",
}
CPP_NAMES: Final = frozenset(_CPP_NAMES)


def _row(before: Dialect, version: str, **changes: object) -> Dialect:
    return msgspec.structs.replace(before, version=version, **changes)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _without(types: dict[str, str], name: str) -> dict[str, str]:
    return {known: spelled for known, spelled in types.items() if known != name}


_2_1 = Dialect(
    version="2.1",
    cpp_types={
        "Device": "at::Device",
        "DeviceIndex": "at::DeviceIndex",
        "DimVector": "at::DimVector",
        "Dimname": "at::Dimname",
        "Generator": "at::Generator",
        "Layout": "at::Layout",
        "MemoryFormat": "at::MemoryFormat",
        "QScheme": "at::QScheme",
        "Scalar": "at::Scalar",
        "ScalarType": "at::ScalarType",
        "Storage": "at::Storage",
        "Stream": "at::Stream",
        "SymInt": "c10::SymInt",
        "Tensor": "at::Tensor",
        "bool": "bool",
        "float": "double",
        "int": "int64_t",
        "str": "c10::string_view",
    },
    unspelled_types=_names("ConstQuantizerPtr"),
    optional="c10::optional<{}>",
    optional_returns=False,
    cpp_names=_CPP_NAMES,
    cpp_defaults={
        "False": "false",
        "True": "true",
        "None": "c10::nullopt",
        "Mean": "at::Reduction::Mean",
        "[]": "{}",
        "contiguous_format": "MemoryFormat::Contiguous",
        "long": "at::kLong",
    },
    nullopt_default="c10::nullopt",
    formula_optional="c10::optional",
    formula_nullopt="c10::nullopt",
    formula_string_view="c10::string_view",
    saves_sym_numel=False,
    grammar=Grammar(spaces_in_defaults=False, namespaces=False),
    dispatch_keys=_names(
        "CPU CUDA CompositeExplicitAutograd CompositeExplicitAutogradNonFunctional"
        " CompositeImplicitAutograd CompositeImplicitAutogradNestedTensor MPS Meta MkldnnCPU"
        " NestedTensorCPU NestedTensorCUDA NestedTensorMeta QuantizedCPU QuantizedCUDA"
        " QuantizedMeta SparseCPU SparseCUDA SparseCsrCPU SparseCsrCUDA SparseMeta ZeroTensor"
    ),
    all_dispatch_keys=frozenset(
        {
            *(kind + backend for kind in _FUNCTIONALITIES for backend in _BACKENDS),
            *_names(
                "ADInplaceOrView Autocast Autograd AutogradFunctionality AutogradNestedTensor"
                " AutogradOther BackendSelect Batched CatchAll CompositeExplicitAutograd"
                " CompositeExplicitAutogradNonFunctional CompositeImplicitAutograd"
                " CompositeImplicitAutogradNestedTensor CustomRNGKeyId FPGA FuncTorchBatched"
                " FuncTorchBatchedDecomposition FuncTorchDynamicLayerBackMode"
                " FuncTorchDynamicLayerFrontMode FuncTorchGradWrapper FuncTorchVmapMode"
                " Functionalize IDEEP MKLDNN Metal MkldnnCPU Named ORT OpenCL OpenGL Python Sparse"
                " SparseCsrCPU SparseCsrCUDA TESTING_ONLY_GenericMode TESTING_ONLY_GenericWrapper"
                " Tracer Undefined VmapMode Vulkan ZeroTensor"
            ),
        }
    ),
    structured_dispatch_keys=_names("CPU CUDA MPS"),
    autograd_keys=frozenset(["AutogradNestedTensor", *(f"Autograd{key}" for key in _BACKENDS)]),
    scalar_types=_names(
        "BFloat16 Bool Byte Char ComplexDouble ComplexFloat ComplexHalf Double Float"
        " Float8_e4m3fn Float8_e5m2 Half Int Long Short"
    ),
    python_keywords_checked=False,
    const_ref_excludes_out=False,
    philox_is_seeded=True,
    implied_tags=(),
    core_composites_get_variants=False,
    mutable_before_inplace=False,
    set_is_no_view=False,
    scatter_is_inverse=False,
    generated_keep_compliance=False,
    without_out_variant=_names(
        "_assert_async _assert_async.msg _chunk_grad_outputs_efficient_attention _dimI _dimV"
        " _fused_sdp_choice _has_same_storage_numel _linalg_check_errors _local_scalar_dense"
        " _nested_tensor_from_mask_left_aligned _nested_tensor_storage_offsets _nnz"
        " _use_cudnn_ctc_loss _use_cudnn_ctc_loss.Tensor _validate_compressed_sparse_indices"
        " allclose dense_dim equal is_coalesced is_pinned is_same_size is_set_to"
        " q_per_channel_axis q_scale q_zero_point qscheme record_stream sparse_dim"
        " sym_constrain_range sym_constrain_range_for_size"
        # These are mutable. torchgen has a list of its own for them, and uses both in one way.
        " _cummax_helper _cummin_helper"
    ),
    ungrouped_out=_names(
        "adaptive_avg_pool3d_backward.grad_input _slow_conv2d_backward.grad_input"
    ),
    ungrouped_inplace=_names("polygamma_"),
    view_copies_have_own_derivatives=False,
    foreach_with_tensor_overload=_names("_foreach_mul.Tensor"),
    foreach_checks_argument_count=False,
    foreach_without_alpha=frozenset(),
    foreach_with_inplace_reference=_names("_foreach_zero_"),
)

_2_2 = _row(
    _2_1,
    "2.2",
    optional_returns=True,
    saves_sym_numel=True,
    all_dispatch_keys=_2_1.all_dispatch_keys
    | _names("BatchedNestedTensor Conjugate Dense Negative NestedTensor"),
    scalar_types=_2_1.scalar_types | _names("Float8_e4m3fnuz Float8_e5m2fnuz"),
    implied_tags=("pt2_compliant_tag",),
    generated_keep_compliance=True,
    foreach_with_tensor_overload=_names(
        "_foreach_add.Tensor _foreach_mul.Tensor _foreach_div.Tensor"
    ),
)

_2_3 = _row(
    _2_2,
    "2.3",
    dispatch_keys=_2_2.dispatch_keys | _names("SparseCsrMeta"),
    all_dispatch_keys=_2_2.all_dispatch_keys
    | {"PreDispatch", "SparseCsr", *(f"SparseCsr{backend}" for backend in _BACKENDS)},
    set_is_no_view=True,
    scatter_is_inverse=True,
    without_out_variant=_2_2.without_out_variant
    | _names("_assert_scalar _cslt_sparse_mm_search _nested_get_ragged_idx _print"),
    view_copies_have_own_derivatives=True,
)

_2_4 = _row(
    _2_3,
    "2.4",
    optional="::std::optional<{}>",
    cpp_defaults=_2_3.cpp_defaults | {"None": "::std::nullopt"},
    all_dispatch_keys=(_2_3.all_dispatch_keys - {"ORT"})
    | _names("AutocastCPU AutocastCUDA MAIA PythonDispatcher PythonTLSSnapshot"),
    nullopt_default="::std::nullopt",
    without_out_variant=_2_3.without_out_variant | _names("_sink_tokens"),
    foreach_checks_argument_count=True,
    foreach_without_alpha=_names(
        "_foreach_add.Scalar _foreach_add_.Scalar _foreach_add.ScalarList _foreach_add_.ScalarList"
        " _foreach_sub.Scalar _foreach_sub_.Scalar _foreach_sub.ScalarList _foreach_sub_.ScalarList"
    ),
)

_2_5 = _row(
    _2_4,
    "2.5",
    unspelled_types=_names("ConstQuantizerPtr GraphModule SymBool"),
    cpp_defaults=_2_4.cpp_defaults | {"contiguous_format": "c10::MemoryFormat::Contiguous"},
    formula_optional="std::optional",
    formula_nullopt="std::nullopt",
    grammar=Grammar(spaces_in_defaults=True, namespaces=False),
    dispatch_keys=_2_4.dispatch_keys | _names("XPU"),
    structured_dispatch_keys=_2_4.structured_dispatch_keys | _names("XPU"),
)

_2_6 = _row(
    _2_5,
    "2.6",
    unspelled_types=_names("GraphModule SymBool"),
    formula_string_view="std::string_view",
    dispatch_keys=_2_5.dispatch_keys | _names("NestedTensorXPU SparseXPU"),
    python_keywords_checked=True,
    core_composites_get_variants=True,
    mutable_before_inplace=True,
    without_out_variant=_2_5.without_out_variant | _names("_assert_tensor_metadata"),
)

_2_7 = _row(
    _2_6,
    "2.7",
    grammar=Grammar(spaces_in_defaults=True, namespaces=True),
    dispatch_keys=_2_6.dispatch_keys | _names("SparseCsrXPU"),
    scalar_types=_2_6.scalar_types | _names("Float8_e8m0fnu"),
    const_ref_excludes_out=True,
)

_2_8 = _row(
    _2_7,
    "2.8",
    dispatch_keys=_2_7.dispatch_keys | _names("MTIA NestedTensorHPU"),
    structured_dispatch_keys=_2_7.structured_dispatch_keys | _names("MTIA"),
)

_2_9 = _row(
    _2_8,
    "2.9",
    cpp_types=_2_8.cpp_types | {"SymBool": "c10::SymBool"},
    unspelled_types=_names("GraphModule"),
    dispatch_keys=_2_8.dispatch_keys | _names("SparseCsrMPS SparseMPS"),
)

_2_10 = _row(_2_9, "2.10")

_2_11 = _row(
    _2_10,
    "2.11",
    without_out_variant=_2_10.without_out_variant
    | _names("_use_miopen_ctc_loss _use_miopen_ctc_loss.Tensor"),
)

_2_12 = _row(_2_11, "2.12")

_2_13 = _row(
    _2_12,
    "2.13",
    cpp_types=_without(_2_12.cpp_types, "Dimname"),
    cpp_names=_without(_2_12.cpp_names, "dimnameListT"),
    all_dispatch_keys=_2_12.all_dispatch_keys | _names("AutocastXPU"),
    implied_tags=("pt2_compliant_tag", "out", "inplace"),
)

_2_14 = _row(_2_13, "2.14")

_2_15 = _row(_2_14, "2.15", philox_is_seeded=False)

DIALECTS: Final = {
    row.version: row
    for row in (
        *(_2_1, _2_2, _2_3, _2_4, _2_5, _2_6, _2_7, _2_8),
        *(_2_9, _2_10, _2_11, _2_12, _2_13, _2_14, _2_15),
    )
}
NEWEST: Final = _2_15

_VERSION = lazy(r"\s*v?(\d+)\.(\d+)")


class UnknownVersionError(ValueError):
    """A torch version that derivload does not know. The text says which."""


def find_dialect(torch_version: str | None) -> tuple[Dialect, bool]:
    """The row for a torch version such as "2.15", "2.15.1+cu130" or "2.16.0a0".

    None means the newest row. The second value tells whether the version is newer than the table;
    then the newest row is used for it. Raises UnknownVersionError if the version is older than the
    table, or is not a version.
    """
    if torch_version is None:
        return NEWEST, False
    release = release_of(torch_version)
    row = DIALECTS.get(release)
    if row is not None:
        return row, False
    if _numbers(release) > _numbers(NEWEST.version):
        return NEWEST, True
    raise UnknownVersionError(
        f"torch {release} is older than 2.1, the first release that derivload knows"
    )


def release_of(torch_version: str) -> str:
    """The release "X.Y" of a torch version. Raises UnknownVersionError if it is not a version."""
    match = _VERSION.match(torch_version)
    if match is None:
        raise UnknownVersionError(f"`{torch_version}` is not a torch version; write it as X.Y")
    return f"{int(match[1])}.{int(match[2])}"


def _numbers(release: str) -> list[int]:
    return [int(number) for number in release.split(".")]
