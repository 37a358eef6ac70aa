"""Trees of PyTorch that tests edit, with a few operators or all of a release's."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from support.codegen_edits import PyTorch
from support.few_operators import make_small

Release = Callable[[str], Path]

TESTS: Final = Path(__file__).parents[1]
DUMP: Final = TESTS / "reference" / "dump_torchgen.py"
PACKAGE: Final = TESTS.parent / "src"


class Tree(NamedTuple):
    """A PyTorch that may be edited, with the outputs and the cache of its own."""

    root: Path
    out: Path
    cache: Path
    package: Path = PACKAGE

    @property
    def pytorch(self) -> PyTorch:
        return PyTorch(self.root)

    def run(self, command: str, *options: object) -> subprocess.CompletedProcess[str]:
        arguments = [command, "--pytorch", self.root, "--cache-dir", self.cache, *options]
        return subprocess.run(
            [sys.executable, "-m", "derivload", *map(str, arguments)],
            capture_output=True,
            encoding="utf-8",
            check=False,
            env={"PYTHONPATH": str(self.package), "PATH": "/usr/bin:/bin"},
        )

    def emit(self, *options: object) -> dict[str, Any]:
        """Write the documents: the stats."""
        done = self.run("emit", "--out-dir", self.out, "--stats=json", *options)
        assert done.returncode == 0, done.stderr
        stats: dict[str, Any] = json.loads(done.stdout)
        return stats

    def judged(self, *overlays: Path) -> Path:
        """The documents that the torchgen of this tree makes."""
        folder = self.out.parent / "judged"
        natives = [self.pytorch.natives, *overlays]
        command = [
            *(sys.executable, "-X", "utf8", str(DUMP), str(self.root)),
            *("--derivatives", str(self.pytorch.derivatives), "--native-functions"),
            *(*map(str, natives), "--tags", str(self.pytorch.natives.with_name("tags.yaml"))),
            *("--out-dir", str(folder)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return folder

    def edit(self, name: str, old: str, new: str) -> None:
        """Edit a file of the tree, below torchgen."""
        path = self.root / "torchgen" / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    def append(self, name: str, text: str) -> None:
        path = self.root / "torchgen" / name
        path.write_text(path.read_text("utf-8") + text, "utf-8")


@pytest.fixture(scope="session")
def small_tree(release: Release, newest: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_small(release(newest), tmp_path_factory.mktemp("small") / "pytorch").root


@pytest.fixture
def small(small_tree: Path, tmp_path: Path) -> Tree:
    """A tree with a few operators."""
    shutil.copytree(small_tree, tmp_path / "pytorch", symlinks=True)
    return Tree(tmp_path / "pytorch", tmp_path / "out", tmp_path / "cache")
