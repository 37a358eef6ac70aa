"""Limits of formulas: how long they may get, and how much is told of one."""

from __future__ import annotations

import re

import pytest

from derivload.derivatives.backward import used_gradient_indices
from derivload.derivatives.identifiers import check_growth, replace_identifier, words
from derivload.derivatives.saved_variables import concrete_sizes
from derivload.diagnostics import Invalid
from support.told import definitions, tell

SCHEMA = "f(Tensor self) -> (Tensor, Tensor)"


def told(*lines: str, schema: str = SCHEMA) -> list[str]:
    natives = f"- func: {schema}\n  dispatch:\n    CPU: f\n"
    formulas = "".join(f"  {line}\n" for line in lines)
    return tell(definitions(natives, f"- name: {schema}\n{formulas}")).splitlines()


@pytest.mark.parametrize(
    ("formula", "replaced"),
    [
        ("x", "y1"),
        ("x + x", "y1 + y1"),
        # Each match takes the characters beside it, as in torchgen.
        ("x*x,x", "y1*x,y1"),
        ("xx + ax + x1 + x_", "xx + ax + x1 + x_"),
        ("a.x(x)", "a.y1(x)"),
        ("nothing", "nothing"),
        ("x\n", "y1\n"),
    ],
)
def test_identifiers_are_replaced_as_by_torchgen(formula: str, replaced: str) -> None:
    assert replace_identifier(formula, "x", "y1") == replaced
    pattern = r"(^|\W)x($|\W)"
    assert re.sub(pattern, lambda m: f"{m[1]}y1{m[2]}", formula) == replaced


def test_words_are_names_and_numbers() -> None:
    assert words("a.b(c1, 2) -> _d") == {"a", "b", "c1", "2", "_d"}


def test_a_formula_may_have_a_million_characters() -> None:
    check_growth("x" * 10, "x", "y" * 99_999)
    with pytest.raises(Invalid) as raised:
        replace_identifier("x" * 10 + " ", "x", "y" * 99_999)
    message = "with `x` replaced, this formula has more than a million characters"
    assert (raised.value.code, raised.value.message) == ("DL010", message)
    with pytest.raises(Invalid, match=f"^with `{'n' * 50}` replaced"):
        check_growth("n" * 60, "n" * 60, "y" * 1_000_000)


def test_a_number_of_a_gradient_has_no_more_than_640_digits() -> None:
    most = "1" * 640
    formula = f"grads[{most}] + grads[{most}1] + xgrads[2] + grads[x] + (grads[03])"
    assert used_gradient_indices(formula) == [int(most), 10**640, 3]
    assert used_gradient_indices("grads(1)") == []


def test_a_number_of_an_output_has_no_more_than_640_digits() -> None:
    assert told("self: grad", f"result{'0' * 640}: self_t") == []
    wrong = f"result{'0' * 641}"
    message = f"`{wrong}` is out of range: there are 2 outputs"
    assert told("self: grad", f"{wrong}: self_t") == [
        f"derivatives.yaml:3:3-3:650: error[DL430]: {message}"
    ]


def test_a_hundred_mistakes_are_told_of_a_formula() -> None:
    assert len(concrete_sizes("x.sizes() + " * 101)) == 100
    beyond = told("self: " + " + ".join(f"grads[{i}]" for i in range(110)))
    assert [line.partition("`")[2].partition("`")[0] for line in beyond] == [
        f"grads[{i}]" for i in range(2, 102)
    ]
    schema = "f(Tensor self, Tensor other) -> Tensor"
    strides = told("self: " + "other.sym_strides() + " * 101 + "0", "other: grad", schema=schema)
    assert len(strides) == 1


@pytest.mark.parametrize("formulas", ["self: {}", "self: grad\n  result: {}"])
def test_a_formula_of_a_foreach_function_may_have_a_million_characters(formulas: str) -> None:
    """The names of its arguments may be longer than those of the function that it applies."""

    def codes(length: int, times: int) -> list[str]:
        natives = (
            "- func: f(Tensor self, Scalar x) -> Tensor\n  dispatch:\n    CPU: f\n"
            f"- func: _foreach_f(Tensor[] self, Scalar {'y' * length}) -> Tensor[]\n"
            "  device_check: NoCheck\n  dispatch:\n    CPU: f\n"
        )
        texts = formulas.format(f"grad{' + x' * times}")
        case = definitions(natives, f"- name: f(Tensor self, Scalar x) -> Tensor\n  {texts}\n")
        return [line.split(": ")[1] for line in tell(case).splitlines() if ": error" in line]

    assert codes(100, 9_000) == []
    assert codes(200, 9_000) == ["error[DL010]"]


def test_a_formula_with_a_text_that_may_be_none_may_have_a_million_characters() -> None:
    schema = "f(Tensor self, str? m) -> Tensor"
    assert told(f"self: grad{' + m' * 12_000}", schema=schema) == []
    (line,) = told(f"self: grad{' + m' * 14_000}", schema=schema)
    assert ": error[DL010]: with `m` replaced, this formula has more than a million" in line
