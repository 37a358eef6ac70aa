"""Runs of `derivload run`, and of the plain command beside it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from support.child import child_environment
from support.fitting import read_fitting


class Ran(NamedTuple):
    """How a command ended: `exit` is "up-to-date", "stored", "ran", or "" for a failure."""

    status: int
    stdout: str
    stderr: str
    exit: str


class Runner:
    """Runs commands in a folder, with a state of their own."""

    def __init__(
        self, folder: Path, state: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.state = state
        self.environment = child_environment(**(environment or {}))

    def run(self, *arguments: str, own: Sequence[str] = ()) -> Ran:
        """Run with derivload inside."""
        command = [sys.executable, "-m", "derivload", "run", "--stats=json"]
        done = self._run([*command, "--cache-dir", str(self.state), *own, *arguments])
        *printed, last = done.stdout.splitlines(keepends=True) or [""]
        if done.returncode != 0 or not last.startswith('{"exit"'):
            return Ran(done.returncode, done.stdout, done.stderr, "")
        return Ran(0, "".join(printed), done.stderr, read_fitting(last, "stats")["exit"])

    def plain(self, *arguments: str, folder: Path | None = None) -> Ran:
        """Run as Python does."""
        done = self._run([sys.executable, *arguments], folder)
        return Ran(done.returncode, done.stdout, done.stderr, "ran")

    def _run(
        self, command: Sequence[str], folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=folder or self.folder,
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder by name, without compiled modules."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def times(folder: Path) -> dict[str, int]:
    return {name: (folder / name).stat().st_mtime_ns for name in contents(folder)}


def changed(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    return sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))
