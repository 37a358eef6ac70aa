"""Finds the torchgen that can be imported: its loader and its parser.

A checkout has the loader in `tools`, a wheel in `torchgen.packaged`. If derivload has replaced a
function, the replacement knows the original.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Final, NamedTuple, cast

from derivload.pytorch.errors import UnexpectedTorchgenError
from derivload.pytorch.torchgen_types import Infos, ParsedYaml

LOAD_DERIVATIVES: Final = "load_derivatives"
PARSE_NATIVE_YAML: Final = "parse_native_yaml"
_GEN: Final = "torchgen.gen"
_PACKAGED: Final = "torchgen.packaged.autograd.load_derivatives"
_CHECKOUT: Final = "tools.autograd.load_derivatives"

Function = Callable[..., object]
Result = tuple[Infos, set[str]]


class FunctionReplacement:
    """A wrapper installed in place of `original`, under its name."""

    def __init__(self, name: str, original: Function, function: Function) -> None:
        functools.update_wrapper(self, original)  # with its attributes: ours come after them
        self.name = name
        self.original = original
        self._function = function

    def __call__(self, *arguments: object, **named: object) -> object:
        """Call the new function."""
        return self._function(*arguments, **named)


class Torchgen(NamedTuple):
    """Two modules of one torchgen: the module of its loader, and torchgen.gen."""

    loader: ModuleType
    gen: ModuleType

    def load_derivatives(self, derivatives: str, native: str, tags: str) -> Result:
        """Call torchgen's own loader, even if it has been replaced."""
        return cast(Result, original(self.loader, LOAD_DERIVATIVES)(derivatives, native, tags))

    def parse_native_yaml(self, *arguments: object, **named: object) -> ParsedYaml:
        """Call torchgen's own parser, even if it has been replaced."""
        return cast(ParsedYaml, original(self.gen, PARSE_NATIVE_YAML)(*arguments, **named))


def original(module: ModuleType, name: str) -> Function:
    """A module's own function: the original, if it has been replaced.

    Raises UnexpectedTorchgenError if the module has no such function.
    """
    function: Function | None = getattr(module, name, None)
    while isinstance(function, FunctionReplacement):
        function = function.original
    if function is None:
        raise UnexpectedTorchgenError(f"{module.__name__} has no {name}")
    return function


def find_torchgen() -> Torchgen:
    """The torchgen that is or can be imported. Raises UnexpectedTorchgenError if there is none."""
    for torchgen in find_loaders():
        return torchgen
    raise UnexpectedTorchgenError(f"{_PACKAGED} cannot be imported")


def find_loaders() -> Iterator[Torchgen]:
    """The importable torchgen, once with each loader that can be imported.

    Loaders that are already imported come first, then a checkout's.
    """
    gen = _import(_GEN)
    if gen is None:
        return
    names = [_CHECKOUT, _PACKAGED] if _is_of_checkout(gen) else [_PACKAGED]
    for name in sorted(names, key=lambda name: name not in sys.modules):
        loader = _import(name)
        if loader is not None and hasattr(loader, LOAD_DERIVATIVES):
            yield Torchgen(loader, gen)


def _is_of_checkout(gen: ModuleType) -> bool:
    """Whether the loader in `tools` belongs to this torchgen. Any project may have a `tools`."""
    if _CHECKOUT in sys.modules:
        return True
    root = Path(str(gen.__file__)).parent.parent
    return Path(root, *_CHECKOUT.split(".")).with_suffix(".py").is_file()


def _import(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
