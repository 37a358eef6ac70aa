"""One mistake is told once: nothing in its wake, and what helps."""

from __future__ import annotations

import pytest

from derivload.rules import RULES
from support.rule_cases import CPU, NATIVES, Case, in_formulas, load

# ---------------------------------------------------------------------------------------- helps


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("bass(Tensor self) -> Tensor", "did you mean `base`?"),
        (
            "base(Tensor other) -> Tensor",
            "write `self`: the function is `base(Tensor self) -> Tensor`",
        ),
        (
            "base(Scalar x, Scalar y, Scalar z) -> (Scalar, Scalar)",
            "the functions of that name are: `base(Tensor self) -> Tensor`",
        ),
        ("quite_another(Tensor self) -> Tensor", RULES["DL405"].help),
    ],
)
def test_an_unknown_function_is_told_its_likes(name: str, advice: str) -> None:
    (found,) = load(Case("DL405", derivatives=f"- name: {name}\n  self: grad\n"))
    assert found.code == "DL405"
    assert found.render().splitlines()[-1] == f"  help: {advice}"


def test_of_many_likes_three_are_told() -> None:
    natives = "".join(f"- func: base{letter}(Tensor self) -> Tensor\n" for letter in "vwxyz")
    case = Case("DL405", natives, "- name: based(Tensor self) -> Tensor\n  self: grad\n")
    (found,) = load(case)
    assert found.help.count("`") == 6, found.help


# ------------------------------------------------------------------------------------- cascades


def codes(case: Case) -> list[tuple[str, str, int]]:
    return [(d.code, d.file, d.line) for d in load(case)]


def test_the_mistakes_of_all_files_are_found_in_one_run_sorted_by_place() -> None:
    case = Case(
        "",
        natives="- func: f(Tenser self) -> Tensor\n- func: g(Tensor self) -> Tensor\n"
        "  colour: red\n  tags: blue\n  variants: no\n- func: h\n",
        derivatives="- name: base(Tensor self) -> Tensor\n  self: 1\n  colour: 2\n- name: x: y\n",
        tags="- tag: x\n- some text\n",
    )
    assert codes(case) == [
        ("DL402", "derivatives.yaml", 2),
        ("DL402", "derivatives.yaml", 3),
        ("DL003", "derivatives.yaml", 4),
        ("DL104", "native_functions.yaml", 1),
        ("DL006", "native_functions.yaml", 3),
        ("DL007", "native_functions.yaml", 5),
        ("DL101", "native_functions.yaml", 6),
        ("DL230", "tags.yaml", 1),
        ("DL005", "tags.yaml", 2),
    ]


def test_what_misses_a_function_that_could_not_be_read_is_no_mistake() -> None:
    missing = "f(Tensor self) -> Tensor"
    case = Case(
        "",
        natives=f"- func: {missing}\n  colour: red\n"
        f"- func: f.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)\n{CPU}"
        "- func: g(Tensor self) -> Tensor\n  structured_delegate: f.out\n",
        derivatives=f"- name: {missing}\n  self: grad\n",
    )
    assert codes(case) == [("DL006", "native_functions.yaml", 2)]


def test_what_misses_a_function_with_a_key_twice_is_no_mistake() -> None:
    schema = "f(Tensor self) -> Tensor"
    case = Case(
        "",
        natives=f"- func: {schema}\n  variants: function\n  variants: method\n",
        derivatives=f"- name: {schema}\n  self: grad\n",
    )
    assert codes(case) == [("DL009", "native_functions.yaml", 3)]


def test_what_has_nothing_to_do_with_what_could_not_be_read_is_told_with_it() -> None:
    case = Case(
        "",
        natives="- func: f(Tensor self) -> Tensor\n  colour: red\n"
        "- func: g(Tensor self) -> Tensor\n  structured_delegate: g.out\n",
        derivatives="- name: h(Tensor self) -> Tensor\n  self: grad\n",
    )
    assert codes(case) == [
        ("DL405", "derivatives.yaml", 1),
        ("DL006", "native_functions.yaml", 2),
        ("DL305", "native_functions.yaml", 4),
    ]


def test_a_tag_that_could_not_be_read_is_not_missed() -> None:
    case = Case(
        "",
        natives="- func: f(Tensor self) -> Tensor\n  tags: colour\n",
        tags="- tag: colour\n  desc: x: y\n",
    )
    assert codes(case) == [("DL003", "tags.yaml", 2)]


def test_a_function_declared_twice_is_one_mistake() -> None:
    assert codes(Case("", natives=NATIVES)) == [("DL304", "native_functions.yaml", 2)]
    view = "- func: f(Tensor(a) self) -> Tensor(a)\n"
    assert codes(Case("", natives=view * 2)) == [("DL304", "native_functions.yaml", 2)]


def test_a_generated_variant_that_is_declared_too_is_a_mistake_whatever_else_is() -> None:
    clash = (
        f"- func: f(Tensor self) -> Tensor\n{CPU}  autogen: f.out\n"
        f"- func: f.x(Tensor self, int x) -> Tensor\n{CPU}"
        "- func: f.out(Tensor self, int x, *, Tensor(a!) out) -> Tensor(a!)\n"
        "  dispatch:\n    CompositeExplicitAutograd: f_out\n"
    )
    lone = f"- func: g.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)\n{CPU}"
    assert codes(Case("", natives=clash)) == [("DL304", "native_functions.yaml", 1)]
    (told,) = load(Case("", natives=clash))
    assert (
        told.message == "`f` gets a variant `f.out`, which native_functions.yaml:8 declares already"
    )
    assert codes(Case("", natives=clash + lone)) == [
        ("DL304", "native_functions.yaml", 1),
        ("DL302", "native_functions.yaml", 11),
    ]


def test_the_formulas_of_each_dispatch_key_are_checked() -> None:
    formulas = (
        "  dispatch:\n    Default:\n      self: self.sizes()\n    AutogradCUDA:\n      x: grad\n"
    )
    case = in_formulas("", "f(Tensor self) -> Tensor", formulas)
    assert codes(case) == [("DL420", "derivatives.yaml", 4), ("DL430", "derivatives.yaml", 6)]
