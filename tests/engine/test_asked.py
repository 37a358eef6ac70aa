"""What names, patterns, nodes and names of Python ask for."""

from __future__ import annotations

import pytest

from derivload.engine.asked import NamePattern, python_candidates, read_pattern, read_patterns

NAMES = ("add_.Tensor", "add_", "add")
NODES = {"AddBackward0"}


@pytest.mark.parametrize(
    ("text", "is_meant"),
    [
        ("add", True),
        ("add_", True),
        ("add_.Tensor", True),
        ("add.Tensor", False),
        ("ad", False),
        ("ad*", True),
        ("*.Tensor", True),
        ("[ab]dd", True),
        ("mul*", False),
        ("AddBackward0", True),
        ("AddBackward1", False),
        ("AddBackward", True),
        ("Ad*Backward*", True),
        ("aten::add", True),
        ("aten::ad*", True),
        ("mine::add", False),
    ],
)
def test_what_a_text_means(text: str, is_meant: bool) -> None:
    assert read_pattern(text).means("aten", NAMES, NODES) == is_meant


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("torch.gelu", "gelu"),
        ("torch.nn.functional.gelu", "gelu"),
        ("F.gelu", "gelu"),
        ("torch.linalg.inv", "linalg_inv"),
        ("torch.Tensor.add_", "add_"),
        ("torch.ops.aten.add.Tensor", "aten::add.Tensor"),
        ("torch.ops.mine.add.Tensor", "mine::add.Tensor"),
        ("add.Tensor", "add.Tensor"),
        ("at::gelu", "gelu"),
        ("mine::gelu", "mine::gelu"),
        ("torch", "torch"),
    ],
)
def test_what_python_calls_an_operator(text: str, first: str) -> None:
    assert python_candidates(text)[0] == first


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("add", NamePattern("add", "", "add", False, False)),
        (" mine::add ", NamePattern(" mine::add ", "mine", "add", False, False)),
        ("a::b::add", NamePattern("a::b::add", "a::b", "add", False, False)),
        ("ad?", NamePattern("ad?", "", "ad?", True, False)),
        ("ad*", NamePattern("ad*", "", "ad*", True, False)),
        ("[ab]dd", NamePattern("[ab]dd", "", "[ab]dd", True, False)),
        ("a]dd", NamePattern("a]dd", "", "a]dd", False, False)),
        ("AddBackward0", NamePattern("AddBackward0", "", "AddBackward0", False, True)),
        ("Backward", NamePattern("Backward", "", "Backward", False, True)),
        ("[!A-C]*Backward?", NamePattern("[!A-C]*Backward?", "", "[!A-C]*Backward?", True, True)),
        ("Add.Backward", NamePattern("Add.Backward", "", "Add.Backward", False, False)),
        ("add_backward", NamePattern("add_backward", "", "add_backward", False, False)),
    ],
)
def test_how_a_text_is_read(text: str, expected: NamePattern) -> None:
    assert read_pattern(text) == expected


def test_a_node_is_meant_with_its_number_and_without() -> None:
    nodes = {"MulBackward12"}
    for text, is_meant in [
        ("MulBackward12", True),
        ("MulBackward", True),
        ("MulBackward1", False),
        ("MulBackward?", False),
        ("MulBackward??", True),
        ("mulBackward", False),
        ("aten::MulBackward", True),
        ("mine::MulBackward", False),
    ]:
        assert read_pattern(text).means("aten", ["mul"], nodes) == is_meant, text
    assert not read_pattern("MulBackward").means("aten", ["MulBackward"], {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gelu", ["gelu"]),
        (" gelu ", [" gelu "]),
        ("torch.gelu", ["gelu", "torch.gelu"]),
        (" torch.linalg.inv", ["linalg_inv", "linalg.inv", "inv", "linalg", " torch.linalg.inv"]),
        ("at::mul.out", ["mul_out", "mul.out", "out", "mul", "at::mul.out"]),
        ("mine::mul.out", ["mine::mul.out"]),
        ("not_at::mul", ["not_at::mul"]),
        ("torch.ops.mine.mul", ["mine::mul"]),
        ("torch.ops.mine.mul.out.x", ["mine::mul.out.x"]),
        ("torch.ops.mul", ["mul", "torch.ops.mul"]),
        ("ops.mine.mul", ["mine_mul", "mine.mul", "mul", "mine", "ops.mine.mul"]),
    ],
)
def test_all_that_a_name_of_python_may_mean(text: str, expected: list[str]) -> None:
    assert python_candidates(text) == expected
    assert read_patterns(text) == [read_pattern(name) for name in expected]
