"""Reads an entry of derivatives.yaml into formulas by dispatch key, whichever form it has.

An entry has its formulas either directly or, in a `dispatch` mapping, for each dispatch key.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from derivload.diagnostics import Mistake, Path
from derivload.sources.entries import Mapping, describe
from derivload.sources.plain import Value

DEFAULT: Final = "Default"
_NAME: Final = re.compile(r"(\w+)(\.\w+)?\((.*)\)")


class Formulas(msgspec.Struct, frozen=True, gc=False):
    """The formulas for one dispatch key, sorted by key. `path` is their path in the entry."""

    dispatch_key: str
    formulas: tuple[tuple[str, str], ...]
    path: Path


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
) -> tuple[Definition | None, list[Mistake]]:
    """The definition of an entry, and its mistakes (DL007, DL008, DL101, DL401 to DL404).

    The definition is None if the entry has mistakes.
    """
    mistakes: list[Mistake] = []
    specification = value.get("name")
    name = ""
    if isinstance(specification, str):
        match = _NAME.match(specification)
        if match is None:
            message = f"`{specification}` is not of the form `name.overload(arguments) -> returns`"
            mistakes.append(Mistake("DL101", message, ("name",)))
        else:
            name = match[1]
    elif "name" in value:
        message = f"`name` is {describe(specification)}, but must be a schema"
        mistakes.append(Mistake("DL007", message, ("name",)))
    else:
        mistakes.append(Mistake("DL008", "this entry has no `name`"))
    outputs, conditions = _output_differentiability(value, mistakes)
    dispatch = _dispatch(value, autograd_keys, mistakes)
    if mistakes:
        return None, mistakes
    assert isinstance(specification, str)
    return Definition(specification, name, dispatch, outputs, conditions), mistakes


def _dispatch(
    value: Mapping, known: frozenset[str] | None, mistakes: list[Mistake]
) -> tuple[Formulas, ...]:
    if "dispatch" not in value:
        return (_formulas(DEFAULT, value, (), mistakes),)
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
            mistakes.append(Mistake("DL401", message, path, on_key=True))
        elif not isinstance(formulas, dict):
            message = f"`{key}` is {describe(formulas)}, but must map arguments to formulas"
            mistakes.append(Mistake("DL007", message, path))
        else:
            result.append(_formulas(str(key), formulas, path, mistakes))
    return tuple(result)


def _formulas(key: str, value: Mapping, path: Path, mistakes: list[Mistake]) -> Formulas:
    formulas = []
    for names, formula in value.items():
        if not path and names in ("name", "output_differentiability"):
            continue
        if not isinstance(names, str) or not isinstance(formula, str):
            wrong = names if not isinstance(names, str) else formula
            message = f"a formula must be a text; this is {describe(wrong)}"
            mistakes.append(Mistake("DL402", message, (*path, str(names))))
        else:
            formulas.append((names, formula))
    return Formulas(key, tuple(sorted(formulas)), path)


def _output_differentiability(
    value: Mapping, mistakes: list[Mistake]
) -> tuple[tuple[bool, ...] | None, tuple[str, ...] | None]:
    given: Value = value.get("output_differentiability")
    if not given and not ("dispatch" in value and given == []):
        return None, None
    path: Path = ("output_differentiability",)
    if not isinstance(given, list):
        message = f"`output_differentiability` is {describe(given)}, but must be a list"
        mistakes.append(Mistake("DL403", message, path))
        return None, None
    if any(isinstance(item, str) for item in given):
        if len(given) != 1:
            message = "`output_differentiability` has one condition at most, for a single output"
            mistakes.append(Mistake("DL404", message, path))
        return (True,), tuple(map(str, given))
    for i, item in enumerate(given):
        if not isinstance(item, bool):
            message = f"`output_differentiability` lists true or false; this is {describe(item)}"
            mistakes.append(Mistake("DL403", message, (*path, i)))
    return tuple(bool(item) for item in given), None
