"""The warnings about a definition, each with what may still speak against it."""

from __future__ import annotations

import pytest

from derivload.derivatives.definition import Definition
from derivload.derivatives.info import Derived
from derivload.derivatives.lint import DefinitionLinter
from support.told import definitions, load_told

SCHEMA = "f(Tensor self, Tensor other) -> Tensor"


@pytest.fixture(scope="module")
def made() -> tuple[Definition, Derived]:
    """A definition with a warning of each kind, of a composite function."""
    formulas = "  self: g(grad, self.dtype(), qwertz)\n  result: self_t +\n"
    case = definitions(f"- func: {SCHEMA}\n", f"- name: {SCHEMA}\n{formulas}")
    (entry,) = load_told(case)[1].load.derived
    return entry.definition, entry.derived


def test_kernels_and_calls_may_speak_against_a_warning(made: tuple[Definition, Derived]) -> None:
    found = DefinitionLinter([made[0]]).check(*made)
    assert [(one.mistake.code, one.unless_called, one.is_of_kernels) for one in found] == [
        ("DL604", "", True),
        ("DL613", "", False),
        ("DL603", "", False),
        ("DL602", "qwertz", False),
        ("DL606", "", False),
    ]


def test_what_a_definition_lacks_is_not_told_of_a_part_of_it(
    made: tuple[Definition, Derived],
) -> None:
    found = DefinitionLinter([made[0]]).check(*made, is_whole=False)
    assert [one.mistake.code for one in found] == ["DL604", "DL613", "DL602"]


def test_only_texts_are_told_of_without_a_function(made: tuple[Definition, Derived]) -> None:
    found = DefinitionLinter([made[0]]).check(made[0], None)
    assert [one.mistake.code for one in found] == ["DL613"]
    assert list(DefinitionLinter([]).check(made[0], None)) == []
