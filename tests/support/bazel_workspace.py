"""A Bazel workspace in a test: the real Bazel, offline, with a Python that has derivload.

What ran is read from Bazel's execution log, which has each process that it started or whose
results it found in a remote cache.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from support.paths import PACKAGE, ROOT

SANDBOXED = "--spawn_strategy=sandboxed"

# Bazel 4 wants these two from the network; the example has what it uses of them.
OFFLINE_OPTIONS = [
    f"--override_repository={name}={ROOT / 'examples' / 'bazel' / 'offline' / name}"
    for name in ("rules_cc", "rules_java")
]


class Built(NamedTuple):
    """What a build did: its status, what it said, and the processes in its execution log."""

    status: int
    output: str
    spawned: list[tuple[str, str]]

    @property
    def ran(self) -> Counter[str]:
        """How many processes there were of each mnemonic."""
        return Counter(mnemonic for mnemonic, _ in self.spawned)

    @property
    def runners(self) -> set[str]:
        return {runner for _, runner in self.spawned}

    def __str__(self) -> str:
        return f"{self.status} {self.spawned}\n{self.output}"


class Workspace:
    """A workspace, a Python that has derivload, and a Bazel for both.

    The derivload is a copy, laid out like an installed wheel, in `package`.
    """

    def __init__(
        self,
        workspace: Path,
        folder: Path,
        bazel: Path,
        environment: Mapping[str, str] | None = None,
        source: Path = PACKAGE,
    ) -> None:
        """`folder` is for all but the workspace, `bazel` for what Bazel itself keeps."""
        self.workspace = workspace
        self.package = folder / "package" / "derivload"
        self.log = folder / "log.json"
        self.environment = {**os.environ, **(environment or {})}
        ignored = shutil.ignore_patterns("__pycache__", "bazel-*")
        shutil.copytree(source, self.package, ignore=ignored)
        shutil.copytree(ROOT / "bazel", self.package / "bazel", dirs_exist_ok=True)
        self.python = environment_with(folder / "venv", self.package.parent)
        self.start_options = [
            *("--nohome_rc", f"--output_user_root={bazel}"),
            *("--host_jvm_args=-Xmx768m", "--max_idle_secs=120"),
            # A server that lives for a minute spends half of its time on compiling itself.
            *("--host_jvm_args=-XX:TieredStopAtLevel=1", "--host_jvm_args=-XX:+UseSerialGC"),
        ]
        self.options = [*OFFLINE_OPTIONS, f"--repo_env=DERIVLOAD_PYTHON={self.python}"]

    def build(self, *arguments: str) -> Built:
        self.log.unlink(missing_ok=True)
        done = self.run(
            "build",
            *self.options,
            *("--nosandbox_debug", "--color=no", "--curses=no", "--noshow_progress"),
            *(f"--execution_log_json_file={self.log}", "--worker_verbose", *arguments),
        )
        return Built(done.returncode, done.stdout, _spawned(self.log))

    def run(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bazel", *self.start_options, command, *arguments],
            cwd=self.workspace,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def shut_down(self) -> None:
        self.run("shutdown")


def environment_with(folder: Path, package_folder: Path) -> Path:
    """The Python of a new environment: with a package, and with what this one can import."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    others = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (installed,) = folder.glob("lib/python*/site-packages")
    lines = [str(package_folder), *others]
    (installed / "test.pth").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return folder / "bin" / "python3"


def _spawned(log: Path) -> list[tuple[str, str]]:
    """The mnemonic and the runner of each process in an execution log."""
    if not log.exists():
        return []
    text = log.read_text("utf-8")
    decoder = json.JSONDecoder()
    spawned = []
    position = 0
    while position < len(text):
        entry, position = decoder.raw_decode(text, position)
        spawned.append((entry["mnemonic"], entry["runner"]))
    return spawned


def remove_tree(folder: Path) -> None:
    """Remove a tree that has read-only folders, as Bazel's outputs are."""
    for parent, names, _ in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if not path.is_symlink():
                path.chmod(stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)
