"""When `check` reports what PyTorch's generators refuse, and how that is kept."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from derivload.cli import main
from support.copied import copy_modules
from support.few_operators import make_small
from support.project import replace_in
from support.pytorch_entries import PyTorch
from support.releases import Release

pytestmark = pytest.mark.release

Check = Callable[..., tuple[int, str]]
FORWARD = "  result: handle_r_to_c(result.scalar_type(), self_t.conj() * self_p.sgn())\n"
WRONG = "  result: self_p.sgn()\n"


@pytest.fixture(scope="session")
def small(release: Release, newest: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_small(release(newest), tmp_path_factory.mktemp("rules") / "pytorch").root


@pytest.fixture
def tree(small: Path, tmp_path: Path) -> PyTorch:
    """A tree with a forward formula that its generators refuse."""
    copy_modules(small, tmp_path / "pytorch")
    made = PyTorch(tmp_path / "pytorch")
    replace_in(made.derivatives, FORWARD, WRONG)
    return made


@pytest.fixture
def check(tree: PyTorch, capsys: pytest.CaptureFixture[str]) -> Check:
    def run(*options: str) -> tuple[int, str]:
        status = main(["check", *(options or ("--pytorch", str(tree.root)))])
        return status, capsys.readouterr().out

    return run


def test_they_are_told_of_a_tree_of_a_release(tree: PyTorch, check: Check) -> None:
    status, out = check()
    assert status == 1
    assert out.startswith(f"{tree.derivatives}:")
    assert ": error[DL808]: this forward formula uses the tangent of no input of `abs`" in out
    assert check("--pytorch", str(tree.root), "--no-codegen-rules") == (0, "")


def test_they_are_told_of_a_tree_that_is_found(
    tree: PyTorch, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tree.root)
    assert check("--format=text")[0] == 1


def test_without_a_tree_they_are_asked_for(tree: PyTorch, check: Check) -> None:
    named = [
        "--derivatives",
        str(tree.derivatives),
        "--native-functions",
        str(tree.natives),
    ]
    assert check(*named) == (0, "")
    status, out = check(*named, "--codegen-rules")
    assert status == 1
    assert "DL808" in out


def test_of_edited_generators_they_are_asked_for(tree: PyTorch, check: Check) -> None:
    with (tree.autograd / "gen_trace_type.py").open("a") as source:
        source.write("# edited\n")
    assert check() == (0, "")
    assert check("--pytorch", str(tree.root), "--codegen-rules")[0] == 1


def test_of_what_is_laid_over_they_are_asked_for(
    tree: PyTorch, check: Check, tmp_path: Path
) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("- func: gild(Tensor self) -> Tensor\n", "utf-8")
    named = ["--pytorch", str(tree.root), "--native-functions", str(overlay)]
    assert check(*named) == (0, "")
    assert check(*named, "--codegen-rules")[0] == 1


def test_definitions_of_ones_own_are_looked_at(tree: PyTorch, check: Check, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    shutil.copy(tree.derivatives, own)
    replace_in(tree.derivatives, WRONG, FORWARD)
    assert check() == (0, "")
    assert check("--pytorch", str(tree.root), "--derivatives", str(own))[0] == 1


def test_the_cache_keeps_both_answers(tree: PyTorch, check: Check) -> None:
    cached = ["--pytorch", str(tree.root), "--cache-dir", os.fspath(tree.root.parent / "cache")]
    for _ in range(2):
        assert check(*cached)[0] == 1
        assert check(*cached, "--no-codegen-rules") == (0, "")


def test_after_an_edit_only_its_family_is_looked_at(tree: PyTorch, check: Check) -> None:
    """What was found of the others comes from the state that `emit` left."""
    folder = tree.root.parent
    cached = ["--pytorch", str(tree.root), "--cache-dir", os.fspath(folder / "cache")]
    assert main(["emit", *cached, "--out-dir", os.fspath(folder / "out")]) == 0
    with tree.derivatives.open("a") as file:
        file.write("# edited\n")
    assert "DL808" in check(*cached)[1]
    replace_in(tree.derivatives, WRONG, FORWARD)
    assert check(*cached) == (0, "")


def test_old_signatures_count(tree: PyTorch, check: Check) -> None:
    replace_in(tree.derivatives, WRONG, FORWARD)
    tree.deprecated.write_text("- name: abs(int self) -> Tensor\n  aten: abs(self)\n", "utf-8")
    status, out = check()
    assert status == 1
    message = "error[DL839]: there is no function that `abs(self)` calls"
    assert out.startswith(f"{tree.deprecated}:2:9: {message}")


def test_old_signatures_call_no_function_that_its_tags_hide(tree: PyTorch, check: Check) -> None:
    replace_in(tree.derivatives, WRONG, FORWARD)
    tree.deprecated.write_text("- name: abs(Tensor self) -> Tensor\n  aten: abs(self)\n", "utf-8")
    options = ["--pytorch", str(tree.root), "--cache-dir", os.fspath(tree.root.parent / "cache")]
    assert check(*options) == (0, "")
    end = "NestedTensor_abs\n  tags: ["
    replace_in(tree.natives, end, f"{end}generated, ")
    for asked in (options, options[:2]):  # with what the first kept, and without
        assert "error[DL839]: there is no function that `abs(self)` calls" in check(*asked)[1]


def test_both_options_at_once_mean_nothing(check: Check) -> None:
    assert check("--codegen-rules", "--no-codegen-rules")[0] == 2
