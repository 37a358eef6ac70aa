"""What stands in for slow functions of torchgen while generators run, with the same results.

Most of the time of the generators goes into a few functions that they call again and again. What
stands in for one is put into torchgen's modules in memory, and taken out again. Its files are not
touched. It is used only if the function is the one that it was written for: the releases have these
functions, and in any other torchgen the digest of its source is compared.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
import sys
import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final

from derivload.modules import read_file
from derivload.pytorch.codegen.constructors import has_generated, make_constructors
from derivload.pytorch.codegen.makers import remember
from derivload.pytorch.codegen.stand_in_table import STAND_INS, StandIn
from derivload.pytorch.codegen.upstream import Upstream
from derivload.pytorch.errors import RAISED
from derivload.tree.digests import digest_of

_OF_GENERATORS: Final = "autograd."
# What looks at everything that an object has, and how often modules of the releases do.
_LOOKS: Final = re.compile(rb"__dict__|__getstate__|__reduce|\b(?:vars|dir)\(|getmembers")
_LOOKED: Final = {"torchgen.api.python": 1, "torchgen.api.lazy": 3}
# The modules whose decorators may be around a function.
_DECORATORS: Final = ("contextlib.py", "context.py")


class StandIns:
    """A context in which what can stand in for functions of the imported torchgen does.

    `names` are those of `STAND_INS` that do.
    """

    def __init__(self, upstream: Upstream) -> None:
        """torchgen is imported. Find out what can stand in."""
        self._upstream = upstream
        self._is_known = upstream.is_known
        # Where a function is found by which name, the function, and what stands in for it.
        self._places: list[tuple[Any, str, Any, Any]] = []
        self._digests: dict[str, str] = {}
        self.names: set[str] = set()
        if self._is_known or not self._is_looked_at():
            for stand_in in STAND_INS:
                self._add(stand_in)
            self._add_generated()

    def __enter__(self) -> None:
        for holder, name, _, made in self._places:
            setattr(holder, name, made)

    def __exit__(self, *_: object) -> None:
        for holder, name, original, _ in self._places:
            setattr(holder, name, original)

    def _is_looked_at(self) -> bool:
        """Whether the modules of the torchgen look at everything that an object has.

        Then what is remembered there would show.
        """
        for module in self._modules():
            found = read_file(getattr(module, "__file__", None) or "")
            count = 0 if found is None else len(_LOOKS.findall(found[0]))
            if count > _LOOKED.get(module.__name__, 0):
                return True
        return False

    def _modules(self) -> list[ModuleType]:
        """The modules of the torchgen and of its generators."""
        own = ("torchgen", self._upstream.package.partition(".")[0])
        return [module for name, module in sys.modules.items() if name.partition(".")[0] in own]

    def _add(self, stand_in: StandIn) -> None:
        original = self._find(stand_in.name)
        if not inspect.isfunction(_function_of(original)) or not self._is_meant(stand_in):
            return
        self.names.add(stand_in.name)
        made = stand_in.make(*[_function_of(self._find(name)) for name in stand_in.needs])
        if isinstance(original, staticmethod):
            made = staticmethod(made)
        for holder in self._holders(stand_in.name):
            for name, value in list(vars(holder).items()):
                if value is original:
                    self._places.append((holder, name, original, made))

    def _add_generated(self) -> None:
        """Add what stands in for functions that Python generated for classes of torchgen."""
        for class_, made in make_constructors(self._classes()):
            self._places.append((class_, "__init__", vars(class_)["__init__"], made))
        schema = self._find("model:FunctionSchema")
        if has_generated(schema, "__hash__"):
            original = vars(schema)["__hash__"]
            self._places.append((schema, "__hash__", original, remember(original)))

    def _classes(self) -> Iterator[type]:
        """The classes of torchgen's model of C++ and Python."""
        for name, module in list(sys.modules.items()):
            if name == "torchgen.model" or name.startswith("torchgen.api."):
                yield from _classes_of(module)

    def _is_meant(self, stand_in: StandIn) -> bool:
        """Whether the functions that a stand-in relies on are those that it was written for."""
        if self._is_known and not stand_in.is_of_some:
            return all([_is_own_piece(_function_of(self._find(name))) for name in stand_in.needs])
        return all(self._digest(name) in digests for name, digests in stand_in.needs.items())

    def _digest(self, name: str) -> str:
        """The digest of the piece of source with a name; "" if there is none."""
        if name not in self._digests:
            piece = _function_of(self._find(name))
            self._digests[name] = "" if piece is None else digest_of_source(piece)
        return self._digests[name]

    def _holders(self, name: str) -> list[Any]:
        """Where a function may be called by its name: its class, or all modules of the tree."""
        owner, _, _ = name.rpartition(".")
        if ":" in owner:
            return [self._find(owner)]
        return [*self._modules()]

    def _find(self, name: str) -> Any:
        """The object with a name; None if there is none."""
        module, _, path = name.partition(":")
        full = f"torchgen.{module}"
        if module.startswith(_OF_GENERATORS):
            full = f"{self._upstream.package}.{module.removeprefix(_OF_GENERATORS)}"
        found: Any = sys.modules.get(full)
        for part in path.split("."):
            found = vars(found).get(part) if found is not None else None
        return found


def _function_of(piece: Any) -> Any:
    """The function that a static method is; anything else as it is."""
    return piece.__func__ if isinstance(piece, staticmethod) else piece


def _classes_of(module: ModuleType) -> list[type]:
    own = list(vars(module).values())
    return [each for each in own if isinstance(each, type) and each.__module__ == module.__name__]


def digest_of_source(piece: Any) -> str:
    """The digest of the source that a function or class in memory is of; "" if that is uncertain.

    It is if somebody has put another function in its place, or around it.
    """
    try:
        (node,) = ast.parse(textwrap.dedent(inspect.getsource(piece))).body
    except RAISED:
        return ""
    return digest_of([node]) if _is_own_piece(piece) else ""


def _is_own_piece(piece: Any) -> bool:
    """Whether nobody has put another function in the place of one, or around it."""
    try:
        return _is_own_class(piece) if isinstance(piece, type) else _is_own(piece)
    except RAISED:
        return False


def _is_own_class(class_: type) -> bool:
    """Whether the functions of a class are those in its source."""
    file = inspect.getfile(class_)
    functions = [getattr(f, "__func__", f) for f in vars(class_).values()]
    return all(
        function.__code__.co_filename == file
        and function.__qualname__ == f"{class_.__qualname__}.{function.__name__}"
        for function in functions
        if inspect.isfunction(function)
    )


def _is_own(function: Any) -> bool:
    """Whether only Python's and torchgen's own decorators are around a function."""
    while hasattr(function, "__wrapped__"):
        if os.path.basename(function.__code__.co_filename) not in _DECORATORS:
            return False
        function = function.__wrapped__
    return True
