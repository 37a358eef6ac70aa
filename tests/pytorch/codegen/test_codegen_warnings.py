"""`derivload codegen` shows each warning once for each change, whichever exit it takes."""

from __future__ import annotations

import pytest

from support.codegen_files import done, generated, project, small_release
from support.codegen_project import ABS, OWN, CodegenProject

__all__ = ["done", "generated", "project", "small_release"]  # fixtures

pytestmark = pytest.mark.release

WARNED = "warning[DL602]: `slef` is not an argument, output or gradient of `abs`"
MISSPELT = "  self: slef * self.sgn()\n"


def told(project: CodegenProject, *options: str) -> tuple[str, bool]:
    """The exit of a run, and whether it showed the warning."""
    ran = project.try_run("--stats", *options)
    assert ran.returncode == 0, ran.stderr
    (line,) = [line for line in ran.stderr.splitlines() if line.startswith("derivload: exit ")]
    return line.split()[-1], WARNED in ran.stderr


def test_a_warning_is_shown_once_for_each_change(project: CodegenProject) -> None:
    assert not told(project)[1]
    derivatives = project.pytorch.derivatives
    project.replace(derivatives, ABS[0], MISSPELT)
    assert told(project) == ("incremental", True)
    assert told(project) == ("up-to-date", False)
    # Another subset, into the same folder.
    assert not told(project, "--subset=python")[1]
    # Nothing is known of what was shown there.
    for stamp in project.out.glob(f"{OWN[0]}*"):
        stamp.unlink()
    assert told(project) == ("stored", True)
    project.replace(derivatives, MISSPELT, MISSPELT.rstrip() + "  # derivload: ignore[DL602]\n")
    assert not told(project)[1]


def test_what_is_ignored_is_not_shown(project: CodegenProject) -> None:
    project.replace(project.pytorch.derivatives, ABS[0], MISSPELT)
    assert not told(project, "--ignore=DL602")[1]
    assert told(project)[1]
