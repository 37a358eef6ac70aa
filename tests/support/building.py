"""derivload's own distributions, and environments that hold one, all made without a network."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from support.paths import ROOT


def build(kind: str, folder: Path, source: Path = ROOT) -> Path:
    """Build the "wheel" or the "sdist" of a checkout into an empty folder."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind, "-d", str(folder)]
    run(command, cwd=source)
    (built,) = folder.iterdir()
    return built


def environment_with(wheel: Path, folder: Path) -> Path:
    """Make an environment with a wheel in it, and give its Python.

    What derivload depends on comes from the environment that runs the tests.
    """
    run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)])
    packages = run([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
    # A line of a .pth file is a folder; the .pth files in that folder, such as that of an
    # editable derivload, are not read.
    Path(packages.strip(), "tests.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    return python


def run(command: list[str], cwd: Path | None = None, **more: str) -> str:
    """Run a command that must succeed, as from a new shell, and give its stdout.

    `more` are environment variables.
    """
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**_inherited(), **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _inherited() -> dict[str, str]:
    """The environment, but for what says where to import from, and what this test run set."""
    ours = ("PYTHONPATH", "VIRTUAL_ENV", "CI", "DERIVLOAD_CACHE_DIR")
    return {
        name: value
        for name, value in os.environ.items()
        if name not in ours and not name.startswith("PYTEST_")
    }
