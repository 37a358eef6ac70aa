"""What a backward node can keep (DL812), and which formulas it finds no argument for (DL805)."""

from __future__ import annotations

import pytest

from derivload.generators.nodes import can_be_kept
from support.refused import RELEASES, definition, mistakes, native, refused


@pytest.mark.parametrize(
    ("type_", "is_kept"),
    [
        ("int64_t", True),
        ("at::Tensor", True),
        ("at::Scalar", True),
        ("c10::string_view", True),
        ("std::string_view", True),
        ("at::IntArrayRef", True),
        ("c10::SymIntArrayRef", True),
        ("at::OptionalIntArrayRef", True),
        ("at::OptionalSymIntArrayRef", True),
        ("at::ITensorListRef", True),
        ("at::ArrayRef<at::Scalar>", True),
        ("::std::optional<at::ArrayRef<double>>", True),
        ("::std::optional<at::IntArrayRef>", True),
        ("c10::optional<c10::SymIntArrayRef>", True),
        ("::std::optional<c10::string_view>", True),
        ("::std::optional<std::string_view>", True),
        ("at::ArrayRef<bool>", False),
        ("at::TensorRef", False),
        ("::std::basic_string_view<char>", False),
        ("const at::Stream &", False),
        ("void *", False),
    ],
)
def test_a_reference_is_kept_only_where_the_node_copies_it(type_: str, is_kept: bool) -> None:
    assert can_be_kept(type_, of_foreach_output=False) == is_kept


def test_a_list_of_tensors_is_kept_as_the_output_of_a_foreach_function_alone() -> None:
    assert can_be_kept("::std::vector<at::Tensor>", of_foreach_output=True)
    assert not can_be_kept("::std::vector<at::Tensor>", of_foreach_output=False)


def _saving(type_: str, formula: str) -> str:
    schema = f"gild(Tensor self, {type_} x) -> Tensor[]"
    found = mistakes(native(schema), definition(schema, "self: grads[0]", f"x: {formula}"))
    return " ".join(str(word) for m in found for word in (m.code, *m.path, m.words))


@pytest.mark.parametrize(
    ("type_", "formula", "told"),
    [
        ("Tensor[]", "f(grads, x)", ""),
        ("Tensor?", "f(grads, x)", ""),
        ("Tensor", "f(grads, result)", "DL812 x result"),
    ],
)
def test_what_a_formula_saves_is_kept(type_: str, formula: str, told: str) -> None:
    assert _saving(type_, formula) == told


def test_a_list_of_floats_is_not_kept_and_the_formula_that_uses_it_is_told() -> None:
    schema = "gild(Tensor self, Tensor other, float[] w) -> Tensor"
    formulas = definition(schema, "self: grad", "other: f(grad, w)", "result: auto_linear")
    (found,) = mistakes(native(schema), formulas)
    assert (found.code, found.path, found.words) == ("DL812", ("other",), "w")
    assert found.message.endswith("which cannot be saved: its type is `at::ArrayRef<double>`")
    with_keys = definition(
        schema, "dispatch:", "  Default:", "    self: grad", "    other: f(grad, w)"
    )
    (found,) = mistakes(native(schema), with_keys)
    assert found.path == ("dispatch", "Default", "other")


def test_nothing_is_kept_where_nothing_has_a_derivative() -> None:
    schema = "gild(Tensor self, float[] w) -> Tensor"
    formulas = definition(schema, "output_differentiability: [False]", "result: f(self_t, w)")
    assert "DL812" not in refused(native(schema), formulas)


def test_a_foreach_function_keeps_its_output() -> None:
    schema = "_foreach_gild(Tensor[] self) -> Tensor[]"
    formulas = definition(schema, "self: f(grads, result)")
    natives = native(schema, "device_check: NoCheck")
    assert refused(natives, formulas) == []
    natives, formulas = (text.replace("_foreach_", "") for text in (natives, formulas))
    assert refused(natives, formulas) == ["DL812"]


def test_what_the_formulas_for_a_foreach_function_save_is_kept_too() -> None:
    """They are those of the function that it applies to each tensor."""
    natives = native("gild(Tensor self, float[] w) -> Tensor")
    natives += native(
        "_foreach_gild(Tensor[] self, float[] w) -> Tensor[]", "device_check: NoCheck"
    )
    formulas = definition("gild(Tensor self, float[] w) -> Tensor", "self: f(grad, w)")
    found = mistakes(natives, formulas)
    assert [(m.code, m.message.split("`")[1]) for m in found] == [
        ("DL812", "gild"),
        ("DL812", "_foreach_gild"),
    ]


@pytest.mark.parametrize(("name", "first"), [("gild", 0), ("detach", 5)])
def test_a_formula_for_more_than_arguments(name: str, first: int) -> None:
    """Where the wrapper is written by hand, the node misses it, since 2.6."""
    schema = f"{name}(Tensor self, Tensor w) -> Tensor"
    for keys, path in (([], ()), (["dispatch:", "  Default:"], ("dispatch", "Default"))):
        indent = "  " * len(keys)
        formulas = definition(schema, *keys, f"{indent}w: grad", f"{indent}self, other: f(grad)")
        for release in RELEASES[:first]:
            assert refused(native(schema), formulas, release) == []
        for release in RELEASES[first:]:
            (found,) = mistakes(native(schema), formulas, release)
            assert (found.code, found.words, found.on_key) == ("DL805", "other", True)
            assert found.path == (*path, "self, other")
            assert found.message.startswith(f"`other` is no tensor of `{name}`, so it has no")
