"""Operator names: `add`, `add_`, `__iand__`, `foo_functional`, each with `.overload` or without."""

from __future__ import annotations

import msgspec

from derivload.diagnostics import Invalid

_AUGMENTED_ASSIGNMENTS = frozenset(
    f"i{name}" for name in "add sub mul div mod pow lshift rshift and xor or".split()
)
_FUNCTIONAL = "_functional"


class OperatorName(msgspec.Struct, frozen=True, gc=False):
    """The parts of an operator's name.

    `name` is everything before the overload. `base` is the name without the marks of a variant:
    the underscore of an in-place variant, the `__i…__` of a dunder method, `_functional`.
    """

    text: str
    name: str
    overload: str
    base: str
    inplace: bool = False
    dunder: bool = False
    functional_overload: bool = False

    def renamed(self, overload: str, *, functional_overload: bool = False) -> OperatorName:
        """The name of this operator's out or functional variant, with another overload."""
        name = self.canonical
        if functional_overload and not self.dunder:
            name += _FUNCTIONAL
        return OperatorName(
            text=f"{name}.{overload}" if overload else name,
            name=name,
            overload=overload,
            base=self.base,
            dunder=self.dunder,
            functional_overload=functional_overload,
        )

    @property
    def canonical(self) -> str:
        """The base name in the form of the signature that all variants share."""
        return f"__{self.base}__" if self.dunder else self.base


def read_operator_name(text: str, *, namespaces: bool) -> OperatorName:
    """The operator name that `text` spells; `namespaces` tells whether `ns::name` is allowed.

    Raises Invalid (DL102). The rule is torchgen's `OperatorName.parse`.
    """
    name, dot, overload = text.partition(".")
    if dot and not overload:
        raise Invalid("DL102", f"`{text}` ends in a dot but names no overload", text)
    if not name:
        raise Invalid("DL102", "an operator needs a name", text)
    if name.endswith("_out"):
        raise Invalid(
            "DL102",
            f"`{name}` ends in `_out`, which is reserved for the C++ names of out variants",
            name,
            "make `out` the overload name: `foo.out`",
        )
    if namespaces and name.find("\n") == len(name) - 1:
        advice = "write it on one line; a block scalar `|` ends in a line end"
        raise Invalid("DL102", "there is a line end after this name", help=advice)
    plain = name
    if namespaces:
        namespace, colons, plain = name.rpartition("::")
        if not plain or (colons and not namespace):
            raise Invalid("DL102", f"`{name}` is not of the form `namespace::name`", name)
    middle = plain[2:-2]
    if plain.startswith("__") and plain.endswith("__") and middle and "_" not in middle:
        return _dunder(text, name, overload, middle)
    inplace = plain.endswith("_")
    base = plain[:-1] if inplace else plain
    functional = base.endswith(_FUNCTIONAL)
    if functional:
        base = base.removesuffix(_FUNCTIONAL)
        if inplace:
            message = f"`{name}` is both in-place and a functional overload"
            raise Invalid("DL102", message, name, "take the last underscore off, or `_functional`")
    return OperatorName(text, name, overload, base, inplace, functional_overload=functional)


def _dunder(text: str, name: str, overload: str, middle: str) -> OperatorName:
    inplace = middle in _AUGMENTED_ASSIGNMENTS
    if not inplace and middle.startswith("i"):
        message = f"`{name}` is not an augmented assignment of Python"
        raise Invalid("DL102", message, name, "use one of Python's, such as `__iadd__`")
    return OperatorName(text, name, overload, middle[1:] if inplace else middle, inplace, True)
