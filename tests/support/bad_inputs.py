"""What the tests of bad_input share."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from derivload.cli import main
from support.paths import CATALOGUE

DERIVATIVES, NATIVES, TAGS = "derivatives.yaml", "native_functions.yaml", "tags.yaml"


FILES = (DERIVATIVES, NATIVES, TAGS)


_OPTIONS = {DERIVATIVES: "--derivatives", NATIVES: "--native-functions", TAGS: "--tags"}


class Outcome(NamedTuple):
    """How a run ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def found(self) -> list[tuple[str, int, int, str]]:
        """File, line, column (0 where there is none) and code of each diagnostic."""
        pattern = re.compile(r"^(?:.*[/\\])?([\w.]+?)(?::(\d+):(\d+))?: error\[(DL\d+)\]: .", re.M)
        return [
            (file, int(line or 0), int(column or 0), code)
            for file, line, column, code in pattern.findall(self.err)
        ]


class Project:
    """A folder with the three files of the catalogue, and outputs made from them."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._capsys = capsys
        for name in FILES:
            shutil.copyfile(CATALOGUE / name, folder / name)
        assert self.emit().status == 0
        self._before = self._outputs()

    def __getitem__(self, name: str) -> Path:
        return self._folder / name

    def _outputs(self) -> dict[str, tuple[bytes, int, int]]:
        return {
            path.name: (path.read_bytes(), path.stat().st_ino, path.stat().st_mtime_ns)
            for path in sorted((self._folder / "out").glob("[!.]*"))
        }

    def emit(self) -> Outcome:
        inputs = [part for name in FILES for part in (_OPTIONS[name], str(self[name]))]
        status = main(["emit", *inputs, "--out-dir", str(self["out"])])
        return Outcome(status, *self._capsys.readouterr())

    def fails(self) -> list[tuple[str, int, int, str]]:
        """Run, see that it fails as it ought to, and give what it found."""
        outcome = self.emit()
        assert (outcome.status, outcome.out) == (1, "")
        assert self._outputs() == self._before
        assert "Traceback" not in outcome.err
        found = outcome.found
        assert found
        assert outcome.err.count("\n  help: ") >= len(found)
        errors = "1 error" if len(found) == 1 else f"{len(found)} errors"
        assert outcome.err.endswith(f"derivload: {errors}; nothing was written\n")
        return found

    def prepend(self, name: str, text: str) -> None:
        self[name].write_text(text + self[name].read_text("utf-8"), "utf-8")


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Project:
    return Project(tmp_path, capsys)
