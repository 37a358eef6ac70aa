"""The rules between functions.

torchgen's error_check_native_functions and BackendIndex.grow_index.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from derivload.cpp.dialect import Dialect
from derivload.diagnostics import Invalid
from derivload.native.function import NativeFunction, qualified
from derivload.native.generation import Misfit, declared_twice
from derivload.remedies import remove_item
from derivload.spelling import Guesses

_KEYWORDS: Final = frozenset(keyword.kwlist)
# Operators that have an argument named `from`, from before the rule was made.
_NAMED_FROM: Final = frozenset({"_has_compatible_shallow_copy_type", "random_.from", "uniform_"})
_STORAGE_INPLACE: Final = frozenset({"resize_", "resize_as_"})


def check_functions(
    functions: Sequence[NativeFunction],
    dialect: Dialect,
    guesses: Guesses,
    other_structured: Callable[[], Iterable[str]] = tuple,
) -> list[Misfit]:
    """The broken rules between the declared functions (DL305 to DL308).

    `other_structured` gives the names of further structured functions, for suggestions.
    """
    misfits: list[Misfit] = []
    by_name = {f.name.text: f for f in functions}
    bases = {
        f.name.canonical for f in functions if not f.name.inplace and not f.name.functional_overload
    }
    for function in functions:
        if function.structured_delegate is not None:
            invalid = _check_delegate(function, by_name)
            if invalid is not None:
                name = function.structured_delegate.text
                invalid.meant = _delegates(name, by_name, guesses, other_structured)
                delegate = by_name.get(name)
                others = () if delegate is None else (delegate,)
                misfits.append(Misfit(function, invalid, "structured_delegate", others))
        if dialect.python_keywords_checked:
            _check_argument_names(function, misfits)
        if "inplace_view" in function.tags:
            _check_inplace_view(function, bases, dialect, misfits)
    return misfits


def check_duplicates(functions: Sequence[NativeFunction], declared: int) -> list[Misfit]:
    """The operators that have two kernels for one dispatch key (DL304).

    The first `declared` functions have entries of their own. The others are generated from them.
    """
    seen: dict[str, NativeFunction] = {}
    keys: dict[str, frozenset[str]] = {}
    misfits = []
    for index, function in enumerate(functions):
        name = function.schema.name.text
        first = seen.setdefault(name, function)
        if first is function:
            continue
        taken = keys.get(name, first.dispatch)
        if taken & function.dispatch:
            if index < declared:
                invalid = declared_twice(function, first)
            else:
                where = f"{first.entry.file}:{first.entry.line}"
                invalid = _taken(function, where, _declared(function, functions[:declared]))
            misfits.append(Misfit(function, invalid, others=(first,)))
        keys[name] = taken | function.dispatch
    return misfits


def _declared(generated: NativeFunction, functions: Sequence[NativeFunction]) -> str:
    """The name of the declared function that another one is generated from."""
    return next(f.qualified for f in functions if f.entry is generated.entry)


def _taken(function: NativeFunction, where: str, declared: str) -> Invalid:
    message = f"`{declared}` gets a variant `{function.qualified}`, which {where} declares already"
    help_ = "give both the same arguments, or one of them another name"
    return Invalid("DL304", message, declared, help_)


def _check_delegate(function: NativeFunction, by_name: dict[str, NativeFunction]) -> Invalid | None:
    assert function.structured_delegate is not None
    delegate = by_name.get(function.structured_delegate.text)
    if delegate is None:
        return Invalid("DL305", f"`{function.structured_delegate.text}` is not a function")
    if delegate.structured:
        return None
    message = f"`{delegate.qualified}` is not structured, so nothing can delegate to it"
    where = f"{delegate.entry.file}:{delegate.entry.line}"
    is_out = delegate.schema.kind == "out"
    help_ = f"add `structured: True` to `{delegate.qualified}` ({where})" if is_out else ""
    return Invalid("DL305", message, help=help_)


def _delegates(
    name: str,
    by_name: dict[str, NativeFunction],
    guesses: Guesses,
    others: Callable[[], Iterable[str]],
) -> tuple[str, ...]:
    """Which structured function may be meant: one of that base name, or with a name like it."""
    known = [other for other, function in by_name.items() if function.structured]
    base = name.partition(".")[0]
    variants = [other for other in known if other.partition(".")[0] == base]
    if len(variants) == 1:
        return tuple(variants)
    # One that is there is certainly meant, and lacks `structured: True`.
    is_there = name in by_name and not variants
    close = [] if is_there else guesses.nearest(name, variants or [*known, *others()])
    return tuple(close)


def _check_argument_names(function: NativeFunction, misfits: list[Misfit]) -> None:
    for argument in function.schema.arguments.flat_all:
        if argument.name in _KEYWORDS:
            if argument.name == "from" and function.name.text in _NAMED_FROM:
                continue
            message = f"the argument name `{argument.name}` is a keyword of Python"
            misfits.append(Misfit(function, Invalid("DL306", message, argument.text)))


def _check_inplace_view(
    function: NativeFunction, bases: set[str], dialect: Dialect, misfits: list[Misfit]
) -> None:
    name = function.name
    if name.text in _STORAGE_INPLACE or (dialect.set_is_no_view and name.name == "set_"):
        return
    if not name.inplace:
        message = f"`{function.qualified}` is tagged `inplace_view` but not in-place by name"
        leave_out = [remove_item("inplace_view", "tags")]
        invalid = Invalid("DL307", message, function.qualified, remedies=leave_out)
        misfits.append(Misfit(function, invalid))
    elif name.canonical not in bases:
        view = qualified(function.namespace, name.canonical)
        message = f"`{function.qualified}` is an in-place view, but there is no view `{view}`"
        misfits.append(Misfit(function, Invalid("DL308", message, function.qualified)))
