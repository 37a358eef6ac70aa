"""Which names a misspelt one may mean: everything that suggests a name goes by this."""

from __future__ import annotations

import pytest

from derivload.spelling import Guesses, ask, nearest, operators_of


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("othr", ["other", "self"], ["other"]),
        ("cuda", ["CPU", "CUDA"], ["CUDA"]),
        ("gelu", ["_gelu", "gelu_", "relu"], ["_gelu", "gelu_"]),
        ("Add.tensor", ["add.Tensor", "add.Scalar"], ["add.Tensor"]),
        (
            "output_differentiable",
            ["name", "output_differentiability"],
            ["output_differentiability"],
        ),
        ("quite_another", ["self", "other"], []),
        ("", ["self"], []),
    ],
)
def test_capitals_and_outer_underscores_do_not_count(
    name: str, known: list[str], meant: list[str]
) -> None:
    assert nearest(name, known) == meant


def test_the_nearest_comes_first() -> None:
    assert nearest("lustre", ["cluster", "luster", "lust"], 2) == ["luster", "lust"]


@pytest.mark.parametrize(
    ("name", "operator"),
    [
        ("torch.gelu", "gelu"),
        ("torch.nn.functional.gelu", "gelu"),
        ("F.gelu", "gelu"),
        ("torch.Tensor.add_", "add_"),
        ("torch.linalg.svd", "linalg_svd"),
        ("torch.ops.aten.add.Tensor", "add.Tensor"),
        ("torch.ops.aten.mm.default", "mm"),
        ("at::gelu", "gelu"),
    ],
)
def test_the_operator_of_a_name_in_python_or_cpp(name: str, operator: str) -> None:
    assert operator in operators_of(name)


@pytest.mark.parametrize("name", ["gelu", "torch", "my.gelu", ""])
def test_another_name_is_of_no_operator(name: str) -> None:
    assert operators_of(name) == []


def test_the_limit_is_for_one_load() -> None:
    guesses = Guesses()
    while guesses.can_compare("x" * 1000, ["y" * 1000]):
        pass
    assert guesses.ask("othr", ["other"]) == ""
    guesses.renew()
    assert guesses.ask("othr", ["other"]) == "did you mean `other`?"


def test_a_question_names_all() -> None:
    assert ask([]) == ""
    assert ask(["a", "b", "c"]) == "did you mean `a`, `b` or `c`?"
