"""`derivload codegen` against the generators of PyTorch's releases, file by file, byte by byte."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from codegen_edits import EDITS, PyTorch

pytestmark = pytest.mark.release

Release = Callable[[str], Path]
REFERENCE = Path(__file__).parent / "reference" / "run_generators.py"
STAMP = ".derivload-stamp"
SHORT = 8  # edits in a plain run


class Project:
    """A copy of a release, what derivload made of it, and what upstream makes of it."""

    def __init__(self, release: Path, folder: Path) -> None:
        self.pytorch = PyTorch(folder / "pytorch")
        self.out = folder / "out"
        self.folder = folder
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(release / "torchgen", self.pytorch.root / "torchgen", ignore=ignored)
        shutil.copy(release / "version.txt", self.pytorch.root)

    def run(self, *options: str, status: int = 0) -> dict[str, object]:
        """Run derivload; its stats."""
        done = self.run_as_it_is(*options)
        assert done.returncode == status, done.stderr
        return dict(json.loads(done.stdout)) if status == 0 else {"stderr": done.stderr}

    def run_as_it_is(self, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *(sys.executable, "-m", "derivload", "codegen", "--stats=json"),
                *("--pytorch", str(self.pytorch.root), "--out-dir", str(self.out)),
                *("--cache-dir", str(self.folder / "cache")),
                *options,
            ],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    def upstream(self, *options: str) -> dict[str, bytes]:
        """What upstream's own run writes."""
        out = self.folder / "upstream"
        shutil.rmtree(out, ignore_errors=True)
        command = [sys.executable, str(REFERENCE), str(self.pytorch.root), str(out), *options]
        subprocess.run(command, check=True)
        return contents(out)

    def assert_same(self, *options: str) -> None:
        """All files are upstream's, none is missing, and none is there besides."""
        assert_same(contents(self.out), self.upstream(*options))


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != STAMP)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def assert_same(made: dict[str, bytes], expected: dict[str, bytes]) -> None:
    assert sorted(made) == sorted(expected)
    assert [name for name in made if made[name] != expected[name]] == []


def times(folder: Path) -> dict[str, int]:
    return {name: (folder / name).stat().st_mtime_ns for name in contents(folder)}


@pytest.fixture
def project(release: Release, newest: str, tmp_path: Path) -> Project:
    return Project(release(newest), tmp_path)


def test_codegen_writes_what_upstream_writes(
    each_release: str, release: Release, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    project = Project(release(each_release), tmp_path)
    assert project.run()["exit"] == "cold"
    project.assert_same()
    assert project.run()["exit"] == "up-to-date"
    seed = int(os.environ.get("DERIVLOAD_TEST_SEED", "1"))
    edits = EDITS if request.config.getoption("--long") else EDITS[:SHORT]
    random_ = random.Random(f"{each_release} {seed}")
    print(f"{each_release}: seed {seed}")
    for number, edit in enumerate(edits):
        what = edit(project.pytorch, random_)
        print(f"{each_release} edit {number}: {what}", flush=True)
        before, times_before = contents(project.out), times(project.out)
        stats = project.run()
        made, times_made = contents(project.out), times(project.out)
        print(f"  {stats['exit']}: {stats['counts']}", flush=True)
        assert_same(made, project.upstream())
        assert [
            n for n in made if made[n] == before.get(n) and times_made[n] != times_before[n]
        ] == []
    assert project.run()["exit"] == "up-to-date"
