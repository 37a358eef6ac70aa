"""Leave one release out: derivload that never heard of a release loads and generates as it does.

A release's row in the table, its digests and everything newer are removed from derivload. What
that release's own torchgen gives is the judge.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from derivload.loading.errors import TreeCodeError
from support import codegen_edits
from support.codegen_project import assert_same as assert_same_files
from support.codegen_project import contents, generate
from support.few_operators import make_small
from support.own_trees import Tree, copied, package_without
from support.releases import Release

pytestmark = [pytest.mark.release, pytest.mark.thorough]

AssertSame = Callable[[Path, Path], None]

REFUSED: Final = "refused by the release itself, and taken back"

# Releases all of whose files are compared, with all operators.
WHOLE: Final = ("2.4.0", "2.9.0", "2.15.0")


@pytest.fixture
def unknown(each_release: str, tmp_path: Path) -> Path:
    """The folder of a derivload that does not know this release."""
    if each_release == "2.1.0":
        pytest.skip("there is no release before it")
    return package_without(each_release.removesuffix(".0"), tmp_path)


@pytest.fixture
def edits(request: pytest.FixtureRequest) -> list[codegen_edits.Edit]:
    return codegen_edits.EDITS[: 10 if request.config.getoption("--long") else 2]


def test_documents_are_those_of_the_release(
    each_release: str,
    release: Release,
    expected: Release,
    unknown: Path,
    edits: list[codegen_edits.Edit],
    tmp_path: Path,
    assert_same: AssertSame,
    longer: bool,
) -> None:
    tree = copied(release(each_release), tmp_path)._replace(package=unknown)
    assert tree.emit()["exit"] == "cold"
    assert_same(tree.out, expected(each_release))
    random_ = random.Random(each_release)
    for edit in edits:
        print(f"{each_release}: {edit(tree.pytorch, random_)}", flush=True)
        tree.emit()
        if longer or edit is edits[-1]:
            assert_same(tree.out, tree.judged())


def test_files_are_those_of_the_release_with_few_operators(
    each_release: str,
    release: Release,
    unknown: Path,
    edits: list[codegen_edits.Edit],
    tmp_path: Path,
) -> None:
    small = make_small(release(each_release), tmp_path / "pytorch").root
    assert_files(Tree(small, tmp_path / "out", tmp_path / "cache", unknown), each_release, edits)


def test_files_are_those_of_the_release(
    each_release: str,
    release: Release,
    unknown: Path,
    edits: list[codegen_edits.Edit],
    tmp_path: Path,
) -> None:
    if each_release not in WHOLE:
        pytest.skip(f"all operators are for {', '.join(WHOLE)}")
    tree = copied(release(each_release), tmp_path)._replace(package=unknown)
    assert_files(tree, each_release, edits)


def assert_files(tree: Tree, each_release: str, edits: list[codegen_edits.Edit]) -> None:
    """The files are those of the release's own generators, cold and after each edit."""
    random_ = random.Random(each_release)
    assert codegen(tree, each_release) == "cold"
    for edit in edits:
        inputs = (tree.pytorch.derivatives, tree.pytorch.natives)
        before = [path.read_bytes() for path in inputs]
        print(f"{each_release}: {edit(tree.pytorch, random_)}", flush=True)
        how = codegen(tree, each_release)
        assert how in ("incremental", "stored", REFUSED)
        if how == REFUSED:
            for path, data in zip(inputs, before, strict=True):
                path.write_bytes(data)


def codegen(tree: Tree, each_release: str) -> str:
    """Generate, compare, and return how it was generated, or that both sides refuse to."""
    done = tree.run("codegen", "--out-dir", tree.out, "--stats=json")
    upstream = tree.out.parent / "upstream"
    if done.returncode:
        with pytest.raises(TreeCodeError):
            generate(tree.root, upstream)
        return REFUSED
    stats = json.loads(done.stdout)
    # By an older release's rules, where the tree has these, or by the tree's own code.
    assert not f"{stats['rules']} ".startswith(f"{each_release.removesuffix('.0')} ")
    assert_same_files(contents(tree.out), generate(tree.root, upstream))
    return str(stats["exit"])
