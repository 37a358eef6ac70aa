"""Which operators can affect each other, by their names alone."""

from __future__ import annotations

import pytest

from derivload.engine.families import family_of, first_word


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("add", "add_"),
        ("add", "_add"),
        ("add", "_foreach_add"),
        ("view", "view_copy"),
        ("view", "_foreach_view_copy"),
        ("slice_inverse", "slice_scatter"),
        ("slice_inverse", "slice_copy_scatter_copy"),
    ],
)
def test_variants_are_of_one_family(one: str, other: str) -> None:
    assert family_of(one) == family_of(other) is not None


@pytest.mark.parametrize("name", ["__lshift", "lshift__", "_lshift_"])
def test_underscores_at_one_end_do_not_make_an_operator_of_pythons(name: str) -> None:
    assert family_of(name) == "lshift"


@pytest.mark.parametrize(
    "name",
    [
        *("__add__", "add_out", "add_functional", "foreach_add", "_copy_foreach_add"),
        *("_foreach_foreach_add", "_foreach_add_foreach_mul", "_foreach__foreach_add"),
    ],
)
def test_some_names_are_of_any_family(name: str) -> None:
    assert family_of(name) is None


@pytest.mark.parametrize(
    ("base", "family"),
    [
        ("add", "add"),
        ("_foreach_add_", "add"),
        ("as_strided_scatter", "asstridedinverse"),
        ("viewcopy_copycopy", "view"),
        ("coscattery_copy", "coinversey"),
        ("co_copy_py", ""),
        ("foreach", None),
        ("for_each_add", None),
        ("mul_foreach", "mulforeach"),
        ("_foreach_mul_foreach", None),
        ("add_out_", "addout"),
        ("out", "out"),
        ("add_functional_", "addfunctional"),
        ("__iadd__", None),
        ("__and", "and"),
        ("", ""),
    ],
)
def test_the_family_of_a_name(base: str, family: str | None) -> None:
    assert family_of(base) == family


@pytest.mark.parametrize(
    ("text", "word"),
    [("add", "add"), ("add.Tensor(", "add"), ("add_ x", "add_"), (" add", ""), ("(", ""), ("", "")],
)
def test_the_word_that_a_text_begins_with(text: str, word: str) -> None:
    assert first_word(text) == word
