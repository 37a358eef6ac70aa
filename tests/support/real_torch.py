"""A real torch, which only `--long` tests have: it is made once, beside the releases."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

# The newest that there is a wheel of.
REAL = "2.13.0"
# What an import of torch needs, without the libraries of a graphics card.
_NEEDED = ["filelock", "fsspec", "jinja2", "networkx", "sympy", "typing_extensions"]


def real_torch(release_cache: Path) -> Path:
    """The Python of an environment with that torch."""
    folder = release_cache / f"torch-{REAL}"
    scripts = "Scripts" if os.name == "nt" else "bin"
    python = folder / scripts / "python"
    if not (folder / "made").exists():
        venv.create(folder, with_pip=True, clear=True)
        for wanted in (["--no-deps", f"torch=={REAL}"], _NEEDED):
            subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)
        (folder / "made").touch()
    return python
