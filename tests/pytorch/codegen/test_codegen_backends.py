"""The generators run with what a backend adds, as on a tree that has it in its own files."""

from __future__ import annotations

import pytest

from support.backends import DERIVATIVE, Backend
from support.codegen_files import done, generated, project, small_release
from support.codegen_project import CodegenProject

__all__ = ["done", "generated", "project", "small_release"]  # fixtures


pytestmark = pytest.mark.release


def test_what_a_backend_adds_is_generated(project: CodegenProject) -> None:
    backend = Backend(project.pytorch, project.folder)
    assert project.run(*backend.options)["exit"] == "cold"
    formula = DERIVATIVE.replace("self: grad * n", "self: 2 * grad * n")
    backend.derivatives.write_text(formula, "utf-8")
    stats = project.run(*backend.options)
    assert stats["exit"] == "incremental"
    replaced = stats["replaced"]
    assert isinstance(replaced, list)
    assert [line.partition(":")[0] for line in replaced] == [
        "hypot",
        "hypot",
        "hypot.out",
        "hypot_",
    ]
    assert project.run(*backend.options)["exit"] == "up-to-date"
    backend.tell_pytorch()
    project.assert_same()


@pytest.mark.thorough
def test_upstreams_own_way_has_it_too(project: CodegenProject) -> None:
    """Its generators are edited, so everything is generated in both ways, and compared."""
    backend = Backend(project.pytorch, project.folder)
    trace = project.pytorch.autograd / "gen_trace_type.py"
    project.replace(trace, "num_shards=10", "num_shards=4")
    stats = project.run(*backend.options)
    assert stats["exit"] == "cold"
    backend.tell_pytorch()
    project.assert_same()


def test_what_another_backend_made_is_not_taken(project: CodegenProject) -> None:
    backend = Backend(project.pytorch, project.folder)
    project.run(*backend.options)
    without = [part for part in backend.options if part not in ("--override",)]
    failed = project.try_run(*without)
    assert failed.returncode == 1
    assert "DL304" in failed.stderr
    assert "--override" in failed.stderr
    assert project.run(*backend.options)["exit"] in ("stored", "up-to-date")
