"""Neovim and its own client: it shows a mistake, fixes it, completes, hovers and jumps."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.child import child_environment
from support.language_client import write_catalogue
from support.paths import DERIVATIVES, ROOT


def test_neovim(tmp_path: Path) -> None:
    neovim = shutil.which("nvim")
    if neovim is None:
        pytest.skip("there is no neovim")
    write_catalogue(tmp_path)
    script = ROOT / "tests" / "support" / "neovim.lua"
    server = f"{sys.executable} -m derivload lsp --no-cache"
    subprocess.run(
        [neovim, "--headless", "-u", "NONE", "-n", DERIVATIVES, "-c", f"luafile {script}"],
        cwd=tmp_path,
        env=child_environment(DERIVLOAD_LSP=server, XDG_STATE_HOME=str(tmp_path / "state")),
        check=True,
        timeout=300,
        capture_output=True,
    )
    told = (tmp_path / "told.txt").read_text("utf-8").splitlines()
    assert told == [
        "DL602 lustre",
        "  self: grad * lustre  # derivload: ignore[DL602]",
        "luster",
        "argument `luster`: `float`, in C++ `double` | saved as `luster`: `luster`, `double`",
        "- func: gild(Tensor self, float luster=0.5) -> Tensor",
    ]
