"""What names, patterns, nodes and names of Python ask for."""

from __future__ import annotations

import pytest

from derivload.engine.asked import python_candidates, read_pattern

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
