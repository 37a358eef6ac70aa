"""Functions in the place of torchgen's, and the names of the package."""

from __future__ import annotations

from types import ModuleType

import pytest

import derivload.pytorch
from derivload.pytorch.drop_in import load_derivatives
from derivload.pytorch.errors import UnexpectedTorchgenError
from derivload.pytorch.importable import FunctionReplacement, Torchgen, original
from derivload.pytorch.installation import Installation, install


def _module(**functions: object) -> ModuleType:
    module = ModuleType("torchgen.gen")
    vars(module).update(functions)
    return module


def parse_native_yaml(*arguments: object, **named: object) -> object:
    """Parse."""
    return ["own", *arguments, named]


def test_a_replacement_is_called_and_keeps_the_original() -> None:
    once = FunctionReplacement("a", parse_native_yaml, lambda *given, **named: (given, named))
    twice = FunctionReplacement("a", once, lambda: 2)
    assert once(1, key=2) == ((1,), {"key": 2})
    assert (twice(), twice.name, twice.__doc__) == (2, "a", "Parse.")
    for function in (parse_native_yaml, once, twice):
        module = _module(parse_native_yaml=function)
        assert original(module, "parse_native_yaml") is parse_native_yaml
        torchgen = Torchgen(_module(load_derivatives=function), module)
        parsed: object = torchgen.parse_native_yaml(1, key=2)
        loaded: object = torchgen.load_derivatives("a", "b", "c")
        assert (parsed, loaded) == (["own", 1, {"key": 2}], ["own", "a", "b", "c", {}])


def test_a_function_that_is_not_there() -> None:
    with pytest.raises(UnexpectedTorchgenError, match=r"^torchgen\.gen has no parse$"):
        original(_module(), "parse")


def test_the_names_of_the_package() -> None:
    package = derivload.pytorch
    names = (Installation, UnexpectedTorchgenError, install, load_derivatives)
    assert dir(package) == sorted(name.__name__ for name in names)
    for name in names:
        assert getattr(package, name.__name__) is name
    with pytest.raises(AttributeError, match=r"'derivload\.pytorch' has no attribute 'other'"):
        package.other  # type: ignore[attr-defined]  # noqa: B018
