"""How Python bindings write types in signatures, and which types they can read and return."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from derivload.cpp.ctypes import CppTypes, Locals
from derivload.diagnostics import Invalid
from derivload.generators.tables import Tables
from derivload.schema.arguments import Return
from derivload.schema.types import Type

_WRITTEN: Final = {"int": "int64_t", "float": "double", "str": "c10::string_view"}
_LISTS: Final = {
    "int": "IntArrayRef",
    "SymInt": "SymIntArrayRef",
    "Tensor": "TensorList",
    "Scalar": "ScalarList",
}
_READ_LISTS: Final = frozenset({"Tensor", "Tensor?", "int", "float", "SymInt", "Scalar"})
_DIMNAME: Final = "Dimname"
_PLAIN: Final = Locals(False, False)


class PythonTypes:
    """Answers for one release, and keeps each answer."""

    def __init__(self, tables: Tables, types: CppTypes) -> None:
        self._tables = tables
        self._types = types
        self._written: dict[str, str | None] = {}
        self._read: dict[str, bool] = {}
        self._returned: dict[str, str | None] = {}
        self._lists = dict(_LISTS)
        self._read_lists = set(_READ_LISTS)
        if tables.dimnames:
            self._lists[_DIMNAME] = "DimnameList"
            self._read_lists.add(_DIMNAME)

    def written(self, type_: Type) -> str | None:
        """A type as a signature has it; None if it cannot be written (`argument_type_str`)."""
        if type_.text not in self._written:
            self._written[type_.text] = self._write(type_)
        return self._written[type_.text]

    def _write(self, type_: Type) -> str | None:
        elem = type_.elem
        if elem is None:
            is_known = type_.kind == "base" and type_.text not in self._tables.unwritten
            return _WRITTEN.get(type_.text, type_.text) if is_known else None
        size = "" if type_.size is None else f"[{type_.size}]"
        if type_.kind == "list" and elem.text == "bool":
            return f"bool{size}" if size else None
        if type_.kind == "list" and elem.text in self._lists:
            return self._lists[elem.text] + size
        inner = self.written(elem)
        if inner is None:
            return None
        return f"{inner}?" if type_.kind == "optional" else f"ArrayRef<{inner}>"

    def is_read(self, type_: Type) -> bool:
        """Whether a value can be read from Python (`arg_parser_unpack_method`)."""
        if type_.text not in self._read:
            self._read[type_.text] = self._can_read(type_)
        return self._read[type_.text]

    def _can_read(self, type_: Type) -> bool:
        elem = type_.elem
        if elem is None:
            return type_.kind == "base" and type_.text not in self._tables.unread
        if type_.kind == "list":
            return elem.text in self._read_lists
        return elem.text in ("Tensor", "Generator") or self.is_read(elem)

    def not_returned(self, returns: Sequence[Return]) -> str | None:
        """None if a binding can return these, else their C++ type, which it cannot."""
        if len(returns) == 1:
            key = returns[0].type.text
        else:
            key = ",".join([r.type.text for r in returns])
        if key not in self._returned:
            self._returned[key] = self._cannot_return(returns)
        return self._returned[key]

    def _cannot_return(self, returns: Sequence[Return]) -> str | None:
        try:
            types = [self._types.returned(r.type, mutable=False, scope=_PLAIN) for r in returns]
        except Invalid:
            return None  # it has no C++ type at all, which is another mistake
        texts = [type_.text for type_ in types]
        whole = f"::std::tuple<{','.join(texts)}>" if len(texts) > 1 else "".join(texts) or "void"
        return None if whole in self._tables.python_returns else whole
