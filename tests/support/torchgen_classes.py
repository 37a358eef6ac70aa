"""Classes with the fields of torchgen's own, of which its objects are made."""

from __future__ import annotations

import dataclasses
import sys
from enum import Enum
from types import ModuleType, SimpleNamespace
from typing import Any, Final

import pytest

from derivload.pytorch.records import DerivativeRecord, ForwardRecord, InfoRecord


class CType:
    """A C++ type."""


@dataclasses.dataclass(frozen=True)
class BaseCppType:
    ns: str
    name: str

    def __str__(self) -> str:
        return f"{self.ns}::{self.name}" if self.ns else self.name


@dataclasses.dataclass(frozen=True)
class BaseCType(CType):
    type: BaseCppType

    def cpp_type(self) -> str:
        return str(self.type)


@dataclasses.dataclass(frozen=True)
class ConstRefCType(CType):
    elem: Any

    def cpp_type(self) -> str:
        return f"const {self.elem.cpp_type()} &"


@dataclasses.dataclass(frozen=True)
class MutRefCType(CType):
    elem: Any

    def cpp_type(self) -> str:
        return f"{self.elem.cpp_type()} &"


@dataclasses.dataclass(frozen=True)
class ArrayCType(CType):
    elem: Any
    size: int

    def cpp_type(self) -> str:
        return f"::std::array<{self.elem.cpp_type()},{self.size}>"


@dataclasses.dataclass(frozen=True)
class PairCType(CType):
    one: Any
    other: Any


TENSOR: Final = BaseCType(BaseCppType("at", "Tensor"))
LONG: Final = BaseCType(BaseCppType("", "long"))


class SpecialArgName(Enum):
    """A name of an argument that is not its own."""

    possibly_redundant_memory_format = 1


def made_of(name: str, *fields: str) -> type:
    return dataclasses.make_dataclass(name, fields)


class Modules:
    """torchgen.api.autograd, torchgen.api.types and torchgen.model."""

    def __init__(self) -> None:
        autograd: Any = ModuleType("torchgen.api.autograd")
        autograd.Derivative = made_of("Derivative", *DerivativeRecord.__annotations__)
        autograd.ForwardDerivative = made_of("ForwardDerivative", *ForwardRecord.__annotations__)
        fields = ("func", *InfoRecord.__annotations__)
        autograd.DifferentiabilityInfo = made_of("DifferentiabilityInfo", *fields)
        autograd.SavedAttribute = made_of("SavedAttribute", "nctype", "expr")
        types: Any = ModuleType("torchgen.api.types")
        for class_ in (CType, BaseCppType, BaseCType, ConstRefCType, MutRefCType, ArrayCType):
            setattr(types, class_.__name__, class_)
        types.PairCType = PairCType
        types.tensorT, types.sameT, types.longT = TENSOR.type, TENSOR.type, LONG.type
        types.Binding = made_of("Binding", "name", "nctype", "argument", "default")
        types.NamedCType = made_of("NamedCType", "name", "type")
        types.SpecialArgName = SpecialArgName
        model: Any = ModuleType("torchgen.model")
        model.Type = SimpleNamespace(parse=lambda text: text.replace("odd", "even"))
        self.autograd, self.types, self.model = autograd, types, model


FORMAT: Final = "possibly_redundant_memory_format"


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = Modules()
    for name, module in (("api.autograd", made.autograd), ("api.types", made.types),
                         ("model", made.model)):  # fmt: skip
        monkeypatch.setitem(sys.modules, f"torchgen.{name}", module)
    for name in ("torchgen", "torchgen.api"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    return made


class Schema(str):
    """The text of a schema, and its arguments."""

    __slots__ = ("arguments",)
    arguments: Any


def native(text: str, *names: str, out: tuple[str, ...] = (), options: bool = False) -> Any:
    """A function, the first of whose arguments is wrapped as torchgen wraps self."""
    arguments: list[Any] = [SimpleNamespace(name=name) for name in names]
    own = [SimpleNamespace(argument=each) for each in arguments[:1]]
    tensor_options = SimpleNamespace(name="dtype") if options else None
    schema = Schema(text)
    schema.arguments = SimpleNamespace(
        tensor_options=tensor_options,
        out=[SimpleNamespace(name=name) for name in out],
        non_out=[*own, *arguments[1:], *([tensor_options] if options else [])],
    )
    return SimpleNamespace(func=schema, arguments=arguments)
