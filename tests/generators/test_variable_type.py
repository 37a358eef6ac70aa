"""Which functions get a wrapper in VariableType, and what is told of it as a whole."""

from __future__ import annotations

import pytest

from derivload.diagnostics import Mistake
from support.refused import definition, mistakes, native, refused

GILD = "gild(Tensor self) -> Tensor"
IN_PLACE = "gild_(Tensor(a!) self) -> Tensor(a!)"
OUT = "gild.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)"
GRADIENT = definition(GILD, "self: grad")
NO_CHECK = "device_check: NoCheck"


def _brief(found: list[Mistake]) -> list[tuple[object, ...]]:
    return [(mistake.code, mistake.words, mistake.path) for mistake in found]


# -------------------------------------------------------------------- kernels (DL801 and DL802)


def test_derivatives_need_kernels() -> None:
    assert refused(native(GILD), GRADIENT) == []
    (found,) = mistakes(native(GILD, kernel=""), GRADIENT)
    assert _brief([found]) == [("DL801", "gild", ("func",))]
    assert found.message == "`gild` has derivatives, but no kernels of its own"
    (change,) = found.remedies[0].changes
    assert (change.path, change.text) == (("dispatch",), "\n  CompositeExplicitAutograd: gild")


def test_so_do_those_of_the_functional_variant() -> None:
    natives = "".join(
        native(schema, kernel=kernel)
        for schema, kernel in ((GILD, "CPU: f"), (IN_PLACE, ""), (OUT, ""))
    )
    found = mistakes(natives, GRADIENT)
    assert _brief(found) == [("DL801", "gild_", ("func",)), ("DL801", "gild.out", ("func",))]
    assert "those of its functional variant, but" in found[0].message


def test_a_definition_without_formulas_needs_none() -> None:
    lines = "output_differentiability: [False]"
    assert refused(native(GILD, kernel=""), definition(GILD, lines)) == []


@pytest.mark.parametrize(("name", "is_refused"), [("gild", True), ("detach", False)])
def test_a_kernel_by_hand_is_known_to_the_generators(name: str, is_refused: bool) -> None:
    key = "manual_kernel_registration"
    natives = native(f"{name}(Tensor self) -> Tensor", f"{key}: True", kernel="")
    assert refused(natives) == []
    formula = definition(f"{name}(Tensor self) -> Tensor", "self: grad")
    assert refused(natives, formula) == ["DL802", "DL801"] * is_refused
    natives = natives.replace("  man", f"  structured_delegate: {name}.out\n  man")
    out = f"{name}.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)"
    found = mistakes(natives + native(out, "structured: True", kernel="CPU: f"))
    assert [(m.code, m.path, m.on_key) for m in found] == [("DL802", (key,), True)] * is_refused
    removed = [change for m in found for r in m.remedies for change in r.changes]
    assert [(change.kind, change.path) for change in removed] == [("remove", (key,))] * is_refused


# ------------------------------------------------------------------------- bodies and defaults


# Python does not see these. A default that cannot be written is told if the wrapper has a body.
@pytest.mark.parametrize(
    ("schema", "has_body"),
    [
        ("gild(Tensor self, {}) -> Tensor", False),
        ("isnan(Tensor self, {}) -> Tensor", True),
        ("isnan.b(Tensor self, {}) -> Tensor", True),
        ("set_(Tensor(a!) self, {}) -> Tensor(a!)", True),
        ("set_.b(Tensor(a!) self, {}) -> Tensor(a!)", True),
        ("_cudnn_rnn_flatten_weight(Tensor[] self, {}) -> Tensor", True),
        ("dequantize.self(Tensor self, {}) -> Tensor", True),
        ("dequantize(Tensor self, {}) -> Tensor", False),
        ("channel_shuffle(Tensor self, {}) -> Tensor", True),
        ("channel_shuffle.b(Tensor self, {}) -> Tensor", False),
        ("_foreach_copy_(Tensor(a!)[] self, {}) -> ()", True),
        ("resize_(Tensor(a!) self, {}) -> Tensor(a!)", False),  # written by hand
    ],
)
def test_which_wrappers_have_a_body(schema: str, has_body: bool) -> None:
    keys = ["tags: generated", *[NO_CHECK] * ("_foreach" in schema)]
    natives = native(schema.format("int[] x=0"), *keys, kernel="CPU: f")
    assert refused(natives) == ["DL841"] * has_body
    assert refused(natives.replace("=0", "=[0]")) == []


# ------------------------------------------------------------- foreach functions alone (DL810)


@pytest.mark.parametrize(
    ("schema", "is_refused"),
    [
        ("_foreach_gild_(Tensor(a!)[] self) -> ()", True),
        ("_foreach_gild_.List(Tensor(a!)[] self, Tensor[] x) -> ()", True),
        ("_foreach_maximum_.List(Tensor(a!)[] self, Tensor[] x) -> ()", True),
        ("_foreach_maximum_.Scalar(Tensor(a!)[] self, Scalar x) -> ()", False),
        ("_foreach_copy_(Tensor(a!)[] self, Tensor[] x) -> ()", False),
        ("_foreach_copy_.b(Tensor(a!)[] self, Tensor[] x) -> ()", True),
        ("_foreach_gild(Tensor[] self) -> Tensor[]", False),
        ("_each_gild_(Tensor(a!)[] self) -> ()", False),
    ],
)
def test_an_in_place_foreach_function_needs_derivatives(schema: str, is_refused: bool) -> None:
    found = mistakes(native(schema, NO_CHECK))
    name = schema.partition("(")[0]
    assert _brief(found) == [("DL810", name, ("func",))] * is_refused
    if is_refused:
        base = name.removeprefix("_foreach_").partition("_")[0]
        assert f"and no function `{base}` with the same" in found[0].message
    assert refused(native(schema, NO_CHECK, kernel="")) == []
