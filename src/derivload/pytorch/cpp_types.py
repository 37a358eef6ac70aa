"""Turns the texts of C++ types in the documents into torchgen's own objects.

Releases write an optional, a vector or an array differently. We learn how from torchgen itself: its
classes write a type with the impossible name `@`, and the text around `@` is the pattern.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import NamedTuple, Protocol, cast

from derivload.pytorch.errors import UnexpectedTorchgenError

# A name that no C++ type has, and a length that no array has.
_NOBODY = "@"
_LENGTH = 987654321

CType = object


class _Writable(Protocol):
    def __init__(self, *parts: object) -> None: ...

    def cpp_type(self) -> str: ...


class _Template(NamedTuple):
    """How a class of types writes its types: a pattern with groups for the parts.

    `literal` is the length of the sample that the pattern was made from.
    """

    pattern: re.Pattern[str]
    literal: int
    make: Callable[..., CType]


class TorchgenTypes:
    """Finds torchgen's C++ types by their text. `types` is the module torchgen.api.types.

    Raises UnexpectedTorchgenError if two types have the same text.
    """

    def __init__(self, types: ModuleType) -> None:
        self._known: dict[str, CType] = {}
        self._base = types.BaseCType
        self._cpp = types.BaseCppType
        for text, constant in _constants(types):
            ctype = self._base(constant)
            if self._known.setdefault(text, ctype) != ctype:
                raise UnexpectedTorchgenError(f"two of its C++ types are written {text}")
        # `const X &` also matches the pattern `X &`, with `const X` as X. So longer patterns come
        # first.
        self._templates = sorted(self._find_templates(types), key=lambda t: -t.literal)

    def parse(self, text: str) -> CType:
        """The type with this text. Raises UnexpectedTorchgenError if torchgen has no such type."""
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
    # A backend may put types of its own into the mapping alone.
    mapped = getattr(types, "BaseTypeToCppMapping", {})
    for constant in (*vars(types).values(), *mapped.values()):
        if isinstance(constant, types.BaseCppType):
            yield str(constant), constant
