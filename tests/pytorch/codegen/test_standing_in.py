"""Where something stands in for a function, and for which: on a torchgen of a few functions."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from derivload.pytorch.codegen import stand_ins
from derivload.pytorch.codegen.stand_in_table import StandIn
from derivload.pytorch.codegen.stand_ins import StandIns, digest_of_source
from derivload.pytorch.codegen.upstream import Upstream, forget

FILES = {
    "torchgen/__init__.py": "",
    "torchgen/context.py": """
import functools

def around(function):
    @functools.wraps(function)
    def inner(*arguments):
        return function(*arguments)
    return inner
""",
    "torchgen/other.py": "from torchgen.context import around as mine\n",
    "torchgen/model.py": """
from contextlib import contextmanager
from dataclasses import dataclass
from torchgen.context import around

def one(x):
    return x

@around
def two(x):
    return x

class Own:
    def method(self):
        return one(1)

    @staticmethod
    def parse(text):
        return text

class Managed:
    @contextmanager
    def manage(self):
        yield

@dataclass(frozen=True)
class FunctionSchema:
    name: str

@dataclass(frozen=True)
class Written:
    name: str
    def __hash__(self):
        return 1

value = 3
""",
    "torchgen/api/__init__.py": "",
    "torchgen/api/types.py": """
from dataclasses import dataclass
from torchgen.model import one, FunctionSchema

@dataclass(frozen=True)
class NamedCType:
    name: str
""",
    "torchgen/elsewhere.py": """
from dataclasses import dataclass

@dataclass(frozen=True)
class Untouched:
    name: str
""",
    "tools/__init__.py": "",
    "tools/autograd/__init__.py": "",
    "tools/autograd/gen.py": """
from torchgen.model import one as first, one

def gen():
    pass
""",
}
MODULES = "torchgen.other torchgen.api.types torchgen.elsewhere tools.autograd.gen".split()


class Loaded:
    """The modules, imported, and what can stand in for functions of them."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, text in FILES.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, "utf-8")
        self.root = root
        self._patched = monkeypatch
        self.upstream = Upstream(str(root), "tools.autograd", str(root / "tools" / "autograd"))
        monkeypatch.syspath_prepend(str(root))
        forget()
        for name in MODULES:
            importlib.import_module(name)
        self.model: Any = sys.modules["torchgen.model"]
        self.gen: Any = sys.modules["tools.autograd.gen"]
        self.types: Any = sys.modules["torchgen.api.types"]

    def put(self, name: str, *needs: Any, is_of_some: bool = False, digest: str = "") -> None:
        """Have one thing stand in for a function of this name, if the pieces are as they are."""
        pieces = {need: frozenset({digest or self.digest(need)}) for need in needs or (name,)}
        made = StandIn(name, pieces, self.make, is_of_some)
        self._patched.setattr(stand_ins, "STAND_INS", (made,))

    def make(self, *given: Any) -> Callable[..., Any]:
        self.given = given
        return lambda *arguments: ("in its stead", arguments)

    def digest(self, name: str) -> str:
        module, _, path = name.partition(":")
        full = f"torchgen.{module}".replace("torchgen.autograd.", "tools.autograd.")
        found: Any = sys.modules[full]
        for part in path.split("."):
            found = vars(found)[part]
        return digest_of_source(getattr(found, "__func__", found))

    def names(self, **how: Any) -> set[str]:
        return StandIns(self.upstream._replace(**how)).names


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loaded]:
    yield Loaded(tmp_path, monkeypatch)
    forget()


def test_a_function_is_replaced_wherever_it_was_imported(loaded: Loaded) -> None:
    loaded.put("model:one")
    own = loaded.model.one
    found = StandIns(loaded.upstream)
    assert loaded.given == (own,)
    assert loaded.model.one is loaded.gen.first is own
    with found:
        for one in (loaded.model.one, loaded.gen.first, loaded.gen.one, loaded.types.one):
            assert one(7) == ("in its stead", (7,))
        assert loaded.model.Own().method() == ("in its stead", (1,))
    assert loaded.model.one is loaded.gen.first is loaded.gen.one is loaded.types.one is own


def test_a_method_is_replaced_in_its_class(loaded: Loaded) -> None:
    before = dict(vars(loaded.model.Own))
    calls: dict[str, Callable[[], Any]] = {
        "method": lambda: loaded.model.Own().method(),
        "parse": lambda: loaded.model.Own.parse("a"),
    }
    for name, call in calls.items():
        loaded.put(f"model:Own.{name}", "model:Own", f"model:Own.{name}")
        found = StandIns(loaded.upstream)
        assert found.names == {f"model:Own.{name}"}
        assert loaded.given[0] is loaded.model.Own
        assert loaded.given[1].__name__ == name
        with found:
            assert call()[0] == "in its stead"
            assert isinstance(vars(loaded.model.Own)[name], staticmethod) is (name == "parse")
        assert dict(vars(loaded.model.Own)) == before


def test_a_function_of_a_generator_is_found_in_its_package(loaded: Loaded) -> None:
    loaded.put("autograd.gen:gen")
    assert loaded.names() == {"autograd.gen:gen"}
    with StandIns(loaded.upstream):
        assert loaded.gen.gen() == ("in its stead", ())


@pytest.mark.parametrize("name", ["model:none", "none:one", "model:Own.none", "model:value"])
def test_nothing_stands_in_for_what_is_not_there(name: str, loaded: Loaded) -> None:
    loaded.put(name, "model:one")
    for is_known in (False, True):
        assert loaded.names(is_known=is_known) == set()


def test_only_a_known_piece_of_source_counts(loaded: Loaded) -> None:
    loaded.put("model:one", digest="0123456789abcdef")
    assert loaded.names() == set()
    assert loaded.names(is_known=True) == {"model:one"}
    loaded.put("model:one", digest="0123456789abcdef", is_of_some=True)
    assert loaded.names(is_known=True) == set()
    loaded.put("model:one", is_of_some=True)
    assert loaded.names(is_known=True) == loaded.names() == {"model:one"}
    loaded.put("model:two")
    assert loaded.names() == loaded.names(is_known=True) == {"model:two"}


def mine(x: object) -> object:
    """A function that is of no torchgen."""
    return x


REPLACED: dict[str, Callable[[Any], object]] = {
    "one that is around it": lambda m: setattr(m, "two", functools.wraps(m.two)(lambda x: x)),
    "a method": lambda m: setattr(m.Own, "method", lambda self: None),
    "a method of that name": lambda m: setattr(m.Own, "method", renamed("Own.method")),
    "a static method": lambda m: setattr(m.Own, "parse", staticmethod(mine)),
    "a new method": lambda m: setattr(m.Own, "more", mine),
    "no class": lambda m: setattr(m, "Own", 3),
}


def renamed(name: str) -> Callable[..., object]:
    def made(*_: object) -> None:
        pass

    made.__qualname__ = name
    return made


@pytest.mark.parametrize("what", REPLACED)
def test_nothing_stands_in_where_somebody_put_something(what: str, loaded: Loaded) -> None:
    loaded.put("model:one", "model:one", "model:two", "model:Own")
    assert loaded.names() == {"model:one"}
    REPLACED[what](loaded.model)
    assert loaded.names() == set()
    assert loaded.names(is_known=True) == ({"model:one"} if what == "no class" else set())


def test_the_digest_of_a_piece_of_source(loaded: Loaded) -> None:
    model = loaded.model
    digests = [
        digest_of_source(each) for each in (model.one, model.two, model.Own, model.Own.parse)
    ]
    assert {len(digest) for digest in digests} == {16}
    assert len({*digests}) == 4
    for piece in (len, 3, None, functools.wraps(mine)(lambda x: x)):
        assert digest_of_source(piece) == ""
    assert digest_of_source(model.Managed) == ""  # one of its functions is of contextlib
    assert digest_of_source(model.Managed.manage) != ""


@pytest.mark.parametrize(
    ("text", "is_looked_at"),
    [
        ("vars(x)", True),
        ("x.__dict__", True),
        ("x.__getstate__()", True),
        ("dir(x)", True),
        ("getmembers(x)", True),
        ("__reduce_ex__", True),
        ("myvars(x); mydir(x); variables = x", False),
    ],
)
def test_nothing_stands_in_where_everything_is_looked_at(
    text: str, is_looked_at: bool, loaded: Loaded
) -> None:
    loaded.put("model:one")
    path = loaded.root / "tools" / "autograd" / "gen.py"
    path.write_text(f"# {text}\n", "utf-8")
    assert loaded.names() == (set() if is_looked_at else {"model:one"})
    assert loaded.names(is_known=True) == {"model:one"}
    path.unlink()
    assert loaded.names() == {"model:one"}


def test_releases_look_at_some_things(loaded: Loaded) -> None:
    loaded.put("model:one")
    python: Any = type(sys)("torchgen.api.python")
    python.__file__ = str(loaded.root / "python.py")
    sys.modules["torchgen.api.python"] = python
    for text, expected in (("vars(x)", {"model:one"}), ("vars(vars(x))", set())):
        Path(python.__file__).write_text(text)
        assert loaded.names() == expected


def test_constructors_that_python_generated_are_replaced(loaded: Loaded) -> None:
    loaded.put("none:none", "model:one")
    schema, named = loaded.model.FunctionSchema, loaded.types.NamedCType
    untouched = sys.modules["torchgen.elsewhere"].Untouched
    classes = (schema, loaded.model.Written, named, untouched)
    before = [dict(vars(class_)) for class_ in classes]
    with StandIns(loaded.upstream):
        changed = [
            {name for name in vars(class_) if vars(class_)[name] is not own.get(name)}
            for class_, own in zip(classes, before, strict=True)
        ]
        assert changed == [{"__init__", "__hash__"}, {"__init__"}, {"__init__"}, set()]
        one = schema("a")
        assert (one.name, hash(one), hash(one)) == ("a", *[hash(schema("a"))] * 2)
        with pytest.raises(dataclasses.FrozenInstanceError):
            one.name = "b"
    assert [dict(vars(class_)) for class_ in classes] == before
