"""What the tests of outputs share."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from derivload.cli import main
from support import forks
from support.child import child_environment
from support.paths import with_inputs
from support.project import Project
from support.releases import Release
from support.small_pytorch import SmallPyTorch

WHOLE = ["differentiability.json", "functions.json", "manifest.json"]


posix = pytest.mark.skipif(os.name == "nt", reason="links, modes and pipes as POSIX has them")


def emit(out: Path, *options: str) -> int:
    return main(["emit", "--out-dir", str(out), "--no-cache", *with_inputs(*options)])


def shards(count: int) -> list[str]:
    return sorted([*(f"differentiability_{i}.json" for i in range(count)), *WHOLE[1:]])


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Documents, and something of the user's beside the folder."""
    folder = tmp_path / "out"
    assert emit(folder) == 0
    (tmp_path / "mine").write_text("mine")
    return folder


@pytest.fixture
def edited(tmp_path: Path) -> list[str]:
    """Other inputs than the catalogue, which change each document."""
    project = Project(tmp_path / "edited")
    project.edit("self: grad * luster", "self: luster * grad")
    return project.options


@pytest.fixture
def pytorch(release: Release, newest: str, tmp_path: Path) -> SmallPyTorch:
    return SmallPyTorch(release(newest), tmp_path / "pytorch")


def run(command: str, pytorch: SmallPyTorch, out: Path, *options: str) -> str:
    """Run derivload with a cache; what it said."""
    named = ["--pytorch", str(pytorch.root), "--out-dir", str(out)]
    done = forks.run([command, *named, *options], env=child_environment(), text=True)
    assert done.returncode == 0, done.stderr
    return str(done.stderr)
