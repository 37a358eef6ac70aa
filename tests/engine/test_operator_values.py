"""Functions as values: what each property, filter and count says of them."""

from __future__ import annotations

import msgspec
import pytest

from derivload.derivatives.model import (
    DifferentiabilityInfo,
    DifferentiabilityRecord,
    ForwardDerivative,
    FunctionRecord,
    MatchedInfo,
    SavedAttribute,
)
from derivload.engine.coverage import CoverageGroup, coverage_of, support_of
from derivload.engine.facts import FunctionFacts, read_facts
from derivload.engine.lines import DocumentLines, encode_line
from derivload.engine.nodes import nodes_of
from derivload.engine.operators import (
    FLAGS,
    WHOLE_TENSOR,
    Operator,
    asked_for,
    chosen,
    join_operators,
    with_dispatch_key,
    with_tag,
)

TENSOR = SavedAttribute("self", "at::Tensor", "self")
NUMBER = SavedAttribute("n", "int64_t", "n")
RESULT = SavedAttribute("result", "at::Tensor", "result")
TANGENT = ForwardDerivative("self_t", ("result",), ("Tensor",), ("self",), None, False, False)


def info(
    op: str | None = "FBackward0",
    inputs: tuple[SavedAttribute, ...] = (),
    outputs: tuple[SavedAttribute, ...] = (),
) -> DifferentiabilityInfo:
    return DifferentiabilityInfo("f", op, (), (), inputs, outputs, (), (), (), (), None, None)


def record(
    schema: str,
    kind: str = "functional",
    ops: dict[str, MatchedInfo] | None = None,
    tangents: dict[str, tuple[ForwardDerivative, ...]] | None = None,
    module: str | None = None,
    tags: tuple[str, ...] = (),
    *,
    is_composite: bool = False,
) -> FunctionRecord:
    return FunctionRecord(
        schema, kind, ("function",), module, tags, False, False, is_composite, False, ops, tangents
    )


def operator(made: FunctionRecord, used: DifferentiabilityInfo | None = None) -> Operator:
    facts = FunctionFacts(made.schema)
    return Operator(made, facts, {} if used is None else {"Default": used}, (), False)


SCHEMA = "f_.Tensor(Tensor self) -> Tensor"
OPS = {"Default": MatchedInfo(SCHEMA, "FBackward0")}
TANGENTS: dict[str, tuple[ForwardDerivative, ...]] = {"Default": (TANGENT,)}


def test_names_of_a_function() -> None:
    made = operator(record(SCHEMA))
    assert (made.overload, made.name) == ("f_.Tensor", "f_.Tensor")
    assert made.names == ("f_.Tensor", "f_", "f")
    other = made._replace(facts=FunctionFacts(SCHEMA, namespace="mine"))
    assert (other.overload, other.name) == ("f_.Tensor", "mine::f_.Tensor")
    assert made._replace(facts=FunctionFacts(SCHEMA, namespace="aten")).name == "f_.Tensor"


def test_nodes_are_those_of_all_keys_each_once() -> None:
    ops = {
        "A": MatchedInfo(SCHEMA, "F0"),
        "B": MatchedInfo(SCHEMA, None),
        "C": MatchedInfo(SCHEMA, "G0"),
        "D": MatchedInfo(SCHEMA, "F0"),
    }
    made = record(SCHEMA, ops=ops)
    assert operator(made).nodes == ("F0", "G0")
    assert nodes_of([encode_line(made)]) == {"f_.Tensor": {"F0", "G0"}}
    out = record("f.out(Tensor self) -> Tensor", "out", ops)
    assert operator(out).nodes == ()
    assert operator(record(SCHEMA)).nodes == ()
    assert nodes_of(map(encode_line, [out, record(SCHEMA)])) == {
        "f.out": set(),
        "f_.Tensor": set(),
    }


def test_a_function_saves_what_the_info_of_each_key_says() -> None:
    used = {"A": info(inputs=(TENSOR,), outputs=(RESULT,)), "B": info(inputs=(NUMBER,))}
    made = operator(record(SCHEMA, ops=OPS))._replace(info=used)
    assert made.saved_inputs == [TENSOR, NUMBER]
    assert made.saved_outputs == [RESULT]
    without_node = operator(record(SCHEMA))._replace(info=used)
    assert (without_node.saved_inputs, without_node.saved_outputs) == ([], [])


NONE = operator(record(SCHEMA))
SEEN_THROUGH = operator(record(SCHEMA, is_composite=True))
OUT = operator(record(SCHEMA, "out"))
BACKWARD = operator(record(SCHEMA, ops=OPS))
NO_TANGENTS = operator(record(SCHEMA, ops=OPS, tangents={"Default": ()}))
BOTH = operator(record(SCHEMA, ops=OPS, tangents=TANGENTS))
ONLY_TANGENTS = operator(record(SCHEMA, tangents=TANGENTS))
SAVING = operator(record(SCHEMA, ops=OPS, tangents=TANGENTS), info(inputs=(NUMBER, TENSOR)))
SAVING_RESULT = operator(record(SCHEMA, ops=OPS, tangents=TANGENTS), info(outputs=(RESULT,)))
SAVING_NUMBER = operator(record(SCHEMA, ops=OPS, tangents=TANGENTS), info(inputs=(NUMBER,)))


@pytest.mark.parametrize(
    ("made", "support", "flags"),
    [
        (NONE, "none", {"no-derivative"}),
        (SEEN_THROUGH, "composite", {"composite"}),
        (OUT, None, set()),
        (BACKWARD, "backward", {"no-forward"}),
        (NO_TANGENTS, "backward", {"no-forward"}),
        (BOTH, "both", set()),
        (ONLY_TANGENTS, "none", {"no-derivative"}),
        (SAVING, "both", {"saves-input", "saves-tensor"}),
        (SAVING_RESULT, "both", {"saves-tensor"}),
        (SAVING_NUMBER, "both", set()),
        (BOTH._replace(has_foreach=True), "both", {"foreach"}),
        (BOTH._replace(is_from_overlay=True), "both", {"from-overlay"}),
        (BOTH._replace(warnings=("DL602",)), "both", {"has-warnings"}),
    ],
)
def test_what_a_function_is(made: Operator, support: str | None, flags: set[str]) -> None:
    assert support_of(made) == support
    assert {name for name, passes in FLAGS.items() if passes(made)} == flags


@pytest.mark.parametrize(
    ("type_", "is_whole"),
    [
        ("at::Tensor", True),
        ("at::TensorList", True),
        ("const at::ITensorListRef &", True),
        ("::std::optional<at::Tensor>", True),
        ("at::TensorOptions", False),
        ("cat::Tensor", False),
        ("at::TensorGeometry", False),
        ("int64_t", False),
    ],
)
def test_which_types_are_whole_tensors(type_: str, is_whole: bool) -> None:
    assert (WHOLE_TENSOR.search(type_) is not None) == is_whole


def test_what_a_filter_with_a_value_passes() -> None:
    made = operator(record(SCHEMA, tags=("core", "pointwise")))._replace(dispatch_keys=("CPU",))
    assert [with_tag(tag)(made) for tag in ("core", "pointwise", "point")] == [True, True, False]
    assert [with_dispatch_key(key)(made) for key in ("CPU", "CUDA")] == [True, False]
    assert chosen([made, NONE], []) == [made, NONE]
    assert chosen([NONE, made], [with_tag("core"), FLAGS["no-derivative"]]) == [made]


def test_the_first_meaning_of_a_name_that_a_function_has_counts() -> None:
    inv = operator(record("linalg_inv(Tensor self) -> Tensor"))
    svd = operator(record("svd(Tensor self) -> Tensor"))
    both = [inv, svd]
    assert chosen(both, [asked_for(["torch.linalg.inv"], both)]) == [inv]
    assert chosen(both, [asked_for(["torch.linalg.svd"], both)]) == [svd]
    assert chosen(both, [asked_for(["torch.linalg.qr"], both)]) == []
    assert chosen(both, [asked_for([], both)]) == []
    assert chosen(both, [asked_for(["svd", "nothing"], both)]) == [svd]


# ------------------------------------------------------------------------------------- joined


def lines(
    functions: list[FunctionRecord],
    facts: list[FunctionFacts] | None,
    records: list[DifferentiabilityRecord],
    generated: list[DifferentiabilityRecord],
) -> DocumentLines:
    return DocumentLines(
        torch_version="2.15",
        used_dispatch_keys=("Default",),
        records=[*map(encode_line, records)],
        bases=[],
        functions=[*map(encode_line, functions)],
        generated=[*map(encode_line, generated)],
        facts=None if facts is None else [*map(encode_line, facts)],
    )


def test_functions_are_joined_with_their_facts_and_infos() -> None:
    own, made = info("OwnBackward0"), info("MadeBackward0")
    schemas = [
        "f(Tensor self) -> Tensor",
        "f.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)",
        "_foreach_f(Tensor[] self) -> Tensor[]",
        "g_(Tensor(a!) self) -> Tensor(a!)",
        "h(Tensor self) -> Tensor",
    ]
    own_of = {"Default": MatchedInfo(schemas[0], "OwnBackward0")}
    functions = [
        record(schemas[0], ops=own_of),
        record(schemas[1], "out", own_of),
        record(schemas[2], ops=own_of),
        record(schemas[3], ops={"Default": MatchedInfo("g(Tensor self) -> Tensor", "G0")}),
        record(schemas[4]),
    ]
    facts = [
        FunctionFacts(schemas[0], "aten", ("Meta",), structured_delegate="f.out"),
        FunctionFacts(schemas[1], "aten", ("CPU", "XPU")),
        FunctionFacts(schemas[2], "aten", ("CPU",)),
        FunctionFacts(schemas[3], "mine", ("CPU",), structured_delegate="g.out"),
        FunctionFacts(schemas[4]),
    ]
    joined = join_operators(
        lines(
            functions,
            facts,
            [DifferentiabilityRecord(schemas[0], {"Default": own})],
            [DifferentiabilityRecord(schemas[2], {"Default": made})],
        )
    )
    assert joined == [
        Operator(functions[0], facts[0], {"Default": own}, ("CPU", "Meta", "XPU"), True),
        Operator(functions[1], facts[1], {"Default": own}, ("CPU", "XPU"), True),
        Operator(functions[2], facts[2], {"Default": made}, ("CPU",), False),
        Operator(functions[3], facts[3], {}, ("CPU",), False),
        Operator(functions[4], facts[4], {}, (), False),
    ]


def test_functions_cannot_be_joined_without_the_facts_of_each() -> None:
    functions = [record(SCHEMA)]
    for facts in (None, [], [FunctionFacts(SCHEMA), FunctionFacts(SCHEMA)]):
        with pytest.raises(ValueError, match="zip"):
            join_operators(lines(functions, facts, [], []))


def test_facts_are_read_as_they_were_written() -> None:
    facts = FunctionFacts(SCHEMA, "mine", ("CPU",), "f.out", ("f.out",), "f", "f", 1, 2)
    assert read_facts(encode_line(facts)) == facts
    assert read_facts(b'{"schema": "f() -> ()"}') == FunctionFacts(
        schema="f() -> ()",
        namespace="",
        dispatch_keys=(),
        structured_delegate=None,
        autogen=(),
        declared="",
        defined="",
        defined_twin=0,
        declared_twin=0,
    )
    with pytest.raises(msgspec.MsgspecError):
        read_facts(b"{}")


# ------------------------------------------------------------------------------------ coverage


def of_module(module: str | None, made: Operator, namespace: str = "", *tags: str) -> Operator:
    named = msgspec.structs.replace(made.record, python_module=module, tags=tags)
    return made._replace(record=named, facts=FunctionFacts(SCHEMA, namespace))


def test_coverage_counts_each_support_of_each_group_in_order() -> None:
    groups = coverage_of(
        [
            of_module("nn", BOTH, "aten", "pointwise", "core"),
            of_module("nn", BACKWARD, "", "core"),
            of_module(None, NONE, "zinc"),
            of_module("nn", SEEN_THROUGH, "anvil", "core"),
            of_module(None, SEEN_THROUGH),
            of_module("special", OUT, "aten", "unseen"),
            of_module(None, NONE),
            of_module(None, NONE),
        ]
    )
    assert groups == (
        CoverageGroup("all", "", 1, 1, 2, 3),
        CoverageGroup("namespace", "anvil", 0, 0, 1, 0),
        CoverageGroup("namespace", "torch", 0, 0, 1, 2),
        CoverageGroup("namespace", "torch.nn", 1, 1, 0, 0),
        CoverageGroup("namespace", "zinc", 0, 0, 0, 1),
        CoverageGroup("tag", "core", 1, 1, 1, 0),
        CoverageGroup("tag", "pointwise", 1, 0, 0, 0),
    )
    assert coverage_of([]) == ()
