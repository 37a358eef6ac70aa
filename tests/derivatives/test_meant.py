"""What is meant by a name that is not known, or by a formula that is one word."""

from __future__ import annotations

import pytest

from derivload.derivatives.meant import as_word, is_misspelt, is_non_differentiable, meant_keys
from derivload.spelling import Guesses


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("grad_output", "grad"),
        ("grad_out", "grad"),
        ("grad_outputs", "grads"),
        ("input", "self"),
        ("x", "self"),
        ("output", "result"),
        ("out", "result"),
    ],
)
def test_a_usual_name_is_meant_before_a_similar_one(name: str, meant: str) -> None:
    known = [meant, f"{name}_"]
    assert meant_keys([name], known, [], [], Guesses()) == [meant]
    assert meant_keys([name], [f"{name}_"], [], [], Guesses()) == [f"{name}_"]
    assert meant_keys([name], known, [], [meant], Guesses()) == []


@pytest.mark.parametrize(
    ("names", "known", "tensors", "given", "meant"),
    [
        (["a and b"], ["a", "b"], [], [], ["a, b"]),
        (["a and b"], ["a"], [], [], []),
        (["a", "b"], ["a", "b", "c"], [], [], ["a, b"]),
        (["a;b/c"], ["a", "b", "c"], [], [], ["a, b, c"]),
        (["a", ""], ["a"], ["b"], [], []),
        (["othre"], ["self", "other"], [], [], ["other"]),
        (["othre"], ["XX", "other"], [], [], ["other"]),
        (["othre"], ["self", "other"], [], ["other"], []),
        (["dispach"], ["self"], ["self"], [], ["dispatch"]),
        (["output_differentiabilty"], [], [], [], ["output_differentiability"]),
        # Nothing is like it, and one tensor has no formula yet.
        (["qwertz"], ["self", "weight"], ["self", "weight"], ["self"], ["weight"]),
        (["qwertz"], ["self", "weight"], ["self", "weight"], [], []),
        (["qwertz"], ["self", "weight"], ["self", "weight"], ["self", "weight"], []),
        (["othre"], ["other", "weight"], ["weight"], [], ["other"]),
    ],
)
def test_which_key_is_meant(
    names: list[str], known: list[str], tensors: list[str], given: list[str], meant: list[str]
) -> None:
    assert meant_keys(names, known, tensors, given, Guesses()) == meant


@pytest.mark.parametrize(
    ("formula", "is_word", "word", "misspelt"),
    [
        ("non_differentiable", True, "non_differentiable", True),
        (" Non_Differentiable\n", True, "non_differentiable", True),
        ("non-differentiable", False, "non_differentiable", True),
        ("non_differentiable ()", False, "non_differentiable", True),
        ("not_differentiable", False, "not_differentiable", True),
        ("None", False, "none", True),
        ("null()", False, "null", True),
        ("nullptr", False, "nullptr", True),
        ("Undefined", False, "undefined", True),
        ("Auto-Linear()", False, "auto_linear", False),
        ("grad", False, "grad", False),
        ("", False, "", False),
        ("f()()", False, "f()", False),
    ],
)
def test_words_in_the_place_of_a_formula(
    formula: str, is_word: bool, word: str, misspelt: bool
) -> None:
    assert is_non_differentiable(formula) is is_word
    assert as_word(formula) == word
    assert is_misspelt(formula) is misspelt
