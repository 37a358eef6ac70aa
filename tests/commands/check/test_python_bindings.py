"""What `check` tells of functions that Python bindings cannot be made for, by their signatures."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from support.rule_examples import found_in

OPTIONS: Final = (
    "*, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None"
)


def told(folder: Path, *functions: str) -> list[str]:
    """The codes of what is told of native functions."""
    kernel = "  dispatch:\n    CompositeExplicitAutograd: gild\n"
    text = "".join(f"- func: {function}\n{kernel}" for function in functions)
    return [d.code for d in found_in(folder, {"native_functions": text}, codegen_rules=True)]


def told_of_overloads(folder: Path, one: str, other: str) -> list[str]:
    """What is told of two overloads, each with an argument more than `self`."""
    found = (("", one), (".many", other))
    return told(folder, *(f"gild{name}(Tensor self, {more}) -> Tensor" for name, more in found))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("float[2] w=[]", "float[] w=[]"),
        ("float[2]? w=None", "float[]? w=[]"),
        ("Tensor(a!)? w=None", "Tensor? w=None"),
        ("float w=1e2", "float w=100.0"),
        ("int w=1", "int w=01"),
        ("str w='a'", 'str w="a"'),
    ],
)
def test_defaults_that_are_one_for_python(one: str, other: str, tmp_path: Path) -> None:
    assert told_of_overloads(tmp_path, one, other) == ["DL831"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("float[2] w=[1]", "float[] w=[2]"),
        ("float[2]? w=None", "float[]? w=[1]"),
        ("float[2]? w", "float[]? w=None"),
        ("float? w=None", "float[] w=[]"),
        ("float w=1", "float w=1.0"),
        ("bool w=True", "bool w=False"),
        ("str w='a'", "str w='b'"),
    ],
)
def test_defaults_that_differ_for_python(one: str, other: str, tmp_path: Path) -> None:
    assert told_of_overloads(tmp_path, one, other) == []


# With the category, whether a function without TensorOptions is right, and one with them.
@pytest.mark.parametrize(
    ("name", "category", "without", "has"),
    [
        ("gild", "", True, False),
        ("gild", "other", True, False),
        ("gild", "factory", False, True),
        ("gild", "new", False, True),
        ("gild", "like", False, True),
        ("gild_like", "", False, True),
        ("gild_like", "dummy", True, False),
        ("new_gild", "", False, True),
        ("new_gild", "dummy", True, False),
    ],
)
def test_the_category_says_whether_a_tensor_is_made_by_options(
    name: str, category: str, without: bool, has: bool, tmp_path: Path
) -> None:
    key = f"\n  category_override: {category}" if category else ""
    for arguments, is_right in (("Tensor self", without), (f"Tensor self, {OPTIONS}", has)):
        found = told(tmp_path, f"{name}({arguments}) -> Tensor{key}")
        assert found == ([] if is_right else ["DL836"])
