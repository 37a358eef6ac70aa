"""Edits to whole releases, and releases that derivload does not know: each has rules of its own."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from derivload.cpp.dialect import DIALECTS
from support import codegen_edits
from support.codegen_project import contents
from support.few_operators import make_small
from support.own_code import DUMP, FOLLOWED, PACKAGE, UNKNOWN, AssertSame, Tree, copied, whole
from support.releases import Release

__all__ = ["whole"]  # a fixture


@pytest.mark.thorough
@pytest.mark.parametrize("edit", [*FOLLOWED, *UNKNOWN])
def test_edits_to_the_newest_release(whole: Tree, edit: str, assert_same: AssertSame) -> None:
    {**FOLLOWED, **UNKNOWN}[edit](whole)
    assert whole.emit(*(["--no-tree-code"] if edit in FOLLOWED else []))["exit"] == "cold"
    assert_same(whole.out, whole.judged())
    codegen_edits.change_formula(whole.pytorch, random.Random(2))
    assert whole.emit()["exit"] == "incremental"
    assert_same(whole.out, whole.judged())


def without(package: Path, release: str, folder: Path) -> Path:
    """derivload as if it knew neither a release nor any newer one."""
    copy = folder / "package"
    shutil.copytree(package / "derivload", copy / "derivload")
    releases = [*DIALECTS]
    gone = releases[releases.index(release) :]
    with (copy / "derivload" / "cpp" / "dialect.py").open("a") as file:
        file.write(f"\nfor _gone in {gone}:\n    del DIALECTS[_gone]\n")
        file.write("NEWEST = [*DIALECTS.values()][-1]\n")
    known = copy / "derivload" / "tree" / "known.json"
    pieces = json.loads(known.read_bytes())
    left = {
        id_: {d: " ".join(r for r in of.split() if r not in gone) for d, of in digests.items()}
        for id_, digests in pieces.items()
    }
    known.write_text(json.dumps(left), "utf-8")
    for table in ("pytorch/codegen/known.py", "tree/sources.py"):
        file_of_table = copy / "derivload" / table
        lines = file_of_table.read_text("utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not any(f': "{r}",' in line for r in gone)]
        assert len(kept) == len(lines) - len(gone)
        file_of_table.write_text("".join(kept), "utf-8")
    return copy


@pytest.mark.thorough
def test_a_release_that_we_never_heard_of_is_loaded_as_it_loads_itself(
    each_release: str,
    release: Release,
    expected: Release,
    tmp_path: Path,
    assert_same: AssertSame,
    request: pytest.FixtureRequest,
) -> None:
    if each_release == "2.1.0":
        pytest.skip("there is no release before it")
    tree = copied(release(each_release), tmp_path)
    tree = tree._replace(package=without(PACKAGE, each_release.removesuffix(".0"), tmp_path))
    assert tree.emit()["exit"] == "cold"
    assert_same(tree.out, expected(each_release))
    random_ = random.Random(each_release)
    edits = codegen_edits.EDITS[: 10 if request.config.getoption("--long") else 2]
    for edit in edits:
        print(f"{each_release}: {edit(tree.pytorch, random_)}", flush=True)
        tree.emit()
        assert_same(tree.out, tree.judged())


@pytest.mark.thorough
def test_the_generators_of_a_release_that_we_never_heard_of_write_the_same(
    each_release: str, release: Release, tmp_path: Path
) -> None:
    if each_release == "2.1.0":
        pytest.skip("there is no release before it")
    small = make_small(release(each_release), tmp_path / "pytorch").root
    package = without(PACKAGE, each_release.removesuffix(".0"), tmp_path)
    tree = Tree(small, tmp_path / "out", tmp_path / "cache", package)
    for exit_ in ("cold", "incremental", "incremental"):
        done = tree.run("codegen", "--out-dir", tree.out, "--stats=json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["exit"] == exit_
        assert contents(tree.out) == contents(generated(tree, tmp_path / "upstream"))
        codegen_edits.change_formula(tree.pytorch, random.Random(exit_))


def generated(tree: Tree, folder: Path) -> Path:
    """The files that the generators of a tree write."""
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, str(DUMP.with_name("run_generators.py")), str(tree.root)]
    subprocess.run([*command, str(folder)], check=True)
    return folder
