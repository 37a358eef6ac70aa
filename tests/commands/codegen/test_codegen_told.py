"""What a long run shows on a terminal meanwhile."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from support.child import child_environment
from support.project import replace_in
from support.releases import Release
from support.small_pytorch import SmallPyTorch
from support.terminal_runs import OnTerminal, run_on_terminal, screen


@pytest.fixture
def pytorch(release: Release, newest: str, tmp_path: Path) -> SmallPyTorch:
    """A PyTorch whose torchgen is none that is known, in a loader's rule and in a generator."""
    made = SmallPyTorch(release(newest), tmp_path / "pytorch")
    loader = made.autograd / "load_derivatives.py"
    replace_in(loader, 'if formula.lower().strip() == "non_', 'if formula.lower() == "non_')
    generator = made.autograd / "gen_autograd.py"
    generator.write_text(generator.read_text("utf-8") + "\nMINE = 1\n", "utf-8")
    return made


def run(folder: Path, *arguments: str) -> tuple[str, list[str]]:
    """What is shown on a terminal, and what is left there in the end, without the notes."""
    command = [sys.executable, "-m", "derivload", *arguments]
    status, shown = run_on_terminal(command, child_environment(), folder, COLUMNS="200")
    assert status == 0, shown
    left = [line for line in screen(shown) if ": note: " not in line]
    return shown, left


def test_a_first_run_of_an_unknown_torchgen_says_what_it_does_meanwhile(
    pytorch: SmallPyTorch, tmp_path: Path
) -> None:
    named = ("--pytorch", str(pytorch.root), "--cache-dir", "cache", "--out-dir", "out")
    shown, left = run(tmp_path, "codegen", *named)
    assert "derivload: loading with the tree's own torchgen" in shown
    assert "derivload: comparing with what it makes of groups" in shown
    assert "derivload: generating in upstream's own way, to compare all files" in shown
    (line,) = left
    assert line.startswith("derivload: out: wrote ")
    shown, left = run(tmp_path, "codegen", *named)
    assert "\x1b[2K" not in shown
    assert left == ["derivload: out: up to date"]


@pytest.mark.thorough
def test_derivwatch_shows_it_at_its_start_and_never_at_a_save(
    pytorch: SmallPyTorch, tmp_path: Path
) -> None:
    named = ("--pytorch", str(pytorch.root), "--cache-dir", "cache", "--out-dir", "out")
    command = [sys.executable, "-m", "derivload", "watch", "--codegen", *named]
    watching = OnTerminal(command, child_environment(), tmp_path)
    watching.until(" functions")
    assert "derivload: loading with the tree's own torchgen" in watching.shown
    before = len(watching.shown)
    time.sleep(1.1)  # so long a run takes before anything is shown
    pytorch.edit_a_formula()
    watching.until("1 changed")
    watching.process.terminate()
    _, shown = watching.end()
    assert "generating" not in shown[before:]


def test_quiet_shows_nothing(pytorch: SmallPyTorch, tmp_path: Path) -> None:
    named = ("--pytorch", str(pytorch.root), "--cache-dir", "cache", "--out-dir", "out")
    shown, _ = run(tmp_path, "emit", *named, "--quiet")
    assert "loading" not in shown
