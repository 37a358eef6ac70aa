"""The rules of a tree: read from the source of its torchgen, which is never run."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import pytest

from derivload.cpp.dialect import DIALECTS
from derivload.loading.paths import TreePlace
from derivload.loading.rules_of_tree import TreeSource, _read_tree, release_key, rules_of_source
from derivload.tree.constants import Constants
from derivload.tree.modules import Tree
from derivload.tree.rules import find_rules, reach_of
from derivload.tree.sources import SOURCES
from derivload.tree.tables import read_tables
from support.releases import Release
from support.torchgen_source import pieces_of, sources
from support.tree_sources import PIECES


def test_each_row_of_the_table_is_what_the_release_says(
    release: Release, each_release: str
) -> None:
    tree = Tree(sources(release(each_release)))
    row = DIALECTS[each_release.removesuffix(".0")]
    fields = read_tables(Constants(tree), reach_of(tree).tables)
    assert fields == {name: getattr(row, name) for name in fields}


def test_the_rules_of_a_release_are_those_of_its_row(release: Release, each_release: str) -> None:
    version = each_release.removesuffix(".0")
    found = find_rules(sources(release(each_release)), PIECES, version)
    assert (found.why, found.release) == ("", version)
    assert found.dialect is DIALECTS[version]


def test_each_release_with_a_row_is_known_by_its_source() -> None:
    assert {*SOURCES.values()} == {*DIALECTS}


def test_the_source_of_a_release_is_known_without_reading_it(
    release: Release, each_release: str
) -> None:
    root = release(each_release)
    version = each_release.removesuffix(".0")
    packaged = root / "torchgen" / "packaged" / "autograd"
    source = TreeSource(TreePlace(str(root), str(root / "torchgen"), str(packaged)))
    assert SOURCES[source.digest] == version
    for said in (version, None):
        known, read = rules_of_source(source, said, None), _read_tree(source, release_key(said))
        assert (known.key, known.release) == (read.key, read.release) == (version, version)
        assert (known.why, known.fields) == (read.why, read.fields) == ("", "")
        assert known.modules == ""  # each file counts


def test_the_pieces_are_kept_as_the_releases_have_them(release: Release, each_release: str) -> None:
    version = each_release.removesuffix(".0")
    kept = {
        (id_, digest)
        for id_, digests in PIECES.items()
        for digest, releases in digests.items()
        if version in releases.split()
    }
    made = pieces_of({version: release(each_release)})
    assert kept == {(id_, digest) for id_, digests in made.items() for digest in digests}


TRACE: Final = """
import json, sys
root = sys.argv[1]
sys.path.insert(0, root)
called = set()
def watch(frame, event, argument):
    code = frame.f_code
    if event == "call" and code.co_filename.startswith(root):
        called.add((code.co_filename[len(root) + 1:], code.co_firstlineno))
sys.setprofile(watch)
folder = root + "/torchgen/packaged/"
sys.argv[1:] = [
    root, "--derivatives", folder + "autograd/derivatives.yaml",
    "--native-functions", folder + "ATen/native/native_functions.yaml",
    "--tags", folder + "ATen/native/tags.yaml", "--out-dir", sys.argv[2],
]
import runpy
try:
    runpy.run_path(DUMP, run_name="__main__")
except SystemExit as end:
    assert not end.code
sys.setprofile(None)
print(json.dumps(sorted(called)))
"""


@pytest.mark.thorough
def test_whatever_runs_is_reached(release: Release, outer_release: str, tmp_path: Path) -> None:
    root = release(outer_release)
    dump = Path(__file__).parents[1] / "reference" / "dump_torchgen.py"
    code = f"DUMP = {str(dump)!r}\n{TRACE}"
    ran = subprocess.run(
        [sys.executable, "-c", code, str(root), str(tmp_path)],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    tree = Tree(sources(root))
    reached = reach_of(tree)
    missing = _not_reached(tree, reached.pieces.keys(), json.loads(ran.stdout.splitlines()[-1]))
    assert not missing


def _not_reached(
    tree: Tree, pieces: Collection[str], called: Sequence[tuple[str, int]]
) -> list[str]:
    """The functions that ran, of those that modules and classes define, and are no pieces."""
    starts: dict[tuple[str, int], str] = {}
    for path, _ in called:
        name = path.replace("torchgen/packaged/autograd/", "autograd/")
        module = tree.module(name.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
        for node in module.tree.body:
            of = [(node, "")] if isinstance(node, ast.FunctionDef) else []
            if isinstance(node, ast.ClassDef):
                of = [(f, f"{node.name}.") for f in node.body if isinstance(f, ast.FunctionDef)]
            for function, prefix in of:
                first = min([function.lineno, *(d.lineno for d in function.decorator_list)])
                starts[path, first] = f"{module.name}:{prefix}{function.name}"
    ran = {starts[path, line] for path, line in called if (path, line) in starts}
    assert len(ran) > 150
    return sorted(id_ for id_ in ran if id_ not in pieces)
