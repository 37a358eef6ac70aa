"""What Python sees of types in signatures, and which types its bindings can read and return."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from derivload.cpp.ctypes import CppTypes, Locals
from derivload.diagnostics import Invalid
from derivload.generators.tables import Tables
from derivload.schema.arguments import Return
from derivload.schema.types import Type

# The lists whose sizes are in a signature.
_SIZED: Final = frozenset({"int", "SymInt", "Tensor", "Scalar"})
_READ_LISTS: Final = frozenset({"Tensor", "Tensor?", "int", "float", "SymInt", "Scalar"})
_DIMNAME: Final = "Dimname"
_PLAIN: Final = Locals(False, False)


class PythonTypes:
    """Answers for one release, and keeps each answer."""

    def __init__(self, tables: Tables, types: CppTypes) -> None:
        self._unread = tables.unread
        self._python_returns = tables.python_returns
        self._types = types
        self._read: dict[str, bool] = {}
        self._returned: dict[tuple[str, ...], str | None] = {}
        of_names = {_DIMNAME} if tables.dimnames else set()
        self._sized = _SIZED | of_names
        self._read_lists = _READ_LISTS | of_names

    def seen(self, type_: Type) -> str:
        """What Python sees of a type in a signature (`argument_type_str`)."""
        elem = type_.elem
        if elem is None:
            return type_.text
        if type_.kind == "optional":
            return f"{self.seen(elem)}?"
        size = type_.size if elem.text in self._sized else None
        return f"{self.seen(elem)}[{size}]"

    def is_read(self, type_: Type) -> bool:
        """Whether a value can be read from Python (`arg_parser_unpack_method`)."""
        if type_.text not in self._read:
            self._read[type_.text] = self._can_read(type_)
        return self._read[type_.text]

    def _can_read(self, type_: Type) -> bool:
        elem = type_.elem
        if elem is None:
            return type_.kind == "base" and type_.text not in self._unread
        if type_.kind == "list":
            return elem.text in self._read_lists
        return elem.text == "Generator" or self.is_read(elem)

    def not_returned(self, returns: Sequence[Return]) -> str | None:
        """None if a binding can return these, else their C++ type, which it cannot."""
        key = tuple([r.type.text for r in returns])
        if key not in self._returned:
            self._returned[key] = self._cannot_return(returns)
        return self._returned[key]

    def _cannot_return(self, returns: Sequence[Return]) -> str | None:
        try:
            types = [self._types.returned(r.type, mutable=False, scope=_PLAIN) for r in returns]
        except Invalid:
            return None  # it has no C++ type at all, which is another mistake
        texts = [type_.text for type_ in types]
        whole = f"::std::tuple<{','.join(texts)}>" if len(texts) > 1 else [*texts, "void"][0]
        return None if whole in self._python_returns else whole
