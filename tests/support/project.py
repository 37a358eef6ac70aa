"""A project with the catalogue for its inputs, and runs of derivload there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from support.child import child_environment
from support.paths import CATALOGUE, SOURCE

DERIVATIVES, NATIVES, TAGS = "derivatives.yaml", "native_functions.yaml", "tags.yaml"

_RUN = """
import json, sys
from derivload.cli import main
status = main(sys.argv[1:])
print(json.dumps([status, sorted(sys.modules)]))
"""


class Ran(NamedTuple):
    status: int
    exit: str
    modules: set[str]
    errors: str


class Project:
    """A copy of the catalogue, and a cache, in a folder of their own."""

    def __init__(self, folder: Path, source: Path = SOURCE) -> None:
        self.folder = folder
        self.source = source
        self.inputs = folder / "inputs"
        self.out = folder / "out"
        self.cache = folder / "cache"
        shutil.copytree(CATALOGUE, self.inputs)

    def emit(self, *more: str, stats: bool = True) -> Ran:
        arguments = [
            *("emit", "--derivatives", str(self.inputs / DERIVATIVES)),
            *("--native-functions", str(self.inputs / NATIVES)),
            *("--out-dir", str(self.out), "--cache-dir", str(self.cache), *more),
        ]
        return self.run(*arguments, *(["--stats=json"] if stats else []))

    def run(self, *arguments: str) -> Ran:
        done = subprocess.run(
            [sys.executable, "-c", _RUN, *arguments],
            env=child_environment(self.source),
            capture_output=True,
            text=True,
            check=True,
        )
        *printed, last = done.stdout.splitlines()
        status, modules = json.loads(last)
        exit_ = json.loads(printed[0])["exit"] if printed else ""
        return Ran(status, exit_, set(modules), done.stderr)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.inputs / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    def documents(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.out.glob("*.json")}

    def cold(self) -> dict[str, bytes]:
        """What a run that knows nothing of any before writes."""
        out = self.folder / "cold"
        shutil.rmtree(out, ignore_errors=True)
        ran = self.run(
            *("emit", "--derivatives", str(self.inputs / DERIVATIVES), "--no-cache"),
            *("--native-functions", str(self.inputs / NATIVES), "--out-dir", str(out)),
        )
        assert ran.status == 0
        return {path.name: path.read_bytes() for path in out.glob("*.json")}
