"""From the C++ types that the documents name to torchgen's own objects for them.

How a release writes an optional, a vector or an array is not known here: torchgen's classes are
asked to write a type that nobody has, and what stands around it is theirs.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import NamedTuple, Protocol, cast

from derivload.pytorch.errors import UnexpectedTorchgenError

# What no C++ type is written with, and the length of an array that none has.
_NOBODY = "@"
_LENGTH = 987654321

CType = object


class _Writable(Protocol):
    def __init__(self, *parts: object) -> None: ...

    def cpp_type(self) -> str: ...


class _Template(NamedTuple):
    """How a class of types writes what it holds: a pattern of the parts that it is made from."""

    pattern: re.Pattern[str]
    literal: int
    make: Callable[..., CType]


class CppTypes:
    """torchgen's C++ types, by how they are written. `types` is its module torchgen.api.types."""

    def __init__(self, types: ModuleType) -> None:
        self._known: dict[str, CType] = {}
        self._base = types.BaseCType
        self._cpp = types.BaseCppType
        for text, constant in _constants(types):
            ctype = self._base(constant)
            if self._known.setdefault(text, ctype) != ctype:
                raise UnexpectedTorchgenError(f"two C++ types of its are written {text}")
        # `const X &` is an `X &` too, of a `const X`: the one that says more goes first.
        self._templates = sorted(self._find_templates(types), key=lambda t: -t.literal)

    def parse(self, text: str) -> CType:
        """The type that is written so. Raises UnexpectedTorchgenError for one it has not."""
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._parse(text)
        return known

    def _parse(self, text: str) -> CType:
        for template in self._templates:
            match = template.pattern.fullmatch(text)
            if match is not None:
                elem, *length = match.groups()
                return template.make(self.parse(elem), *map(int, length))
        raise UnexpectedTorchgenError(f"it has no C++ type {text}")

    def _find_templates(self, types: ModuleType) -> Iterator[_Template]:
        nobody = self._base(self._cpp("", _NOBODY))
        for class_, fields in _type_classes(types):
            parts = {("elem",): (nobody,), ("elem", "size"): (nobody, _LENGTH)}.get(fields)
            if parts is not None:
                text = class_(*parts).cpp_type()
                pattern = re.escape(text).replace(_NOBODY, "(.+)").replace(str(_LENGTH), r"(\d+)")
                yield _Template(re.compile(pattern), len(text), class_)


def _type_classes(types: ModuleType) -> Iterator[tuple[type[_Writable], tuple[str, ...]]]:
    """The classes of types, each with the names of its fields."""
    for class_ in vars(types).values():
        if (
            inspect.isclass(class_)
            and issubclass(class_, types.CType)
            and dataclasses.is_dataclass(class_)
        ):
            fields = tuple([field.name for field in dataclasses.fields(class_)])
            yield cast(type[_Writable], class_), fields


def _constants(types: ModuleType) -> Iterator[tuple[str, object]]:
    for constant in vars(types).values():
        if isinstance(constant, types.BaseCppType):
            yield str(constant), constant
