"""The names in formulas: what is said of each, and what may stand there."""

from __future__ import annotations

import pytest

from derivload.derivatives.lint_allowed import GENERATED_CODE
from derivload.editing.formulas import (
    CONSTANTS,
    KEYWORDS,
    MADE,
    Name,
    Names,
    Value,
    choices,
    meaning_of,
    name_at,
    names_in,
    saved_as,
)

SELF = Value("self", "Tensor", "const at::Tensor &")
NUMBER = Value("n", "int", "")
ONE = Names([SELF, NUMBER], [Value("result", "Tensor", "at::Tensor")])
TWO = Names(
    [SELF, NUMBER],
    [Value("a", "Tensor", "at::Tensor"), Value("b", "Tensor", "at::Tensor")],
    ["grad_a", "grad_c"],
)


@pytest.mark.parametrize(
    ("names", "formula", "kind", "text", "of"),
    [
        (ONE, "self", "argument", "argument `self`: `Tensor`, in C++ `const at::Tensor &`", "self"),
        (ONE, "n", "argument", "argument `n`: `int`", "n"),
        (ONE, "result", "output", "output `result`: `Tensor`, in C++ `at::Tensor`", "result"),
        (
            ONE,
            "self_p",
            "primal",
            "the primal of argument `self`, in C++ `const at::Tensor &`",
            "self",
        ),
        (ONE, "n_p", "primal", "the primal of argument `n`", "n"),
        (ONE, "self_t", "tangent", "the tangent of argument `self`: `at::Tensor`", "self"),
        (ONE, "other_t", "unknown", "", ""),
        (ONE, "other_p", "unknown", "", ""),
        (ONE, "self_x", "unknown", "", ""),
        (ONE, "grad", "gradient", "the gradient of output `result`", "result"),
        (ONE, "grads", "gradient", "the gradients of all outputs", ""),
        (ONE, "grads[0]", "gradient", "the gradient of output `result`", "result"),
        (ONE, "grads[1]", "gradient", "there is no output 1", ""),
        (TWO, "grads[1] + 1", "gradient", "the gradient of output 1, `b`", "b"),
        (TWO, "grad", "gradient", "the gradient of output 0, `a`", "a"),
        (TWO, "grad_a", "gradient", "the gradient of output `a`", "a"),
        (TWO, "grad_b", "gradient", "the gradient of output `b`", "b"),
        (TWO, "grad_c", "gradient", "the gradient of output `c`", "c"),
        (TWO, "grad_d", "unknown", "", ""),
        (TWO, "x_of_a", "unknown", "", ""),
        (ONE, "sum(self)", "helper", "`sum` is a function of C++", ""),
        (ONE, "sum", "unknown", "", ""),
        (ONE, "auto_linear", "made", CONSTANTS["auto_linear"], ""),
        (ONE, "wrap_opt_if(self)", "made", MADE["wrap_opt_if"], ""),
    ],
)
def test_what_is_said_of_a_name(names: Names, formula: str, kind: str, text: str, of: str) -> None:
    name = name_at(formula, 0)
    assert name is not None
    assert meaning_of(name, names, formula) == (kind, text, of)


def test_a_member_of_a_value_is_no_name_of_the_function() -> None:
    (_, member) = names_in("x.self")
    assert meaning_of(member, ONE, "x.self") == ("unknown", "", "")


def test_names_have_their_places_and_what_is_around_them() -> None:
    formula = "f(self. sizes(), 2e5, at :: n) -> x"
    assert [*names_in(formula)] == [
        Name("f", 0, 1, True, False),
        Name("self", 2, 6, False, False),
        Name("sizes", 8, 13, False, True),
        Name("at", 22, 24, False, True),
        Name("n", 28, 29, False, True),
        Name("x", 34, 35, False, True),
    ]
    # A function of a namespace is one that is called; what is behind it is something else.
    assert [*names_in("at::sum(a), at::b, c")][1:] == [
        Name("sum", 4, 7, True, False),
        Name("a", 8, 9, False, False),
        Name("at", 12, 14, False, True),
        Name("b", 16, 17, False, True),
        Name("c", 19, 20, False, False),
    ]
    assert [*names_in("1 + a")] == [Name("a", 4, 5, False, False)]


def test_a_name_is_found_in_it_and_behind_it() -> None:
    found = [name_at("ab + c", offset) for offset in range(7)]
    assert [None if name is None else name.text for name in found] == [
        *("ab", "ab", "ab", None, None, "c", "c"),
    ]


def test_there_is_one_output_or_there_are_several() -> None:
    assert [names.single for names in (ONE, TWO, Names([], []))] == [True, False, False]
    assert not ONE.is_forward


BACKWARD = [
    ("self", "argument: Tensor", "argument"),
    ("n", "argument: int", "argument"),
]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            ONE,
            [
                *BACKWARD,
                ("result", "output: Tensor", "output"),
                ("grad", "the gradient of the output", "gradient"),
                ("grad_input_mask", "which inputs need a gradient", "made"),
                ("non_differentiable", CONSTANTS["non_differentiable"], "made"),
            ],
        ),
        (
            TWO,
            [
                *BACKWARD,
                ("a", "output: Tensor", "output"),
                ("b", "output: Tensor", "output"),
                ("grads[0]", "the gradient of output 0, a", "gradient"),
                ("grads[1]", "the gradient of output 1, b", "gradient"),
                ("grad_a", "the gradient of a", "gradient"),
                ("grad_c", "the gradient of c", "gradient"),
                ("grad_input_mask", "which inputs need a gradient", "made"),
                ("non_differentiable", CONSTANTS["non_differentiable"], "made"),
            ],
        ),
        (
            ONE._replace(is_forward=True),
            [
                *BACKWARD,
                ("self_p", "the primal of self", "primal"),
                ("self_t", "the tangent of self", "tangent"),
                ("result", "output: Tensor", "output"),
                ("auto_linear", CONSTANTS["auto_linear"], "made"),
                ("auto_element_wise", CONSTANTS["auto_element_wise"], "made"),
            ],
        ),
    ],
)
def test_what_a_formula_may_use(names: Names, expected: list[tuple[str, str, str]]) -> None:
    assert choices(names) == expected


@pytest.mark.parametrize(
    ("expr", "cpp", "what", "type_"),
    [
        ("self.sym_size(0)", "c10::SymInt", "self.size(0)", "SymInt"),
        ("self->sym_sizes()", "at::IntArrayRef", "self.sizes", "int[]"),
        ("n", "const int64_t &", "n", "int"),
        ("p", "double", "p", "float"),
        ("tensors", "at::TensorList", "tensors", "Tensor[]"),
        ("sizes", "c10::SymIntArrayRef", "sizes", "SymInt[]"),
        ("x" * 40, "::std::optional<at::Tensor>", "x" * 40, "optional<Tensor>"),
        ("x" * 41, "bool", "x" * 39 + "…", "bool"),
    ],
)
def test_a_saved_value_in_short(expr: str, cpp: str, what: str, type_: str) -> None:
    assert saved_as(expr, cpp) == (what, type_)


def test_names_of_the_generated_code_are_those_that_formulas_may_use() -> None:
    assert MADE.keys() >= GENERATED_CODE
    assert not KEYWORDS & (MADE.keys() | CONSTANTS.keys())
    assert {"auto", "std", "at", "while"} < KEYWORDS
