"""Runs of derivload that tell by which way it ended."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from support.child import child_environment
from support.paths import SOURCE
from support.project import Project, call

_RUN = """
import json, sys
from derivload.cli import main
status = main(sys.argv[1:])
print(json.dumps([status, sorted(sys.modules)]))
"""


class Exit(NamedTuple):
    """How a run ended: `exit` is the one that `--stats=json` names, or empty."""

    status: int
    exit: str
    err: str
    imported: frozenset[str] | None = None

    @property
    def modules(self) -> frozenset[str]:
        """What was imported for a run that was alone in its process."""
        assert self.imported is not None
        return self.imported


class Exits(Project):
    """A project that is emitted again and again, by a derivload whose source may be another."""

    def __init__(self, folder: Path, source: Path = SOURCE) -> None:
        super().__init__(folder)
        self.source = source

    def ended_emit(self, *more: str, stats: bool = True, alone: bool = False) -> Exit:
        own = ["--out-dir", str(self.out), "--cache-dir", str(self.cache), *more]
        words = ["emit", *self.options, *own, *(["--stats=json"] if stats else [])]
        return self.ended(*words, alone=alone)

    def ended(self, *arguments: str, alone: bool = False) -> Exit:
        """Run derivload in this process, or `alone` in one of its own, as another source is."""
        if alone or self.source != SOURCE:
            return self._ended_alone(arguments)
        ran = call(arguments)
        return Exit(ran.status, _exit_in(ran.out.splitlines()), ran.err)

    def _ended_alone(self, arguments: Sequence[str]) -> Exit:
        done = subprocess.run(
            [sys.executable, "-c", _RUN, *arguments],
            env=child_environment(self.source),
            capture_output=True,
            text=True,
            check=True,
        )
        *printed, last = done.stdout.splitlines()
        status, modules = json.loads(last)
        return Exit(status, _exit_in(printed), done.stderr, frozenset(modules))

    def cold(self) -> dict[str, bytes]:
        """What a run that knows nothing of any before writes."""
        out = self.folder / "cold"
        shutil.rmtree(out, ignore_errors=True)
        ran = self.ended("emit", *self.options, "--no-cache", "--out-dir", str(out))
        assert ran.status == 0
        return {path.name: path.read_bytes() for path in out.glob("*.json")}


def _exit_in(printed: Sequence[str]) -> str:
    return str(json.loads(printed[0])["exit"]) if printed else ""
