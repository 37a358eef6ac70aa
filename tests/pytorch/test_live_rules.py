"""What the modules of a torchgen have in memory, and which of it is not as in its source."""

from __future__ import annotations

import enum
import functools
import json
import os
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from derivload.loading.paths import TreePlace
from derivload.pytorch import live_rules
from derivload.pytorch.errors import UnexpectedTorchgenError
from derivload.pytorch.importable import FunctionReplacement, Torchgen
from derivload.pytorch.live_rules import _Live, _place_of, _value
from derivload.tree.bound import Import, SourceBindings, text_of
from derivload.tree.constants import CppName, EnumMember, UnreadableError

MODEL = """
import functools
from contextlib import contextmanager

def first(x):
    return x

@contextmanager
def around():
    yield

class Own:
    def method(self):
        pass

    @staticmethod
    def parse(text):
        return text

    @classmethod
    def made(cls):
        return cls()

    @property
    def told(self):
        return 1

    @functools.cached_property
    def kept(self):
        return 2

    def __str__(self):
        return "own"

RULES = ["a", "b"]
COUNT = 3
PATTERN = object()
"""
PIECES = ["model:first", "model:Own", "model:Own.method", "model:Own.__str__", "model:RULES"]


class Tree:
    """A module `model` of a torchgen, from a file, and a loader that imports from it."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.folder = root / "torchgen"
        self.folder.mkdir()
        self.model: Any = self.module("model", MODEL)
        monkeypatch.setitem(sys.modules, "model", self.model)
        self.loader: Any = self.module("load_derivatives", "from model import first as one\n")

    def module(self, name: str, text: str) -> ModuleType:
        path = self.folder / f"{name}.py"
        path.write_text(text, "utf-8")
        module = ModuleType(name)
        module.__file__ = str(path)
        exec(compile(text, str(path), "exec"), vars(module))
        return module

    @property
    def live(self) -> _Live:
        place = TreePlace(str(self.root), str(self.folder), str(self.folder))
        return _Live(Torchgen(self.loader, self.model), place)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    return Tree(tmp_path, monkeypatch)


def test_a_torchgen_as_it_is_in_its_source(tree: Tree) -> None:
    tree.live.check(PIECES)
    tree.live.check([*PIECES, "none:gone", "model:gone", "autograd.load_derivatives:one"])


def mine(*_: object) -> None:
    """A function that is of no torchgen."""


def compiled() -> Callable[..., Any]:
    """A function that no file has."""
    names: dict[str, Any] = {}
    exec(compile("def made(*_): pass", "<string>", "exec"), names)
    return names["made"]  # type: ignore[no-any-return]


REPLACED: dict[str, tuple[Callable[[Any], object], str]] = {
    "a function": (lambda m: setattr(m, "first", mine), "model.first"),
    "a function that was made": (lambda m: setattr(m, "first", compiled()), "model.first"),
    "a new function": (lambda m: setattr(m, "more", mine), "model.more"),
    "a function under one of its own": (
        lambda m: setattr(m, "first", functools.wraps(mine)(m.first)),
        "model.first",
    ),
    "a wrapped function": (
        lambda m: setattr(m, "first", functools.wraps(m.first)(lambda x: x)),
        "model.first",
    ),
    "what stood where ours stands": (
        lambda m: setattr(m, "first", FunctionReplacement("first", mine, m.first)),
        "model.first",
    ),
    "a method": (lambda m: setattr(m.Own, "method", mine), "model.Own.method"),
    "a method that was made": (lambda m: setattr(m.Own, "method", compiled()), "model.Own.method"),
    "a static method": (lambda m: setattr(m.Own, "parse", staticmethod(mine)), "model.Own.parse"),
    "a class method": (lambda m: setattr(m.Own, "made", classmethod(mine)), "model.Own.made"),
    "a property": (lambda m: setattr(m.Own, "told", property(mine)), "model.Own.told"),
    "a special method": (lambda m: setattr(m.Own, "__hash__", mine), "model.Own.__hash__"),
    "a special method of its own": (
        lambda m: setattr(m.Own, "__str__", compiled()),
        "model.Own.__str__",
    ),
}


@pytest.mark.parametrize("what", REPLACED)
def test_what_was_replaced_is_told(what: str, tree: Tree) -> None:
    change, name = REPLACED[what]
    change(tree.model)
    with pytest.raises(UnexpectedTorchgenError) as raised:
        tree.live.check(PIECES)
    assert str(raised.value) == f"its {name} was replaced"


def test_what_may_be_in_a_torchgen(tree: Tree) -> None:
    model = tree.model
    model.own = FunctionReplacement("first", model.first, mine)
    model.first = functools.wraps(model.first)(model.first)
    model.load, model.join, model.manage = json.loads, os.path.join, contextmanager
    model.Own.__eq__ = compiled()  # as those of a dataclass
    model.value, model.Foreign = 3, SimpleNamespace
    tree.live.check(PIECES)


def test_functions_of_the_loaders_folder_are_torchgens(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "autograd").mkdir()
    (tmp_path / "link").symlink_to("autograd")
    names: dict[str, Any] = {}
    path = tmp_path / "link" / "more.py"
    path.write_text("def more(): pass\n", "utf-8")
    exec(compile("def more(): pass", str(path), "exec"), names)
    tree.model.more = names["more"]
    torchgen = Torchgen(tree.loader, tree.model)
    place = TreePlace(str(tmp_path), str(tree.folder), str(tmp_path / "autograd"))
    _Live(torchgen, place).check(PIECES)
    with pytest.raises(UnexpectedTorchgenError, match=r"^its model\.more was replaced$"):
        tree.live.check(PIECES)


def test_where_a_torchgen_is() -> None:
    loader, gen = ModuleType("loader"), ModuleType("gen")
    loader.__file__, gen.__file__ = "/r/tools/autograd/load.py", "/r/torchgen/gen.py"
    place = _place_of(Torchgen(loader, gen))
    assert (place.root, place.torchgen, place.autograd) == (
        "/r",
        "/r/torchgen",
        "/r/tools/autograd",
    )


def bindings(**constants: object) -> SourceBindings:
    named = {f"model:{name}": text_of(value) for name, value in constants.items()}
    return SourceBindings(named, (Import("autograd.load_derivatives", "one", "model", "first"),))


def test_what_modules_bind_is_compared(tree: Tree) -> None:
    same = bindings(RULES=["a", "b"], COUNT=3, PATTERN=4, gone=5)
    tree.live.check_bindings(same)
    tree.loader.one = FunctionReplacement("one", tree.model.first, mine)
    tree.live.check_bindings(same)
    for constants in ({"RULES": ["b", "a"]}, {"COUNT": 4}):
        (name,) = constants
        with pytest.raises(UnexpectedTorchgenError, match=rf"^its model\.{name} was replaced$"):
            tree.live.check_bindings(bindings(**constants))
    tree.model.RULES = [object()]
    tree.live.check_bindings(same)  # it cannot be told
    tree.model.first = len
    with pytest.raises(UnexpectedTorchgenError) as raised:
        tree.live.check_bindings(same)
    assert str(raised.value) == "its autograd.load_derivatives.one was replaced"


class Color(enum.Enum):
    RED = 1


class BaseCppType:
    def __init__(self, **fields: object) -> None:
        vars(self).update(fields)


RED = EnumMember(f"{__name__}:Color", "RED")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "a"),
        (3, 3),
        (Color.RED, RED),
        (["a", ("b", Color.RED)], ["a", ["b", RED]]),
        ({"a", "b"}, frozenset({"a", "b"})),
        (frozenset({Color.RED}), frozenset({RED})),
        ({Color.RED: ["x"]}, {RED: ["x"]}),
        (BaseCppType(ns="at", name="Tensor"), CppName("at", "Tensor")),
        (BaseCppType(ns=None), CppName("", "")),
        (BaseCppType(name="long"), CppName("", "long")),
    ],
)
def test_values_are_as_those_of_a_source(value: object, expected: object) -> None:
    assert _value(value) == expected
    with pytest.raises(UnreadableError, match=r"^object$"):
        _value([value, object()])


def test_tables_are_read_from_the_modules(tree: Tree) -> None:
    live = tree.live
    tree.model.Color = Color
    assert live.has("model:RULES")
    assert live.has("autograd.load_derivatives:one")
    assert not live.has("model:none")
    assert not live.has("none:RULES")
    assert live.read("model:RULES") == ["a", "b"]
    assert live.members("model:Color") == {"RED"}
    for read, name in ((live.read, "model:none"), (live.members, "model:RULES"),
                       (live.members, "none:Color")):  # fmt: skip
        with pytest.raises(UnreadableError, match=rf"^{name}$"):
            read(name)


class Store(dict[bytes, bytes]):
    """A store in memory."""

    put = dict.__setitem__


def of_source(text: str, digest: bytes = b"digest") -> Any:
    files = [("model", "model.py", text.encode()), ("odd", "odd.py", b"# \xff\n")]
    return SimpleNamespace(digest=digest, files=files)


def test_what_a_source_binds_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def bound(text: str, digest: bytes = b"digest", release: str = "2.15") -> dict[str, str]:
        source = of_source(text, digest)
        return live_rules._bindings_of(source, release, ["model:COUNT"], store).constants

    store: Any = None
    assert bound("COUNT = 1\n") == {"model:COUNT": text_of(1)}
    store = Store()
    assert bound("COUNT = 1\n") == bound("COUNT = 2\n") == {"model:COUNT": text_of(1)}
    assert bound("COUNT = 2\n", b"other") == {"model:COUNT": text_of(2)}
    assert bound("COUNT = 2\n", release="2.14") == {"model:COUNT": text_of(2)}
    assert len(store) == 3
    for key in store:
        store[key] = b"{"
    assert bound("COUNT = 3\n") == {"model:COUNT": text_of(3)}
    store.clear()
    monkeypatch.setattr(live_rules, "is_as_it_began", lambda: False)
    assert bound("COUNT = 1\n") == {"model:COUNT": text_of(1)}
    assert store == {}
