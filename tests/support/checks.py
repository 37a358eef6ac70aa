"""What the tests of check share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from derivload.cli import main

NAMES = ("derivatives.yaml", "native_functions.yaml", "tags.yaml")


INPUTS = [
    *("--derivatives", "derivatives.yaml"),
    *("--native-functions", "native_functions.yaml", "--tags", "tags.yaml"),
]


NATIVES = """\
- func: gild(Tensor self, Tensor leaf) -> Tensor
  dispatch:
    CPU: gild
"""


DERIVATIVES = """\
- name: gild(Tensor self, Tensor leaf) -> Tensor
  self: grad * leaf
  leaf: grad * self
"""


TAGS = "- tag: shiny\n  desc: It shines.\n"


WARNED = DERIVATIVES.replace("* self", "* slef")


MISTAKEN = DERIVATIVES.replace("grad * leaf", "grad * leaf.sizes()")


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


class Project:
    """The three files in the current folder, right unless told otherwise."""

    def __init__(self, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
        self._capsys = capsysbinary
        self.write(DERIVATIVES, NATIVES, TAGS)

    def write(self, *texts: str) -> None:
        for name, text in zip(NAMES, texts, strict=False):
            Path(name).write_text(text, "utf-8")

    def check(self, *options: str) -> Outcome:
        status = main(["check", *INPUTS, *options])
        out, err = self._capsys.readouterr()
        return Outcome(status, out.decode(), err.decode())

    def found(self) -> list[dict[str, Any]]:
        return [dict(d) for d in json.loads(self.check("--format", "json").out)["diagnostics"]]

    def places(self) -> list[tuple[str, str, int]]:
        return [(d["code"], d["file"], d["line"]) for d in self.found()]


@pytest.fixture
def project(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(capsysbinary)
