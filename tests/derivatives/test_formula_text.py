"""What is wrong with the text of a formula, and what comes near and is right."""

from __future__ import annotations

import pytest

from derivload.derivatives.formula_text import check_text, find_suspicious
from support.paths import REFERENCE
from support.told_formulas import read_formulas, tell_formula


def found(formula: str) -> list[tuple[str, str]]:
    """The rules that a formula breaks, each with the words."""
    flaws = list(check_text(formula, {"self", "größe"}, "gild"))
    assert formula in find_suspicious([formula]) or not flaws, (
        "a formula that is passed over has a flaw"
    )
    return [(flaw.code, flaw.words) for flaw in flaws]


@pytest.mark.parametrize(
    ("formula", "flaws"),
    [
        ("", [("DL610", "")]),
        (" \n ", [("DL610", "")]),
        ("not_implemented", [("DL611", "not_implemented")]),
        ("f(grad, not_implemented_list)", [("DL611", "not_implemented_list")]),
        ("not_implemented()", [("DL611", "not_implemented()")]),
        ("grad * self;", [("DL612", ";")]),
        ("auto x = grad; x * self", [("DL612", ";")]),
        ("grad +", [("DL613", "+")]),
        ("f(grad, )", [("DL613", ",")]),
        ("f(, grad)", [("DL613", ",")]),
        ("f(grad,, self)", [("DL613", ",")]),
        ("(grad * )", [("DL613", "*")]),
        ("f(grad *, self)", [("DL613", "*")]),
        ("/ self", [("DL613", "/")]),
        ("grad self", [("DL613", "grad self")]),
        ("grad * 2 self", [("DL613", "2 self")]),
        ("grad \u00d7 self", [("DL614", "\u00d7")]),
        ("grad\u00a0* self", [("DL614", "d\u00a0*")]),
        ("f(\u201cx\u201d)", [("DL614", "\u201c"), ("DL614", "\u201d")]),
        ("gr\u0430d * self", [("DL614", "\u0430")]),
        ("grad ** 2", [("DL620", "**")]),
        ("f(grad, None)", [("DL620", "None")]),
        ("grad // self", [("DL620", "// self")]),
        ("grad if x else self", [("DL620", "if")]),
        ("self.shape[0]", [("DL620", "shape")]),
        ("grad.T", [("DL620", "T")]),
        ("not_implemented('gild')", [("DL620", "'gild'")]),
    ],
)
def test_what_no_expression_has(formula: str, flaws: list[tuple[str, str]]) -> None:
    assert found(formula) == flaws


@pytest.mark.parametrize(
    "formula",
    [
        'not_implemented("gild: self")',
        'not_implemented_list("gild", kMessage)',
        "f(not_implemented_before, 1)",
        "[&](Tensor x) { auto y = x; return y; }(grad)",
        "[=, &grad](auto x) { if (x) { return grad; } else { return x; } }(self)",
        "at::scalar_tensor(0., grad.options())",
        "f(grad, /*is_hermitian=*/true)",
        "f(grad, 1.e-5)",
        "grad * *self_or_none",
        "static_cast<const Tensor &>(grad)",
        "f<int64_t, Tensor *>(grad)",
        "std::tuple<Tensor, Tensor>()",
        "grad.defined() ? f(grad) : Tensor()",
        "-grad",
        "!x ? grad : self",
        "~grad & self",
        'f("a \u00d7 b; c **", grad)',
        "größe * grad",
        "grad // a comment\n * self",
        "f(args...)",
        "self.dtype()",
        "unsigned int(self)",
        "grad and not self",
        'f("a" "b")',
        "x::None",
        "f(grad, 'x', '\\n', 1'000'000)",
    ],
)
def test_what_an_expression_may_have(formula: str) -> None:
    assert found(formula) == []


@pytest.mark.parametrize(
    ("formula", "instead"),
    [("grad \u00d7 self", "*"), ("f(\u2019x\u2019)", "'"), ("grad \uff0b self", "+")],
)
def test_what_to_write_for_a_character(formula: str, instead: str) -> None:
    flaw = next(check_text(formula, set(), "gild"))
    assert (flaw.help, flaw.instead) == (f"write `{instead}`", instead)


def test_of_one_formula_so_much_is_told() -> None:
    assert len(found("\u00d7 " * 10_000)) == 20


FORMULAS = dict(read_formulas(REFERENCE / "formulas.txt"))


def test_all_that_is_told_of_formulas() -> None:
    """As recorded in tests/reference/formulas.txt; support/told_formulas.py says how to renew."""
    now = {formula: tell_formula(formula) for formula in FORMULAS}
    assert {formula for formula in FORMULAS if now[formula] != FORMULAS[formula]} == set()


def test_formulas_are_suspicious_together_as_alone() -> None:
    alone = {formula for formula in FORMULAS if find_suspicious([formula])}
    assert len(alone) > 100
    assert find_suspicious(FORMULAS) == find_suspicious([*FORMULAS, *FORMULAS]) == alone
    assert find_suspicious([]) == set()


@pytest.mark.parametrize(
    "piece", ["not_implemented() ", "not_implemented(x) ", "\u00d7", "f(%) ", "None + "]
)
def test_of_each_kind_of_mistake_so_many_are_told(piece: str) -> None:
    flaws = list(check_text(piece * 30, set(), "gild"))
    codes = [flaw.code for flaw in flaws]
    assert max(map(codes.count, codes)) == 20
