"""What the generators of a release refuse is told with its place, not by a traceback."""

from __future__ import annotations

import pytest

from support.codegen_files import done, generated, project, small_release
from support.codegen_project import ABS, CodegenProject, contents

__all__ = ["done", "generated", "project", "small_release"]  # fixtures

pytestmark = pytest.mark.release

WRONG = f"{ABS[0]}  output_differentiability: [True, False]\n"
TOLD = "error[DL803]: `output_differentiability` is for 2 outputs, but `abs` has 1"


def test_what_the_generators_refuse_is_told_with_its_place(done: CodegenProject) -> None:
    before = contents(done.out)
    done.replace(done.pytorch.derivatives, ABS[0], WRONG)
    failed = done.try_run()
    assert failed.returncode == 1
    assert TOLD in failed.stderr
    assert f"{done.pytorch.derivatives}:" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert failed.stderr.endswith("derivload: 1 error; nothing was written\n")
    assert contents(done.out) == before
    done.replace(done.pytorch.derivatives, WRONG, ABS[0])
    done.run()


def test_what_a_subset_does_not_refuse_is_generated(done: CodegenProject) -> None:
    done.replace(done.pytorch.derivatives, ABS[0], WRONG)
    assert done.try_run("--subset=python").returncode == 0


def test_edited_generators_tell_it_themselves(done: CodegenProject) -> None:
    source = done.pytorch.autograd / "gen_trace_type.py"
    done.replace(source, "def gen_trace_type_func(", "# edited\n\n\ndef gen_trace_type_func(")
    done.replace(done.pytorch.derivatives, ABS[0], WRONG)
    failed = done.try_run()
    assert failed.returncode == 1
    assert "Traceback" in failed.stderr
    assert "DL803" not in failed.stderr
