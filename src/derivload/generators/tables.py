"""The lists that the generators of each release have: one row for each, as in cpp/dialect.py.

Names of functions are those of C++, or base names, as each generator asks for them.
"""

from __future__ import annotations

from typing import Final

import msgspec

_LETTERS: Final = frozenset("_lrs")


class Hidden(msgspec.Struct, frozen=True, gc=False):
    """The functions that get no Python bindings: by name, or by how the name begins or ends."""

    names: frozenset[str]
    beginnings: tuple[str, ...]
    endings: tuple[str, ...]
    schemas: frozenset[str]

    def has(self, name: str, schema: str) -> bool:
        """Whether the function with this C++ name and schema is one of them."""
        if name in self.names or name.endswith(self.endings):
            return True
        # Few names begin with one of these letters.
        if name[0] in _LETTERS and name.startswith(self.beginnings):
            return True
        return schema in self.schemas


class Tables(msgspec.Struct, frozen=True, gc=False):
    """The values of one release that its generators need."""

    by_hand: frozenset[str]
    """C++ names of the functions whose VariableType is written by hand."""
    without_derivative: frozenset[str]
    """Names, or base names, of the functions for which autograd does nothing."""
    unchecked: frozenset[str]
    """C++ names of the functions whose storage is not checked."""
    sharing: frozenset[str]
    """Functions whose outputs may be shared, by the name of their wrapper: it has the overload."""
    views: frozenset[str]
    """Base names of the functions whose outputs are made views."""
    checked_views: frozenset[str]
    """Base names of the functions whose outputs are checked to share storage."""
    list_views_are_replayed: bool
    """Whether a view that returns a list can be made anew from its base."""
    replayed_optional_tensor: bool
    """Whether a view that takes an optional tensor can be made anew."""
    view_functions: bool
    """Whether there is a class for each view, which keeps its arguments."""
    keeps_text: bool
    """Whether that class can keep a text."""
    keeps_scalar: bool
    """Whether that class can keep a Scalar."""
    nodes_by_index: bool
    """Whether the code of a backward node finds each argument by its index."""
    foreach_without_info: frozenset[str]
    """In-place foreach functions that need no derivatives."""
    foreach_with_other_arity: frozenset[str]
    """In-place foreach functions that take other arguments than their reference."""
    hidden: Hidden
    python_returns: frozenset[str]
    """The C++ types that a Python binding can return."""
    dimnames: bool
    """Whether Python bindings take names of dimensions."""
    dummies: bool
    """Whether `category_override: dummy` means that a function takes no TensorOptions."""
    unread: frozenset[str]
    """The base types that Python's argument parser cannot read, or a signature cannot name."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _row(before: Tables, **changes: object) -> Tables:
    return msgspec.structs.replace(before, **changes)


def _hidden(before: Hidden, *, more: str = "", less: str = "") -> Hidden:
    return msgspec.structs.replace(before, names=(before.names | _names(more)) - _names(less))


def _tuple(*types: str) -> str:
    return f"::std::tuple<{','.join(types)}>"


_TENSOR: Final = "at::Tensor"
_VIEWS: Final = _names(
    "_conj _indices _neg_view _nested_view_from_buffer _reshape_alias"
    " _test_autograd_multiple_dispatch_view _values adjoint alias as_strided ccol_indices chunk"
    " col_indices contiguous crow_indices detach diagonal expand expand_as flatten imag indices mH"
    " mT matrix_H movedim narrow numpy_T permute real reshape reshape_as row_indices select slice"
    " sparse_coo_tensor_with_dims_and_tensors split split_with_sizes squeeze swapaxes swapdims t"
    " tensor_split transpose unbind unfold unsqueeze values view view_as view_as_complex"
    " view_as_real"
)
_CHECKED_VIEWS: Final = (
    _VIEWS
    - _names(
        "adjoint chunk contiguous detach expand_as imag mH mT matrix_H movedim narrow real reshape"
        " reshape_as swapaxes swapdims tensor_split view_as"
    )
) | {"_unsafe_view"}
_LAYOUTS: Final = "coo compressed csr csc bsr bsc".split()
_2_1 = Tables(
    by_hand=_names(
        "_backward _fw_primal _make_dual _version copy_ data detach detach_ is_leaf options"
        " output_nr requires_grad_ resize_ resize_as_ retain_grad set_data"
    ),
    without_derivative=_names(
        "__and__ __iand__ __ilshift__ __ior__ __irshift__ __ixor__ __lshift__ __or__ __rshift__"
        " __xor__ _coalesced_ _nested_tensor_size _nested_tensor_strides _sobol_engine_draw"
        " _sobol_engine_ff _sobol_engine_initialize_state_ _sobol_engine_scramble_ allclose argmax"
        " argmin argsort bucketize empty_like full_like isin isinf isnan isneginf isposinf"
        " logical_and logical_not logical_or logical_xor new_empty new_empty_strided new_full"
        " new_ones new_zeros ones_like quantize_per_channel quantize_per_tensor rand_like"
        " randn_like record_stream searchsorted signbit zeros_like"
    ),
    unchecked=_names("_cudnn_rnn_flatten_weight set_"),
    sharing=_names(
        "_cudnn_rnn _cudnn_rnn_backward _embedding_bag _embedding_bag_forward_only"
        " _nested_tensor_size _nested_tensor_storage_offsets _nested_tensor_strides"
        " _slow_conv2d_forward channel_shuffle dequantize_self lift lift_fresh lift_fresh_copy"
        " lu_unpack q_per_channel_scales q_per_channel_zero_points slow_conv3d_forward"
    ),
    views=_VIEWS,
    checked_views=_CHECKED_VIEWS,
    list_views_are_replayed=False,
    replayed_optional_tensor=False,
    view_functions=False,
    keeps_text=False,
    keeps_scalar=True,
    nodes_by_index=False,
    foreach_without_info=_names(
        "_foreach_addcdiv.Tensor _foreach_addcmul.Tensor _foreach_copy _foreach_maximum.Scalar"
        " _foreach_maximum.ScalarList _foreach_minimum.Scalar _foreach_minimum.ScalarList"
    ),
    foreach_with_other_arity=_names(
        "_foreach_add.Scalar _foreach_add.ScalarList _foreach_sub.Scalar _foreach_sub.ScalarList"
    ),
    hidden=Hidden(
        names=_names(
            "alias contiguous is_cuda is_sparse is_sparse_csr size stride sym_size sym_stride"
            " sym_storage_offset sym_numel _unsafe_view tensor _sparse_add_out"
            " _sparse_dense_add_out index index_out unique_dim_consecutive slice item"
            " _local_scalar_dense to _to_copy _to_copy_out _reshape_copy _reshape_copy_out"
            " copy_sparse_to_sparse_ copy_ numpy_T matrix_H mT mH nonzero nonzero_out"
            " nonzero_numpy set_data data is_leaf output_nr _version requires_grad_ retains_grad"
            " set_ _fw_primal fake_quantize_per_tensor_affine_cachemask"
            " fake_quantize_per_channel_affine_cachemask _new_zeros_with_same_feature_meta"
            " _has_same_storage_numel _reshape_alias replace_ copy fill_Tensor fill_Scalar"
            " normal_functional _nested_view_from_buffer _nested_view_from_buffer_copy"
            " _nested_view_from_buffer_copy_out nbytes itemsize"
        ),
        beginnings=(
            *(f"{bar}sparse_{layout}_tensor" for bar in ("", "_") for layout in _LAYOUTS),
            *("_range", "_sparse_div", "_sparse_mul", "_sparse_sub", "_cumsum", "_cumprod"),
            *("_sum", "_prod", "_th_", "_thnn_", "range", "_solve", "_inverse", "_cholesky"),
            *("_triangular_solve", "_qr", "_svd", "lift"),
        ),
        endings=(
            *("_backward", "_backward_out", "_backward_input", "_backward_weight"),
            *("_backward_bias", "_forward", "_forward_out", "_jvp", "_overrideable"),
        ),
        schemas=frozenset(
            schema.format(name, alpha)
            for name, alpha in (
                *(("add", ", Scalar alpha=1"), ("sub", ", Scalar alpha=1")),
                *(("mul", ""), ("div", "")),
            )
            for schema in (
                "{}.Scalar(Tensor self, Scalar other{}) -> Tensor",
                "{}_.Scalar(Tensor(a!) self, Scalar other{}) -> Tensor(a!)",
            )
        ),
    ),
    python_returns=frozenset(
        {
            *(_tuple(*[_TENSOR] * count) for count in range(2, 7)),
            _tuple(_TENSOR, _TENSOR, _TENSOR, "int64_t"),
            _tuple(_TENSOR, _TENSOR, "double", "int64_t"),
            _tuple(_TENSOR, _TENSOR, _TENSOR, _TENSOR, "int64_t"),
            _tuple(_TENSOR, _TENSOR, "double", _TENSOR, "int64_t"),
            _tuple("double", "int64_t"),
            _tuple(_TENSOR, f"::std::vector<{_TENSOR}>"),
            _tuple(*[_TENSOR] * 4, "int64_t", "int64_t", *[_TENSOR] * 3),
            *(_TENSOR, f"::std::vector<{_TENSOR}>", "at::Scalar", "bool", "int64_t", "void"),
            *("void*", "at::QScheme", "double", "at::IntArrayRef", "at::ScalarType", "at::Stream"),
        }
    ),
    dimnames=True,
    dummies=False,
    unread=_names("ConstQuantizerPtr DimVector Generator QScheme"),
)
_2_2 = _row(
    _2_1,
    without_derivative=_2_1.without_derivative | _names("_nested_tensor_storage_offsets"),
    hidden=_hidden(
        _2_1.hidden,
        less="_nested_view_from_buffer _nested_view_from_buffer_copy"
        " _nested_view_from_buffer_copy_out",
    ),
    python_returns=(
        _2_1.python_returns - {_tuple(*[_TENSOR] * 4, "int64_t", "int64_t", *[_TENSOR] * 3)}
    )
    | {_tuple(*[_TENSOR] * 4, "c10::SymInt", "c10::SymInt", *[_TENSOR] * 3)},
)
_NESTED_VIEWS: Final = _names("_nested_get_values _nested_view_from_jagged slice_inverse")
_2_3 = _row(
    _2_2,
    views=_2_2.views | _NESTED_VIEWS,
    checked_views=_2_2.checked_views | _NESTED_VIEWS,
    list_views_are_replayed=True,
    replayed_optional_tensor=True,
    view_functions=True,
    dummies=True,
)
_2_4 = _row(
    _2_3,
    hidden=_hidden(
        _2_3.hidden,
        more="_batch_norm_no_update _batch_norm_with_update _batch_norm_with_update_out"
        " _foreach_copy",
    ),
)
_2_5 = _row(
    _2_4,
    unchecked=_2_4.unchecked | _names("_unsafe_masked_index _unsafe_masked_index_put_accumulate"),
    unread=_2_4.unread | _names("GraphModule SymBool"),
)
_2_6 = _row(_2_5, nodes_by_index=True, unread=_2_5.unread - {"ConstQuantizerPtr"})
_2_7 = _row(_2_6, keeps_text=True)
_2_8 = _2_7
_2_9 = _row(_2_8, hidden=_hidden(_2_8.hidden, more="sym_is_contiguous"))
_2_10 = _2_9
_2_11 = _2_10
_2_12 = _row(
    _2_11,
    hidden=_hidden(_2_11.hidden, more="dim get_device is_contiguous numel storage_offset"),
)
_2_13 = _row(_2_12, dimnames=False)
_2_14 = _row(_2_13, keeps_scalar=False)
_2_15 = _2_14

# By the version of a dialect.
TABLES: Final = {
    f"2.{minor}": row
    for minor, row in enumerate(
        (
            *(_2_1, _2_2, _2_3, _2_4, _2_5, _2_6, _2_7, _2_8),
            *(_2_9, _2_10, _2_11, _2_12, _2_13, _2_14, _2_15),
        ),
        1,
    )
}
