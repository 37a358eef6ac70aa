"""Copies of folders with Python modules, and of what Python has compiled of them.

Compiling derivload or torchgen again takes longer than most of what is tested with a copy.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

_COMPILED = "__pycache__"
# Seconds. derivload trusts a compiled file only if it is so much later than its source, and a copy
# is as late as it was made.
_CLEARLY = 0.03


def copy_modules(source: Path, target: Path, *ignored: str) -> None:
    """Copy a folder to a new place, but nothing of these names."""
    ignore = shutil.ignore_patterns(_COMPILED, *ignored)
    shutil.copytree(source, target, symlinks=True, ignore=ignore)
    time.sleep(_CLEARLY)
    for compiled in source.rglob(_COMPILED):
        folder = target / compiled.parent.relative_to(source)
        if folder.is_dir():
            shutil.copytree(compiled, folder / _COMPILED)
