"""Which pieces a loader reaches: on trees of a few lines."""

from __future__ import annotations

from typing import Final

import pytest

from derivload.tree.modules import Tree
from derivload.tree.reach import Reach

LOADER: Final = "autograd.load_derivatives:load_derivatives"
# The least that has all entry points.
LEAST: Final = {
    "autograd/__init__.py": "",
    "autograd/load_derivatives.py": "def load_derivatives(): pass\n",
    "torchgen/__init__.py": "",
    "torchgen/gen.py": "def parse_native_yaml(): pass\n",
    "torchgen/api/__init__.py": "",
    "torchgen/api/autograd.py": "def match_differentiability_info(): pass\n",
    "torchgen/api/cpp.py": "def name(): pass\n",
}
ENTRIES: Final = {
    LOADER,
    "torchgen.api.autograd:match_differentiability_info",
    "torchgen.api.cpp:name",
    "torchgen.gen:parse_native_yaml",
}
LOUD: Final = "launch()\n"


def reached(loader: str, files: dict[str, str]) -> set[str]:
    """What is reached besides the entry points, with this loader and these files more."""
    tree = Tree({**LEAST, "autograd/load_derivatives.py": loader, **files})
    return {*Reach(tree, (), ()).pieces} - ENTRIES


CALLS: Final = "def load_derivatives(): {}\n"
MODULE: Final = "def f(): g()\ndef g(): pass\ndef h(): pass\n"


@pytest.mark.parametrize(
    ("loader", "files", "expected"),
    [
        # What it calls, and what that calls, but not what nobody does.
        (
            "from torchgen.a import f\n" + CALLS.format("f()"),
            {"torchgen/a.py": MODULE},
            {"torchgen.a:f", "torchgen.a:g"},
        ),
        (
            CALLS.format("from torchgen import a; a.h()"),
            {"torchgen/a.py": MODULE},
            {"torchgen.a:h"},
        ),
        # What an import does, of the module and of each package around it.
        (
            "import torchgen.deep.low\n" + CALLS.format("pass"),
            {
                "torchgen/__init__.py": LOUD,
                "torchgen/deep/__init__.py": LOUD,
                "torchgen/deep/low.py": LOUD,
                "torchgen/deep/other.py": LOUD,
            },
            {"torchgen:", "torchgen.deep:", "torchgen.deep.low:"},
        ),
        # What a module imports is imported, whoever uses it.
        (
            "import torchgen.a\n" + CALLS.format("pass"),
            {"torchgen/a.py": "import torchgen.b\n", "torchgen/b.py": LOUD},
            {"torchgen.b:"},
        ),
        # A package that is neither the tree's nor known may do anything.
        (
            "import torchgen.a\n" + CALLS.format("pass"),
            {"torchgen/a.py": "import yaml, os, strange\n"},
            {"torchgen.a:"},
        ),
        ("import yaml, os\n" + CALLS.format("pass"), {}, set()),
        ("import torchgen.a\n" + CALLS.format("pass"), {"torchgen/a.py": "import yaml\n"}, set()),
        # Of a class, the methods that Python calls, and those of a name that somebody uses.
        (
            "from torchgen.a import C\n" + CALLS.format("C().used()"),
            {"torchgen/a.py": "class C:\n def __eq__(s): pass\n def used(s): 2\n def n(s): 1\n"},
            {"torchgen.a:C", "torchgen.a:C.__eq__", "torchgen.a:C.used"},
        ),
        # All methods, where a class from outside may call them.
        (
            "from torchgen.a import C\n" + CALLS.format("C()"),
            {"torchgen/a.py": "import ast\nclass C(ast.NodeVisitor):\n def visit_Name(s): pass\n"},
            {"torchgen.a:C", "torchgen.a:C.visit_Name"},
        ),
        (
            "from torchgen.a import C\n" + CALLS.format("C()"),
            {"torchgen/a.py": "from abc import ABC\nclass C(ABC):\n def f(s): pass\n"},
            {"torchgen.a:C"},
        ),
        (
            "from torchgen.a import D\n" + CALLS.format("D()"),
            {
                "torchgen/a.py": "from torchgen.b import C\nclass D(C):\n def f(s): pass\n",
                "torchgen/b.py": "import ast\nclass C(ast.NodeVisitor): pass\n",
            },
            {"torchgen.a:D", "torchgen.a:D.f", "torchgen.b:C"},
        ),
        (
            "from torchgen.a import D\n" + CALLS.format("D()"),
            {
                "torchgen/a.py": "from abc import ABC\nfrom torchgen import b\n"
                "class D(ABC, b.C):\n def f(s): pass\n",
                "torchgen/b.py": "class C: pass\nclass C: pass\n",
            },
            {"torchgen.a:D", "torchgen.a:D.f", "torchgen.b:C"},
        ),
        (
            "from torchgen.a import D\n" + CALLS.format("D()"),
            {"torchgen/a.py": "def make(): pass\nclass D(make):\n def f(s): pass\n"},
            {"torchgen.a:D", "torchgen.a:D.f", "torchgen.a:make"},
        ),
        (
            "from torchgen.a import D\n" + CALLS.format("D()"),
            {"torchgen/a.py": "class C: pass\nclass D(C.inner):\n def f(s): pass\n"},
            {"torchgen.a:C", "torchgen.a:D", "torchgen.a:D.f"},
        ),
        (
            "from torchgen.a import D\n" + CALLS.format("D()"),
            {"torchgen/a.py": "class D(make()):\n def f(s): pass\n"},
            {"torchgen.a:", "torchgen.a:D", "torchgen.a:D.f"},
        ),
        (
            "from torchgen.a import D\n" + CALLS.format("D()"),
            {"torchgen/a.py": "class C: pass\nclass D(C, object):\n def _f__(s): pass\n"},
            {"torchgen.a:C", "torchgen.a:D"},
        ),
        # A name may come to be used after the classes that have it were seen.
        (
            "from torchgen.a import C\n" + CALLS.format("C"),
            {
                "torchgen/a.py": "class C(D):\n made = later\n def g(s): pass\n"
                "class D:\n def g(s): pass\n def h(s): pass\n def i(s): pass\n"
                "def later(): D; last()\ndef last(): D.g; x.g; x.h\n",
            },
            {"torchgen.a:C", "torchgen.a:C.g", "torchgen.a:D", "torchgen.a:D.g", "torchgen.a:D.h"}
            | {"torchgen.a:last", "torchgen.a:later"},
        ),
        # What a function imports is imported when it is called.
        (
            CALLS.format("import torchgen.a"),
            {"torchgen/a.py": LOUD},
            {"torchgen.a:"},
        ),
        # A name that comes by a star may be of any module behind it.
        (
            "from torchgen.a import f\n" + CALLS.format("f()"),
            {"torchgen/a.py": "from torchgen.b import *\n", "torchgen/b.py": "def f(): pass\n"},
            {"torchgen.b:f"},
        ),
    ],
)
def test_what_is_reached(loader: str, files: dict[str, str], expected: set[str]) -> None:
    assert reached(loader, files) == expected


def test_it_is_told_which_pieces_name_a_table() -> None:
    files = {
        "autograd/load_derivatives.py": "from torchgen.a import f\n" + CALLS.format("f()"),
        "torchgen/a.py": "TABLE = [1]\ndef f(): return TABLE\n",
    }
    reach = Reach(Tree({**LEAST, **files}), ("torchgen.a:TABLE",), ())
    assert reach.tables == {"torchgen.a:TABLE": ["torchgen.a:f"]}
    assert {*reach.pieces} == ENTRIES | {"torchgen.a:f"}


def digest(loader: str) -> str:
    tree = Tree({**LEAST, "autograd/load_derivatives.py": loader, "torchgen/a.py": MODULE})
    return Reach(tree, (), ()).pieces[LOADER].digest


def test_a_piece_is_another_one_where_its_names_lead_elsewhere() -> None:
    found = [
        digest(loader + CALLS.format("f()"))
        for loader in (
            "",
            "from torchgen.a import f\n",
            "from torchgen.a import g as f\n",
            "from strange import f\n",
            "from os import f\n",
        )
    ]
    assert len({*found}) == len(found)
    here = [digest(CALLS.format(f"from {module} import f; f()")) for module in ("os", "torchgen.a")]
    assert len({*here, *found}) == len(found) + 2
    # How it is laid out and commented makes no difference.
    assert digest("def load_derivatives():\n    # why\n    f( )\n") == found[0]
