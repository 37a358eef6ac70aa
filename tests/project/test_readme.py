"""The README's example: each command in it gives the output that stands below it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.paths import ROOT

_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
_NETWORK = ("pip install", "derivload fetch", "--pytorch")


def _steps(block: str) -> list[tuple[str, str]]:
    """The commands of a block, each with the output shown below it."""
    steps = []
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        steps.append((command, output))
    return steps


BLOCKS = [
    block
    for block in _BLOCK.findall((ROOT / "README.md").read_text("utf-8"))
    if not any(word in block for word in _NETWORK)
]


def test_readme_has_examples_to_run() -> None:
    assert len(BLOCKS) >= 2


@pytest.mark.parametrize("block", BLOCKS)
def test_readme_shows_what_its_commands_print(block: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src/derivload/catalog", tmp_path / "src/derivload/catalog")
    script = tmp_path / "bin" / "derivload"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m derivload "$@"\n', "utf-8")
    script.chmod(0o755)
    environment = {**os.environ, "PATH": f"{script.parent}:{os.environ['PATH']}"}
    for command, shown in _steps(block):
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.stdout == shown
