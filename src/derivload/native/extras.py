"""Checks keys that only kernels use, because torchgen checks them when it parses an entry."""

from __future__ import annotations

from typing import Final

from derivload.diagnostics import Invalid, Mistake
from derivload.remedies import write
from derivload.schema.arguments import Argument, ArgumentReader
from derivload.sources.entries import describe
from derivload.sources.plain import Value
from derivload.spelling import Guesses

_UFUNC_KEYS: Final = frozenset(
    "CUDAFunctor CUDAFunctorOnOther CUDAFunctorOnSelf CPUScalar CPUVector ScalarOnly"
    " Generic".split()
)
_DTYPE_CLASSES: Final = frozenset(
    "Integral Floating Complex All AllAndComplex FloatingAndComplex".split()
)
_ARROW: Final = " -> "


def check_precomputed(value: Value, arguments: ArgumentReader) -> list[Mistake]:
    """The mistakes in `precomputed` (torchgen's Precompute.parse): DL216.

    It is a list of `argument -> declaration, …`. The last item may be without an arrow.
    """
    assert isinstance(value, list)
    mistakes: list[Mistake] = []
    replaced: set[str] = set()
    for i, item in enumerate(value):
        if not isinstance(item, str):
            message = f"`precomputed` must be a list of texts; this is {describe(item)}"
            mistakes.append(Mistake("DL216", message, ("precomputed", i)))
            continue
        try:
            _check_precomputed_item(item, i == len(value) - 1, arguments)
        except Invalid as invalid:
            mistakes.append(invalid.at("precomputed", i))
        name = item.partition(_ARROW)[0] if _ARROW in item else ""
        if name and name in replaced:
            message = f"`{name}` is replaced twice"
            mistakes.append(Mistake("DL216", message, ("precomputed", i), name))
        replaced.add(name)
    return mistakes


def _check_precomputed_item(item: str, last: bool, arguments: ArgumentReader) -> None:
    if _ARROW not in item:
        if not last:
            raise Invalid("DL216", "values that replace no argument must be in the last line")
        declared = item
    else:
        name, _, declared = item.partition(_ARROW)
        if _ARROW in declared or " " in name:
            raise Invalid("DL216", f"`{item}` is not of the form `argument -> declarations`")
    read: list[Argument] = [arguments.argument(part.strip()) for part in declared.split(",")]
    spaced = ", ".join(a.text for a in read)
    if _ARROW in item and spaced != declared:
        message = f"the declarations of `{item}` need a comma and a space between them"
        remedies = [write(spaced, declared, is_safe=True)]
        raise Invalid("DL216", message, remedies=remedies)
    for argument in read:
        if argument.name.upper() == argument.name:
            raise Invalid("DL216", f"`{argument.name}` must not be all in capitals", argument.name)


def check_ufunc(value: Value, scalar_types: frozenset[str], guesses: Guesses) -> list[Mistake]:
    """The mistakes in `ufunc_inner_loop` (torchgen's UfuncInnerLoop.parse): DL217."""
    if isinstance(value, str):
        return _check_loop(value, ("ufunc_inner_loop",), scalar_types, guesses)
    assert isinstance(value, dict)
    mistakes: list[Mistake] = []
    for key, loop in value.items():
        if key == "__line__":
            continue
        path = ("ufunc_inner_loop", str(key))
        if key not in _UFUNC_KEYS:
            message = f"`ufunc_inner_loop` has no key `{key}`"
            meant = tuple(guesses.nearest(str(key), _UFUNC_KEYS))
            mistakes.append(Mistake("DL217", message, path, on_key=True, meant=meant))
        elif not isinstance(loop, str):
            message = f"an inner loop must be a text; this is {describe(loop)}"
            mistakes.append(Mistake("DL217", message, path))
        else:
            mistakes += _check_loop(loop, path, scalar_types, guesses)
    return mistakes


def _check_loop(
    loop: str, path: tuple[str, ...], scalar_types: frozenset[str], guesses: Guesses
) -> list[Mistake]:
    _, space, types = loop.partition(" ")
    if not space or len(types) < 2 or types[0] != "(" or types[-1] != ")":
        message = f"`{loop}` is not of the form `name (types)`"
        return [Mistake("DL217", message, path)]
    known = scalar_types | _DTYPE_CLASSES
    return [
        Mistake(
            code="DL217",
            message=f"there is no scalar type `{name}`",
            path=path,
            words=name,
            meant=tuple(guesses.nearest(name, known)),
        )
        for name in types[1:-1].split(", ")
        if name not in known
    ]
