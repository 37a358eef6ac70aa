"""What the tests of show share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from derivload.cli import main
from support.paths import DERIVATIVES, NATIVES
from support.project import copy_catalogue

WAVE = """\
- func: wave(Tensor self, Tensor other) -> Tensor
  dispatch:
    CPU: wave
"""


WAVE_DERIVATIVES = """\
- name: wave(Tensor self, Tensor other) -> Tensor
  self: grad * other
"""


class Shown(NamedTuple):
    status: int
    out: str
    err: str

    def section(self, label: str, nth: int = 0) -> str:
        """The nth section that begins with this label."""
        sections = [s for s in self.out.split("\n\n") if s.startswith(f"  {label}")]
        return sections[nth]

    def squeezed(self) -> list[str]:
        """The lines, with one space for any number of them."""
        return [" ".join(line.split()) for line in self.out.splitlines()]


class Show:
    """Runs `derivload show`, in a folder where `write` puts the files that it reads."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._capsys = capsys
        self._folder = folder
        self._inputs = ["--catalogue"]
        self.on_terminal = False

    def write(self, natives: str, derivatives: str = "[]\n", tags: str = "[]\n") -> Show:
        for name, text in (("d.yaml", derivatives), ("n.yaml", natives), ("tags.yaml", tags)):
            (self._folder / name).write_text(text, "utf-8")
        self._inputs = ["--derivatives", "d.yaml", "--native-functions", "n.yaml"]
        return self

    def copy_the_catalogue(self) -> None:
        """Have it read from this folder, so that all paths are short."""
        copy_catalogue(self._folder)
        self._inputs = ["--derivatives", DERIVATIVES, "--native-functions", NATIVES]

    def __call__(self, operator: str) -> Shown:
        self._capsys.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys.stdout, "isatty", lambda: self.on_terminal)
            status = main(["show", *self._inputs, operator])
        return Shown(status, *self._capsys.readouterr())


@pytest.fixture
def show(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Show:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Show(capsys, tmp_path)
