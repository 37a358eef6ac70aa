"""What a module does when it is imported, besides binding names: on modules of a few lines."""

from __future__ import annotations

from typing import Final

import pytest

from derivload.tree.modules import SourceError, Tree

OTHER: Final = {
    "torchgen/__init__.py": "",
    "torchgen/other.py": (
        "class Thing: pass\ndef decorate(f): return f\ndef make(): return 1\nLIST = []\n"
    ),
}
BEFORE: Final = (
    "from re import compile\nfrom dataclasses import dataclass\nfrom functools import lru_cache\n"
    "from torchgen.other import Thing, decorate, make\n"
)


def effects(text: str) -> int:
    """How many effects an import has."""
    tree = Tree({**OTHER, "torchgen/a.py": BEFORE + text})
    return len(tree.module("torchgen.a").effects)


NONE: Final = """
x = 1
x: int = 1
x: int
x = y = [1, *range(3)]
x = compile('a')
x = {1: Thing(), 'a': (2, 3)}
x = lambda a, b=1: launch(a)
x = [i for i in range(3) if i]
x = sorted([2, 1], key=lambda i: -len(i))
x = sorted([2, 1], key=str)
x = f"{1}" if dataclass else not 2
x = -1 + 2 < 3 and True
def f(a, b=1, *c, d=2, **e): launch()
async def f(): launch()
@decorate
def f(): pass
@lru_cache(None)
def f(): pass
@dataclass(frozen=True)
class C: x: int = 3
class C(Thing): pass
class C:
    x = 1
    def f(self): launch()
    @property
    def g(self): pass
pass
'a docstring'
import json
from json import *
if TYPE_CHECKING: launch()
if typing.TYPE_CHECKING: launch()
if __name__ == '__main__': launch()
x = []; x.append(1)
x = {}; x.update({1: 2})
x = set(); y = x
x = [1]; x += [2]
x = [1]; x.extend([2]); x.append(3)
def f(): global x
from collections import deque; x = deque()
from operator import attrgetter; x = attrgetter('a')
from functools import partial; x = partial(f, 1)
from enum import unique; x = unique(x)
x = zip(x, y)
""".strip()
SOME: Final = """
launch()
x = sorted([1], key=launch)
x = sorted([1], key=y.append)
x = max([1], key=lambda i: launch(i))
x = min([1], key=(lambda: y)())
make()
x = launch()
x = make()
x: int = launch()
x = [launch()]
x = Thing(launch())
x = compile(launch())
x = lambda a=launch(): a
x.y = 1
x.y: int = 1
x['a'] = 1
del x
for x in y: pass
while x: pass
with x: pass
try: pass
finally: pass
assert x
raise x
def f(a=launch()): pass
def f(*, a=launch()): pass
@launch
def f(): pass
@decorate(launch())
def f(): pass
@lru_cache(launch())
def f(): pass
@x[0]
def f(): pass
def __getattr__(name): pass
class C(launch()): pass
class C(metaclass=x): pass
@launch
class C: pass
class C: launch()
class C:
    def __init_subclass__(cls): pass
class C:
    def __prepare__(name, bases): pass
x = (yield)
x = await y
(x := launch())
if x: y = 1
if __name__ == 'x': launch()
if __name__ != '__main__': launch()
if '__main__' == __name__: launch()
if TYPE_CHECKING: pass
else: launch()
if __name__ == '__main__': pass
else: launch()
LIST.append(1)
x = []; x.append(launch())
x = []; x.append(1, 2)
x = []; x.insert(0, 1)
x = []; x.append(*y); x.extend(a=1)
x = f(); x.append(1)
x = []; x = f(); x.append(1)
x = [1]; x += launch()
from torchgen.other import LIST; LIST.append(1)
for x in []: pass; x.append(1)
x.append(1)
x = []; del x; x.append(1)
nothing.x()
Thing.make()
""".strip()


def statements(text: str) -> list[str]:
    """The cases: each goes on in lines that are indented, or that belong to what stands before."""
    cases: list[str] = []
    for line in text.splitlines():
        goes_on = line.startswith((" ", "else", "finally"))
        if goes_on or (cases and cases[-1].rpartition("\n")[2].startswith("@")):
            cases[-1] += f"\n{line}"
        else:
            cases.append(line)
    return cases


@pytest.mark.parametrize("text", statements(NONE))
def test_what_makes_values_alone(text: str) -> None:
    assert effects(text) == 0


@pytest.mark.parametrize("text", statements(SOME))
def test_what_may_change_something(text: str) -> None:
    assert effects(text) > 0


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("", 4),
        ("from __future__ import annotations\n", 0),
        ("from __future__ import division, annotations\n", 0),
        ("from __future__ import division\n", 4),
        ("from torchgen.other import annotations\n", 4),
    ],
)
def test_annotations_run_unless_the_module_puts_that_off(head: str, expected: int) -> None:
    text = "x: launch() = 1\ndef f(a: launch(), *b: launch()) -> launch(): pass\n"
    tree = Tree({**OTHER, "torchgen/a.py": head + text})
    assert len(tree.module("torchgen.a").effects) == expected


def test_what_of_the_tree_runs_is_told() -> None:
    text = f"{BEFORE}x = Thing()\n@decorate\ndef f(): make()\n"
    module = Tree({**OTHER, "torchgen/a.py": text}).module("torchgen.a")
    assert module.effects == []
    assert sorted(target.id for target in module.executed) == [
        *("torchgen.other:Thing", "torchgen.other:decorate"),
    ]


NAMES: Final = """
import torchgen.other
import torchgen.other as o
import os.path as p, sys
from torchgen.other import Thing as T, make
from . import other as relative
from .other import decorate
from torchgen.star import *
from torchgen.chosen import *
from os.path import *
mine = make
twice = 1
twice = 2
"""
LEADS: Final = {
    "torchgen.other.make": "torchgen.other:make",
    "o.Thing": "torchgen.other:Thing",
    "T": "torchgen.other:Thing",
    "T.a.b": "torchgen.other:Thing",
    "relative.LIST": "torchgen.other:LIST",
    "decorate": "torchgen.other:decorate",
    "shown": "torchgen.star:shown",
    "LIST": "torchgen.other:LIST",
    "_chosen": "torchgen.chosen:_chosen",
    "_hidden": "torchgen.a:_hidden",
    "mine": "torchgen.a:mine",
    "twice": "torchgen.a:twice",
    "len": "builtins:len",
    "none": "torchgen.a:none",
    "p.join": "os.path:",
    "sys.path": "sys:",
}


def test_where_names_lead() -> None:
    star = "from torchgen.other import LIST\n_hidden = shown = 1\n"
    chosen = "__all__ = ['_chosen']\n_chosen = 1\n"
    tree = Tree(
        {
            **OTHER,
            "torchgen/a.py": NAMES,
            "torchgen/star.py": star,
            "torchgen/chosen.py": chosen,
        }
    )
    found = {name: tree.resolve(tree.module("torchgen.a"), name) for name in LEADS}
    assert {name: target and target.id for name, target in found.items()} == LEADS
    assert {name for name, target in found.items() if target and target.rest} == {
        *("T.a.b", "p.join", "sys.path"),
    }


@pytest.mark.parametrize("condition", ["TYPE_CHECKING", "__name__ == '__main__'"])
def test_what_stands_behind_a_condition_runs(condition: str) -> None:
    assert effects(f"if {condition}: pass\nlaunch()\n") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from typing import TYPE_CHECKING", 0),
        ("from typing import Any, TYPE_CHECKING", 0),
        ("from torchgen.other import TYPE_CHECKING", 1),
        ("from torchgen.other import LIST as TYPE_CHECKING", 1),
        ("TYPE_CHECKING = True", 1),
        ("TYPE_CHECKING: bool = 1", 1),
    ],
)
def test_a_module_may_say_itself_what_type_checking_is(text: str, expected: int) -> None:
    assert effects(f"{text}\nif TYPE_CHECKING: launch()\n") == expected


def test_source_that_cannot_be_read() -> None:
    tree = Tree({"torchgen/a.py": "def ("})
    with pytest.raises(SourceError, match=r"^torchgen\.a is no Python that can be read here: "):
        tree.module("torchgen.a")
    with pytest.raises(SourceError, match=r"^there is no module torchgen\.b$"):
        tree.module("torchgen.b")
