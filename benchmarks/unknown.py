"""A torchgen whose rules derivload does not know: that of a release, with one rule changed."""

from __future__ import annotations

import compileall
import shutil
from pathlib import Path

_LOADER = "torchgen/packaged/autograd/load_derivatives.py"
# What the names of backward nodes end in.
_RULE = 'return (camel_case + "Backward")'
_OTHER = 'return (camel_case + "Gradient")'


def make_unknown(release: Path, folder: Path) -> Path:
    """A copy of a release with another rule in its torchgen, compiled."""
    shutil.copytree(release, folder)
    loader = folder / _LOADER
    text = loader.read_text("utf-8")
    if text.count(_RULE) != 1:
        raise SystemExit(f"{loader} has no such rule")
    loader.write_text(text.replace(_RULE, _OTHER), "utf-8")
    compileall.compile_dir(folder / "torchgen", quiet=2)
    return folder
