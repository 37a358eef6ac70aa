"""What a comparison is made of, as values: parts of records, parts of schemas, renames."""

from __future__ import annotations

import pytest

from derivload.derivatives.model import (
    ArgumentBinding,
    Derivative,
    DifferentiabilityInfo,
    DifferentiabilityRecord,
    ForwardDerivative,
    FunctionRecord,
    MatchedInfo,
    SavedAttribute,
)
from derivload.engine import renames
from derivload.engine.facts import FunctionFacts
from derivload.engine.parts import as_text, fact_parts, function_parts, name_in, record_parts
from derivload.engine.renames import Described, Rename, find_renames, measure_of
from derivload.engine.schema_changes import SchemaParts, schema_changes, schema_parts

# --------------------------------------------------------------------------------------- parts


def test_the_parts_of_a_record_of_a_definition() -> None:
    saved = SavedAttribute("self_sizes", "std::vector<int64_t>", "self.sizes()")
    result = SavedAttribute("result", "at::Tensor", "result")
    derivative = Derivative(
        "grad * w", "grad * result", ("a", "b"), (saved,), (result,), ("grad_u",)
    )
    tangent = ForwardDerivative("a_t + b_t", ("result",), ("Tensor",), ("a", "b"), (), True, False)
    info = DifferentiabilityInfo(
        name="f",
        op="FBackward0",
        derivatives=(derivative,),
        forward_derivatives=(tangent,),
        all_saved_inputs=(saved,),
        all_saved_outputs=(result,),
        available_named_gradients=("grad_u", "grad_v"),
        used_named_gradients=("grad_u",),
        args_with_derivatives=(
            ArgumentBinding("a", "const at::Tensor &", None),
            ArgumentBinding("b", "const at::Tensor &", "{}"),
        ),
        non_differentiable_arg_names=(),
        output_differentiability=(True, False),
        output_differentiability_conditions=None,
    )
    empty = DifferentiabilityInfo("g", None, (), (), (), (), (), (), (), ("a",), None, ("c()",))
    record = DifferentiabilityRecord("f(T a, T b) -> T", {"Default": info, "AutogradXPU": empty})
    assert [*record_parts(record)] == [
        (("schema", ""), "f(T a, T b) -> T"),
        (("node", ""), "FBackward0"),
        (("backward", "a, b"), "grad * result"),
        (("backward as computed", "a, b"), "grad * w"),
        (
            ("backward reads", "a, b"),
            "std::vector<int64_t> self_sizes = self.sizes(), at::Tensor result = result, grad_u",
        ),
        (("saved", "self_sizes"), "std::vector<int64_t> = self.sizes()"),
        (("saved", "result"), "at::Tensor = result"),
        (("forward", "result"), "a_t + b_t"),
        (
            ("forward needs", "result"),
            "of Tensor; tangents a, b; primals none; original self yes; as out-of-place no",
        ),
        (("name", ""), "f"),
        (("available_named_gradients", ""), "grad_u, grad_v"),
        (("used_named_gradients", ""), "grad_u"),
        (("args_with_derivatives", ""), "const at::Tensor & a, const at::Tensor & b={}"),
        (("non_differentiable_arg_names", ""), "none"),
        (("output_differentiability", ""), "yes, no"),
        (("output_differentiability_conditions", ""), "none"),
        (("node", "(AutogradXPU)"), "none"),
        (("name", "(AutogradXPU)"), "g"),
        (("available_named_gradients", "(AutogradXPU)"), "none"),
        (("used_named_gradients", "(AutogradXPU)"), "none"),
        (("args_with_derivatives", "(AutogradXPU)"), "none"),
        (("non_differentiable_arg_names", "(AutogradXPU)"), "a"),
        (("output_differentiability", "(AutogradXPU)"), "none"),
        (("output_differentiability_conditions", "(AutogradXPU)"), "c()"),
    ]


def test_the_parts_of_a_record_of_a_function() -> None:
    tangent = ForwardDerivative("self_t", ("result",), ("Tensor",), None, ("self",), False, True)
    record = FunctionRecord(
        schema="f_(T self) -> T",
        kind="inplace",
        variants=("function", "method"),
        python_module=None,
        tags=(),
        structured=True,
        is_abstract=False,
        has_composite_implicit_autograd_kernel=False,
        has_composite_explicit_autograd_kernel=True,
        differentiability={
            "Default": MatchedInfo("f(T self) -> T", "F0"),
            "X": MatchedInfo("g()", None),
        },
        forward_derivatives={"X": (tangent,)},
    )
    own = [
        (("schema", ""), "f_(T self) -> T"),
        (("kind", ""), "inplace"),
        (("variants", ""), "function, method"),
        (("python_module", ""), "none"),
        (("tags", ""), "none"),
        (("structured", ""), "yes"),
        (("is_abstract", ""), "no"),
        (("has_composite_implicit_autograd_kernel", ""), "no"),
        (("has_composite_explicit_autograd_kernel", ""), "yes"),
    ]
    tangents = [
        (("forward", "result (X)"), "self_t"),
        (
            ("forward needs", "result (X)"),
            "of Tensor; tangents none; primals self; original self no; as out-of-place yes",
        ),
    ]
    assert [*function_parts(record, in_full=True)] == [
        *own,
        (("defined for", ""), "f"),
        (("node", ""), "F0"),
        (("defined for", "(X)"), "g"),
        (("node", "(X)"), "none"),
        *tangents,
    ]
    assert [*function_parts(record, in_full=False)] == [
        *own,
        (("defined for", ""), "f(T self) -> T"),
        (("node", ""), "F0"),
        (("defined for", "(X)"), "g()"),
        (("node", "(X)"), "none"),
        *tangents,
    ]


def test_the_parts_of_facts() -> None:
    facts = FunctionFacts("f() -> ()", "mine", ("CPU", "XPU"), "f.out", ("f.out", "f_"))
    assert [*fact_parts(facts)] == [
        (("kernels", ""), "CPU, XPU"),
        (("autogen", ""), "f.out, f_"),
        (("structured_delegate", ""), "f.out"),
        (("namespace", ""), "mine"),
    ]
    assert dict(fact_parts(FunctionFacts("f() -> ()")))["structured_delegate", ""] == "none"
    values: list[object] = [0, "", (), [[]], None, (True, "a")]
    assert [as_text(value) for value in values] == [*("0", "", "none", "none", "none", "yes, a")]
    assert (name_in("f.x(T a) -> (T)"), name_in("f")) == ("f.x", "f")


# ------------------------------------------------------------------------------------- schemas


@pytest.mark.parametrize(
    ("schema", "arguments", "returns"),
    [
        ("f() -> ()", {}, "()"),
        ("f(T a) -> (T x, T y)", {"a": "T a"}, "(T x, T y)"),
        (
            "f(T(a!) a, *, int[2] b=[0, 1], T? c=None) -> T(a!)",
            {"a": "T(a!) a", "b": "*, int[2] b=[0, 1]", "c": "*, T? c=None"},
            "T(a!)",
        ),
        (
            "f(str a='x, y)', str b=\"it's (\", int c=1) -> T",
            {"a": "str a='x, y)'", "b": 'str b="it\'s ("', "c": "int c=1"},
            "T",
        ),
        ("f(str a = ' = ', int b) -> T", {"": "str a = ' = '", "b": "int b"}, "T"),
        ("f({int, int} a,) -> T", {"a": "{int, int} a"}, "T"),
        ("f(] a) -> T", {"a": "] a"}, "T"),
        ("f((int, int)[] a, int b)", {"a": "(int, int)[] a", "b": "int b"}, ""),
        ("f(int a", {}, ""),
        ("f", {}, ""),
    ],
)
def test_a_schema_is_cut_into_its_parts(
    schema: str, arguments: dict[str, str], returns: str
) -> None:
    assert schema_parts(schema) == SchemaParts(arguments, returns)


def test_all_that_differs_between_schemas_is_told_in_order() -> None:
    before, after = "f(int a, int b, int c) -> int", "f(int d, int c, float a) -> float"
    assert [*schema_changes(before, after)] == [
        ("argument", "d", None, "int d"),
        ("argument", "a", "int a", "float a"),
        ("argument", "b", "int b", None),
        ("order of arguments", "", "a, c", "c, a"),
        ("returns", "", "int", "float"),
    ]


# ------------------------------------------------------------------------------------- renames


def test_how_like_two_functions_are() -> None:
    one = Described("polish", "T a) -> T", "grad")
    for other, measure in [
        (one, 1.0),
        (one._replace(name="polished"), 0.94),
        (one._replace(name="zzzzzz"), 0.6),
        (one._replace(signature="T b) -> T"), 0.96),
        (one._replace(formulas=""), 0.8),
        (one._replace(formulas="grads"), 0.98),
        (Described("zzzz", "zzzz", "zzzz"), 0.0),
        (one._replace(signature="", formulas="zzzz"), 0.4),
    ]:
        assert measure_of(one, other) == measure, other
        assert measure_of(other, one) == measure, other
    # Names that have less in common than this are not alike at all.
    for count, measure in [(7, 0.68), (6, 0.5)]:
        names = [f"{'a' * count}{letter * (20 - count)}" for letter in "bc"]
        assert measure_of(*(Described(name, "", "") for name in names)) == measure
    plain = Described("polish", "T a) -> T", "")
    assert measure_of(plain, plain._replace(name="zzzzzz")) == 0.5
    assert measure_of(plain, plain._replace(signature="zz")) == 0.5


def test_the_likeliest_pairs_are_renames_in_the_order_of_those_that_came() -> None:
    gone = [
        Described("glaze", "T a) -> T", "grad"),
        Described("glazed", "T a) -> T", "grad"),
        Described("other", "int a, int b) -> int", ""),
    ]
    come = [
        Described("zebra", "T a) -> ()", "grad * 2"),
        Described("glazer", "T a) -> T", "grad"),
        Described("glazed_", "T a) -> T", "grad"),
    ]
    assert find_renames(gone, come) == [
        Rename("glaze", "glazer", 0.96),
        Rename("glazed", "glazed_", 0.97),
    ]
    assert find_renames([], come) == find_renames(gone, []) == []
    # Of two that are as like, the first by name.
    same = [Described(name, "T a) -> T", "") for name in ("polish_b", "polish_a")]
    assert find_renames(same, [Described("polish_c", "T a) -> T", "")]) == [
        Rename("polish_a", "polish_c", 0.94)
    ]
    assert find_renames([Described("polish_c", "T a) -> T", "")], same) == [
        Rename("polish_c", "polish_a", 0.94)
    ]


def test_of_many_pairs_only_those_with_the_same_arguments_are_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert renames._MOST_PAIRS == 20_000
    gone = [Described(f"glaze{i}", f"T a{i}) -> T", "") for i in range(2)]
    come = [Described("glaze1x", "T a1) -> T", ""), Described("glaze0x", "T b) -> T", "")]
    both = [Rename("glaze1", "glaze1x", 0.96), Rename("glaze0", "glaze0x", 0.88)]
    for most, found in [(4, both), (3, both[:1])]:
        monkeypatch.setattr(renames, "_MOST_PAIRS", most)
        assert find_renames(gone, come) == found
