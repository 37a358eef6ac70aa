"""The parts of schemas as whole values: names, types, arguments, returns, roles, signatures."""

from __future__ import annotations

import pytest

from derivload.cpp.dialect import DIALECTS
from derivload.diagnostics import MAX_OF_ENTRY, Invalid
from derivload.schema.arguments import Annotation, Argument, Grammar, Return
from derivload.schema.function_schema import make_arguments, spell
from derivload.schema.names import OperatorName
from derivload.schema.reader import SchemaReader
from derivload.schema.signature import (
    Signatures,
    signature_arguments,
    signature_returns,
    signatures,
)
from derivload.schema.types import Type
from support.schemas import OPTIONS, mistake_of, read, reader

TENSOR, INT = Type("Tensor", "base", "Tensor"), Type("int", "base", "int")
WRITTEN = Annotation("a!", ("a",), True, False)


# ----------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("melt", OperatorName("melt", "melt", "", "melt", False, False, False)),
        ("melt_.x", OperatorName("melt_.x", "melt_", "x", "melt", True, False, False)),
        ("__mul__", OperatorName("__mul__", "__mul__", "", "mul", False, True, False)),
        ("__i__x__", OperatorName("__i__x__", "__i__x__", "", "__i__x_", True, False, False)),
        ("____", OperatorName("____", "____", "", "___", True, False, False)),
        ("__x", OperatorName("__x", "__x", "", "__x", False, False, False)),
        ("x__", OperatorName("x__", "x__", "", "x_", True, False, False)),
        (
            "n::melt_functional.x",
            OperatorName(
                *("n::melt_functional.x", "n::melt_functional", "x", "melt"), False, False, True
            ),
        ),
        *(
            (f"__i{name}__", OperatorName(f"__i{name}__", f"__i{name}__", "", name, True, True))
            for name in "add sub mul div mod pow lshift rshift and xor or".split()
        ),
    ],
)
def test_a_name_has_its_parts(text: str, expected: OperatorName) -> None:
    assert reader().name(text) == expected


def test_a_namespace_without_namespaces_is_a_part_of_the_name() -> None:
    name = reader(DIALECTS["2.6"]).name
    assert name("a::") == OperatorName("a::", "a::", "", "a::")
    assert name("::melt_") == OperatorName("::melt_", "::melt_", "", "::melt", True)
    # The line end counts as a part of it too.
    assert name("melt\n").base == "melt\n"


def test_a_line_end_behind_a_name_is_told_of() -> None:
    for text in ("melt\n", "melt\n.out"):
        with pytest.raises(Invalid) as caught:
            reader().name(text)
        assert (caught.value.code, caught.value.words) == ("DL102", "")
        assert caught.value.message == "there is a line end after this name"
        assert caught.value.help == "write it on one line; a block scalar `|` ends in a line end"
    assert reader().name("me\nlt").base == "me\nlt"


def test_a_renamed_operator_has_the_canonical_name() -> None:
    name = reader().name
    assert [name(text).canonical for text in ("melt_.x", "__imul__", "melt_functional")] == [
        *("melt", "__mul__", "melt")
    ]
    assert name("melt_.x").renamed("out") == OperatorName("melt.out", "melt", "out", "melt")
    assert name("melt_").renamed("") == OperatorName("melt", "melt", "", "melt")
    assert name("__imul__").renamed("out") == OperatorName(
        *("__mul__.out", "__mul__", "out", "mul"), dunder=True
    )
    assert name("melt_").renamed("x", functional_overload=True) == OperatorName(
        *("melt_functional.x", "melt_functional", "x", "melt"), functional_overload=True
    )
    assert name("__imul__").renamed("", functional_overload=True) == OperatorName(
        *("__mul__", "__mul__", "", "mul"), dunder=True, functional_overload=True
    )


# ----------------------------------------------------------------------- types, arguments, returns


def test_types_have_their_elements() -> None:
    types = reader().arguments
    optional = Type("int?", "optional", "int", INT)
    assert types.argument("int?[] x").type == Type("int?[]", "list", "int", optional)
    assert types.argument("int[12] x").type == Type("int[12]", "list", "int", INT, 12)
    custom = Type("__torch__.torch.classes.a.B_1", "class", "")
    assert types.argument(f"{custom.text}? x").type == Type(
        f"{custom.text}?", "optional", "", custom
    )
    assert not custom.is_tensor_like
    assert types.argument("Tensor?[2] x").type.is_tensor_like


def test_types_are_bounded() -> None:
    def size(digits: str) -> int | None:
        return read(f"melt(int[{digits}] x) -> ()").arguments.positional[0].type.size

    assert size("9" * 640) == int("9" * 640)
    assert "a list size is a positive" in mistake_of(f"melt(int[{'9' * 641}] x) -> ()").message
    deep = "int" + "[]?" * 25
    assert read(f"melt({deep} x) -> ()").arguments.positional[0].type.text == deep
    assert mistake_of(f"melt({deep}? x) -> ()").message == "this type is nested too deeply"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int x", Argument("int x", "x", INT, None, None, "int x", "int x", False)),
        ("int x=-1", Argument("int x=-1", "x", INT, "-1", None, "int x", "int x=-1", False)),
        (
            "Tensor(a!) x",
            Argument("Tensor(a!) x", "x", TENSOR, None, WRITTEN, "Tensor x", "Tensor x", True),
        ),
        (
            "Tensor(a|b -> *)? x=None",
            Argument(
                text="Tensor(a|b -> *)? x=None",
                name="x",
                type=Type("Tensor?", "optional", "Tensor", TENSOR),
                default="None",
                annotation=Annotation("a|b -> *", ("a", "b"), False, True),
                declaration="Tensor? x",
                without_annotation="Tensor? x=None",
                is_write=False,
            ),
        ),
        # As upstream reads it, from 2.5 on.
        ("int = 1", Argument("int = 1", "", INT, " 1", None, "int ", "int = 1", False)),
    ],
)
def test_an_argument_has_its_parts(text: str, expected: Argument) -> None:
    arguments = reader().arguments
    assert arguments.argument(text) == expected
    assert arguments.argument(text) is arguments.argument(text)  # it is kept by its text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int", Return("int", None, INT, None, False)),
        ("int x", Return("int x", "x", INT, None, False)),
        ("Tensor(a!) x", Return("Tensor(a!) x", "x", TENSOR, WRITTEN, True)),
        (
            "Tensor(a)[]",
            Return(
                *("Tensor(a)[]", None, Type("Tensor[]", "list", "Tensor", TENSOR)),
                *(Annotation("a", ("a",), False, False), False),
            ),
        ),
        ("Tensor ", Return("Tensor ", "", TENSOR, None, False)),
    ],
)
def test_a_return_has_its_parts(text: str, expected: Return) -> None:
    arguments = reader().arguments
    assert arguments.returned(text) == expected
    assert arguments.returned(text) is arguments.returned(text)


def test_arguments_and_returns_are_made_of_parts() -> None:
    arguments = reader().arguments
    tensors = Type("Tensor[]", "list", "Tensor", TENSOR)
    assert arguments.make_argument("out", TENSOR, None) == arguments.argument("Tensor out")
    assert arguments.make_argument("x", tensors, WRITTEN) == arguments.argument("Tensor(a!)[] x")
    assert arguments.make_return(INT, None, None) == arguments.returned("int")
    assert arguments.make_return(TENSOR, WRITTEN, None) == arguments.returned("Tensor(a!)")
    assert arguments.make_return(TENSOR, WRITTEN, "x") == arguments.returned("Tensor(a!) x")


def test_before_2_5_the_text_behind_the_last_space_is_the_name_with_its_default() -> None:
    arguments = reader(DIALECTS["2.4"]).arguments
    assert arguments.argument("int x=1") == reader().arguments.argument("int x=1")
    named = arguments.argument("int =1")
    assert (named.name, named.default) == ("", "1")
    blanks, quoted = "write the default without blanks around `=`", "str x='a"
    for text, words, help_, meant in (
        ("int = 1", "int =", blanks, ()),
        ("int x = 1", "int x =", blanks, ()),
        ("int x= 1", "int x=", blanks, ()),
        ("str x='a =b'", quoted, blanks, ()),
        ("Tenser =1", "Tenser", blanks, ()),
        ("Tenser x=1", "Tenser", "", ("Tensor",)),
    ):
        with pytest.raises(Invalid) as caught:
            arguments.argument(text)
        assert (caught.value.words, caught.value.help, caught.value.meant) == (words, help_, meant)


# ----------------------------------------------------------------------------------------- roles


def roles(text: str) -> tuple[object, ...]:
    """The roles of a schema's arguments: names, indexes and the three answers."""
    found = read(text).arguments
    names = [
        " ".join(a.name for a in group)
        for group in (
            *(found.positional, found.kwarg_only, found.out, found.flat_non_out, found.flat_all),
            *(found.post_self, found.options, found.without_options),
        )
    ]
    flags = (found.has_annotations, found.has_writes, found.has_defaults, found.has_symint)
    own = found.self_argument
    return (names, found.self_index, found.options_index, flags, own and own.text)


FOUR = "dtype layout device pin_memory"


@pytest.mark.parametrize(
    ("text", "names", "indexes", "flags", "own"),
    [
        ("m() -> ()", [""] * 8, (None, None), (False, False, False, False), None),
        (
            "m(int x, Tensor(a) self, int y) -> ()",
            ["x self y", "", "", "x self y", "x self y", "y", "", ""],
            *((1, None), (True, False, False, False), "Tensor(a) self"),
        ),
        (
            "m(int x=1, *, SymInt[] self) -> ()",
            ["x", "self", "", "x self", "x self", "x", "", "self"],
            *((None, None), (False, False, True, True), None),
        ),
        (
            "m(SymInt? self, SymInt self2, Tensor(a!) y, Tensor(b) z) -> ()",
            ["self self2 y z", "", "", *["self self2 y z"] * 2, "self2 y z", "", ""],
            *((0, None), (True, True, False, True), "SymInt? self"),
        ),
        (
            "m(*, int y, Tensor(a!) self) -> Tensor(a!)",
            ["", "y", "self", "y", "y self", "", "", "y"],
            *((None, None), (True, True, False, False), None),
        ),
        (
            f"m(Tensor self, *, int x, {OPTIONS}, int y) -> Tensor",
            [
                *("self", f"x {FOUR} y", "", *[f"self x {FOUR} y"] * 2),
                *("", FOUR, "x y"),
            ],
            *((0, 1), (False, False, True, False), "Tensor self"),
        ),
        (
            f"m(*, int dtype, ScalarType dtype, {OPTIONS}) -> Tensor",
            [
                *("", f"dtype dtype {FOUR}", "", *[f"dtype dtype {FOUR}"] * 2),
                *("", FOUR, "dtype dtype"),
            ],
            *((None, 2), (False, False, True, False), None),
        ),
        (
            "m(*, ScalarType? dtype, Layout layout=1, Device? device, bool pin_memory) -> ()",
            ["", FOUR, "", FOUR, FOUR, "", FOUR, ""],
            *((None, 0), (False, False, True, False), None),
        ),
        (
            "m(*, ScalarType? dtype, Layout layout, Device? device, int pin_memory) -> ()",
            ["", FOUR, "", FOUR, FOUR, "", "", FOUR],
            *((None, None), (False, False, False, False), None),
        ),
    ],
)
def test_each_argument_has_its_roles(
    text: str,
    names: list[str],
    indexes: tuple[int | None, int | None],
    flags: tuple[bool, ...],
    own: str | None,
) -> None:
    assert roles(text) == (names, *indexes, flags, own)


def test_arguments_are_made_of_any_iterables_and_spelled() -> None:
    argument, returned = reader().arguments.argument, reader().arguments.returned
    made = make_arguments(
        iter([argument("int x")]), iter([argument("int y")]), iter([argument("Tensor(a!) z")])
    )
    assert made == read("m(int x, *, int y, Tensor(a!) z) -> Tensor(a!)").arguments
    assert spell("m.out", made, (returned("int"),)) == "m.out(int x, *, int y, Tensor(a!) z) -> int"
    only_out = make_arguments([], [], [argument("Tensor(a!) z")])
    assert spell("m", only_out, ()) == "m(*, Tensor(a!) z) -> ()"
    no_out = make_arguments([], [argument("int y")], [])
    assert spell("m", no_out, (returned("int"), returned("int x"))) == "m(*, int y) -> (int, int x)"


def test_a_schema_is_built_of_parts_as_of_its_text() -> None:
    for text in ("m.out(int x, *, Tensor(a!) out) -> Tensor(a!)", "m() -> ()"):
        schema = read(text)
        assert reader().build(schema.name, schema.arguments, schema.returns) == schema
        assert schema.is_out == (schema.kind == "out")
        other = reader().build(schema.name, schema.arguments, schema.returns, "other")
        assert other.text == "other"


def test_no_more_mistakes_are_told_of_a_schema_than_of_an_entry() -> None:
    invalid = mistake_of(f"melt({', '.join(['x'] * (MAX_OF_ENTRY + 1))}) -> ()")
    assert [one.occurrence for one in invalid.every] == [*range(MAX_OF_ENTRY)]


def test_a_reader_guesses_without_being_given_guesses() -> None:
    plain = SchemaReader(frozenset({"Tensor"}), Grammar(True, True))
    with pytest.raises(Invalid) as caught:
        plain.schema("m(Tenser x) -> ()")
    assert caught.value.meant == ("Tensor",)


# ------------------------------------------------------------------------------------ signatures


def same(text: str) -> Signatures:
    return Signatures(text, text, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("m() -> ()", same("m()->")),
        (
            "m_(Tensor(a!) self, int x=1, *, int y) -> Tensor(a!)",
            Signatures(
                "m(Tensor self, int x=1, *, int y)->Tensor",
                "m(Tensor self, int x, *, int y)->Tensor",
                "m(Tensor self, int x=1, *, int y)->Tensor",
            ),
        ),
        (
            f"m(*, int x=1, {OPTIONS}) -> (Tensor, int named)",
            Signatures(
                *("m(*, int x=1)->Tensor,int", "m(*, int x)->Tensor,int"),
                "m(*, int x=1)->Tensor,int",
            ),
        ),
        (f"m(*, {OPTIONS}) -> Tensor", same("m()->Tensor")),
        (
            "m.out(Tensor self, Tensor(b!) x, *, Tensor(a!) out) -> Tensor(a!)",
            same("m(Tensor self, Tensor x)->Tensor,Tensor"),
        ),
        (
            "m.out(Tensor(c!) self, Tensor(b!)? x, *, Tensor(a!)[] out) -> ()",
            same("m(Tensor self, Tensor? x)->Tensor,Tensor[],Tensor?"),
        ),
        (
            "m_copy_copy(Tensor self) -> Tensor",
            Signatures(
                "m_copy_copy(Tensor self)->Tensor",
                "m_copy_copy(Tensor self)->Tensor",
                "m(Tensor self)->Tensor",
            ),
        ),
        (
            "scatter_scatter(Tensor self, int x=1) -> Tensor",
            Signatures(
                "scatter_scatter(Tensor self, int x=1)->Tensor",
                "scatter_scatter(Tensor self, int x)->Tensor",
                "inverse_inverse(Tensor self, int x=1)->Tensor",
            ),
        ),
        ("m_copy_x(Tensor self) -> Tensor", same("m_copy_x(Tensor self)->Tensor")),
        (
            "bernoulli.p(Tensor self, float p, float px) -> Tensor",
            same("bernoulli(Tensor self, float p=0.5, float p=0.5x)->Tensor"),
        ),
        (
            "bernoulli.q(Tensor self, float p) -> Tensor",
            same("bernoulli(Tensor self, float p)->Tensor"),
        ),
    ],
)
def test_signatures_as_they_are_spelled(text: str, expected: Signatures) -> None:
    assert signatures(read(text), scatter_is_inverse=True) == expected


def test_a_scatter_is_an_inverse_only_where_it_is_asked_for() -> None:
    found = signatures(read("m_scatter(Tensor self) -> Tensor"), scatter_is_inverse=False)
    assert found.view == found.exact


def test_the_parts_of_a_signature() -> None:
    schema = read("m.out(Tensor(c!) self, Tensor(b!)? x=None, *, int y=1, Tensor(a!)[] out) -> ()")
    arguments = reader().arguments
    made = signature_arguments(schema, arguments)
    assert spell("m", made, ()) == "m(Tensor self, Tensor? x=None, *, int y=1) -> ()"
    assert made == make_arguments(made.positional, made.kwarg_only, ())
    assert [r.text for r in signature_returns(schema, arguments)] == [
        *("Tensor self_out", "Tensor[] out_out", "Tensor? x_out")
    ]
    view = read(f"m(Tensor(a) self, *, {OPTIONS}) -> (Tensor(a) x, Tensor(a), int)")
    assert [r.text for r in signature_returns(view, arguments)] == ["Tensor x", "Tensor", "int"]
    assert spell("m", signature_arguments(view, arguments), ()) == "m(Tensor self) -> ()"
