"""Documents by a tree's own rules, whatever its torchgen: that torchgen is the judge.

Where its rules are known they are followed by our own loader; where not, its own code runs.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from _pytest.mark import ParameterSet

from support import codegen_edits
from support.child import child_environment
from support.codegen_files import small_release
from support.own_code import (
    DERIVATIVES,
    FOLLOWED,
    LOADER,
    NATIVES,
    UNKNOWN,
    AssertSame,
    small,
)
from support.own_trees import Tree

__all__ = ["small", "small_release"]  # fixtures


def at_once(edits: dict[str, Callable[[Tree], None]]) -> list[ParameterSet]:
    """All of these edits to one tree; thoroughly, each to a tree of its own."""
    alone = [pytest.param([e], id=e, marks=pytest.mark.thorough) for e in edits]
    return [pytest.param([*edits], id="all"), *alone]


@pytest.mark.parametrize("edits", at_once(FOLLOWED))
def test_what_changes_no_rule_is_loaded_by_our_own_loader(
    small: Tree, edits: list[str], assert_same: AssertSame
) -> None:
    for edit in edits:
        FOLLOWED[edit](small)
    stats = small.emit("--no-tree-code")
    assert stats["rules"].partition(" ")[0] == "2.15"
    assert_same(small.out, small.judged())


@pytest.mark.parametrize("edits", at_once(UNKNOWN))
def test_what_changes_a_rule_is_loaded_by_the_trees_own_code(
    small: Tree, edits: list[str], assert_same: AssertSame
) -> None:
    for edit in edits:
        UNKNOWN[edit](small)
    stats = small.emit()
    assert (stats["exit"], stats["rules"].partition(":")[0]) == ("cold", "the tree's own code")
    codegen_edits.change_formula(small.pytorch, random.Random(1))
    stats = small.emit()
    assert stats["exit"] == "incremental"
    assert stats["counts"]["read"] < stats["counts"]["reused"]
    assert_same(small.out, small.judged())  # what the edit left alone is still of the first load
    assert small.emit()["exit"] == "up-to-date"


OVERLAYS: Final = {
    "a list": (
        "- func: derivload_mine(Tensor self) -> Tensor\n  dispatch:\n    CPU: derivload_mine\n"
    ),
    "a mapping": (
        "backend: XLA\ncustom:\n  - func: derivload_mine(Tensor self) -> Tensor\n"
        "    dispatch:\n      CPU: derivload_mine\n"
    ),
}


def test_torchgen_starts_before_we_import_what_a_load_needs_and_no_rules_of_ours_are(
    small: Tree,
) -> None:
    UNKNOWN["the prefix of ops"](small)
    assert small.alone("emit", "--out-dir", small.out).returncode == 0
    codegen_edits.change_formula(small.pytorch, random.Random(5))
    done = subprocess.run(
        [
            *(sys.executable, "-X", "importtime", "-m", "derivload", "emit"),
            *("--pytorch", str(small.root), "--cache-dir", str(small.cache)),
            *("--out-dir", str(small.out)),
        ],
        capture_output=True,
        encoding="utf-8",
        check=True,
        env=child_environment(),
    )
    lines = done.stderr.splitlines()
    names = [line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")]
    assert names.index("derivload.loading.own_code.starting") < names.index("msgspec")
    # typing_extensions, which msgspec would have, imports inspect.
    unwanted = {"derivload.engine.pipeline", "derivload.tree.rules", "inspect"}
    assert unwanted & {*names} == set()


def test_a_file_that_is_no_text_is_told_by_its_place(small: Tree) -> None:
    UNKNOWN["the prefix of ops"](small)
    derivatives = small.pytorch.derivatives
    derivatives.write_bytes(derivatives.read_bytes() + b"# \xff\n")
    done = small.run("emit", "--out-dir", small.out)
    assert done.returncode == 1
    assert "DL002" in done.stderr


@pytest.mark.thorough
def test_overlays_go_to_the_trees_own_code_too(
    small: Tree, tmp_path: Path, assert_same: AssertSame
) -> None:
    UNKNOWN["the prefix of ops"](small)
    path = tmp_path / "overlay.yaml"
    plain = tmp_path / "plain.yaml"
    plain.write_text(OVERLAYS["a list"], "utf-8")
    small.append(DERIVATIVES, "\n- name: derivload_mine(Tensor self) -> Tensor\n  self: grad\n")
    judged = small.judged(plain)
    for text in OVERLAYS.values():
        path.write_text(text, "utf-8")
        small.emit("--native-functions", path)
        assert_same(small.out, judged)
    codegen_edits.change_formula(small.pytorch, random.Random(3))
    assert small.emit("--native-functions", path)["exit"] == "incremental"
    assert_same(small.out, small.judged(plain))


def test_backends_files_go_to_the_trees_own_code_too(small: Tree, tmp_path: Path) -> None:
    UNKNOWN["the prefix of ops"](small)
    path, own = tmp_path / "backend.yaml", tmp_path / "own.yaml"
    text = "backend: XLA\ncpp_namespace: mine\nsupported:\n- add.Tensor\n"
    path.write_text(text, "utf-8")
    own.write_text("- func: add.Tensor\n", "utf-8")
    options = [f"--backend-yaml={file}" for file in (own, path)]
    small.emit(*options)
    path.write_text(f"{text}- no_such_operator\n", "utf-8")
    refused = small.run("emit", "--out-dir", small.out, *options)
    assert f"{path}: Found an invalid operator name: no_such_operator" in refused.stderr


def test_what_is_refused_of_an_overlay_is_told_there(small: Tree, tmp_path: Path) -> None:
    UNKNOWN["the prefix of ops"](small)
    path = tmp_path / "overlay.yaml"
    path.write_text("# x\n- func: mine(Tensor self) -> Tensor\n  variants: x\n", "utf-8")
    refused = small.run("emit", "--out-dir", small.out, "--native-functions", path)
    assert f"{path}:2: the tree's own torchgen refuses this" in refused.stderr


@pytest.mark.thorough
def test_families_that_depend_on_each_other_are_loaded_whole(
    small: Tree, assert_same: AssertSame
) -> None:
    small.append(LOADER, "\n\n_SEEN: list[str] = []\n")
    old = 'return (camel_case + "Backward")'
    small.edit(LOADER, old, "_SEEN.append(name)\n    " + old.replace("+", "+ str(len(_SEEN)) +"))
    for _ in range(2):
        done = small.run("emit", "--out-dir", small.out)
        assert done.returncode == 0
        assert "its parts come to another result" in done.stderr
        assert_same(small.out, small.judged())
        codegen_edits.change_formula(small.pytorch, random.Random(4))


def test_without_a_version_the_source_says_which_rules_they_are(
    small: Tree, assert_same: AssertSame
) -> None:
    (small.root / "version.txt").unlink()
    assert small.emit()["rules"] == "2.15"
    assert json.loads((small.out / "functions.json").read_bytes())["torch_version"] == "2.15"
    UNKNOWN["the prefix of ops"](small)
    small.emit()
    assert_same(small.out, small.judged())


def test_a_checkout_has_its_loader_elsewhere(small: Tree, assert_same: AssertSame) -> None:
    UNKNOWN["the prefix of ops"](small)
    judged = small.judged()
    packaged = small.root / "torchgen" / "packaged"
    (small.root / "tools").mkdir()
    packaged.joinpath("autograd").rename(small.root / "tools" / "autograd")
    natives = small.root / "aten" / "src" / "ATen" / "native"
    natives.parent.mkdir(parents=True)
    packaged.joinpath("ATen", "native").rename(natives)
    assert small.emit()["rules"].startswith("the tree's own code")
    assert_same(small.out, judged)


@pytest.mark.thorough
def test_no_tree_code_runs_none(small: Tree) -> None:
    UNKNOWN["the prefix of ops"](small)
    small.append("__init__.py", f"\nopen({str(small.root / 'ran')!r}, 'w').close()\n")
    for command in (["emit", "--out-dir", small.out], ["check"], ["show", "abs"]):
        done = small.run(*command, "--no-tree-code")
        assert done.returncode == 2
        assert "--no-tree-code forbids to run its own code" in done.stderr
    assert not (small.root / "ran").exists()
    small.emit()
    assert (small.root / "ran").exists()
    # What an earlier run has kept changes nothing.
    assert small.run("emit", "--out-dir", small.out, "--no-tree-code").returncode == 2


def test_a_torchgen_that_cannot_be_imported_shows_its_error(small: Tree) -> None:
    small.append("model.py", '\nraise ValueError("mine")\n')
    done = small.run("emit", "--out-dir", small.out)
    assert done.returncode == 1
    first, second, third, *_, last = done.stderr.splitlines()
    assert first == "derivload: error: the tree's own torchgen cannot be imported:"
    assert second == "Traceback (most recent call last):"
    assert re.fullmatch(rf'  File "{small.root}/torchgen/.*", line \d+, in <module>', third)
    assert last == "ValueError: mine"
    assert "<frozen" not in done.stderr


def test_what_the_trees_own_torchgen_refuses_is_told_with_its_place(small: Tree) -> None:
    UNKNOWN["the prefix of ops"](small)
    small.emit()
    before = (small.out / "functions.json").read_bytes()
    small.append(NATIVES, "\n- func: derivload_bad(Tensr self) -> Tensor\n")
    for command in (["emit", "--out-dir", small.out], ["check"]):
        done = small.run(*command)
        assert done.returncode == 1
        assert "the tree's own torchgen refuses this: " in done.stderr
        assert re.search(r"native_functions\.yaml:\d+: the tree's own", done.stderr)
    assert (small.out / "functions.json").read_bytes() == before


def test_show_and_check_say_whose_rules_they_are(small: Tree) -> None:
    UNKNOWN["the prefix of ops"](small)
    note = "derivload: note: the tree's own torchgen computed this: not as in 2.15: "
    shown = small.run("show", "abs")
    assert shown.returncode == 0
    assert shown.stderr.startswith(note)
    assert "AbsGradient0" in shown.stdout
    checked = small.run("check")
    assert checked.returncode == 0
    assert note in checked.stderr


def test_what_only_the_trees_own_code_takes_is_no_mistake(small: Tree) -> None:
    small.edit(
        LOADER, "if only_used_grads_indices and set(used_grads_indices) == {0}:", "if False:"
    )
    small.edit(DERIVATIVES, "self: grad * self.sgn()", "self: grads[0] * self.sgn()")
    checked = small.run("check")
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stderr
    assert "derivload: note: the tree's own torchgen computed this: " in checked.stderr


@pytest.mark.thorough
def test_derivwatch_goes_on_by_the_trees_own_code(small: Tree, assert_same: AssertSame) -> None:
    UNKNOWN["the prefix of ops"](small)
    done = small.alone("watch", "--out-dir", small.out, "--once")
    assert done.returncode == 0, done.stderr
    assert_same(small.out, small.judged())
    small.append(NATIVES, "\n- func: derivload_bad(Tensr self) -> Tensor\n")
    done = small.alone("watch", "--out-dir", small.out, "--once")
    assert done.returncode == 1
    assert "the tree's own torchgen refuses this: " in done.stdout + done.stderr
