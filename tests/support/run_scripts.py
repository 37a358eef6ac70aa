"""What the tests of run share."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from support.script_runs import Runner

Write = Callable[[str], Runner]


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    (tmp_path / "work").mkdir()
    return Runner(tmp_path / "work", tmp_path / "cache")


@pytest.fixture
def script(runner: Runner) -> Write:
    """Write `script.py`, and a file `in.txt` that it may read."""

    def write(text: str) -> Runner:
        (runner.folder / "script.py").write_text(textwrap.dedent(text), "utf-8")
        (runner.folder / "in.txt").write_text("one\n", "utf-8")
        return runner

    return write


COPY = """
    from pathlib import Path
    Path("out.txt").write_text(Path("in.txt").read_text())
"""


def _write(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
