"""PyTorch's releases, as the fixtures of conftest.py give them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

# From "X.Y.Z" to a folder with that release's `torchgen/` and `version.txt`.
Release = Callable[[str], Path]
