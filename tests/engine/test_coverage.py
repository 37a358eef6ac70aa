"""What autograd can do with functions, counted by namespace and tag."""

from __future__ import annotations

from pathlib import Path

import pytest

from derivload.engine.coverage import CoverageGroup, coverage_of, support_of
from derivload.engine.operators import Operator, join_operators
from derivload.loading.paths import find_files
from derivload.loading.request import Request
from derivload.loading.run import load_inputs
from support.paths import DERIVATIVES, NATIVES
from support.project import Project

ADDED = """\
- func: forged(Tensor self) -> Tensor
  python_module: smithy
  dispatch:
    CPU: forged
- func: anvil::struck(Tensor self) -> Tensor
"""


@pytest.fixture
def operators(tmp_path: Path) -> list[Operator]:
    project = Project(tmp_path)
    project.append(NATIVES, ADDED)
    project.append(DERIVATIVES, "- name: forged(Tensor self) -> Tensor\n  self: grad\n")
    files = find_files(str(project.derivatives), [str(project.natives)])
    return join_operators(load_inputs(Request(files, with_facts=True)).lines)


def test_what_autograd_can_do(operators: list[Operator]) -> None:
    found = {operator.name: support_of(operator) for operator in operators}
    assert found["gild"] == "both"
    assert found["gild.out"] is None
    assert found["forged"] == "backward"
    assert found["anvil::struck"] == "composite"


def test_groups_count_functions_but_out_variants(operators: list[Operator]) -> None:
    groups = {(group.of, group.name): group for group in coverage_of(operators)}
    counted = groups["all", ""]
    total = counted.both + counted.backward + counted.composite + counted.none
    assert total == sum(operator.record.kind != "out" for operator in operators)
    assert groups["namespace", "torch.smithy"] == CoverageGroup(
        "namespace", "torch.smithy", 0, 1, 0, 0
    )
    assert groups["namespace", "anvil"].composite == 1
    tagged = [o for o in operators if "pointwise" in o.record.tags and o.record.kind != "out"]
    pointwise = groups["tag", "pointwise"]
    assert pointwise.both + pointwise.backward + pointwise.composite + pointwise.none == len(tagged)
