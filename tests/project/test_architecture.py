"""docs/architecture.md names files that are there, and all floors; a class has its name alone."""

from __future__ import annotations

import ast
import re
from collections import Counter

from support.paths import PACKAGE, ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
# What is data, and belongs to no floor.
DATA = {"catalog", "explanations"}

# Functions that are still to be divided.


def test_each_link_leads_to_what_it_names() -> None:
    links = re.findall(r"\[`([^`]+)`\]\(([^)]+)\)", PAGE)
    assert links
    for name, target in links:
        path = (ROOT / "docs" / target).resolve()
        assert path.exists(), name
        named = PACKAGE / name
        assert path in (named, named / "__init__.py"), (name, target)


def test_each_floor_is_named() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir()} - DATA - {"__pycache__"}
    files = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py", "__main__.py"}
    floors = PAGE.partition("\n## ")[0]
    assert {f"{room}/" for room in rooms} | files <= {*re.findall(r"\[`([^`]+)`\]", floors)}


def test_no_file_is_long() -> None:
    """One that is, has outgrown one subject."""
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}
    assert [path.name for path, count in lines.items() if count > 400] == []


def test_no_function_is_long() -> None:
    """One that is, has steps without names."""
    lengths = {
        f"{path.name} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert [name for name, count in lengths.items() if count > 60] == []


def test_each_class_has_a_name_of_its_own() -> None:
    """But those that torchgen's own classes are called by."""
    classes = [
        node.name
        for path in PACKAGE.rglob("*.py")
        if path.name != "torchgen_types.py"
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef)
    ]
    assert [name for name, count in Counter(classes).items() if count > 1] == []
