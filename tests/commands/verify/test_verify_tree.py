"""`derivload verify --pytorch`: derivload's documents against the tree's own torchgen."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from derivload.cli import main
from support.paths import CATALOGUE
from support.project import replace_in
from support.releases import Release
from support.small_pytorch import SmallPyTorch

pytestmark = pytest.mark.release


@pytest.fixture
def small(release: Release, newest: str, tmp_path: Path) -> SmallPyTorch:
    return SmallPyTorch(release(newest), tmp_path / "pytorch")


def verify(small: SmallPyTorch, *more: str) -> int:
    return main(["verify", "--pytorch", str(small.root), *more])


def test_equal_documents_are_counted(
    small: SmallPyTorch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin = time.perf_counter()
    assert verify(small, "--keep", str(tmp_path / "both")) == 0
    took = time.perf_counter() - begin
    out, err = capsys.readouterr()
    counted, _, seconds = out.rpartition(" (")
    equal = "2 functions and 2 definitions equal those of the tree's own torchgen"
    assert counted == f"{small.derivatives}: {equal}"
    assert sum(map(float, re.findall(r"\d+\.\d+", seconds))) < took + 0.02  # each is rounded
    assert err == ""
    own, theirs = (
        {path.name: path.read_bytes() for path in (tmp_path / "both" / name).iterdir()}
        for name in ("derivload", "torchgen")
    )
    assert sorted(own) == ["differentiability.json", "functions.json", "manifest.json"]
    assert own == theirs


def test_a_tree_whose_rules_are_its_own_is_noted(
    small: SmallPyTorch, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loader = small.autograd / "load_derivatives.py"
    replace_in(loader, 'if formula.lower().strip() == "non_', 'if formula.lower() == "non_')
    monkeypatch.chdir(small.root)
    assert main(["verify"]) == 0
    note, told = capsys.readouterr().err.splitlines()
    assert note.startswith("derivload: note: the tree's own torchgen computed this: not as in 2.15")
    assert told.endswith(", of the PyTorch tree around this folder")


def test_overlays_are_compared_too(
    small: SmallPyTorch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("- func: mine(Tensor self) -> Tensor\n", "utf-8")
    before = _functions(small, capsys)
    assert _functions(small, capsys, "--native-functions", str(overlay)) == before + 1


def _functions(small: SmallPyTorch, capsys: pytest.CaptureFixture[str], *more: str) -> int:
    assert verify(small, *more) == 0
    return int(capsys.readouterr().out.rpartition(" functions and ")[0].rpartition(" ")[2])


# Python runs it at start: torchgen, in its own process, then reads another formula.
PATCH = """
import yaml
load = yaml.load

def patched(stream, Loader):
    return load(stream.read().replace("grad * self", "grad + self"), Loader=Loader)

yaml.load = patched
"""


def test_differences_are_told_by_operator_and_field(
    small: SmallPyTorch,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "sitecustomize.py").write_text(PATCH, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert verify(small) == 1
    out, err = capsys.readouterr()
    assert out == (
        "smelt: backward self: derivload has `grad * self`, torchgen has `grad + self`\n"
    )
    assert err == "derivload: derivload's documents are not those of the tree's own torchgen\n"


def test_what_the_torchgen_refuses_is_its_own_error(
    small: SmallPyTorch, capsys: pytest.CaptureFixture[str]
) -> None:
    gen = small.root / "torchgen" / "gen.py"
    gen.write_text(gen.read_text("utf-8") + "\nraise ImportError('no such thing')\n", "utf-8")
    assert verify(small) == 1
    assert "ImportError: no such thing" in capsys.readouterr().err


NO_TREE = "verify needs a torchgen to compare with: write --pytorch DIR"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ([], NO_TREE),
        (["--codegen"], NO_TREE),
    ],
)
def test_wrong_usage(options: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    named = ["--derivatives", str(CATALOGUE / "derivatives.yaml")]
    natives = ["--native-functions", str(CATALOGUE / "native_functions.yaml")]
    assert main(["verify", *named, *natives, *options]) == 2
    assert capsys.readouterr().err == f"derivload: error: {why}\n"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (
            ["--no-tree-code"],
            "--no-tree-code leaves nothing to compare with: verify runs the tree's code",
        ),
        (
            ["--torch-version", "2.14"],
            "verify follows the rules of the tree: leave out --torch-version",
        ),
    ],
)
def test_options_that_take_the_tree_away_are_refused(
    small: SmallPyTorch, options: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(small, *options) == 2
    assert capsys.readouterr().err == f"derivload: error: {why}\n"
