"""What the tests of watch share."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import forks
from support.child import child_environment
from support.derivwatch import PATIENCE, Inputs, Watch, watching


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return Inputs(tmp_path / "inputs")


@pytest.fixture
def watch(inputs: Inputs, tmp_path: Path) -> Iterator[Watch]:
    yield from watching(inputs, tmp_path / "out")


def run(
    inputs: Inputs, out: Path, *more: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return forks.run(
        ["watch", *inputs.options, "--out-dir", str(out), *more],
        env=child_environment(**(environment or {})),
        text=True,
        timeout=PATIENCE,
    )
