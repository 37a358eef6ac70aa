"""The schema language: what is a schema, what it says, which are variants of one another.

That torchgen says the same of thousands of other schemas, test_schema_judged.py tests.
"""

from __future__ import annotations

import pytest

from derivload.cpp.dialect import DIALECTS, NEWEST, Dialect
from derivload.schema.function_schema import spell
from derivload.schema.signature import Signatures, signatures
from support.schemas import OPTIONS, mistake_of, read, reader


def compared(text: str, dialect: Dialect = NEWEST) -> Signatures:
    return signatures(read(text, dialect), scatter_is_inverse=dialect.scatter_is_inverse)


# ------------------------------------------------------------------------------ what a schema is


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("melt(Tensor self) -> Tensor", "functional"),
        ("melt() -> Tensor", "functional"),
        ("melt(Tensor self) -> ()", "functional"),
        ("melt(Tensor x, Tensor self, int y) -> (Tensor, Tensor)", "functional"),
        ("melt(Tensor self) -> (Tensor one, int two)", "functional"),
        ("melt(Tensor(a) self) -> Tensor(a)", "functional"),
        ("melt(Tensor(a -> *) self) -> Tensor(a)[]", "functional"),
        ("melt(Tensor(a|b) self) -> Tensor(a|b)", "functional"),
        ("melt(Tensor(a -> b|c) self) -> Tensor(a)", "functional"),
        ("melt(Tensor(a)? self, Tensor(b)[] more) -> Tensor(a)", "functional"),
        ("melt(Tensor(a!) self) -> ()", "functional"),
        ("melt_(Tensor(a!) self) -> Tensor(a!)", "inplace"),
        ("melt_(Tensor(a!)[] self) -> ()", "inplace"),
        ("melt_(Tensor(a!) self, Tensor(b!) count) -> Tensor(a!)", "inplace"),
        ("melt_(Tensor x, Tensor(a!) self) -> Tensor(a!)", "inplace"),
        ("__imul__.Tensor(Tensor(a!) self, Tensor y) -> Tensor(a!)", "inplace"),
        ("__mul__.Tensor(Tensor self, Tensor y) -> Tensor", "functional"),
        ("melt.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)", "out"),
        (
            "melt.out(*, int y, Tensor(a!) x, Tensor(b!) z) -> (Tensor(a!), Tensor(b!))",
            "out",
        ),
        ("melt.out(Tensor self, *, Tensor(a!)[] out) -> ()", "out"),
        ("melt.out(Tensor self, Tensor(a!) count, *, Tensor(b!) out) -> Tensor(b!)", "out"),
        (
            "melt.out(Tensor self, *, Tensor(a!) out, Tensor(b!) _scratch_x) -> Tensor(a!)",
            "scratch",
        ),
        ("melt(Tensor self, Tensor(a!) count) -> Tensor", "mutable"),
        ("melt(Tensor(a!) count) -> ()", "mutable"),
        ("melt_functional(Tensor self) -> Tensor", "functional"),
        ("melt.functional(Tensor self) -> Tensor", "functional"),
    ],
)
def test_schemas_and_their_kinds(text: str, kind: str) -> None:
    schema = read(text)
    assert (schema.text, schema.kind) == (text, kind)
    assert spell(schema.name.text, schema.arguments, schema.returns) == text


@pytest.mark.parametrize(
    ("text", "name", "overload", "base", "marks"),
    [
        ("melt", "melt", "", "melt", ""),
        ("melt.Tensor", "melt", "Tensor", "melt", ""),
        ("melt.a.b", "melt", "a.b", "melt", ""),
        ("melt_", "melt_", "", "melt", "inplace"),
        ("melt_.Tensor", "melt_", "Tensor", "melt", "inplace"),
        ("_melt", "_melt", "", "_melt", ""),
        ("_melt_", "_melt_", "", "_melt", "inplace"),
        ("__mul__", "__mul__", "", "mul", "dunder"),
        ("__imul__.x", "__imul__", "x", "mul", "inplace dunder"),
        ("__two_words__", "__two_words__", "", "__two_words_", "inplace"),
        ("melt_functional", "melt_functional", "", "melt", "functional"),
        ("melt_functional.x", "melt_functional", "x", "melt", "functional"),
        ("melt_functionally", "melt_functionally", "", "melt_functionally", ""),
        ("melt_out_", "melt_out_", "", "melt_out", "inplace"),
        ("a::melt_", "a::melt_", "", "melt", "inplace"),
        ("a::b::__imul__", "a::b::__imul__", "", "mul", "inplace dunder"),
    ],
)
def test_operator_names(text: str, name: str, overload: str, base: str, marks: str) -> None:
    read_name = reader().name(text)
    assert read_name.text == text
    assert (read_name.name, read_name.overload, read_name.base) == (name, overload, base)
    flags = [read_name.inplace, read_name.dunder, read_name.functional_overload]
    assert flags == [mark in marks for mark in ("inplace", "dunder", "functional")]


def test_before_2_7_a_namespace_is_part_of_the_base_name() -> None:
    assert reader(DIALECTS["2.6"]).name("a::melt_").base == "a::melt"
    assert reader(DIALECTS["2.7"]).name("a::melt_").base == "melt"


@pytest.mark.parametrize("base", sorted(set(NEWEST.cpp_types) | NEWEST.unspelled_types))
@pytest.mark.parametrize("suffix", ["", "?", "[]", "[3]", "[]?", "?[]", "[2]?", "[][]"])
def test_types(base: str, suffix: str) -> None:
    type_ = read(f"melt({base}{suffix} x) -> ()").arguments.positional[0].type
    assert (type_.text, type_.base) == (base + suffix, base)
    kinds = {"": "base", "?": "optional", "]": "list"}
    assert type_.kind == kinds[suffix[-1:]]
    assert type_.size == {"[3]": 3}.get(suffix)
    assert type_.is_tensor_like == (base == "Tensor")


def test_a_custom_class_is_a_type_like_no_other() -> None:
    text = "__torch__.torch.classes.atelier.Stencil"
    type_ = read(f"melt({text} x, {text}[] y) -> ()").arguments.positional[1].type
    assert (type_.kind, type_.base, type_.elem and type_.elem.kind) == ("list", "", "class")


@pytest.mark.parametrize(
    ("declared", "default"),
    [
        *[("int x", None), ("int x=1", "1"), ("float x=-0.5", "-0.5"), ("bool x=True", "True")],
        *[("Tensor? x=None", "None"), ("int[] x=[]", "[]"), ("int[2] x=[0,1]", "[0,1]")],
        *[("str x='a'", "'a'"), ('str x="a"', '"a"'), ("ScalarType x=long", "long")],
        *[("int x=Mean", "Mean"), ("str x='a b'", "'a b'"), ("str x=''", "''")],
    ],
)
def test_defaults(declared: str, default: str | None) -> None:
    argument = read(f"melt({declared}) -> ()").arguments.positional[0]
    assert (argument.name, argument.default) == ("x", default)
    assert argument.declaration == declared.partition("=")[0]


def test_before_2_5_a_default_has_no_space() -> None:
    text = "melt(str x='a b') -> ()"
    assert code_of(text, DIALECTS["2.4"]) == "DL104"
    assert read(text, DIALECTS["2.5"]).arguments.positional[0].default == "'a b'"


@pytest.mark.parametrize(
    ("annotation", "alias_set", "is_write", "is_wildcard"),
    [
        ("a", ("a",), False, False),
        ("b!", ("b",), True, False),
        ("a|b", ("a", "b"), False, False),
        ("a -> *", ("a",), False, True),
        ("a! -> b", ("a",), True, False),
        ("a -> b|c|d", ("a",), False, False),
        ("a|b -> c", ("a", "b"), False, False),
    ],
)
@pytest.mark.parametrize("suffix", ["", "?", "[]"])
def test_annotations(
    annotation: str, suffix: str, alias_set: tuple[str, ...], is_write: bool, is_wildcard: bool
) -> None:
    argument = read(f"melt(Tensor({annotation}){suffix} x) -> ()").arguments.positional[0]
    read_annotation = argument.annotation
    assert read_annotation is not None
    assert (read_annotation.text, read_annotation.alias_set) == (annotation, alias_set)
    assert (read_annotation.is_write, read_annotation.is_wildcard) == (is_write, is_wildcard)
    assert (argument.is_write, argument.type.text) == (is_write, f"Tensor{suffix}")


@pytest.mark.parametrize(
    ("arguments", "index", "others"),
    [
        (f"*, {OPTIONS}", 0, []),
        (
            f"int x, *, int y, {OPTIONS}, MemoryFormat? memory_format=None",
            1,
            ["y", "memory_format"],
        ),
        ("*, ScalarType dtype, Layout layout, Device device, bool pin_memory", 0, []),
        (OPTIONS, None, []),
        (
            f"*, {OPTIONS.replace('Layout?', 'int?')}",
            None,
            ["dtype", "layout", "device", "pin_memory"],
        ),
        (f"*, {OPTIONS.partition(', bool')[0]}", None, ["dtype", "layout", "device"]),
        (f"*, int dtype, {OPTIONS}", 1, ["dtype"]),
    ],
)
def test_four_keyword_arguments_are_tensor_options(
    arguments: str, index: int | None, others: list[str]
) -> None:
    found = read(f"melt({arguments}) -> Tensor").arguments
    assert found.options_index == index
    assert [a.name for a in found.without_options] == others


def test_arguments_have_roles() -> None:
    found = read(
        "m.out(int x, Tensor self, SymInt y, *, int z, Tensor(a!) out) -> Tensor(a!)"
    ).arguments
    assert [a.name for a in found.positional] == ["x", "self", "y"]
    assert found.self_argument is not None and found.self_argument.name == "self"
    assert [a.name for a in found.post_self] == ["y"]
    assert [a.name for a in found.flat_non_out] == ["x", "self", "y", "z"]
    assert [a.name for a in found.flat_all] == ["x", "self", "y", "z", "out"]
    assert found.has_symint
    without_self = read("melt(int x, *, int self) -> ()").arguments
    assert (without_self.self_argument, without_self.has_symint) == (None, False)
    assert [a.name for a in without_self.post_self] == ["x"]


# ------------------------------------------------------------------------------------ signatures


@pytest.mark.parametrize(
    "variants",
    [
        [
            "melt(Tensor self, int x=1) -> Tensor",
            "melt_(Tensor(a!) self, int x=1) -> Tensor(a!)",
            "melt.out(Tensor self, int x=1, *, Tensor(a!) out) -> Tensor(a!)",
            "melt.some(Tensor self, int x=1) -> Tensor named",
            "melt(Tensor(b) self, int x=1) -> Tensor(b)",
        ],
        [
            "melt(Tensor[] self, *, int x) -> Tensor[]",
            "melt_(Tensor(a!)[] self, *, int x) -> ()",
            "melt.out(Tensor[] self, *, int x, Tensor(a!)[] out) -> ()",
        ],
        [
            f"melt(int x, *, {OPTIONS}, int y) -> Tensor",
            "melt.out(int x, *, int y, Tensor(a!) out) -> Tensor(a!)",
        ],
        [
            "melt(Tensor self, Tensor(a!) x, Tensor(b!) y) -> Tensor",
            "melt_functional(Tensor self, Tensor x, Tensor y) -> (Tensor, Tensor x, Tensor y)",
            "melt.out(Tensor self, Tensor(a!) x, Tensor(b!) y, *, Tensor(c!) out) -> Tensor(c!)",
        ],
        [
            "__mul__(Tensor self, Tensor x) -> Tensor",
            "__imul__(Tensor(a!) self, Tensor x) -> Tensor(a!)",
        ],
    ],
)
def test_variants_of_an_operator_have_one_signature(variants: list[str]) -> None:
    assert len({compared(text).exact for text in variants}) == 1
    assert len({compared(text).loose for text in variants}) == 1


def test_bernoulli_p_is_taken_to_have_the_default_of_its_in_place_variant() -> None:
    functional = compared("bernoulli.p(Tensor self, float p) -> Tensor")
    inplace = compared("bernoulli_.float(Tensor(a!) self, float p=0.5) -> Tensor(a!)")
    assert functional.exact == inplace.exact


@pytest.mark.parametrize(
    "other",
    [
        "freeze(Tensor self, int x=1) -> Tensor",
        "_melt(Tensor self, int x=1) -> Tensor",
        "__melt__(Tensor self, int x=1) -> Tensor",
        "melt(Tensor self, SymInt x=1) -> Tensor",
        "melt(Tensor self, int y=1) -> Tensor",
        "melt(Tensor self, *, int x=1) -> Tensor",
        "melt(Tensor self, int x=1) -> Tensor?",
        "melt(Tensor self, int x=1) -> (Tensor, Tensor)",
        "melt(Tensor(a!) self, int x=1) -> Tensor",
    ],
)
def test_other_operators_have_other_signatures(other: str) -> None:
    one = compared("melt(Tensor self, int x=1) -> Tensor")
    assert one.exact != compared(other).exact
    assert one.loose != compared(other).loose


def test_the_loose_signature_alone_is_blind_to_defaults() -> None:
    one, other = (
        compared("melt(Tensor self, int x=1) -> Tensor"),
        compared("melt(Tensor self, int x) -> Tensor"),
    )
    assert one.exact != other.exact
    assert one.view != other.view
    assert one.loose == other.loose


def test_the_view_signature_alone_takes_a_view_for_its_copy() -> None:
    view, copy = (
        compared("melt(Tensor(a) self) -> Tensor(a)"),
        compared("melt_copy(Tensor self) -> Tensor"),
    )
    assert view.view == copy.view
    assert view.exact != copy.exact


def test_from_2_3_on_a_scatter_is_the_copy_of_an_inverse() -> None:
    texts = ["melt_inverse(Tensor(a) self) -> Tensor(a)", "melt_scatter(Tensor self) -> Tensor"]
    assert len({compared(text, DIALECTS["2.2"]).view for text in texts}) == 2
    assert len({compared(text, DIALECTS["2.3"]).view for text in texts}) == 1


# ------------------------------------------------------------------------------ what is no schema


def code_of(text: str, dialect: Dialect = NEWEST) -> str:
    return mistake_of(text, dialect).code
