"""C++ types of arguments and returns.

The rules are torchgen's valuetype_type, argumenttype_type and returntype_type.
"""

from __future__ import annotations

import msgspec

from derivload.cpp.dialect import Dialect
from derivload.diagnostics import Invalid
from derivload.schema.types import Type


class CType(msgspec.Struct, frozen=True, gc=False):
    """A C++ type: its spelling, and the spelling of a value of it that can be stored.

    The stored value is not a reference.
    """

    text: str
    value: str


class Locals(msgspec.Struct, frozen=True, gc=False):
    """Settings for one function; torchgen keeps them in a dynamic scope while it translates types.

    `const_ref_tensors`: the entry has use_const_ref_for_mutable_tensors. `ilistref`: the function
    is part of a structured group, so its tensor lists are ITensorListRef.
    """

    const_ref_tensors: bool
    ilistref: bool


def _plain(text: str) -> CType:
    return CType(text, text)


def _const_ref(ctype: CType) -> CType:
    return CType(f"const {ctype.text} &", ctype.value)


class CppTypes:
    """Translates types for one dialect, and keeps each translation: there are few, used often."""

    def __init__(self, dialect: Dialect) -> None:
        self._spelled = dialect.cpp_types
        self._names = dialect.cpp_names
        self._optional = dialect.optional
        self._optional_returns = dialect.optional_returns
        self._arguments: dict[tuple[str, bool, Locals, bool], CType] = {}

    def argument(self, type_: Type, *, mutable: bool, symint: bool, scope: Locals) -> CType:
        """The C++ type of an argument. Raises Invalid (DL120) if the type has no C++ type.

        `symint` is False for the C++ signature that takes int64_t for SymInt.
        """
        key = (type_.text, mutable, scope, symint)
        known = self._arguments.get(key)
        if known is None:
            known = self._arguments[key] = self._argument(type_, mutable, symint, scope)
        return known

    def returned(self, type_: Type, *, mutable: bool, scope: Locals) -> CType:
        """The C++ type of a return. Raises Invalid (DL120) if C++ cannot return the type."""
        value = self._value(type_, symint=True)
        if value is not None:
            return value
        if type_.kind == "base":
            base = self._reference(type_)
            if type_.text != "Tensor" or not mutable:
                return base
            if scope.const_ref_tensors:
                return _const_ref(base)
            return CType(f"{base.text} &", base.value)
        if type_.kind == "list" and type_.elem is not None:
            if mutable or type_.size is not None:
                raise Invalid("DL120", f"C++ cannot return `{type_.text}`", type_.text)
            elem = self.returned(type_.elem, mutable=False, scope=scope)
            return CType(f"::std::vector<{elem.text}>", f"::std::vector<{elem.value}>")
        if self._optional_returns and type_.text == "Tensor?" and type_.elem is not None:
            return self._wrap_optional(self.returned(type_.elem, mutable=mutable, scope=scope))
        raise Invalid("DL120", f"C++ cannot return `{type_.text}`", type_.text)

    def _wrap_optional(self, elem: CType) -> CType:
        return CType(self._optional.format(elem.text), self._optional.format(elem.value))

    def _value(self, type_: Type, *, symint: bool) -> CType | None:
        """The type if it is passed and returned by value, or None."""
        if type_.kind == "base":
            return self._base_value(type_, symint=symint)
        if type_.elem is None:
            raise Invalid("DL120", f"`{type_.text}` has no C++ type", type_.text)
        if type_.kind == "optional":
            elem = self._value(type_.elem, symint=symint)
            return None if elem is None else self._wrap_optional(elem)
        if type_.elem.text != "bool":
            return None
        if type_.size is None:
            raise Invalid("DL120", "a list of bool needs a size: `bool[3]`", type_.text)
        return _plain(f"::std::array<{self._names['boolT']},{type_.size}>")

    def _reference(self, type_: Type) -> CType:
        """The C++ type of a base type that is passed by reference."""
        return _plain(self._names["tensorT" if type_.text == "Tensor" else "scalarT"])

    def _base_value(self, type_: Type, *, symint: bool) -> CType | None:
        if type_.text in ("Tensor", "Scalar"):
            return None
        if type_.text == "SymInt":
            return _plain(self._names["SymIntT" if symint else "longT"])
        spelled = self._spelled.get(type_.text)
        if spelled is None:
            raise Invalid("DL120", f"`{type_.text}` has no C++ type", type_.text)
        return _plain(spelled)

    def _argument(self, type_: Type, mutable: bool, symint: bool, scope: Locals) -> CType:
        value = self._value(type_, symint=symint)
        if value is not None:
            return value
        if type_.kind == "base":
            base = self._reference(type_)
            if type_.text == "Tensor" and mutable and not scope.const_ref_tensors:
                return CType(f"{base.text} &", base.value)
            return _const_ref(base)
        assert type_.elem is not None  # _value refuses types that are neither optional nor list
        if type_.kind == "optional":
            return self._optional_argument(type_.elem, mutable, symint, scope)
        return self._list_argument(type_.elem, mutable, symint, scope)

    def _optional_argument(self, elem: Type, mutable: bool, symint: bool, scope: Locals) -> CType:
        if elem.text == "Tensor":
            tensor = _plain(self._names["tensorT"])
            if mutable and not scope.const_ref_tensors:
                return CType(f"{tensor.text} &", tensor.value)
            return _const_ref(self._wrap_optional(tensor))
        if elem.text == "Scalar":
            return _const_ref(self._wrap_optional(_plain(self._names["scalarT"])))
        if elem.kind == "list" and elem.elem is not None:
            if elem.elem.text == "int" or (elem.elem.text == "SymInt" and not symint):
                return _plain(self._names["optionalIntArrayRefT"])
            if elem.elem.text == "SymInt":
                return _plain(self._names["optionalSymIntArrayRefT"])
        return self._wrap_optional(self.argument(elem, mutable=mutable, symint=symint, scope=scope))

    def _list_argument(self, elem: Type, mutable: bool, symint: bool, scope: Locals) -> CType:
        if elem.text == "int" or (elem.text == "SymInt" and not symint):
            return _plain(self._names["intArrayRefT"])
        if elem.text == "SymInt":
            return _plain(self._names["symIntArrayRefT"])
        if elem.text == "Tensor":
            if scope.ilistref:
                return _const_ref(_plain(self._names["iTensorListRefT"]))
            return _plain(self._names["tensorListT"])
        if elem.text == "Scalar":
            return _plain(f"at::ArrayRef<{self._names['scalarT']}>")
        if elem.text == "Tensor?":
            optional = self._optional.format(self._names["tensorT"])
            return _const_ref(_plain(f"c10::List<{optional}>"))
        if elem.text == "Dimname" and "dimnameListT" in self._names:
            return _plain(self._names["dimnameListT"])
        inner = self.argument(elem, mutable=mutable, symint=symint, scope=scope)
        return CType(f"at::ArrayRef<{inner.text}>", f"at::ArrayRef<{inner.value}>")
