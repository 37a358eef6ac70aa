"""The filters of `list`: each passes what it says, and nothing else."""

from __future__ import annotations

import pytest

from derivload.engine.operators import (
    FLAGS,
    Operator,
    asked_for,
    chosen,
    join_operators,
    with_dispatch_key,
    with_tag,
)
from derivload.loading.paths import find_files
from derivload.loading.request import Request
from derivload.loading.run import load_inputs


@pytest.fixture(scope="module")
def operators() -> list[Operator]:
    return join_operators(load_inputs(Request(find_files(catalogue=True), with_facts=True)).lines)


def names(operators: list[Operator], flag: str) -> set[str]:
    return {operator.name for operator in chosen(operators, [FLAGS[flag]])}


def test_no_derivative_leaves_out_what_autograd_sees_through(operators: list[Operator]) -> None:
    found = names(operators, "no-derivative")
    assert found
    for operator in operators:
        if operator.name in found:
            assert operator.record.differentiability is None or not operator.nodes
            assert not operator.record.has_composite_implicit_autograd_kernel
            assert operator.record.kind != "out"
    assert "gild" not in found


def test_no_forward_passes_what_has_a_backward_formula_alone(operators: list[Operator]) -> None:
    found = names(operators, "no-forward")
    assert found
    assert found < {operator.name for operator in operators if operator.nodes}
    assert "gild" not in found


def test_saves_input_means_whole_tensors(operators: list[Operator]) -> None:
    found = names(operators, "saves-input")
    gild = next(operator for operator in operators if operator.name == "gild")
    assert [saved.name for saved in gild.saved_inputs] == ["luster"]  # a number
    assert "gild" not in found
    assert found
    assert found <= names(operators, "saves-tensor")


def test_foreach_passes_what_a_foreach_function_applies(operators: list[Operator]) -> None:
    found = names(operators, "foreach")
    assert {"temper.Scalar", "temper.Tensor"} <= found
    assert "gild" not in found


def test_tags_and_dispatch_keys(operators: list[Operator]) -> None:
    tagged = chosen(operators, [with_tag("pointwise")])
    assert "gild" in {operator.name for operator in tagged}
    assert all("pointwise" in operator.record.tags for operator in tagged)
    with_cuda = chosen(operators, [with_dispatch_key("CUDA")])
    assert "gild" in {operator.name for operator in with_cuda}
    assert len(with_cuda) < len(operators)


def test_function_that_delegates_has_the_kernels_of_the_other(operators: list[Operator]) -> None:
    by_name = {operator.overload: operator for operator in operators}
    delegating = [o for o in operators if o.facts.structured_delegate is not None]
    assert delegating
    for operator in delegating:
        other = by_name[operator.facts.structured_delegate or ""]
        assert {*other.dispatch_keys} <= {*operator.dispatch_keys}


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (["gild"], {"gild", "gild_", "gild.out"}),
        (["gild_"], {"gild_"}),
        (["GildBackward0"], {"gild", "gild_"}),
        (["torch.gild", "gleam_"], {"gild", "gild_", "gild.out", "gleam_"}),
        (["gil*.out"], {"gild.out"}),
        (["nothing"], set()),
    ],
)
def test_names_and_patterns(operators: list[Operator], texts: list[str], wanted: set[str]) -> None:
    found = chosen(operators, [asked_for(texts, operators)])
    assert {operator.name for operator in found} == wanted


def test_all_filters_have_to_be_passed(operators: list[Operator]) -> None:
    one, other = with_tag("pointwise"), with_dispatch_key("CUDA")
    both = chosen(operators, [one, other])
    assert both == [o for o in operators if one(o) and other(o)]
