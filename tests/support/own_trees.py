"""A PyTorch whose torchgen may be edited, and derivload as if it did not know a release."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from derivload.cpp.dialect import DIALECTS
from support import forks
from support.child import child_environment
from support.copied import copy_modules
from support.fitting import read_fitting
from support.paths import REFERENCE, SOURCE
from support.project import call, replace_in
from support.pytorch_entries import PyTorch


class Tree(NamedTuple):
    """A PyTorch that may be edited, with the outputs and the cache of its own."""

    root: Path
    out: Path
    cache: Path
    package: Path = SOURCE

    @property
    def pytorch(self) -> PyTorch:
        return PyTorch(self.root)

    def run(self, command: str, *options: object) -> subprocess.CompletedProcess[str]:
        """In this process, which reads the rules of a source once for all tests, if it can be."""
        if self.package != SOURCE:
            return self.alone(command, *options)
        arguments = self._arguments(command, *options)
        return subprocess.CompletedProcess(arguments, *call(arguments))

    def alone(self, command: str, *options: object) -> subprocess.CompletedProcess[str]:
        """In a process of its own."""
        env = child_environment(self.package)
        return forks.run(self._arguments(command, *options), env=env, encoding="utf-8")

    def _arguments(self, command: str, *options: object) -> list[str]:
        given = [command, "--pytorch", self.root, "--cache-dir", self.cache, *options]
        return [*map(str, given)]

    def emit(self, *options: object) -> dict[str, Any]:
        """Write the documents: the stats."""
        done = self.run("emit", "--out-dir", self.out, "--stats=json", *options)
        assert done.returncode == 0, done.stderr
        stats: dict[str, Any] = read_fitting(done.stdout, "stats")
        return stats

    def judged(self, *overlays: Path) -> Path:
        """The documents that the torchgen of this tree makes."""
        folder = self.out.parent / "judged"
        natives = [self.pytorch.natives, *overlays]
        command = [
            *(sys.executable, "-X", "utf8", str(REFERENCE / "dump_torchgen.py"), str(self.root)),
            *("--derivatives", str(self.pytorch.derivatives), "--native-functions"),
            *(*map(str, natives), "--tags", str(self.pytorch.natives.with_name("tags.yaml"))),
            *("--out-dir", str(folder)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return folder

    def edit(self, name: str, old: str, new: str) -> None:
        """Edit a file of the tree, below torchgen."""
        replace_in(self.root / "torchgen" / name, old, new)

    def append(self, name: str, text: str) -> None:
        path = self.root / "torchgen" / name
        path.write_text(path.read_text("utf-8") + text, "utf-8")


def copied(root: Path, folder: Path) -> Tree:
    """A tree with all operators of a release."""
    copy_modules(root / "torchgen", folder / "pytorch" / "torchgen")
    shutil.copy(root / "version.txt", folder / "pytorch")
    return Tree(folder / "pytorch", folder / "out", folder / "cache")


def package_without(release: str, folder: Path) -> Path:
    """A copy of derivload that knows neither a release nor any newer one."""
    copy = folder / "package"
    copy_modules(SOURCE / "derivload", copy / "derivload")
    releases = [*DIALECTS]
    gone = releases[releases.index(release) :]
    with (copy / "derivload" / "cpp" / "dialect.py").open("a") as file:
        file.write(f"\nfor _gone in {gone}:\n    del DIALECTS[_gone]\n")
        file.write("NEWEST = [*DIALECTS.values()][-1]\n")
    known = copy / "derivload" / "tree" / "known.json"
    pieces = json.loads(known.read_bytes())
    left = {
        id_: {d: " ".join(r for r in of.split() if r not in gone) for d, of in digests.items()}
        for id_, digests in pieces.items()
    }
    known.write_text(json.dumps(left), "utf-8")
    for table in ("pytorch/codegen/known.py", "tree/sources.py"):
        file_of_table = copy / "derivload" / table
        lines = file_of_table.read_text("utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not any(f': "{r}",' in line for r in gone)]
        assert len(kept) == len(lines) - len(gone)
        file_of_table.write_text("".join(kept), "utf-8")
    return copy
