"""Edits to the torchgen of a whole release."""

from __future__ import annotations

import random

import pytest

from support import codegen_edits
from support.own_code import FOLLOWED, UNKNOWN, AssertSame, whole
from support.own_trees import Tree

__all__ = ["whole"]  # a fixture


@pytest.mark.thorough
@pytest.mark.parametrize("edit", [*FOLLOWED, *UNKNOWN])
def test_edits_to_the_newest_release(
    whole: Tree, edit: str, assert_same: AssertSame, longer: bool
) -> None:
    """Most of what comes of the second load is what the first one made."""
    {**FOLLOWED, **UNKNOWN}[edit](whole)
    assert whole.emit(*(["--no-tree-code"] if edit in FOLLOWED else []))["exit"] == "cold"
    if longer:
        assert_same(whole.out, whole.judged())
    codegen_edits.change_formula(whole.pytorch, random.Random(2))
    assert whole.emit()["exit"] == "incremental"
    assert_same(whole.out, whole.judged())
