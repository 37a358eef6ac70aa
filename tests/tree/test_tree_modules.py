"""Where a name of a module leads, through imports, packages and stars."""

from __future__ import annotations

from typing import Final

import pytest

from derivload.tree.modules import SourceError, Tree

TREE: Final = {
    "torchgen/__init__.py": "from torchgen.deep.low import low as lower\n",
    "torchgen/cpp.py": "def name(): pass\nclass Kind: pass\n_hidden = 1\n",
    "torchgen/deep/__init__.py": "from .low import *\nfrom ..cpp import name\nmany = 1\nmany = 2\n",
    "torchgen/deep/low.py": (
        "from .. import cpp\nfrom . import other\nfrom .other import two\ndef low(): pass\n"
    ),
    "torchgen/deep/other.py": "two = 2\n",
    "torchgen/stars.py": "from torchgen.cpp import *\nfrom torchgen.deep.other import *\n",
    "torchgen/both.py": "from torchgen.cpp import *\nfrom torchgen.copy import *\n",
    "torchgen/copy.py": "def name(): pass\nname.rest = 1\n",
    "torchgen/said.py": "__all__ = ['_hidden']\n_hidden = 1\n",
    "autograd/load.py": "def load(): pass\n",
}


def _led(text: str, name: str, path: str = "torchgen/a.py") -> str:
    tree = Tree({**TREE, path: text})
    module = tree.module(path.removesuffix(".py").replace("/", "."))
    target = tree.resolve(module, name)
    assert target is not None
    return " ".join([target.id, *target.rest, *["(outside)"] * (not target.is_tree)])


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("x = 1", "x", "torchgen.a:x"),
        ("x = 1", "x.y.z", "torchgen.a:x y z"),
        ("", "len", "builtins:len (outside)"),
        ("", "nothing", "torchgen.a:nothing"),
        ("len = 1", "len", "torchgen.a:len"),
        ("import os.path", "os.path.join", "os: path join (outside)"),
        ("import os.path as p", "p.join", "os.path: join (outside)"),
        ("from os import path as p", "p.join", "os:path join (outside)"),
        ("import torchgen", "torchgen", "torchgen:"),
        ("import torchgen.cpp", "torchgen.cpp.name.x", "torchgen.cpp:name x"),
        ("import torchgen.cpp as c", "c", "torchgen.cpp:"),
        ("import torchgen.cpp as c", "c.name", "torchgen.cpp:name"),
        ("from torchgen import cpp", "cpp.name", "torchgen.cpp:name"),
        ("from torchgen.cpp import name as n", "n.x", "torchgen.cpp:name x"),
        ("from torchgen import lower", "lower", "torchgen.deep.low:low"),
        ("from torchgen.deep import name", "name", "torchgen.cpp:name"),
        ("from torchgen.deep.low import cpp", "cpp.Kind", "torchgen.cpp:Kind"),
        ("from torchgen.deep.low import other", "other.two", "torchgen.deep.other:two"),
        ("from torchgen.deep.low import two", "two", "torchgen.deep.other:two"),
        ("from torchgen.deep import low", "low.low", "torchgen.deep.low:low"),
        ("from torchgen.deep import many", "many", "torchgen.deep:many"),
        ("from torchgen.stars import name", "name", "torchgen.cpp:name"),
        ("from torchgen.stars import two", "two", "torchgen.deep.other:two"),
        ("from torchgen.stars import _hidden", "_hidden", "torchgen.stars:_hidden"),
        ("from torchgen.said import *", "_hidden", "torchgen.said:_hidden"),
        ("from torchgen.both import name", "name", "torchgen.both:name"),
        ("from torchgen.cpp import *\nname = 1", "name", "torchgen.a:name"),
        ("from torchgen.cpp import *\nfrom torchgen.copy import name", "name", "torchgen.a:name"),
        ("from torchgen.cpp import name\nname = 1", "name", "torchgen.a:name"),
        ("from .cpp import name", "name", "torchgen.cpp:name"),
        ("from . import cpp", "cpp.name", "torchgen.cpp:name"),
        ("from tools.autograd.load import load", "load", "autograd.load:load"),
        ("from torchgen.packaged.autograd.load import load", "load", "autograd.load:load"),
        ("import tools.autograd.load as l", "l.load", "autograd.load:load"),
        ("from tools.autograd import load", "load.load", "autograd.load:load"),
        ("from tools.autogrades.load import load", "load", "tools.autogrades.load:load (outside)"),
    ],
)
def test_where_a_name_leads(text: str, name: str, expected: str) -> None:
    assert _led(text, name) == expected


def test_a_relative_import_in_a_package_below() -> None:
    path = "torchgen/deep/more.py"
    assert _led("from ..cpp import name", "name", path) == "torchgen.cpp:name"
    assert _led("from .other import two", "two", path) == "torchgen.deep.other:two"
    assert _led("from ...x import y", "y", path) == "x:y (outside)"


def test_a_circle_of_imports_leads_nowhere() -> None:
    circle = {
        "torchgen/a.py": "from torchgen.b import x",
        "torchgen/b.py": "from torchgen.a import x",
    }
    tree = Tree(circle)
    assert tree.resolve(tree.module("torchgen.a"), "x") is None


@pytest.mark.parametrize("count", [10, 40])
def test_a_name_is_followed_through_many_modules(count: int) -> None:
    chain = {f"torchgen/m{i}.py": f"from torchgen.m{i + 1} import x\n" for i in range(count)}
    tree = Tree({**chain, f"torchgen/m{count}.py": "x = 1\n"})
    target = tree.resolve(tree.module("torchgen.m0"), "x")
    assert target is not None
    assert target.id == f"torchgen.m{count}:x"


def test_a_module_that_is_not_there() -> None:
    tree = Tree(TREE)
    assert not tree.has("torchgen.none")
    assert tree.has("tools.autograd.load")
    with pytest.raises(SourceError, match=r"there is no module torchgen\.none"):
        tree.module("torchgen.none")


@pytest.mark.parametrize(
    ("name", "is_known"),
    [("os.path", True), ("yaml.nodes", True), ("typing_extensions", True), ("numpy", False)],
)
def test_packages_that_torchgen_needs(name: str, is_known: bool) -> None:
    assert Tree({}).is_known_package(name) == is_known
