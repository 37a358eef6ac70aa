"""What the tests of terminal share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support.child import child_environment
from support.paths import CATALOGUE
from support.terminal_runs import (
    DERIVATIVES,
    NATIVES,
    TAGS,
    Ran,
    assert_fit,
    run,
    run_on_terminal,
)

FORMATS = ["text", "json", "github", "sarif"]


class Project:
    """Inputs of the catalogue in a folder, to be made hostile."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        folder.mkdir(parents=True, exist_ok=True)
        self.names = {name: name for name in (DERIVATIVES, NATIVES, TAGS)}
        for name in self.names:
            shutil.copy(CATALOGUE / name, folder)

    @property
    def inputs(self) -> list[str]:
        options = ("--derivatives", "--native-functions", "--tags")
        return [
            word
            for option, name in zip(options, self.names.values(), strict=True)
            for word in (option, name)
        ]

    def rename(self, name: str, other: str) -> None:
        (self.folder / self.names[name]).rename(self.folder / other)
        self.names[name] = other

    def append(self, name: str, text: str) -> None:
        with (self.folder / self.names[name]).open("a", encoding="utf-8") as file:
            file.write(text)

    def run(self, *arguments: str, stdin: bytes = b"") -> Ran:
        return run(arguments, self.environment, self.folder, stdin=stdin)

    def fit(self, *arguments: str, annotations: bool = False, stdin: bytes = b"") -> Ran:
        """Run derivload, whose output is fit."""
        ran = self.run(*arguments, stdin=stdin)
        assert_fit(ran.out, annotations=annotations)
        assert_fit(ran.err)
        assert ran.status in (0, 1, 2), ran
        return ran

    def fit_on_terminal(self, *arguments: str) -> str:
        _, shown = run_on_terminal(arguments, self.environment, self.folder)
        assert_fit(shown, coloured=True)
        return shown


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project", child_environment())
