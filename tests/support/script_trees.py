"""Trees laid out as PyTorch's, in which `derivload run` and the plain commands of its build run."""

from __future__ import annotations

import shutil
from pathlib import Path

from support.codegen_project import assert_same
from support.pytorch_entries import PyTorch
from support.pytorch_tree import PyTorchTree
from support.script_runs import Ran, Runner, contents


class ScriptTree:
    """A tree and its runs. `view` is the tree laid out as a wheel, for edits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tree = folder / "tree"
        self.view = PyTorch(folder / "view")
        self.runner = Runner(self.tree, folder / "state")

    def run(self, *arguments: str, own: tuple[str, ...] = ()) -> Ran:
        return self.runner.run(*arguments, own=own)

    def plain(self, *arguments: str) -> tuple[Ran, dict[str, bytes]]:
        """The plain command in a copy of the tree without what was generated."""
        copy = self.folder / "plain"
        shutil.rmtree(copy, ignore_errors=True)
        ignored = shutil.ignore_patterns("__pycache__", "generated", "build")
        shutil.copytree(self.tree, copy, ignore=ignored)
        return self.runner.plain(*arguments, folder=copy), contents(copy)

    def assert_same(self, *arguments: str) -> None:
        """The files are those that the plain command writes."""
        ran, expected = self.plain(*arguments)
        assert ran.status == 0, ran.stderr
        assert_same(contents(self.tree), expected)

    def edit(self, path: Path, old: str, new: str) -> None:
        text = path.read_text("utf-8")
        assert text.count(old) >= 1, old
        path.write_text(text.replace(old, new, 1), "utf-8")


def make_script_tree(release: Path, folder: Path) -> ScriptTree:
    """A tree of a release in a folder."""
    tree = PyTorchTree(release, folder / "tree")
    tree.as_wheel(folder / "view")
    return ScriptTree(folder)
