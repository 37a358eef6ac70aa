"""Types of the schema language: `Tensor`, `int?`, `SymInt[2]`, `Tensor(a!)[]`'s type `Tensor[]`."""

from __future__ import annotations

from typing import Final

import msgspec

from derivload.diagnostics import Invalid
from derivload.patterns import lazy
from derivload.spelling import Guesses

_LIST = lazy(r"(.+)\[([0-9]+)?\]")
_CUSTOM_CLASS = lazy(r"__torch__\.torch\.classes\.[a-zA-Z0-9_.]+")


# Far more than C++ could compile. Python may be configured to refuse numbers with more digits.
_MAX_DEPTH = 50
_MAX_DIGITS = 640
# What people write who think of C++ or of Python.
_MEANT: Final = {
    "boolean": "bool",
    "double": "float",
    "int32_t": "int",
    "int64_t": "int",
    "integer": "int",
    "long": "int",
    "string": "str",
    "string_view": "str",
    "IntArrayRef": "int[]",
    "SymIntArrayRef": "SymInt[]",
    "TensorList": "Tensor[]",
}
SEPARATED = lazy(r"[ ,;]")
# A type with more behind it, as where arguments are not separated as they must be.
_AND_MORE = lazy(r"(\w+)[^ ,;]*[ ,;]+\w.*")
SEPARATE: Final = "separate arguments by a comma and a space"
_GENERIC = lazy(
    r"(?:typing\.)?(List|Optional|list|optional|vector|ArrayRef|OptionalArrayRef)[\[<](.+)[\]>]"
)


class Type(msgspec.Struct, frozen=True, gc=False):
    """A type, by its text.

    `kind` is "base", "class", "optional" or "list". `elem` is the element type of an optional or
    a list. `base` is the innermost type (`Tensor` in `Tensor?[]`); "" if that is a custom class.
    """

    text: str
    kind: str
    base: str
    elem: Type | None = None
    size: int | None = None

    @property
    def is_tensor_like(self) -> bool:
        """Whether the innermost type is Tensor."""
        return self.base == "Tensor"


class TypeReader:
    """Reads types and keeps each by its text: a catalogue uses some fifty, thousands of times.

    `base_types` are the names that the dialect knows, and `guesses` guesses which one was meant.
    """

    def __init__(self, base_types: frozenset[str], guesses: Guesses) -> None:
        self._base_types = base_types
        self._guesses = guesses
        self._by_text: dict[str, Type] = {}

    def read(self, text: str) -> Type:
        """The type that `text` spells. Raises Invalid (DL104) if it is not a type."""
        known = self._by_text.get(text)
        if known is None:
            known = self._by_text[text] = self._parse(text)
        return known

    def _parse(self, text: str) -> Type:
        if text.count("?") + text.count("[") + text.count("<") > _MAX_DEPTH:
            raise Invalid("DL104", "this type is nested too deeply", text)
        if text in self._base_types:
            return Type(text, "base", text)
        if text.endswith("?") and text != "?":
            elem = self.read(text[:-1])
            return Type(text, "optional", elem.base, elem)
        sized = _LIST.fullmatch(text)
        if sized is not None:
            elem, digits = self.read(sized[1]), sized[2]
            if digits is not None and (digits[0] == "0" or len(digits) > _MAX_DIGITS):
                raise Invalid("DL104", f"a list size is a positive number, not `{digits}`", text)
            return Type(text, "list", elem.base, elem, None if digits is None else int(digits))
        if _CUSTOM_CLASS.fullmatch(text):
            return Type(text, "class", "")
        more = _AND_MORE.fullmatch(text)
        is_apart = more is None or more[1] not in self._base_types
        meant = self._meant(text) if is_apart and "," not in text else []
        help_ = "" if meant or not SEPARATED.search(text) else SEPARATE
        raise Invalid("DL104", f"there is no type `{text}`", text, help_, meant=meant)

    def _meant(self, text: str) -> list[str]:
        known = self._known(text)
        return self._guesses.nearest(text, self._base_types) if known is None else [known]

    def _known(self, text: str) -> str | None:
        """How a type of C++ or of Python is spelled here; None if it is none that is known."""
        bare = text.removeprefix("at::").removeprefix("std::").removeprefix("c10::")
        generic = _GENERIC.fullmatch(bare)
        if generic is not None:
            elem = self._known(generic[2]) or generic[2]
            return elem + {"optional": "?", "optionalarrayref": "[]?"}.get(generic[1].lower(), "[]")
        return _MEANT.get(bare, bare if bare in self._base_types else None)
