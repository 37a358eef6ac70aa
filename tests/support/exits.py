"""Runs of derivload in processes of their own, which tell by which way it ended."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from support.child import child_environment
from support.paths import SOURCE
from support.project import Project

_RUN = """
import json, sys
from derivload.cli import main
status = main(sys.argv[1:])
print(json.dumps([status, sorted(sys.modules)]))
"""


class Exit(NamedTuple):
    """The exit that `--stats=json` names, or none, and the modules that were imported for it."""

    status: int
    exit: str
    modules: set[str]
    err: str


class Exits(Project):
    """A project that is emitted again and again, by a derivload whose source may be another."""

    def __init__(self, folder: Path, source: Path = SOURCE) -> None:
        super().__init__(folder)
        self.source = source

    def ended_emit(self, *more: str, stats: bool = True) -> Exit:
        own = ["--out-dir", str(self.out), "--cache-dir", str(self.cache), *more]
        return self.ended("emit", *self.options, *own, *(["--stats=json"] if stats else []))

    def ended(self, *arguments: str) -> Exit:
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
        return Exit(status, exit_, set(modules), done.stderr)

    def cold(self) -> dict[str, bytes]:
        """What a run that knows nothing of any before writes."""
        out = self.folder / "cold"
        shutil.rmtree(out, ignore_errors=True)
        ran = self.ended("emit", *self.options, "--no-cache", "--out-dir", str(out))
        assert ran.status == 0
        return {path.name: path.read_bytes() for path in out.glob("*.json")}
