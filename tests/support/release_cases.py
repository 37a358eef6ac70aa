"""What tells one PyTorch release from another: inputs on which their torchgens differ.

The shipped catalogue is the first of them. The others are as small as can be. Each is for one
value in a row of `cpp/dialect.py`, or in a list of names that stands beside a rule; its name is
`FIELD` or `FIELD VALUE`, and what follows a colon tells several of one value apart. What each
release's own torchgen makes of them is recorded: see release_verdicts.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from support.paths import CATALOGUE

# A file of entries without any.
NOTHING: Final = "[]\n"


class Case(NamedTuple):
    """The texts of the three files."""

    natives: str
    derivatives: str
    tags: str


# ---------------------------------------------------------------------------- the catalogue

# The entries that releases turn away, each with the last one that does, and why.
TURNED_AWAY: Final = {
    "sway": "2.8",  # a SymBool has no C++ type
    "inlay_inverse": "2.2",  # its copy is not to be called `_scatter` yet
    "burnish": "2.1",  # `Tensor?` may not be returned yet
}


def left_out(release: str) -> list[str]:
    """The entries of the catalogue that a release turns away."""
    return [name for name, last in TURNED_AWAY.items() if number(release) <= number(last)]


def number(release: str) -> list[int]:
    """A release "X.Y" as it is compared with others."""
    return [int(part) for part in release.split(".")]


def catalogue(release: str) -> Case:
    """The shipped catalogue, without the entries that this release turns away."""
    names = left_out(release)
    return _of_catalogue(lambda name: name not in names)


def _of_catalogue(is_wanted: Callable[[str], bool]) -> Case:
    natives, derivatives = (
        "".join(entry for entry in _entries(file) if is_wanted(_named(entry)))
        for file in ("native_functions.yaml", "derivatives.yaml")
    )
    return Case(natives, derivatives or NOTHING, (CATALOGUE / "tags.yaml").read_text("utf-8"))


def _entries(file: str) -> list[str]:
    return re.split(r"(?m)^(?=- )", (CATALOGUE / file).read_text("utf-8"))[1:]


def _named(entry: str) -> str:
    match = re.match(r"- \w+: (?:\w+::)?(\w+)", entry)
    assert match is not None
    return match[1]


# -------------------------------------------------------------------------------- the cases

# The names that the torchgens of the releases have of each kind, and a name that none has.
NONE: Final = "Gilt"
BASE_TYPES: Final = """
    ConstQuantizerPtr Device DeviceIndex DimVector Dimname Generator GraphModule Layout
    MemoryFormat QScheme Scalar ScalarType Storage Stream SymBool SymInt Tensor bool float int str
""".split()
SCALAR_TYPES: Final = """
    BFloat16 Bool Byte Char ComplexDouble ComplexFloat ComplexHalf Double Float Float8_e4m3fn
    Float8_e4m3fnuz Float8_e5m2 Float8_e5m2fnuz Float8_e8m0fnu Half Int Long Short
""".split()
_KINDS: Final = " Sparse SparseCsr Quantized NestedTensor Autograd".split(" ")
_BACKENDS: Final = """
    CPU CUDA HIP XLA MPS IPU XPU HPU VE Lazy MTIA PrivateUse1 PrivateUse2 PrivateUse3 Meta
""".split()
_COMPOSITES: Final = """
    CompositeExplicitAutograd CompositeExplicitAutogradNonFunctional CompositeImplicitAutograd
    CompositeImplicitAutogradNestedTensor
""".split()
DISPATCH_KEYS: Final = [
    *(kind + backend for kind in _KINDS for backend in _BACKENDS),
    *_COMPOSITES,
    *"""
    ADInplaceOrView Autocast AutocastCPU AutocastCUDA AutocastXPU Autograd AutogradFunctionality
    AutogradNestedTensor AutogradOther BackendSelect Batched BatchedNestedTensor Conjugate
    CustomRNGKeyId Dense FPGA FuncTorchBatched FuncTorchBatchedDecomposition
    FuncTorchDynamicLayerBackMode FuncTorchDynamicLayerFrontMode FuncTorchGradWrapper
    FuncTorchVmapMode Functionalize IDEEP MAIA MKLDNN Metal MkldnnCPU Named Negative NestedTensor
    ORT OpenCL OpenGL PreDispatch Python PythonDispatcher PythonTLSSnapshot Sparse SparseCsr
    TESTING_ONLY_GenericMode TESTING_ONLY_GenericWrapper Tracer Undefined VmapMode Vulkan
    ZeroTensor
    """.split(),
]
WITHOUT_OUT_VARIANT: Final = """
    _assert_async _assert_async.msg _assert_scalar _assert_tensor_metadata
    _chunk_grad_outputs_efficient_attention _cslt_sparse_mm_search _dimI _dimV _fused_sdp_choice
    _has_same_storage_numel _linalg_check_errors _local_scalar_dense _nested_get_ragged_idx
    _nested_tensor_from_mask_left_aligned _nested_tensor_storage_offsets _nnz _print _sink_tokens
    _use_cudnn_ctc_loss _use_cudnn_ctc_loss.Tensor _use_miopen_ctc_loss _use_miopen_ctc_loss.Tensor
    _validate_compressed_sparse_indices allclose dense_dim equal is_coalesced is_pinned
    is_same_size is_set_to q_per_channel_axis q_scale q_zero_point qscheme record_stream
    sparse_dim sym_constrain_range sym_constrain_range_for_size
""".split()
# The keys of an entry of native_functions.yaml.
KEYS: Final = """
    autogen category_override cpp_no_default_args device_check device_guard dispatch func
    manual_cpp_binding manual_kernel_registration precomputed python_module structured
    structured_delegate structured_inherits tags ufunc_inner_loop
    use_const_ref_for_mutable_tensors variants gilt
""".split()
# What a formula may ask of a tensor, an optional one, or a list, without the whole being saved.
ASKED: Final = """
    {}.sym_sizes() {}->sym_sizes() {}.sym_blocksize() {}.options() zeros_like({}) {}.sym_size(N)
    {}.numel() {}.sym_numel() to_args_sizes({}) to_args_sizes_symint({}) to_args_scalartypes({})
    TensorGeometry({}) {}.scalar_type() {}.dim() {}.sym_strides() {}.layout() {}.is_conj()
""".split()
MUTABLE_WITHOUT_OUT_VARIANT: Final = "_cummax_helper _cummin_helper".split()

TAGS: Final = "".join(
    f"- tag: {tag}\n  desc: A tag.\n"
    for tag in """core generated inplace inplace_view nondeterministic_seeded out
    pt2_compliant_tag view_copy""".split()
)
OUT: Final = "- func: f.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)\n"
SEEDED: Final = "  tags: nondeterministic_seeded\n"


def _case(natives: str, derivatives: str = NOTHING) -> Case:
    return Case(natives, derivatives, TAGS)


def _function(schema: str, *more: str) -> str:
    return f"- func: {schema}\n" + "".join(f"  {line}\n" for line in more)


def _registered(schema: str, *more: str, key: str = "CompositeExplicitAutograd") -> str:
    """A function with a kernel for one dispatch key."""
    return _function(schema, *more) + f"  dispatch:\n    {key}: f_symint\n"


def _derived(schema: str, formula: str, *more: str) -> str:
    return f"- name: {schema}\n  self: {formula}\n" + "".join(f"  {line}\n" for line in more)


def _cases() -> Iterator[tuple[str, Case]]:
    for name in TURNED_AWAY:
        yield f"catalogue {name}", _of_catalogue(name.__eq__)
    yield from _of_types()
    yield from _of_formulas()
    yield from _of_schemas()
    yield from _of_dispatch()
    yield from _of_kernels()
    yield from _of_names()
    yield from _of_variants()
    yield from _of_views()
    yield from _of_foreach()


def _of_types() -> Iterator[tuple[str, Case]]:
    for name in (*BASE_TYPES, NONE):
        for type_ in (name, f"{name}?", f"{name}[]"):
            schema = f"f(Tensor self, {type_} x) -> Tensor"
            natives = _registered(schema) + SEEDED
            yield f"unspelled_types {name}: {type_}", _case(natives)
            yield f"cpp_types {name}: {type_}", _case(natives, _derived(schema, "grad * x"))
    returned = "f(Tensor self) -> Tensor?"
    yield "optional_returns", _case(_registered(returned), _derived(returned, "grad"))
    spelled = "f(Tensor self, int? a=None, str? b=None, Tensor? c=None, SymInt? d=None) -> Tensor"
    formula = "f(grad, a, b, c->sym_sizes(), d, self.sym_numel())"
    case = _case(_registered(spelled), _derived(spelled, formula))
    for field in ("optional", "formula_optional", "saves_sym_numel"):
        yield field, case
    for field, type_, default in (
        ("nullopt_default", "int?", "None"),
        ("cpp_defaults contiguous_format", "MemoryFormat", "contiguous_format"),
        ("cpp_defaults False", "bool", "False"),
        ("cpp_defaults True", "bool", "True"),
        ("cpp_defaults None", "bool", "None"),
        ("cpp_defaults Mean", "int", "Mean"),
        ("cpp_defaults []", "bool", "[]"),
        ("cpp_defaults long", "ScalarType", "long"),
    ):
        schema = f"f(Tensor self, {type_} x={default}) -> Tensor"
        # Only what has a derivative is shown with its default.
        yield field, _case(_registered(schema), _derived(schema, "grad", "x: grad"))


def _of_formulas() -> Iterator[tuple[str, Case]]:
    schema = "f(Tensor self, Tensor x) -> Tensor"
    for expression in ASKED:
        asked = expression.format("self").replace("N", "-1")
        for note, names in (("", "self"), (": of two", "self, x")):
            formulas = f"- name: {schema}\n  {names}: f(grad, {asked})\n"
            yield f"replacements {expression}{note}", _case(_registered(schema), formulas)
    many = "f(Tensor[] xs) -> Tensor"
    formulas = f"- name: {many}\n  xs: grad\n  result: f(xs_t, xs_p)\n"
    yield "_TENSOR_LISTS at::TensorList", _case(_registered(many), formulas)
    delegates = _function(many, "structured_delegate: f.out")
    out = "f.out(Tensor[] xs, *, Tensor(a!) out) -> Tensor(a!)"
    structured = delegates + _registered(out, "structured: True", key="CPU")
    yield "_TENSOR_LISTS const at::ITensorListRef &", _case(structured, formulas)


def _of_schemas() -> Iterator[tuple[str, Case]]:
    spaced = "f(Tensor self, str x='a b') -> Tensor"
    yield "grammar spaces_in_defaults", _case(_registered(spaced), _derived(spaced, "grad"))
    plain = "f(Tensor self) -> Tensor"
    yield "grammar namespaces", _case(_registered(plain, "autogen: 'f.out, a::'"))
    for name in (*"add sub mul div mod pow lshift rshift and xor or".split(), "gilt"):
        schema = f"__i{name}__(Tensor(a!) self, Tensor other) -> Tensor(a!)"
        yield f"_AUGMENTED_ASSIGNMENTS i{name}", _case(_function(schema))


def _of_dispatch() -> Iterator[tuple[str, Case]]:
    schema = "f(Tensor self) -> Tensor"
    for key in (*DISPATCH_KEYS, NONE):
        yield f"dispatch_keys {key}", _case(_registered(schema, key=key))
        delegates = _registered(schema, "structured_delegate: f.out", key=key)
        structured = f"{OUT}  structured: True\n  dispatch:\n    Meta: f\n"
        yield f"structured_dispatch_keys {key}", _case(delegates + structured)
        formulas = "  dispatch:\n    Default:\n      self: grad\n"
        keyed = f"- name: {schema}\n{formulas}    {key}:\n      self: grad * 2\n"
        yield f"autograd_keys {key}", _case(_registered(schema), keyed)


def _of_kernels() -> Iterator[tuple[str, Case]]:
    function = _function("f(Tensor self) -> Tensor", "structured_delegate: f.out")
    for key in (*_COMPOSITES, "CPU"):
        for other in _COMPOSITES:
            kernels = f"  dispatch:\n    {key}: f_symint\n    {other}: g_symint\n"
            if key != other:
                case = _case(f"- func: f(Tensor self) -> Tensor\n{kernels}")
                yield f"COMPOSITES {key}: {other}", case
    nested = "CompositeImplicitAutogradNestedTensor"
    yield "_ABSTRACT_UNLESS", _case(_registered("f(Tensor self) -> Tensor", key=nested))
    for names in ("a::f", "a::b::c::f", "a::b::c::d::f"):
        kernel = f"  dispatch:\n    CPU: {names}\n"
        case = _case(f"- func: f(Tensor self) -> Tensor\n{kernel}")
        yield f"_MAX_KERNEL_NAMESPACES {names}", case
    for name in (*SCALAR_TYPES, NONE):
        loop = f"  structured: True\n  ufunc_inner_loop: f ({name})\n"
        yield f"scalar_types {name}", _case(f"{function}{OUT}{loop}")
    classes = "Integral Floating Complex All AllAndComplex FloatingAndComplex"
    for name in (*classes.split(), NONE):
        loop = f"  structured: True\n  ufunc_inner_loop: f ({name}, Bool)\n"
        yield f"_DTYPE_CLASSES {name}", _case(f"{function}{OUT}{loop}")
    kinds = "CUDAFunctor CUDAFunctorOnOther CUDAFunctorOnSelf CPUScalar CPUVector ScalarOnly"
    for name in (*kinds.split(), "Generic", NONE):
        loop = f"  structured: True\n  ufunc_inner_loop:\n    {name}: f (Bool)\n"
        yield f"extras._UFUNC_KEYS {name}", _case(f"{function}{OUT}{loop}")
    for name in ("CPU", "CUDA", "MPS"):
        loop = f"  structured: True\n  ufunc_inner_loop: f (Bool)\n  dispatch:\n    {name}: f\n"
        yield f"dispatch._UFUNC_KEYS {name}", _case(f"{function}{OUT}{loop}")


def _of_names() -> Iterator[tuple[str, Case]]:
    """What is asked of a function because of its name or those of its arguments."""
    keyword = "f(Tensor self, int lambda) -> Tensor"
    yield "python_keywords_checked", _case(_function(keyword))
    for schema in (
        "_has_compatible_shallow_copy_type(Tensor self, Tensor from) -> bool",
        "random_.from(Tensor(a!) self, int from) -> Tensor(a!)",
        "uniform_(Tensor(a!) self, int from) -> Tensor(a!)",
        "gilt_(Tensor(a!) self, int from) -> Tensor(a!)",
    ):
        name = schema.partition("(")[0]
        yield f"_NAMED_FROM {name}", _case(_function(schema) + SEEDED)
    for name in ("_cudnn_init_dropout_state", "_gilt_dropout"):
        yield f"_NOT_SEEDED {name}", _case(_registered(f"{name}(Tensor self) -> Tensor"))
    yield "philox_is_seeded", _case(_registered("f_philox_rand(Tensor self) -> Tensor"))
    const_ref = f"{OUT}  use_const_ref_for_mutable_tensors: True\n  dispatch:\n    CPU: f\n"
    yield "const_ref_excludes_out", _case(_registered("f(Tensor self) -> Tensor") + const_ref)
    for value in ("NoCheck", "ExactSame", NONE):
        checked = _function("f(Tensor self) -> Tensor", f"device_check: {value}")
        yield f"_DEVICE_CHECKS {value}", _case(checked)
    for key in KEYS:
        for value in ("", "true", "x", "[x]", "{x: y}"):
            held = _function("f(Tensor self) -> Tensor", f"{key}: {value}")
            held = f"- func: {value}\n" if key == "func" else held
            yield f"KEYS {key}: {value}", _case(held)


def _of_variants() -> Iterator[tuple[str, Case]]:
    for name in (*WITHOUT_OUT_VARIANT, "gilt"):
        yield f"without_out_variant {name}", _case(_registered(f"{name}(Tensor self) -> int"))
    for name in (*MUTABLE_WITHOUT_OUT_VARIANT, "gilt"):
        schema = f"{name}(Tensor self, Tensor(a!) x) -> ()"
        yield f"without_out_variant {name}: mutable", _case(_registered(schema))
    core = _function("f(Tensor self) -> Tensor", "tags: core", "autogen: f.out")
    yield "core_composites_get_variants", _case(core)
    mutable = _registered("f(Tensor self, Tensor(a!) x) -> Tensor", "autogen: f.out")
    both = _registered("f_(Tensor(a!) self, Tensor(b!) x) -> Tensor(a!)", "autogen: f.out")
    yield "mutable_before_inplace", _case(mutable + both)
    compliant = _registered("a::f(Tensor self) -> Tensor", "autogen: f.out")
    yield "generated_keep_compliance", _case(f"{compliant}  tags: pt2_compliant_tag\n")
    plain, out = _registered("f(Tensor self) -> Tensor"), f"{OUT}  dispatch:\n    CPU: f\n"
    inplace = _registered("f_(Tensor(a!) self) -> Tensor(a!)", "autogen: f.out")
    yield "implied_tags", _case(plain + out + inplace)
    yield "implied_tags: generated", _case(inplace.replace("f.out", "f, f.out"))
    for tag in ("nondeterministic_seeded", "view_copy", "core"):
        tagged = _registered("f(Tensor self) -> Tensor", f"tags: {tag}", "autogen: f.out")
        yield f"_INHERITED_TAGS {tag}", _case(tagged)
    for name in ("adaptive_avg_pool3d_backward", "_slow_conv2d_backward", "gilt"):
        lone = f"{name}.grad_input(Tensor self, *, Tensor(a!) grad_input) -> Tensor(a!)"
        yield f"ungrouped_out {name}.grad_input", _case(_registered(lone))
    for name in ("polygamma", "gilt"):
        schema = f"{name}_(Tensor(a!) self, int n) -> Tensor(a!)"
        yield f"ungrouped_inplace {name}_", _case(_registered(schema, f"autogen: {name}.out"))


def _of_views() -> Iterator[tuple[str, Case]]:
    view, copy = "f(Tensor(a) self) -> Tensor(a)", "f_copy(Tensor self) -> Tensor"
    both = _registered(view) + _registered(copy, "tags: view_copy")
    own = _derived(view, "grad") + _derived(copy, "grad * 2")
    yield "view_copies_have_own_derivatives", _case(both, own)
    yield "view_copies_have_own_derivatives: none", _case(both, _derived(view, "grad"))
    inverse = "f_inverse(Tensor(a) self) -> Tensor(a)"
    for name in ("f_scatter", "f_inverse_copy"):
        copies = _registered(f"{name}(Tensor self) -> Tensor", "tags: view_copy")
        case = _case(_registered(inverse) + copies, _derived(inverse, "grad"))
        yield f"scatter_is_inverse: {name}", case
    yield "scatter_is_inverse", _case(_registered(inverse))
    for field, name in (
        ("set_is_no_view", "set_"),
        ("_STORAGE_INPLACE", "resize_"),
        ("_STORAGE_INPLACE", "resize_as_"),
        ("_STORAGE_INPLACE", "gilt_"),
    ):
        schema = f"{name}(Tensor(a!) self) -> Tensor(a!)"
        inplace = _registered(schema, "tags: inplace_view")
        yield f"{field} {name}", _case(inplace)
        base = name.rstrip("_")
        generates = f"{inplace}  autogen: {base}, {base}.out\n"
        yield f"{field} {name}: generated", _case(generates)
    viewed = _registered("gilt(Tensor(a) self) -> Tensor(a)", key="CompositeImplicitAutograd")
    inplace = _registered("gilt_(Tensor(a!) self) -> Tensor(a!)", "tags: inplace_view")
    yield "_STORAGE_INPLACE gilt_: of a view", _case(viewed + inplace)


def _of_foreach() -> Iterator[tuple[str, Case]]:
    def foreach(schema: str) -> str:
        return _registered(schema, "device_check: NoCheck")

    for name in ("add", "sub", "mul", "div", "gilt"):
        one = f"{name}.Tensor(Tensor self, Tensor other) -> Tensor"
        many = f"_foreach_{name}.Tensor(Tensor[] self, Tensor other) -> Tensor[]"
        formulas = _derived(one, "grad * other", "other: grad", "result: self_t * other_p")
        case = _case(_registered(one) + foreach(many), formulas)
        yield f"foreach_with_tensor_overload _foreach_{name}.Tensor", case
    one = "f(Tensor self, Scalar alpha) -> Tensor"
    case = _case(
        _registered(one) + foreach("_foreach_f(Tensor[] self) -> Tensor[]"), _derived(one, "grad")
    )
    yield "foreach_checks_argument_count", case
    for name in ("add", "sub", "gilt"):
        one = f"{name}.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor"
        for overload, numbers in (("Scalar", "Scalar x"), ("ScalarList", "Scalar[] x")):
            for mark, self_, result in (
                ("", "Tensor[] self", "Tensor[]"),
                ("_", "Tensor(a!)[] self", "()"),
            ):
                many = f"_foreach_{name}{mark}.{overload}({self_}, {numbers}) -> {result}"
                case = _case(_registered(one) + foreach(many), _derived(one, "grad"))
                yield f"foreach_without_alpha _foreach_{name}{mark}.{overload}", case
    for name in ("zero", "gilt"):
        one = f"{name}_(Tensor(a!) self) -> Tensor(a!)"
        many = f"_foreach_{name}_(Tensor(a!)[] self) -> ()"
        case = _case(_registered(one) + foreach(many), _derived(one, "grad"))
        yield f"foreach_with_inplace_reference _foreach_{name}_", case


CASES: Final = dict(_cases())
