"""What definitions have backward nodes save, and what torch shows of it."""

from __future__ import annotations

import pytest

from derivload.derivatives.model import Derivative, DifferentiabilityInfo, SavedAttribute
from derivload.pytorch.compiled import CompiledNodes, Node, compare, saved_values


def _info(op: str | None, *, formulas: int = 1) -> DifferentiabilityInfo:
    derivative = Derivative("grad", "grad", ("self",), (), (), ())
    saved = SavedAttribute("self", "at::Tensor", "self")
    result = SavedAttribute("result", "at::Scalar", "result")
    return DifferentiabilityInfo(
        *("gild", op, (derivative,) * formulas, (), (saved,), (result,), (), (), (), (), None, None)
    )


def test_a_node_saves_inputs_and_outputs() -> None:
    infos = [("gild(Tensor self) -> Tensor", _info("GildBackward0")), ("b()", _info("BBackward0"))]
    node = Node("gild(Tensor self) -> Tensor", {"self": "at::Tensor", "result": "at::Scalar"})
    assert saved_values(infos) == {"GildBackward0": node, "BBackward0": node._replace(schema="b()")}


def test_what_has_no_node_or_no_formula_saves_nothing() -> None:
    infos = [("a()", _info(None)), ("b()", _info("BBackward0", formulas=0))]
    assert saved_values(infos) == {}


@pytest.mark.parametrize(
    ("type_", "is_shown"),
    [
        ("at::Tensor", True),
        ("Tensor", True),
        ("::std::vector<at::Tensor>", True),
        ("std::vector<at::Tensor>", True),
        ("::std::optional<at::Tensor>", True),
        ("c10::optional<at::Tensor>", True),
        ("c10::List<::std::optional<at::Tensor>>", True),
        ("at::Scalar", True),
        ("c10::SymInt", True),
        ("::std::optional<c10::SymInt>", True),
        ("int64_t", True),
        ("c10::optional<double>", True),
        ("::std::optional<std::string_view>", True),
        ("c10::OptionalArrayRef<double>", False),
        ("at::OptionalIntArrayRef", True),
        ("c10::SymIntArrayRef", True),
        ("bool", True),
        ("at::Stream", False),
        ("at::Layout", False),
        ("::std::optional<bool>", False),
        ("my::Tensor", False),
        ("at::Generator", False),
    ],
)
def test_the_types_that_torch_shows(type_: str, is_shown: bool) -> None:
    assert Node("a()", {"x": type_}).shown() == ({"x"} if is_shown else set())


def test_each_node_is_compared() -> None:
    expected = {name: Node("a()", {"x": "at::Tensor"}) for name in "abc"}
    found = compare(expected, CompiledNodes("2", {"b": frozenset("x"), "c": frozenset("y")}))
    assert [(d.node, d.problem) for d in found] == [
        ("a", "torch has no such node"),
        ("c", "torch does not save x; torch also saves y"),
    ]
