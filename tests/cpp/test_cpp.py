"""How arguments of a schema are spelled in C++, and with which defaults, beside what releases use.

What torchgen makes of whole files, test_parity.py and test_release_verdicts.py compare.
"""

from __future__ import annotations

import pytest

from derivload.cpp.bindings import CppBindings
from derivload.cpp.ctypes import CppTypes, Locals
from derivload.cpp.dialect import DIALECTS, NEWEST, Dialect
from derivload.diagnostics import Invalid
from derivload.schema.reader import SchemaReader

OPTIONS = "ScalarType? dtype={0}, Layout? layout={1}, Device? device={1}, bool? pin_memory={1}"
PLAIN = Locals(const_ref_tensors=False, ilistref=False)


def cpp(
    arguments: str, dialect: Dialect = NEWEST, scope: Locals = PLAIN, no_default: str = ""
) -> str:
    """The arguments in C++, for a user's call."""
    names = frozenset(dialect.cpp_types) | dialect.unspelled_types
    returned = "Tensor(a!)" if arguments.endswith(" out") else "()"
    schema = SchemaReader(names, dialect.grammar).schema(f"melt({arguments}) -> {returned}")
    bindings = CppBindings(dialect, CppTypes(dialect)).cpp_arguments(
        schema, no_default=frozenset(no_default.split()), scope=scope
    )
    return ", ".join(
        f"{binding.ctype.text} {binding.name}"
        + (f"={binding.default}" if binding.default is not None else "")
        for binding in bindings
    )


@pytest.mark.parametrize(
    ("argument", "spelled"),
    [
        ("Tensor x", "const at::Tensor & x"),
        ("Tensor(a!) x", "at::Tensor & x"),
        ("Tensor? x", "const ::std::optional<at::Tensor> & x"),
        ("Tensor? x=None", "const ::std::optional<at::Tensor> & x={}"),
        ("Tensor(a!)? x", "at::Tensor & x"),
        ("Tensor[] x", "at::TensorList x"),
        ("Tensor?[] x", "const c10::List<::std::optional<at::Tensor>> & x"),
        ("Scalar x=1", "const at::Scalar & x=1"),
        ("Scalar? x=None", "const ::std::optional<at::Scalar> & x=::std::nullopt"),
        ("Scalar[] x", "at::ArrayRef<at::Scalar> x"),
        ("int x=0", "int64_t x=0"),
        ("int? x=None", "::std::optional<int64_t> x=::std::nullopt"),
        ("int? x=3", "::std::optional<int64_t> x=3"),
        ("int[] x=[]", "at::IntArrayRef x={}"),
        ("int[] x=[1,2]", "at::IntArrayRef x={1,2}"),
        ("int[2] x=1", "at::IntArrayRef x=1"),
        ("int[]? x=None", "at::OptionalIntArrayRef x=::std::nullopt"),
        ("SymInt x=1", "c10::SymInt x=1"),
        ("SymInt[2] x=1", "c10::SymIntArrayRef x=c10::SymInt(1)"),
        ("SymInt[2] x=[0,1]", "c10::SymIntArrayRef x={0,1}"),
        ("SymInt[]? x=None", "at::OptionalSymIntArrayRef x=::std::nullopt"),
        ("int?? x", "::std::optional<::std::optional<int64_t>> x"),
        ("SymInt?? x", "::std::optional<::std::optional<c10::SymInt>> x"),
        ("int[]?? x", "::std::optional<at::OptionalIntArrayRef> x"),
        ("SymInt x, int[2] y=1", "c10::SymInt x, at::IntArrayRef y=1"),
        ("SymInt x, int[]? y=None", "c10::SymInt x, at::OptionalIntArrayRef y=::std::nullopt"),
        ("float[] x", "at::ArrayRef<double> x"),
        ("float[]? x", "::std::optional<at::ArrayRef<double>> x"),
        ("bool x=True, bool y=False", "bool x=true, bool y=false"),
        ("bool[3] x", "::std::array<bool,3> x"),
        ("int x=Mean", "int64_t x=at::Reduction::Mean"),
        ("ScalarType x=long", "at::ScalarType x=at::kLong"),
        ("str x='a'", 'c10::string_view x="a"'),
        ("str x=''", 'c10::string_view x=""'),
        ("""str x='say "a"'""", r'c10::string_view x="say \"a\""'),
        (r"str x='it\'s'", 'c10::string_view x="it\'s"'),
        (r"str x='a\nb'", r'c10::string_view x="a\nb"'),
        ("str? x=None", "::std::optional<c10::string_view> x=::std::nullopt"),
        ("str? x='a'", '::std::optional<c10::string_view> x="a"'),
    ],
)
def test_an_argument_has_its_type_and_default(argument: str, spelled: str) -> None:
    assert cpp(argument) == spelled


def test_names_of_dimensions_are_a_list_of_their_own_where_a_release_has_them() -> None:
    assert cpp("Dimname[1] x", DIALECTS["2.11"]) == "at::DimnameList x"


def test_an_entry_may_keep_its_tensors_const() -> None:
    const = Locals(const_ref_tensors=True, ilistref=False)
    assert cpp("Tensor(a!) x", scope=const) == "const at::Tensor & x"
    assert cpp("Tensor(a!)? x", scope=const) == "const ::std::optional<at::Tensor> & x"


def test_the_tensor_lists_of_a_structured_group_are_their_own() -> None:
    structured = Locals(const_ref_tensors=False, ilistref=True)
    assert cpp("Tensor[] x", scope=structured) == "const at::ITensorListRef & x"


@pytest.mark.parametrize(
    ("dtype", "other", "default"),
    [("None", "None", "={}"), ("long", "None", "=at::kLong"), ("None", "0", "")],
)
def test_tensor_options_are_one_argument_in_their_place(
    dtype: str, other: str, default: str
) -> None:
    options = OPTIONS.format(dtype, other)
    assert cpp(f"int n, *, int before=0, {options}, MemoryFormat? memory_format=None") == (
        f"int64_t n, int64_t before=0, at::TensorOptions options{default},"
        " ::std::optional<at::MemoryFormat> memory_format=::std::nullopt"
    )


def test_tensor_options_have_a_default_if_all_four_have_none_and_no_more_than_these() -> None:
    fourth = OPTIONS.format("None", "None").removesuffix("None") + "False"
    last = "MemoryFormat memory_format=contiguous_format"
    assert cpp(f"*, {fourth}, int n=0") == "at::TensorOptions options, int64_t n=0"
    assert cpp(f"*, {OPTIONS.format('None', 'None')}, {last}") == (
        "at::TensorOptions options={}, at::MemoryFormat memory_format=c10::MemoryFormat::Contiguous"
    )


def test_a_default_may_be_left_to_cpp() -> None:
    assert cpp("int x=0, int y=1", no_default="x") == "int64_t x, int64_t y=1"


def test_out_arguments_come_first() -> None:
    assert cpp("int x, *, int y=0, Tensor(a!) out") == ("at::Tensor & out, int64_t x, int64_t y=0")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            f"int options, *, {OPTIONS.format('None', 'None')}",
            ("DL212", "`options` cannot be named here: the schema has TensorOptions", ""),
        ),
        ("Tensor x, SymBool? y", ("DL120", "`SymBool` has no C++ type", "SymBool")),
        ("bool[] x", ("DL120", "a list of bool needs a size: `bool[3]`", "bool[]")),
        ("int[] x=1", ("DL121", "the default of a list must be a list, not `1`", "=1")),
    ],
)
def test_what_cpp_has_not_is_told(arguments: str, told: tuple[str, str, str]) -> None:
    with pytest.raises(Invalid) as caught:
        cpp(arguments, DIALECTS["2.8"], no_default="options")
    assert (caught.value.code, caught.value.message, caught.value.words) == told


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        ("int[2]", "C++ cannot return `int[2]`"),
        ("Tensor(a!)[]", "C++ cannot return `Tensor[]`"),
        ("Scalar?", "C++ cannot return `Scalar?`"),
        ("GraphModule", "`GraphModule` has no C++ type"),
    ],
)
def test_what_cpp_cannot_return_is_told(returned: str, told: str) -> None:
    names = frozenset(NEWEST.cpp_types) | NEWEST.unspelled_types
    read = SchemaReader(names, NEWEST.grammar).arguments.returned(returned)
    with pytest.raises(Invalid) as caught:
        CppTypes(NEWEST).returned(read.type, mutable=read.is_write, scope=PLAIN)
    assert (caught.value.code, caught.value.message, caught.value.words) == (
        "DL120",
        told,
        read.type.text,
    )
