"""Reads an entry of derivatives.yaml into formulas by dispatch key, whichever form it has.

An entry has its formulas either directly or, in a `dispatch` mapping, for each dispatch key.
"""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Final

import msgspec

from derivload.derivatives.meant import NON_DIFFERENTIABLE
from derivload.diagnostics import Mistake, Path, Remedy
from derivload.remedies import quote, write
from derivload.sources.entries import Mapping, describe
from derivload.sources.plain import Value
from derivload.spelling import Guesses

DEFAULT: Final = "Default"
_BOOLEANS: Final = ("True", "False")
_KEYS: Final = ("name", "output_differentiability", "dispatch")
_WORD: Final = re.compile(r"\w+")
_NAME: Final = re.compile(r"(\w+)(\.\w+)?\((.*)\)")


class Formulas(msgspec.Struct, frozen=True, gc=False):
    """The formulas for one dispatch key, sorted by key. `path` is their path in the entry.

    `is_complete` tells that there is none besides them that is no text.
    """

    dispatch_key: str
    formulas: tuple[tuple[str, str], ...]
    path: Path
    is_complete: bool


class Definition(msgspec.Struct, frozen=True, gc=False):
    """The content of an entry, before its function has been looked up.

    `specification` is the whole schema of the function, `name` its base name.
    """

    specification: str
    name: str
    dispatch: tuple[Formulas, ...]
    output_differentiability: tuple[bool, ...] | None
    output_differentiability_conditions: tuple[str, ...] | None


def read_definition(
    value: Mapping, autograd_keys: frozenset[str] | None = None
) -> Definition | None:
    """The definition of an entry; None if the entry has mistakes."""
    definition, mistakes = read_good_parts(value, autograd_keys, Guesses())
    return None if mistakes else definition


def read_good_parts(
    value: Mapping, autograd_keys: frozenset[str] | None, guesses: Guesses
) -> tuple[Definition | None, list[Mistake]]:
    """The definition of an entry without what is wrong, and the mistakes.

    The definition is None if it is not clear whose it is. Mistakes: DL006 to DL008, DL101, DL401 to
    DL404.
    """
    mistakes: list[Mistake] = []
    meant = _unknown_keys(value, guesses, mistakes)
    specification = value.get("name")
    name = ""
    if isinstance(specification, str):
        match = _NAME.match(specification)
        if match is None:
            mistakes.append(_no_schema(specification))
        else:
            name = match[1]
    elif "name" in value:
        message = f"`name` is {describe(specification)}, but must be a schema"
        mistakes.append(Mistake("DL007", message, ("name",)))
    elif "name" not in meant.values():
        mistakes.append(Mistake("DL008", "this entry has no `name`"))
    outputs, conditions = _output_differentiability(value, guesses, mistakes)
    dispatch = _dispatch(value, meant, autograd_keys, guesses, mistakes)
    if not name or not isinstance(specification, str):
        return None, mistakes
    return Definition(specification, name, dispatch, outputs, conditions), mistakes


def _no_schema(specification: str) -> Mistake:
    message = f"`{specification}` is not of the form `name.overload(arguments) -> returns`"
    head, colons, plain = specification.partition("::")
    if not (colons and head.isidentifier() and _NAME.match(plain)):
        return Mistake("DL101", message, ("name",))
    bare = (write("", f"{head}::", path=("name",)),)
    help_ = f"write it without its namespace: `{plain}`"
    return Mistake("DL101", message, ("name",), f"{head}::", help=help_, remedies=bare)


def _unknown_keys(value: Mapping, guesses: Guesses, mistakes: list[Mistake]) -> dict[Value, str]:
    """The keys that are certainly misspelt, each with the key that was meant (DL006).

    Any other key is that of a formula, whose name may be that of an argument or an output.
    """
    meant: dict[Value, str] = {}
    for key, held in value.items():
        is_schema = isinstance(held, str) and ") -> " in held and _NAME.match(held) is not None
        if isinstance(held, str) and ("name" in value or not is_schema):
            continue
        if not isinstance(key, str) or key in _KEYS:
            continue
        close = [known for known in guesses.nearest(key, _KEYS) if known not in value]
        if not close and is_schema:
            close = ["name"]
        if close:
            meant[key] = close[0]
            code, message = "DL006", f"an entry of derivatives.yaml has no key `{key}`"
            if close == ["name"]:
                code, message = "DL008", "this entry has no `name`"
            mistakes.append(Mistake(code, message, (key,), on_key=True, meant=tuple(close)))
    return meant


def _dispatch(
    value: Mapping,
    passed_over: Container[Value],
    known: frozenset[str] | None,
    guesses: Guesses,
    mistakes: list[Mistake],
) -> tuple[Formulas, ...]:
    if "dispatch" not in value:
        return (_formulas(DEFAULT, value, (), passed_over, mistakes),)
    table = value["dispatch"]
    if not isinstance(table, dict):
        message = f"`dispatch` is {describe(table)}, but must map dispatch keys to formulas"
        mistakes.append(Mistake("DL007", message, ("dispatch",)))
        return ()
    result = []
    for key, formulas in table.items():
        path: Path = ("dispatch", str(key))
        if key != DEFAULT and known is not None and key not in known:
            message = f"`{key}` is not a dispatch key for derivatives"
            meant = tuple(_meant_keys(str(key), known, guesses))
            mistakes.append(Mistake("DL401", message, path, on_key=True, meant=meant))
        if isinstance(formulas, dict):
            result.append(_formulas(str(key), formulas, path, (), mistakes))
        else:
            message = f"`{key}` is {describe(formulas)}, but must map arguments to formulas"
            mistakes.append(Mistake("DL007", message, path))
    return tuple(result)


def _meant_keys(key: str, known: frozenset[str], guesses: Guesses) -> list[str]:
    """Which key may be meant by one that is not for derivatives."""
    if f"Autograd{key}" in known:  # the key of the backend's kernels
        return [f"Autograd{key}"]
    return guesses.nearest(key, {*known, DEFAULT})


def _formulas(
    key: str, value: Mapping, path: Path, passed_over: Container[Value], mistakes: list[Mistake]
) -> Formulas:
    formulas = []
    before = len(mistakes)
    for names, formula in value.items():
        if not path and (names in ("name", "output_differentiability") or names in passed_over):
            continue
        if not isinstance(names, str):
            message = f"the key of a formula must be a text; this is {describe(names)}"
            mistakes.append(Mistake("DL402", message, (*path, str(names)), on_key=True))
        elif not isinstance(formula, str):
            mistakes.append(_no_text(names, formula, path))
        else:
            formulas.append((names, formula))
    return Formulas(key, tuple(sorted(formulas)), path, len(mistakes) == before)


def _no_text(names: str, formula: Value, path: Path) -> Mistake:
    help_ = "put the formula in quotes"
    path = (*path, names)
    if isinstance(formula, bool | int | float):
        # In quotes it would be a text, but no C++ that gives a tensor.
        message = f"a formula must be a text; this is {describe(formula)}"
        help_ = "write C++ that gives a tensor, or `non_differentiable`"
        never = (write(NON_DIFFERENTIABLE, path=path),) if not formula else ()
        return Mistake("DL402", message, path, help=help_, remedies=never)
    if formula is None:
        help_ = "write a formula, or `non_differentiable`"
    elif isinstance(formula, list | dict):
        help_ = "write one formula; one that begins with a bracket needs quotes"
    message = f"a formula must be a text; this is {describe(formula)}"
    remedies = (quote(*path, is_safe=True),) if "in quotes" in help_ else ()
    return Mistake("DL402", message, path, help=help_, remedies=remedies)


def _output_differentiability(
    value: Mapping, guesses: Guesses, mistakes: list[Mistake]
) -> tuple[tuple[bool, ...] | None, tuple[str, ...] | None]:
    given: Value = value.get("output_differentiability")
    if not given and not ("dispatch" in value and given == []):
        return None, None
    path: Path = ("output_differentiability",)
    if not isinstance(given, list):
        message = f"`output_differentiability` is {describe(given)}, but must be a list"
        remedies = (_listed(given, value.get("name")),) if isinstance(given, bool) else ()
        listed = booleans_in(given)
        if listed:
            remedies = (write(listed, path=path, is_safe=True),)
        mistakes.append(Mistake("DL403", message, path, remedies=remedies))
        return None, None
    if all(isinstance(item, str) for item in given) and given:
        if len(given) != 1:
            message = "`output_differentiability` has one condition at most, for a single output"
            listed = booleans_in(", ".join(map(str, given)))
            remedies = (write(listed, path=path, is_safe=True),) if listed else ()
            help_ = f"write `{listed}`, without quotes" if listed else ""
            mistakes.append(Mistake("DL404", message, path, help=help_, remedies=remedies))
        return (True,), tuple(map(str, given))
    for i, item in enumerate(given):
        if not isinstance(item, bool):
            message = f"`output_differentiability` lists true or false; this is {describe(item)}"
            close = guesses.nearest(item, _BOOLEANS) if isinstance(item, str) else []
            if isinstance(item, int) and item in (0, 1):
                close = [str(bool(item))]
            mistakes.append(Mistake("DL403", message, (*path, i), meant=tuple(close)))
    return tuple(bool(item) for item in given), None


def booleans_in(given: Value) -> str:
    """The list that a text of nothing but true and false stands for; "" for any other value."""
    words = _WORD.findall(given) if isinstance(given, str) else []
    is_list = words and {word.lower() for word in words} <= {"true", "false"}
    return f"[{', '.join(word.capitalize() for word in words)}]" if is_list else ""


def _listed(given: bool, specification: Value) -> Remedy:
    """A list with this value for each output; that is certain only for a single one."""
    returns = str(specification).rpartition(" -> ")[2]
    count = returns.count(", ") + 1
    text = f"[{', '.join([str(given)] * count)}]"
    return write(text, path=("output_differentiability",), is_safe=count == 1)
