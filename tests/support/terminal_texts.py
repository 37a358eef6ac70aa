"""What the tests of terminal share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from support.child import child_environment
from support.project import Project, Ran
from support.terminal_runs import (
    assert_fit,
    run_on_terminal,
)

FORMATS = ["text", "json", "github", "sarif"]


class TerminalProject(Project):
    """Inputs to be made hostile, and runs whose output is fit all the same."""

    def fit(self, *arguments: str, annotations: bool = False) -> Ran:
        """Run derivload, whose output is fit."""
        ran = self.call(*arguments)
        assert_fit(ran.out, annotations=annotations)
        assert_fit(ran.err)
        assert ran.status in (0, 1, 2), ran
        return ran

    def fit_on_terminal(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "derivload", *arguments]
        _, shown = run_on_terminal(command, child_environment(), self.folder)
        assert_fit(shown, coloured=True)
        return shown


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TerminalProject:
    monkeypatch.chdir(tmp_path)
    return TerminalProject(Path())
