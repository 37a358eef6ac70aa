"""Whole differences of a few records: which parts are told, in which order, and what follows."""

from __future__ import annotations

from typing import Any

import msgspec

from derivload.derivatives.model import (
    Derivative,
    DifferentiabilityInfo,
    DifferentiabilityRecord,
    ForwardDerivative,
    FunctionRecord,
    MatchedInfo,
    SavedAttribute,
)
from derivload.engine.difference import (
    Change,
    Difference,
    FullDifference,
    FunctionChange,
    Renamed,
    difference,
    difference_in_full,
)
from derivload.engine.facts import FunctionFacts
from derivload.engine.lines import DocumentLines, encode_line

replace = msgspec.structs.replace
SIZES = SavedAttribute("self_sizes", "std::vector<int64_t>", "self.sizes()")
SELF = SavedAttribute("self", "at::Tensor", "self")
TANGENT = ForwardDerivative("self_t", ("result",), ("Tensor",), ("self",), None, False, False)


def info(
    formula: str = "grad",
    *saved: SavedAttribute,
    computed: str = "",
    tangents: tuple[ForwardDerivative, ...] = (),
    **fields: Any,
) -> DifferentiabilityInfo:
    derivative = Derivative(computed or formula, formula, ("self",), saved, (), ())
    made = DifferentiabilityInfo(
        "f", "FBackward0", (derivative,), tangents, saved, (), (), (), (), (), None, None
    )
    return replace(made, **fields)


def function(schema: str, op: str | None = None, **fields: Any) -> FunctionRecord:
    matched = None if op is None else {"Default": MatchedInfo(schema, op)}
    made = FunctionRecord(
        schema, "functional", ("function",), None, (), False, False, False, False, matched, None
    )
    return replace(made, **fields)


def lines(
    functions: list[FunctionRecord],
    records: dict[str, DifferentiabilityInfo] | None = None,
    generated: dict[str, DifferentiabilityInfo] | None = None,
    facts: list[FunctionFacts] | None = None,
    version: str = "2.15",
    keys: tuple[str, ...] = ("Default",),
) -> DocumentLines:
    def of(infos: dict[str, DifferentiabilityInfo] | None) -> list[bytes]:
        made = [DifferentiabilityRecord(s, {"Default": i}) for s, i in (infos or {}).items()]
        return [*map(encode_line, made)]

    return DocumentLines(
        version,
        keys,
        of(records),
        [],
        [*map(encode_line, functions)],
        of(generated),
        None if facts is None else [*map(encode_line, facts)],
    )


F, G, H = (f"{name}(Tensor self) -> Tensor" for name in ("f", "g", "h"))


def changed(
    before: DifferentiabilityInfo, after: DifferentiabilityInfo
) -> list[tuple[str, str, str | None, str | None]]:
    """What is told of a function with these infos."""
    old, new = lines([function(F)], {F: before}), lines([function(F)], {F: after})
    assert difference(old, old) == Difference()
    found = difference(old, new)
    assert found == Difference(changed=found.changed)
    full = difference_in_full(old, new)
    assert full.changed == found.changed
    (one,) = found.changed
    assert one.name == "f"
    return [(c.what, c.of, c.before, c.after) for c in one.changes]


def test_a_formula_is_told_without_what_follows_from_it() -> None:
    assert changed(info("grad"), info("2 * grad")) == [("backward", "self", "grad", "2 * grad")]
    before, after = info("grad * self", SELF), info("self.sizes()", SIZES, computed="self_sizes")
    assert changed(before, after) == [
        ("backward", "self", "grad * self", "self.sizes()"),
        ("saved", "self_sizes", None, "std::vector<int64_t> = self.sizes()"),
        ("saved", "self", "at::Tensor = self", None),
    ]


def test_what_differs_without_the_formula_is_told() -> None:
    before = info("f(self)", SELF)
    after = info("f(self)", replace(SELF, type="TensorRef"))
    # What is saved says what is read.
    assert changed(before, after) == [("saved", "self", "at::Tensor = self", "TensorRef = self")]
    assert changed(before, replace(after, all_saved_inputs=(SELF,))) == [
        ("backward reads", "self", "at::Tensor self = self", "TensorRef self = self")
    ]
    assert changed(info("f", computed="a"), info("f", computed="b")) == [
        ("backward as computed", "self", "a", "b")
    ]
    needs = replace(TANGENT, required_inputs_fw_grad=())
    assert [c[:2] for c in changed(info(tangents=(TANGENT,)), info(tangents=(needs,)))] == [
        ("forward needs", "result")
    ]


def test_the_most_important_kinds_come_first() -> None:
    before = info("grad", SELF, tangents=(TANGENT,), non_differentiable_arg_names=("a",))
    after = replace(
        info("2 * grad", SIZES, tangents=(replace(TANGENT, formula="2 * self_t"),)),
        op="GBackward0",
        non_differentiable_arg_names=("b",),
        name="g",
    )
    assert [(what, of) for what, of, _, _ in changed(before, after)] == [
        ("node", ""),
        ("backward", "self"),
        ("saved", "self_sizes"),
        ("saved", "self"),
        ("forward", "result"),
        ("name", ""),
        ("non_differentiable_arg_names", ""),
    ]
    assert [c[:2] for c in changed(before, replace(before, name="g"))] == [("name", "")]


def test_a_definition_that_comes_is_told_by_its_main_parts() -> None:
    old = lines([function(F)])
    new = lines([function(F, "FBackward0")], {F: info("grad * self", SELF, tangents=(TANGENT,))})
    (one,) = difference(old, new).changed
    assert [(c.what, c.of, c.before, c.after) for c in one.changes] == [
        ("node", "", None, "FBackward0"),
        ("backward", "self", None, "grad * self"),
        ("saved", "self", None, "at::Tensor = self"),
        ("forward", "result", None, "self_t"),
    ]


def test_functions_that_come_and_go() -> None:
    old = lines([function(F), function(G)], {F: info("grad")})
    new = lines([function(F), function(H, "HBackward0")], {F: info("grad"), H: info("grad * 2")})
    (added,) = difference(old, new).added
    assert [(c.what, c.of, c.before, c.after) for c in added.changes] == [
        ("node", "", None, "FBackward0"),
        ("backward", "self", None, "grad * 2"),
    ]
    there, back = difference(old, new), difference(new, old)
    assert [f.name for f in back.added] == [f.name for f in there.removed] == ["g"]
    assert [f.name for f in back.removed] == [f.name for f in there.added] == ["h"]
    assert back.removed[0].changes[0] == Change("node", "", "FBackward0", None)


def test_functions_with_a_definition_come_first() -> None:
    old = lines([function(F, "A0"), function(G)], {H: info("grad")}, {F: info("grad")})
    new = lines([function(F, "B0"), function(G, "B0")], {H: info("1")}, {F: info("2")})
    assert [one.name for one in difference(old, new).changed] == ["h", "f", "g"]


def test_a_matched_forward_formula_is_told_beside_that_of_the_definition() -> None:
    other = replace(TANGENT, formula="f(self_t)")
    matched = function(F, "FBackward0", forward_derivatives={"Default": (other,)})
    old = lines([matched], {F: info(tangents=(TANGENT,))})
    now = replace(other, formula="g(self_t)")
    new = lines(
        [replace(matched, forward_derivatives={"Default": (now,)})],
        {F: info(tangents=(replace(TANGENT, formula="2 * self_t"),))},
    )
    (one,) = difference(old, new).changed
    assert one.changes == (
        Change("forward", "result", "self_t", "2 * self_t"),
        Change("forward as matched", "result", "f(self_t)", "g(self_t)"),
    )


def test_the_heads_of_the_documents() -> None:
    old, new = lines([]), lines([], version="2.16", keys=("Default", "AutogradXPU"))
    changes = (
        Change("torch_version", "", "2.15", "2.16"),
        Change("used_dispatch_keys", "", "Default", "Default, AutogradXPU"),
    )
    assert difference(old, new) == Difference(documents=changes)
    assert difference_in_full(old, new) == FullDifference(documents=changes)


# --------------------------------------------------------------------------------------- in full


def facts(schema: str, *keys: str, **fields: Any) -> FunctionFacts:
    return replace(FunctionFacts(schema, "aten", keys), **fields)


def test_kernels_say_what_is_composite() -> None:
    composite: dict[str, Any] = {"has_composite_implicit_autograd_kernel": True}
    old = lines([function(F, **composite)], facts=[facts(F, "CompositeImplicitAutograd")])
    new = lines([function(F)], facts=[facts(F, "CPU")])
    (one,) = difference_in_full(old, new).changed
    assert one.changes == (Change("kernels", "", "CompositeImplicitAutograd", "CPU"),)
    (one,) = difference(old, new).changed
    assert one.changes == (Change("has_composite_implicit_autograd_kernel", "", "yes", "no"),)
    without = difference_in_full(old, new._replace(facts=None))
    assert [c.what for c in without.changed[0].changes] == [
        "has_composite_implicit_autograd_kernel"
    ]
    only = difference_in_full(
        lines([function(F)], facts=[facts(F)]),
        lines([function(F)], facts=[facts(F, autogen=("f.out",), structured_delegate="f.out")]),
    )
    assert [(c.what, c.before, c.after) for c in only.changed[0].changes] == [
        ("autogen", "none", "f.out"),
        ("structured_delegate", "none", "f.out"),
    ]


def test_a_schema_is_told_argument_by_argument() -> None:
    new = "f(Tensor self, int n) -> Tensor"
    found = difference_in_full(lines([function(F)]), lines([function(new, kind="out")]))
    assert found.changed == (
        FunctionChange(
            "f",
            (
                Change("schema", "", F, new),
                Change("argument", "n", None, "int n"),
                Change("kind", "", "functional", "out"),
            ),
        ),
    )
    plain = difference(lines([function(F)]), lines([function(new)]))
    assert plain.changed == (FunctionChange("f", (Change("schema", "", F, new),)),)


def test_functions_that_come_and_go_in_full() -> None:
    new = "newcomer(int[] sizes, str name) -> (Tensor, Tensor)"
    old = lines([function(F), function("was(Scalar? a) -> bool[]")], {F: info()}, facts=[facts(F)])
    after = lines(
        [function(F), function(new, "N0")],
        {F: info()},
        facts=[facts(F), facts(new, "CPU", autogen=("x",))],
    )
    found = difference_in_full(old, after)
    assert found.added == (
        FunctionChange(
            "newcomer",
            (
                Change("schema", "", None, new),
                Change("node", "", None, "N0"),
                Change("kernels", "", None, "CPU"),
            ),
        ),
    )
    assert found.removed == (
        FunctionChange("was", (Change("schema", "", "was(Scalar? a) -> bool[]", None),)),
    )
    assert (found.changed, found.renamed) == ((), ())


def test_a_function_with_another_name() -> None:
    new = F.replace("f(", "ff(")
    old = lines([function(F, "FBackward0")], {F: info("grad")}, facts=[facts(F, "CPU")])
    after = lines([function(new, "FfBackward0")], {new: info("grad")}, facts=[facts(new, "CPU")])
    found = difference_in_full(old, after)
    (one,) = found.renamed
    assert (one.before, one.after, one.measure) == ("f", "ff", 0.87)
    assert found == FullDifference(renamed=(Renamed("f", "ff", 0.87, one.changes),))
    assert [(c.what, c.before, c.after) for c in one.changes] == [
        ("schema", F, new),
        ("defined for", "f", "ff"),
    ]
    plain = difference(old, after)
    assert ([f.name for f in plain.added], [f.name for f in plain.removed]) == (["ff"], ["f"])
    longer = "ff(Tensor self, int n) -> Tensor"
    after = lines([function(longer, "FfBackward0")], {longer: info("2 * grad")})
    (one,) = difference_in_full(old, after).renamed
    assert (one.before, one.after, one.measure) == ("f", "ff", 0.75)
