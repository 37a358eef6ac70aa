"""What is told of the body of a wrapper: arguments, outputs, forward formulas, what is saved."""

from __future__ import annotations

import pytest

from derivload.diagnostics import Mistake
from support.refused import RELEASES, definition, mistakes, native

NO_CHECK = "device_check: NoCheck"


def told(schema: str, *lines: str, more: str = "", release: str = "2.15") -> list[Mistake]:
    """What is told of one function and its definition, before other entries."""
    return mistakes(native(schema) + more, definition(schema, *lines), release)


def brief(found: list[Mistake]) -> list[str]:
    """The code, the path and the words of each mistake."""
    return [
        " ".join([m.code, *map(str, m.path), *([f"({m.words})"] if m.words else [])]) for m in found
    ]


# ------------------------------------------------------------------------- arguments (DL805, DL806)


@pytest.mark.parametrize(
    ("schema", "lines", "expected"),
    [
        ("gild(Tensor self, int x) -> Tensor", ["self: grad", "x: grad"], ["DL805 x (x)"]),
        ("gild(Tensor self, int x) -> Tensor", ["self, x: f(grad)"], ["DL805 self, x (x)"]),
        ("gild(Tensor self, Scalar x) -> Tensor", ["x: grad"], ["DL805 x (x)"]),
        ("gild(Tensor self, Tensor self) -> Tensor", ["self: grad"], ["DL805 self (self)"]),
        ("gild(Tensor[] self) -> Tensor", ["self: f(grad)"], []),
        ("gild(Tensor? self) -> Tensor", ["self: f(grad)"], []),
        # The first alone is told.
        ("gild(int x, int y) -> Tensor", ["x: grad", "y: grad"], ["DL805 x (x)"]),
    ],
)
def test_formulas_are_for_tensors(schema: str, lines: list[str], expected: list[str]) -> None:
    found = mistakes(native(schema, "category_override: dummy"), definition(schema, *lines))
    assert brief(found) == expected
    assert all(m.on_key for m in found)


def test_an_argument_that_is_not_differentiable_is_no_tensor_for_formulas() -> None:
    schema = "gild(Tensor self, Tensor x) -> Tensor"
    assert brief(told(schema, "self: grad", "x: non_differentiable")) == []


@pytest.mark.parametrize(
    ("schema", "lines", "expected", "message"),
    [
        (
            "isnan(Tensor self) -> Tensor",
            ["self: grad"],
            "DL806 name (isnan)",
            "autograd does nothing for `isnan`",
        ),
        (
            "gild(Tensor self) -> Tensor",
            ["output_differentiability: [False]", "self: grad"],
            "DL806 output_differentiability",
            "no output of `gild` is differentiable",
        ),
        ("gild_backward(Tensor self) -> Tensor", ["self: grad"], "", ""),
        (
            "isnan.b(Tensor self) -> Tensor",
            ["self: grad"],
            "DL806 name (isnan.b)",
            "autograd does nothing for `isnan.b`",
        ),
        (
            "_coalesced_(Tensor(a!) self) -> Tensor(a!)",
            ["self: grad"],
            "DL806 name (_coalesced_)",
            "autograd does nothing for `_coalesced_`",
        ),
    ],
)
def test_formulas_without_effect(
    schema: str, lines: list[str], expected: str, message: str
) -> None:
    found = told(schema, *lines)
    assert brief(found) == [expected] * bool(expected)
    assert all(m.message.startswith(message) for m in found)
    assert all(m.message.endswith("so its derivatives have no effect") for m in found)


def test_a_function_that_returns_no_tensor_has_no_differentiable_output() -> None:
    schema = "gild(Tensor self) -> int"
    found = mistakes(native(schema, kernel=""), definition(schema, "self: zeros_like(self)"))
    assert brief(found) == ["DL806 name (gild)", "DL801 func (gild)"]


# ---------------------------------------------------------- output_differentiability (DL803, DL804)


@pytest.mark.parametrize(
    ("returns", "said", "written"),
    [
        ("(Tensor, Tensor)", "[True]", "[True, False]"),
        ("(Tensor, Tensor, Tensor)", "[False, True]", "[False, True, False]"),
        ("Tensor", "[True, False]", "[True]"),
        ("Tensor", "[True]", ""),
        ("(Tensor, Tensor)", "[True, False]", ""),
    ],
)
def test_each_output_is_said_to_be_differentiable_or_not(
    returns: str, said: str, written: str
) -> None:
    found = told(
        f"gild(Tensor self) -> {returns}", f"output_differentiability: {said}", "self: grad"
    )
    assert brief(found) == ["DL803 output_differentiability"] * bool(written)
    changes = [change for m in found for r in m.remedies for change in r.changes]
    assert [(c.path, c.text) for c in changes] == [(("output_differentiability",), written)] * bool(
        written
    )
    if written:
        count, plural = said.count(",") + 1, "s" if "," in said else ""
        assert f"is for {count} output{plural}, but `gild` has" in found[0].message


@pytest.mark.parametrize(
    ("said", "written"), [('["x"]', []), ('["True, False"]', ["[True, False]"]), ("[x]", [])]
)
def test_what_a_condition_lists_may_be_meant(said: str, written: list[str]) -> None:
    schema = "gild(Tensor self, bool x) -> (Tensor, Tensor)"
    (found,) = told(schema, f"output_differentiability: {said}", "self: grad")
    assert brief([found]) == ["DL803 output_differentiability"]
    changes = [change for remedy in found.remedies for change in remedy.changes]
    assert [c.text for c in changes] == written
    assert all(c.path == ("output_differentiability",) for c in changes)


def test_the_output_of_an_in_place_function_is_differentiable() -> None:
    schema = "gild_(Tensor(a!) self) -> Tensor(a!)"
    (found,) = told(schema, "output_differentiability: [False]", "self: grad")
    assert brief([found]) == ["DL804 output_differentiability (False)"]
    changes = [change for remedy in found.remedies for change in remedy.changes]
    assert [(c.kind, c.path) for c in changes] == [("remove", ("output_differentiability",))]
    assert told(schema, "output_differentiability: [True]", "self: grad") == []
    plain = schema.replace("gild_", "gild").replace("(a!)", "")
    assert brief(told(plain, "output_differentiability: [False]")) == []


# ---------------------------------------------------------------- forward formulas (DL807 to DL809)

PAIR = "gild(Tensor self) -> (Tensor a, Tensor b)"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["self: f(grads)", "a: self_t"],
            "forward formulas for 1 output, but has 2 differentiable outputs",
        ),
        (["self: f(grads)", "a: self_t", "b: self_t"], ""),
        (["self: f(grads)"], ""),
        # Only the first output is differentiable.
        (["self: f(grad)", "a: self_t"], ""),
        (
            ["self: f(grad)", "a: self_t", "b: self_t"],
            "forward formulas for 2 outputs, but has 1 differentiable output",
        ),
        (
            ["self: f(gradient)", "a: self_t"],
            "forward formulas for 1 output, but has 2 differentiable outputs",
        ),
    ],
)
def test_each_differentiable_output_has_a_tangent(lines: list[str], message: str) -> None:
    found = told(PAIR, *lines)
    assert brief(found) == ["DL807 a"] * bool(message)
    assert all(m.message.endswith(message) for m in found)


@pytest.mark.parametrize(
    ("arguments", "formula", "is_refused"),
    [
        ("Tensor self", "self_p.sgn()", True),
        ("Tensor self", "self_t.sgn()", False),
        ("Tensor[] self", "f(self_p)", False),
        ("Tensor[]? self", "f(self_p)", False),
        ("Tensor[] self, Tensor x", "f(self_p)", True),
        ("Tensor? self", "f(self_p)", True),
    ],
)
def test_a_forward_formula_uses_a_tangent(arguments: str, formula: str, is_refused: bool) -> None:
    schema = f"gild({arguments}) -> Tensor"
    found = told(schema, "self: f(grad)", f"result: {formula}")
    found = [m for m in found if m.code != "DL840"]
    assert brief(found) == ["DL808 result"] * is_refused
    assert [m.help for m in found] == ["use the tangent `self_t`"] * is_refused


def test_a_word_that_is_nearly_a_keyword_may_be_meant() -> None:
    (found,) = told("gild(Tensor self) -> Tensor", "self: grad", "result: auto_lineal")
    assert (found.code, found.meant, found.help) == ("DL808", ("auto_linear",), "")


def test_it_is_told_of_the_output_as_the_definition_names_it() -> None:
    """That of the in-place variant is `self`."""
    schema = "gild(Tensor self) -> Tensor out_gilt"
    (found,) = told(
        schema,
        "self: grad",
        "out_gilt: f(self_p)",
        more=native("gild_(Tensor(a!) self) -> Tensor(a!)"),
    )
    assert brief([found]) == ["DL808 out_gilt"]


@pytest.mark.parametrize(
    ("returns", "lines", "expected"),
    [
        ("Tensor?", ["result: f(self_t)"], ["DL809 result"]),
        ("Tensor[]", ["result: f(self_t)"], []),
        ("(Tensor a, Tensor[] b)", ["a, b: f(self_t)"], ["DL809 a, b"]),
        ("(Tensor a, Tensor b)", ["a, b: f(self_t)"], []),
        ("(Tensor a, Tensor[] b)", ["a: self_t", "b: f(self_t)"], []),
    ],
)
def test_tangents_are_tensors_or_one_list(
    returns: str, lines: list[str], expected: list[str]
) -> None:
    schema = f"gild(Tensor self) -> {returns}"
    natives = native(schema, "python_module: none")
    found = mistakes(natives, definition(schema, "self: f(grads)", *lines))
    assert brief(found) == expected
    assert all(m.on_key for m in found)


# -------------------------------------------------------- in-place foreach functions (DL811, DL814)


def _of_foreach(
    own: str, reference: str, *, base: str = "gild", more: str = "", release: str = "2.15"
) -> list[Mistake]:
    schema = f"{base}{more}({reference}) -> Tensor"
    natives = native(schema) + native(f"_foreach_{base}_{more}({own}) -> ()", NO_CHECK)
    return mistakes(natives, definition(schema, "self: f(grad)", "result: auto_linear"), release)


@pytest.mark.parametrize(
    ("own", "reference"),
    [
        ("Tensor(a!)[] self", "Tensor self"),
        ("Tensor(a!)[] self, Scalar x", "Tensor self, Scalar x"),
        ("Tensor(a!)[] self, Scalar[] x", "Tensor self, Scalar x"),
        ("Tensor(a!)[] self, Tensor[] x", "Tensor self, Tensor x"),
    ],
)
def test_an_in_place_foreach_function_with_the_arguments_of_its_reference(
    own: str, reference: str
) -> None:
    assert _of_foreach(own, reference) == []


@pytest.mark.parametrize(
    ("own", "count"),
    [
        ("Tensor(a!)[] self", 1),
        ("Tensor(a!)[] self, Scalar x, Scalar y", 3),
        ("Tensor(a!)[] self, Scalar[] x, Tensor[] y", 3),
        ("Tensor(a!)[] self, int x", 0),
    ],
)
def test_a_reference_takes_as_many_arguments(own: str, count: int) -> None:
    """Before 2.4, one that takes more or fewer is found, and then refused."""
    message = f"`_foreach_gild_` takes {count} arguments, but the function that it applies to each"
    for release in RELEASES:
        (found,) = _of_foreach(own, "Tensor self, Scalar x", release=release)
        assert (found.words, found.path) == ("_foreach_gild_", ("func",))
        is_found = count and release in RELEASES[:3]
        assert found.code == ("DL811" if is_found else "DL810")
        assert found.message.startswith(message) == bool(is_found)


def test_some_take_others_as_the_generators_know() -> None:
    own, reference = "Tensor(a!)[] self, Scalar x", "Tensor self, Scalar other, Scalar alpha=1"
    for release in RELEASES:
        assert _of_foreach(own, reference, base="add", more=".Scalar", release=release) == []
        (found,) = _of_foreach(own, reference, more=".Scalar", release=release)
        assert found.code == ("DL811" if release in RELEASES[:3] else "DL810")


@pytest.mark.parametrize(
    ("more", "words"),
    [("Scalar y", []), ("Tensor y", ["Tensor y"]), ("Tensor[] y", ["Tensor[] y"])],
)
def test_an_argument_that_the_reference_does_not_have_has_no_tangent(
    more: str, words: list[str]
) -> None:
    own, reference = "Tensor(a!)[] self, Scalar x", "Tensor self, Scalar other"
    found = _of_foreach(f"{own}, {more}", reference, base="add", more=".Scalar")
    assert brief(found) == [f"DL811 func ({text})" for text in words]
    assert all("has no argument of `add.Scalar` to go with" in m.message for m in found)


def test_an_in_place_foreach_function_has_no_definition_of_its_own() -> None:
    schema = "_foreach_gild_(Tensor(a!)[] self) -> ()"
    (found,) = mistakes(native(schema, NO_CHECK), definition(schema, "self: grads"))
    assert brief([found]) == ["DL811 name (_foreach_gild_)"]
    assert (
        found.message
        == "`_foreach_gild_` is an in-place foreach function, which has no definition of its own"
    )
    assert (
        found.help
        == "remove it, and define derivatives for the function that it applies to each tensor"
    )


def test_the_forward_formula_of_a_foreach_function_is_for_result() -> None:
    natives = native("gild(Tensor self) -> Tensor gilt")
    natives += native("_foreach_gild(Tensor[] self) -> Tensor[]", NO_CHECK)
    formulas = definition("gild(Tensor self) -> Tensor gilt", "self: grad", "gilt: self_t * 2")
    found = mistakes(natives, formulas)
    assert brief(found) == ["DL814 func (_foreach_gild)"]
    natives = natives.replace(" gilt", "")
    formulas = formulas.replace(" gilt\n", "\n").replace("gilt:", "result:")
    assert mistakes(natives, formulas) == []


# --------------------------------------------------------------------- what is saved (DL813, DL815)


@pytest.mark.parametrize(
    ("arguments", "formula", "is_refused"),
    [
        ("Tensor self, Tensor x", "wrap_opt_if(x, grad_input_mask[0]) * grad", False),
        ("Tensor self, Tensor x", "f(wrap_opt_if(x) * grad)", True),
        ("Tensor self, Tensor x", "f(wrap_opt_if(x grad)", True),
        ("Tensor self, Tensor x", "wrap_opt_if(x) * grad", True),
        ("Tensor self, Tensor x", "f(x, grad)", False),
        ("Tensor self, Tensor[] x", "f(wrap_opt_if(self) * grad)", False),
    ],
)
def test_conditions_of_what_is_saved_are_read(
    arguments: str, formula: str, is_refused: bool
) -> None:
    schema = f"gild({arguments}) -> Tensor"
    found = told(schema, f"self, x: {formula}")
    assert brief(found) == ["DL815 self, x (wrap_opt_if)"] * is_refused


def test_those_of_a_formula_for_one_argument_are_not() -> None:
    schema = "gild(Tensor self, Tensor x) -> Tensor"
    assert told(schema, "self: f(wrap_opt_if(x) * grad)", "x: grad") == []


def test_nor_those_of_a_node_for_a_backward_function() -> None:
    for name, is_refused in (("gild", True), ("gild_backward", False)):
        found = told(
            f"{name}(Tensor self, Tensor x) -> Tensor", "self, x: f(wrap_opt_if(x) * grad)"
        )
        assert [m.code for m in found] == ["DL815"] * is_refused


@pytest.mark.parametrize(
    ("returns", "name", "is_refused"),
    [("Tensor", "result", False), ("Tensor gilt", "gilt", True), ("Tensor gilt", "result", False)],
)
def test_the_output_of_an_in_place_function_has_no_name(
    returns: str, name: str, is_refused: bool
) -> None:
    schema = f"gild(Tensor self) -> {returns}"
    natives = native(schema) + native("gild_(Tensor(a!) self) -> Tensor(a!)")
    found = mistakes(natives, definition(schema, f"self: f(grad, {name})"))
    assert brief(found) == [f"DL813 self ({name})"] * is_refused
