"""Which lines of a torchgen count for its rules, and which release they are of."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from derivload.pytorch.errors import UnexpectedTorchgenError
from derivload.pytorch.releases import _FILES, release_of_rules, release_of_torchgen, rules_digest

GEN = """
import os
def parse_native_yaml(path,
):
    return path
class LineLoader:
    mark = 1
def other():
    return 2
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A torchgen, with the loader beside it."""
    for name in _FILES:
        path = tmp_path / "torchgen" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{path.stem} = 1\n", "utf-8")
    (tmp_path / "torchgen" / "gen.py").write_text(GEN, "utf-8")
    (tmp_path / "load_derivatives.py").write_text("load = 1\n", "utf-8")
    return tmp_path


def _modules(tree: Path) -> tuple[ModuleType, ModuleType]:
    loader, gen = ModuleType("load_derivatives"), ModuleType("torchgen.gen")
    loader.__file__ = str(tree / "load_derivatives.py")
    gen.__file__ = str(tree / "torchgen" / "gen.py")
    return loader, gen


def _digest(tree: Path) -> str:
    return rules_digest(*_modules(tree))


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("load_derivatives.py", "load", "  # a comment\n\nload"),
        ("torchgen/model.py", "model", "# \udcff a comment that is no UTF-8\nmodel"),
        ("torchgen/gen.py", "return 2", "return 3"),
        ("torchgen/gen.py", "import os", "import os, sys"),
        ("torchgen/gen.py", "def other", "class Other:\n    pass\ndef other"),
    ],
)
def test_what_does_not_count(file: str, before: str, after: str, tree: Path) -> None:
    digest = _digest(tree)
    _replace(tree / file, before, after)
    assert _digest(tree) == digest


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("load_derivatives.py", "1", "2"),
        *((f"torchgen/{name}", "1", "2") for name in _FILES),
        ("torchgen/model.py", "1", "1  # behind it"),
        ("torchgen/gen.py", "return path", "return path, 1"),
        ("torchgen/gen.py", "mark = 1", "mark = 2"),
        ("torchgen/gen.py", "\n):\n", ") -> None:\n"),
        ("torchgen/gen.py", "def other", "def parse_tags_yaml"),
        ("torchgen/gen.py", "class LineLoader", "class LineReader"),
    ],
)
def test_what_counts(file: str, before: str, after: str, tree: Path) -> None:
    digest = _digest(tree)
    _replace(tree / file, before, after)
    assert _digest(tree) != digest


def _replace(file: Path, before: str, after: str) -> None:
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, after), "utf-8", errors="surrogateescape")


def test_the_release_of_a_digest(tree: Path) -> None:
    assert release_of_rules("f1472360bae6853a") == "2.1"
    digest = _digest(tree)
    assert len(digest) == 16
    with pytest.raises(UnexpectedTorchgenError, match=rf"that derivload knows \({digest}\)$"):
        release_of_torchgen(*_modules(tree))


def test_a_source_that_is_not_there(tree: Path) -> None:
    (tree / "torchgen" / "model.py").unlink()
    with pytest.raises(UnexpectedTorchgenError, match=r"model\.py cannot be read: No such file"):
        _digest(tree)
    loader, gen = _modules(tree)
    gen.__file__ = None
    with pytest.raises(UnexpectedTorchgenError, match=r"^torchgen\.gen has no source$"):
        rules_digest(loader, gen)
