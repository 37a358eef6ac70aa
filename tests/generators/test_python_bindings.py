"""What is told of functions that Python bindings cannot be made for, by their signatures."""

from __future__ import annotations

import re
from typing import Final

import pytest

from support.refused import RELEASES, mistakes, native, refused

OPTIONS: Final = (
    "*, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None"
)

# TensorOptions, but in another order.
_MIXED: Final = (
    "*, Layout? layout=None, ScalarType? dtype=None, Device? device=None, bool? pin_memory=None"
)


def told(*functions: str, release: str = "2.15") -> list[str]:
    """The codes of what is told of native functions, each with the lines behind its schema."""
    return refused("".join(native(*function.split("\n")) for function in functions), "", release)


def said(*functions: str) -> list[str]:
    """The messages."""
    found = mistakes("".join(native(*function.split("\n")) for function in functions))
    return [mistake.message for mistake in found]


def told_of_overloads(one: str, other: str) -> list[str]:
    """What is told of two overloads, each with an argument more than `self`."""
    found = (("", one), (".many", other))
    return told(*(f"gild{name}(Tensor self, {more}) -> Tensor" for name, more in found))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("float[2] w=[]", "float[] w=[]"),
        ("float[2]? w=None", "float[]? w=[]"),
        ("Tensor(a!)? w=None", "Tensor? w=None"),
        ("float w=1e2", "float w=100.0"),
        ("int w=1", "int w=01"),
        ("str w='a'", 'str w="a"'),
        ("float[2] w", "float[] w"),
        ("SymInt w=1", "SymInt w=01"),
        ("*, float[2] w=[]", "*, float[] w=[]"),
        ("SymInt[2] w=1", "SymInt[2] w=01"),
        ("str? w=None", "str? w=nullptr"),
    ],
)
def test_defaults_that_are_one_for_python(one: str, other: str) -> None:
    assert told_of_overloads(one, other) == ["DL831"]


def test_a_default_that_cannot_be_written_is_told_alone() -> None:
    assert told_of_overloads("int[] w=0", "int[] w") == ["DL841"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("float[2] w=[1]", "float[] w=[2]"),
        ("float[2]? w=None", "float[]? w=[1]"),
        ("float[2]? w", "float[]? w=None"),
        ("float? w=None", "float[] w=[]"),
        ("float w=1", "float w=1.0"),
        ("bool w=True", "bool w=False"),
        ("str w='a'", "str w='b'"),
        ("int w", "int x"),
        ("int w", "*, int w"),
        ("*, int w", "*, float w"),
        ("*, Tensor w", "*, Tensor x"),
    ],
)
def test_defaults_that_differ_for_python(one: str, other: str) -> None:
    assert told_of_overloads(one, other) == []


# With the category, whether a function without TensorOptions is right, and one with them.
@pytest.mark.parametrize(
    ("name", "category", "without", "has"),
    [
        ("gild", "", True, False),
        ("gild", "other", True, False),
        ("gild", "factory", False, True),
        ("gild", "new", False, True),
        ("gild", "like", False, True),
        ("gild_like", "", False, True),
        ("gild_like", "dummy", True, False),
        ("new_gild", "", False, True),
        ("new_gild", "dummy", True, False),
    ],
)
def test_the_category_says_whether_a_tensor_is_made_by_options(
    name: str, category: str, without: bool, has: bool
) -> None:
    key = f"\ncategory_override: {category}" if category else ""
    for arguments, is_right in (("Tensor self", without), (f"Tensor self, {OPTIONS}", has)):
        found = told(f"{name}({arguments}) -> Tensor{key}")
        assert found == ([] if is_right else ["DL836"])


def test_a_dummy_is_like_any_other_before_2_3() -> None:
    function = "new_gild(Tensor self) -> Tensor\ncategory_override: dummy"
    assert [r for r in RELEASES if told(function, release=r) == ["DL836"]] == ["2.1", "2.2"]


# --------------------------------------------------------------------------------- out variants

PLAIN, OUT = "gild(Tensor self) -> Tensor", "gild.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)"


METHOD = f"{PLAIN}\nvariants: method"


@pytest.mark.parametrize(
    "functions",
    [
        [METHOD],
        [f"{PLAIN}\npython_module: nn"],
        [METHOD, "gild.b(Tensor other) -> Tensor"],
        [METHOD, "gild.b(Tensor self, int? dim=None) -> Tensor"],
        [METHOD, "gilt(Tensor self) -> Tensor"],
    ],
)
def test_an_out_variant_without_its_function(functions: list[str]) -> None:
    (found,) = mistakes("".join(native(*each.split("\n")) for each in (*functions, OUT)))
    assert (found.code, found.words, found.path) == ("DL830", "gild.out", ("func",))
    assert found.message.startswith("torch has no `gild` that takes the arguments of `gild.out`")


@pytest.mark.parametrize("function", [PLAIN, f"{PLAIN}\nvariants: method, function"])
def test_an_out_variant_with_its_function(function: str) -> None:
    for functions in ((function, OUT), (OUT, function)):
        assert told(*functions) == []


@pytest.mark.parametrize("module", ["nn", "fft", "linalg", "nested", "sparse", "special"])
def test_an_out_variant_is_in_the_module_of_its_function(module: str) -> None:
    inside = f"\npython_module: {module}"
    assert told(PLAIN + inside, OUT + inside) == []
    assert said(PLAIN, OUT + inside)[0].startswith(f"torch.{module} has no `gild`")


def test_nothing_is_told_of_modules_that_bindings_are_not_written_for() -> None:
    assert told(METHOD, OUT + "\npython_module: none") == []
    assert told("gild(Tensor self, bool[2] x) -> Tensor\npython_module: none") == []


def test_an_out_variant_beside_a_function_that_cannot_be_read_may_be_of_it() -> None:
    function = "gild.b(Tensor self, bool[2] x) -> Tensor"
    assert told(function, METHOD, OUT) == ["DL833"]
    assert told(function.replace("[2]", ""), METHOD, OUT) == ["DL830"]


def test_two_out_variants_with_the_same_arguments() -> None:
    functions = [
        f"gild.{name}(Tensor self, float[{size}] w{out}"
        for name, size in (("a", "2"), ("b", ""))
        for name, out in (
            (name, ") -> Tensor"),
            (f"{name}_out", ", *, Tensor(a!) out) -> Tensor(a!)"),
        )
    ]
    message = "Python sees no difference between the arguments of `gild.b{0}` and `gild.a{0}`"
    assert said(*functions) == [message.format(""), message.format("_out")]


@pytest.mark.parametrize(
    ("default", "codes"),
    [("=[1]", []), ("=[1.0]", ["DL830"]), ("=[2]", ["DL830"]), ("", ["DL830"])],
)
def test_an_out_variant_takes_the_defaults_of_its_function(default: str, codes: list[str]) -> None:
    method = "gild(Tensor self, float[2] w=[1]) -> Tensor\nvariants: method"
    out = "gild.out(Tensor self, float[2] w=[1], *, Tensor(a!) out) -> Tensor(a!)"
    assert told(method, out, f"gild.b(Tensor self, float[] w{default}) -> Tensor") == codes


def test_what_an_out_variant_returns_is_looked_at_too() -> None:
    returns = "(Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)"
    outs = ", ".join(f"Tensor({letter}!) {letter}" for letter in "abcdefg")
    written = ", ".join(f"Tensor({letter}!)" for letter in "abcdefg")
    found = told(
        f"gild(Tensor self) -> {returns}", f"gild.out(Tensor self, *, {outs}) -> ({written})"
    )
    assert found == ["DL832", "DL832"]


# -------------------------------------------------------------------------------------- methods


def test_methods_differ_in_what_they_take_besides_self() -> None:
    methods = [
        "gild(Tensor self, float[2] w) -> Tensor\nvariants: method",
        "gild.many(Tensor self, float[] w) -> Tensor\nvariants: method",
    ]
    assert told(*methods) == ["DL831"]
    assert told(methods[0], methods[1].replace("method", "function")) == []


def test_methods_that_take_different_arguments() -> None:
    schemas = ("gild(Tensor self, int w) -> Tensor", "gild.b(Tensor self, float w) -> Tensor")
    assert told(*(f"{schema}\nvariants: method" for schema in schemas)) == []


def test_self_of_a_method_is_not_read() -> None:
    schema = "gild{}(bool[2] self, Tensor x{}) -> Tensor\nvariants: "
    assert told(schema.format("", "") + "function") == ["DL833"]
    assert told(schema.format("", "") + "method") == []
    more = schema.format(".b", ", bool[2] y") + "method"
    for others in ([], [native(*f"{schema.format('', '')}method".split("\n"))]):
        (found,) = mistakes("".join([*others, native(*more.split("\n"))]))
        assert found.words == "bool[2] y"


def test_self_of_a_method_is_where_it_is_found_wherever_it_stands() -> None:
    one, other = "gild(int w, Tensor self) -> Tensor", "gild.b(Tensor self, int w) -> Tensor"
    assert told(one, other) == []
    assert told(f"{one}\nvariants: method", f"{other}\nvariants: method") == ["DL831"]


def test_a_function_and_a_method_that_differ_in_the_place_of_self() -> None:
    both = "\nvariants: function, method"
    found = said(
        f"gild(Tensor self, int w) -> Tensor{both}", f"gild.b(int w, Tensor self) -> Tensor{both}"
    )
    assert found == ["Python sees no difference between the arguments of `gild.b` and `gild`"]


def test_self_of_a_function_is_named_input() -> None:
    assert told("gild(Tensor self) -> Tensor", "gild.b(Tensor input) -> Tensor") == ["DL831"]
    assert told("gild(Tensor self) -> Tensor", "gild.b(Tensor other) -> Tensor") == []


def test_what_is_told_does_not_depend_on_the_order_of_a_set() -> None:
    """The function is looked at before the method."""
    one = "gild{}(Tensor self, float[{}] w) -> Tensor\nvariants: {}"
    found = said(
        one.format("", 1, "function"),
        one.format(".b", 2, "method"),
        one.format(".c", 3, "method, function"),
    )
    assert found == ["Python sees no difference between the arguments of `gild.c` and `gild`"]


# ------------------------------------------------------------------------------------ factories


@pytest.mark.parametrize(
    ("function", "end"),
    [
        ("gild(int n) -> Tensor", "has no TensorOptions"),
        (
            "gild(int n, *, ScalarType? dtype=None) -> Tensor",
            ": `layout`, `device`, `pin_memory` are missing",
        ),
        (f"gild(int n, {OPTIONS.rpartition(',')[0]}) -> Tensor", ": `pin_memory` is missing"),
        (
            f"gild(int n, {_MIXED}) -> Tensor",
            ": these are `dtype`, `layout`, `device`, `pin_memory`, in this order",
        ),
        ("gild(int n) -> Tensor[]", "has no TensorOptions"),
        ("gild() -> (Tensor, Tensor)", "has no TensorOptions"),
        ("gild_like(Tensor self) -> Tensor", "has no TensorOptions"),
    ],
)
def test_a_factory_without_options(function: str, end: str) -> None:
    (found,) = said(function)
    assert found.endswith(end)


@pytest.mark.parametrize(
    "function",
    [f"gild(int n, {OPTIONS}) -> Tensor", f"gild_like(Tensor self, {OPTIONS}) -> Tensor"],
)
def test_a_factory_with_options(function: str) -> None:
    assert told(function) == []


@pytest.mark.parametrize("argument", ["Tensor self", "Tensor? self", "Tensor[] self"])
def test_what_takes_a_tensor_is_no_factory(argument: str) -> None:
    (found,) = mistakes(native(f"gild({argument}, {OPTIONS}) -> Tensor"))
    assert (found.code, found.words, found.path) == ("DL836", "dtype", ("func",))
    assert found.help == "remove them, or name the function `new_…` or `…_like`"
    assert told(f"gild({argument}, int n) -> Tensor") == []


@pytest.mark.parametrize(
    ("argument", "codes"),
    [
        ("Tensor(a!) out", []),
        ("Tensor(a!) result", ["DL836"]),
        ("Tensor(a!) a, Tensor(b!) b", []),
    ],
)
def test_the_output_of_a_factory_is_named_out(argument: str, codes: list[str]) -> None:
    returns = ", ".join(f"Tensor({letter}!)" for letter in "ab"[: argument.count("!")])
    returns = f"({returns})" if "," in returns else returns
    made = re.sub(r"\(.!\)", "", returns)
    function = native(f"gild(int n, {OPTIONS}) -> {made}")
    found = mistakes(function + native(f"gild.out(int n, *, {argument}) -> {returns}"))
    assert [mistake.code for mistake in found] == codes
    if codes:
        assert (found[0].words, found[0].help) == (argument, "name it `out`")


def test_the_out_variant_of_a_function_like_another_takes_no_options() -> None:
    function = f"gild_like(Tensor self, {OPTIONS}) -> Tensor"
    out = "gild_like.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)"
    assert told(function, out) == ["DL830"]


def test_overloads_that_differ_in_their_options() -> None:
    one, other = (
        "gild(Tensor self, float[2] w) -> Tensor",
        "gild.b(Tensor self, float[] w) -> Tensor",
    )
    assert told(one, other) == ["DL831"]
    assert told(one, f"{other}\ncategory_override: factory") == ["DL836"]


# ---------------------------------------------------------------------------------------- names


def test_an_argument_that_bindings_add() -> None:
    (found,) = mistakes(native("gild(Tensor self, bool requires_grad) -> Tensor"))
    assert (found.code, found.words, found.path) == ("DL835", "requires_grad", ("func",))
    assert told("gild(Tensor self, bool requires_grads) -> Tensor") == []


@pytest.mark.parametrize(
    ("returns", "codes"),
    [
        ("(Tensor a, Tensor)", ["DL834"]),
        ("(Tensor, Tensor b)", ["DL834"]),
        ("(Tensor a, Tensor b)", []),
        ("(Tensor, Tensor)", []),
        ("Tensor a", []),
    ],
)
def test_all_outputs_have_names_or_none(returns: str, codes: list[str]) -> None:
    assert told(f"gild(Tensor self) -> {returns}") == codes


def test_of_functions_that_are_alike_each_is_told_what_it_takes() -> None:
    """Once a type is known to be read, it is not looked up again; one that is not, is."""
    assert told(*(f"gild{n}(Tensor self, bool[2] x) -> Tensor" for n in "ab")) == ["DL833", "DL833"]


# --------------------------------------------------------------------------------- what is bound


@pytest.mark.parametrize(
    ("function", "is_bound"),
    [
        ("gild(Tensor self, bool[2] x) -> Tensor", True),
        ("gild(Tensor self, bool[2] x) -> Tensor\ntags: core", True),
        ("gild(Tensor self, bool[2] x) -> Tensor\ntags: generated", False),
        ("gild(Tensor self, bool[2] x) -> Tensor\ntags: [generated, view_copy]", True),
        ("gild_backward(Tensor self, bool[2] x) -> Tensor", False),
        ("gild_forwards(Tensor self, bool[2] x) -> Tensor", True),
        ("_th_gild(Tensor self, bool[2] x) -> Tensor", False),
        ("lift_gild(Tensor self, bool[2] x) -> Tensor", False),
        ("range_gild(Tensor self, bool[2] x) -> Tensor", False),
        ("sparse_coo_tensor_gild(Tensor self, bool[2] x) -> Tensor", False),
        ("nonzero(Tensor self, bool[2] x) -> Tensor", False),
    ],
)
def test_which_functions_are_bound(function: str, is_bound: bool) -> None:
    assert told(function) == (["DL833"] if is_bound else [])
