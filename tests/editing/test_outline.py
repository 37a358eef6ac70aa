"""The keys of an entry by its lines, and what formulas and places in them are."""

from __future__ import annotations

import pytest

from derivload.editing.completing import Known, complete
from derivload.editing.documents import TextSpot
from derivload.editing.formulas import Names, Value, meaning_of, name_at, names_in, saved_as
from derivload.editing.meanings import NATIVE_KEYS, NATIVE_VALUES
from derivload.editing.outline import Outline, entry_around, outline
from derivload.native.keys import KEYS

ENTRY = """- name: jet(Tensor self, Tensor other) -> (Tensor a, Tensor b)
  # about
  self, other: "jet_backward(grads[0],
         grad_b)"
  dispatch:
    AutogradCUDA:
      a: self_t + other_p  # why
  output_differentiability: [True, False]
"""
NAMES = Names(
    [Value("self", "Tensor", "const at::Tensor &"), Value("n", "int", "int64_t")],
    [Value("a", "Tensor", "at::Tensor"), Value("b", "Tensor", "at::Tensor")],
    ["grad_a", "grad_b"],
)


def entry(text: str = ENTRY) -> Outline:
    return outline(text.split("\n"))


def test_keys_have_their_paths_and_lines() -> None:
    assert [(key.path, key.line, key.last) for key in entry().keys] == [
        (("name",), 0, 0),
        (("self, other",), 2, 3),
        (("dispatch",), 4, 6),
        (("dispatch", "AutogradCUDA"), 5, 6),
        (("dispatch", "AutogradCUDA", "a"), 6, 6),
        (("output_differentiability",), 7, 7),
    ]
    assert [key.name for key in entry().keys if key.is_formula] == ["self, other", "a"]


def test_values_are_without_quotes_and_comments() -> None:
    key = entry().key("self, other")
    assert key is not None
    assert entry().value_of(key) == "jet_backward(grads[0],\n         grad_b)"
    assert entry().offset_in(key, TextSpot(3, 9)) == 32
    assert entry().spot_in(key, 32) == TextSpot(3, 9)
    key = entry().key("dispatch", "AutogradCUDA", "a")
    assert key is not None
    assert entry().value_of(key) == "self_t + other_p"


def test_the_entry_around_a_line() -> None:
    lines = ["# about", *ENTRY.split("\n"), "- name: next"]
    found = entry_around(lambda n: lines[n], len(lines) - 1, 4)
    assert found is not None
    assert (found.first, found.last) == (1, 8)
    assert entry_around(lambda n: lines[n], len(lines) - 1, 0) is None


@pytest.mark.parametrize("text", ["- ", "-", "- name", "- name:", "- name: x(\n  s", "- a: b\nxy"])
def test_what_is_half_typed_has_the_keys_that_are_there(text: str) -> None:
    assert len(entry(text).keys) <= 1


@pytest.mark.parametrize(
    ("formula", "at", "kind"),
    [
        ("self * 2", 0, "argument"),
        ("self_t", 3, "tangent"),
        ("self_p + 1", 0, "primal"),
        ("a.sum()", 0, "output"),
        ("x.a()", 2, "unknown"),
        ("grads[1]", 0, "gradient"),
        ("grad_b", 0, "gradient"),
        ("helper(n)", 0, "helper"),
        ("helper(n)", 7, "argument"),
        ("auto_linear", 0, "made"),
        ("retain_variables", 0, "made"),
        ("nothing", 0, "unknown"),
    ],
)
def test_what_a_name_of_a_formula_is(formula: str, at: int, kind: str) -> None:
    name = name_at(formula, at)
    assert name is not None
    assert meaning_of(name, NAMES, formula).kind == kind


def test_texts_have_no_names() -> None:
    assert [name.text for name in names_in('f("self", \'n\') + "a')] == ["f"]


def test_what_is_saved_in_short() -> None:
    assert saved_as("other.sym_sizes()", "c10::SymIntArrayRef") == ("other.sizes", "SymInt[]")
    assert saved_as("self", "at::Tensor") == ("self", "Tensor")
    assert saved_as("n", "c10::SymInt") == ("n", "SymInt")
    assert saved_as("mode", "::std::string") == ("mode", "str")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("- name: jet(Tensor self) -> Tensor\n  se", "self"),
        ("- name: jet(Tensor self) -> Tensor\n  out", "output_differentiability"),
        ("- name: jet(Tensor self) -> Tensor\n  self: gra", "grad_a"),
        ("- name: jet(Tensor self) -> Tensor\n  a: self", "self_t"),
        ("- name: jet(Tensor self) -> Tensor\n  self: he", "helper"),
        ("- name: j", "jet(Tensor self) -> Tensor"),
        ("- name: jet(Tensor self) -> Tensor\n  dispatch:\n    Auto", "AutogradCUDA"),
    ],
)
def test_what_may_stand_there(text: str, label: str) -> None:
    lines = text.split("\n")
    known = Known(
        names=NAMES,
        without_derivative=lambda: ["jet(Tensor self) -> Tensor"],
        helpers=lambda: ["helper"],
        autograd_keys=["AutogradCUDA"],
    )
    at = TextSpot(len(lines) - 1, len(lines[-1]))
    assert label in [item.label for item in complete("derivatives", entry(text), at, known).items]


def test_values_that_a_key_may_have() -> None:
    text = "- func: jet(Tensor self) -> Tensor\n  variants: "
    at = TextSpot(1, len("  variants: "))
    found = complete("native_functions", entry(text), at, Known(names=NAMES)).items
    assert [item.label for item in found] == ["function", "method", "function, method"]


def test_what_is_said_of_keys_is_of_keys_that_there_are() -> None:
    assert NATIVE_KEYS.keys() == KEYS.keys()
    assert NATIVE_VALUES.keys() <= NATIVE_KEYS.keys()


def test_a_key_that_is_there_is_not_proposed_again() -> None:
    text = "- name: jet(Tensor self) -> Tensor\n  self: grad\n  s"
    at = TextSpot(2, 3)
    assert complete("derivatives", entry(text), at, Known(names=NAMES)).items == []
