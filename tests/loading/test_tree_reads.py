"""What a tree's own torchgen reads besides its source: that is seen, and counts as source does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from derivload.loading.paths import Files
from derivload.loading.trace import Trace
from derivload.loading.tree_reads import TreeReads
from support.own_code import LOADER
from support.own_trees import Tree
from support.releases import Release
from support.small_pytorch import SmallPyTorch

READING: Final = """import importlib, os
    rules = importlib.import_module("torchgen." + "fork_" + "rules")
    with open(os.path.join(os.path.dirname(__file__), "prefix.txt")) as file:
        prefix = file.read()
    return (camel_case + f"{prefix}{rules.NAME}_{os.environ.get('DERIVLOAD_TEST', '')}")"""


def _named(tree: Tree) -> str:
    """What the first node in the documents is called, after its operator."""
    documents = json.loads((tree.out / "differentiability.json").read_bytes())
    infos = [info for record in documents["functions"] for info in record["dispatch"].values()]
    return str(infos[0]["op"])


@pytest.fixture
def small(release: Release, newest: str, tmp_path: Path) -> Tree:
    """A small PyTorch."""
    root = SmallPyTorch(release(newest), tmp_path / "pytorch").root
    return Tree(root, tmp_path / "out", tmp_path / "cache")


def test_what_else_the_trees_own_code_reads_counts_as_its_source(
    small: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.edit(LOADER, 'return (camel_case + "Backward")', READING)
    module = small.root / "torchgen" / "fork_rules.py"
    data = (small.root / "torchgen" / LOADER).with_name("prefix.txt")
    module.write_text("NAME = 'Two'\n", "utf-8")
    data.write_text("One", "utf-8")
    changes: list[tuple[Callable[[], object], str, str]] = [
        (lambda: None, "cold", "OneTwo_0"),
        (lambda: None, "cold", "OneTwo_0"),  # now it is known what is read
        (lambda: None, "up-to-date", "OneTwo_0"),
        (lambda: data.write_text("Uno", "utf-8"), "cold", "UnoTwo_0"),
        (lambda: monkeypatch.setenv("DERIVLOAD_TEST", "X"), "cold", "UnoTwo_X0"),
        (lambda: module.write_text("NAME = 'Dos'\n", "utf-8"), "cold", "UnoDos_X0"),
    ]
    for change, exit_, expected in changes:
        change()
        assert small.emit()["exit"] == exit_
        assert _named(small) == f"Gild{expected}"


def test_what_a_torchgen_gave_that_was_edited_meanwhile_is_not_kept(small: Tree) -> None:
    module = small.root / "torchgen" / "fork_rules.py"
    # Somebody checks out another branch, and then this one again.
    here = f"open({str(module)!r}, 'w').write"
    now = f"""import torchgen; {here}("NAME = 'Two'\\n"); from torchgen.fork_rules import NAME
    return (camel_case + NAME)"""
    small.edit(LOADER, 'return (camel_case + "Backward")', now)
    for _ in range(2):
        module.write_text("NAME = 'One'\n", "utf-8")
        assert small.emit()["exit"] == "cold"
        assert _named(small) == "GildTwo0"


def test_a_torchgen_is_read_beside_a_module_that_cannot_be(small: Tree) -> None:
    broken = small.root / "torchgen" / "broken.py"
    broken.symlink_to("nowhere.py")
    why = f"the tree's own code: {broken} cannot be read: No such file or directory"
    assert small.emit()["rules"] == why
    assert _named(small) == "GildBackward0"
    assert small.emit()["exit"] == "up-to-date"
    small.edit(LOADER, '"Backward")', '"Gradient")')
    assert small.emit()["rules"] == why
    assert _named(small) == "GildGradient0"
    broken.unlink()
    assert small.emit()["rules"] != why


@pytest.fixture
def made(tmp_path: Path) -> Callable[[], TreeReads]:
    """Makes what is known of a torchgen of one module."""
    source = f"source of {tmp_path}"
    modules = [str(tmp_path / "torchgen" / "gen.py")]
    return lambda: TreeReads(source, modules, str(tmp_path), None)


def test_names_that_are_learned_are_known_from_then_on(made: Callable[[], TreeReads]) -> None:
    reads = made()
    reads.learn(Trace(frozenset({"./torchgen/gen.py"})))
    assert not reads.has_news  # its own module
    reads.learn(Trace(frozenset({"./a.txt"})))
    assert reads.has_news
    assert made().trace.files == {"./a.txt"}
    later = made()
    later.learn(Trace(frozenset({"./a.txt"})))
    assert not later.has_news
    later.learn(Trace(frozenset({"./more.py"}), variables=frozenset({"NAME"})))
    assert later.has_news
    assert made().trace == Trace(frozenset({"./a.txt", "./more.py"}), variables=frozenset({"NAME"}))
    assert [Path(path).name for path in made().modules] == ["more.py"]


def test_what_the_names_hold_is_noted(
    made: Callable[[], TreeReads], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look() -> tuple[str, Files]:
        files = Files("d", ["n"], "t", None)
        return made().look(files), files

    assert look()[0] == ""
    names = (frozenset({"./a.txt"}), frozenset({"./*"}), frozenset({"DERIVLOAD_TEST"}))
    made().learn(Trace(*names))
    path = tmp_path / "a.txt"
    held, files = look()
    assert files.absent == [str(path)]
    assert files.listed == [(str(tmp_path / "*"), [])]
    assert files.variables == [("DERIVLOAD_TEST", "none")]
    seen = {held}
    changes: list[Callable[[], object]] = [
        *(path.touch, lambda: path.write_bytes(b"\xff"), path.unlink, path.mkdir),
        *((tmp_path / "b").touch, lambda: monkeypatch.setenv("DERIVLOAD_TEST", "1")),
    ]
    for change in changes:
        change()
        held, files = look()
        assert (held in seen) == (change == path.unlink), change
        seen.add(held)
        read = [(str(path), path.read_bytes())] if path.is_file() else []
        assert files.consulted == read
