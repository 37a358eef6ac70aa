"""What may stand at a place of an entry."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from derivload.editing.documents import TextSpot
from derivload.editing.formulas import Names, choices
from derivload.editing.meanings import (
    DEFINITION_KEYS,
    NATIVE_KEYS,
    NATIVE_VALUES,
    TAG_KEYS,
    meaning_of_dispatch_key,
)
from derivload.editing.outline import KeyLine, Outline

Kind = Literal["key", "argument", "output", "function", "operator", "tag", "value"]
File = Literal["derivatives", "native_functions", "tags"]

_BEFORE: Final = re.compile(r"[\w.:]*$")
_NEW_KEY: Final = re.compile(r" *(?:- )?\w*$")
_MOST: Final = 100
_KEYS: Final[dict[File, Mapping[str, str]]] = {
    "derivatives": DEFINITION_KEYS,
    "native_functions": NATIVE_KEYS,
    "tags": TAG_KEYS,
}


class Proposal(NamedTuple):
    """Something that may stand there. `text` goes into the place of what is from `start` on."""

    label: str
    text: str
    kind: Kind
    about: str
    start: int


class Known(NamedTuple):
    """What is known of the inputs.

    `without_derivative` has the schemas of operators that have no derivative and need one,
    `operators` the names of all, `tags` the meanings of tags by name, `helpers` the functions that
    formulas call. `names` are those of the function of the entry.
    """

    names: Names | None = None
    without_derivative: Callable[[], Sequence[str]] = tuple
    operators: Callable[[], Iterable[str]] = tuple
    helpers: Callable[[], Iterable[str]] = tuple
    tags: Mapping[str, str] = MappingProxyType({})
    dispatch_keys: Iterable[str] = ()
    autograd_keys: Iterable[str] = ()


class Completion(NamedTuple):
    """The items, and whether there are more."""

    items: list[Proposal]
    is_cut: bool = False


def complete(file: File, entry: Outline, spot: TextSpot, known: Known) -> Completion:
    """What may stand at a place of an entry."""
    line = entry.line(spot.line)
    before = line[: spot.character]
    key = entry.key_at(spot)
    if key is not None and key.line == spot.line and spot.character > key.end:
        return _in_value(file, entry, key, before, known)
    if key is not None and key.line < spot.line and not _NEW_KEY.match(before):
        return _in_value(file, entry, key, before, known)
    return _cut(_keys(file, entry, spot, before, known))


def _cut(items: Iterable[Proposal]) -> Completion:
    kept: list[Proposal] = []
    for item in items:
        if len(kept) == _MOST:
            return Completion(kept, is_cut=True)
        kept.append(item)
    return Completion(kept)


def _word_before(before: str) -> tuple[str, int]:
    found = _BEFORE.search(before)
    assert found is not None
    return found[0], found.start()


def _fits(label: str, typed: str) -> bool:
    return label.lower().startswith(typed.lower())


def _keys(
    file: File, entry: Outline, spot: TextSpot, before: str, known: Known
) -> Iterable[Proposal]:
    typed, start = _word_before(before)
    around = _around(entry, spot, start)
    there = {key.path for key in entry.keys if key.line != spot.line}
    for name, about, kind in _possible_keys(file, around, known):
        if (*around, name) not in there and _fits(name, typed):
            yield Proposal(name, f"{name}: ", kind, about, start)


def _around(entry: Outline, spot: TextSpot, indent: int) -> tuple[str, ...]:
    """The keys that a new key in this line would be below."""
    around: tuple[str, ...] = ()
    for key in entry.keys:
        if key.line >= spot.line:
            break
        if key.start < indent and not entry.line(key.line)[key.value.character :].strip():
            around = key.path
        elif key.start <= indent:
            around = key.path[:-1]
    return around


def _possible_keys(
    file: File, around: tuple[str, ...], known: Known
) -> Iterable[tuple[str, str, Kind]]:
    if around == ("dispatch",):
        in_derivatives = ("Default", *sorted(known.autograd_keys))
        keys = in_derivatives if file == "derivatives" else sorted(known.dispatch_keys)
        yield from ((key, meaning_of_dispatch_key(key), "value") for key in keys)
        return
    is_below_key = len(around) == 2 and around[0] == "dispatch"
    if file == "derivatives" and (not around or is_below_key) and known.names is not None:
        for value in known.names.arguments:
            yield value.name, f"the gradient of argument {value.name}: {value.type}", "argument"
        for value in known.names.outputs:
            yield value.name, f"the tangent of output {value.name}: {value.type}", "output"
    if not around:
        yield from ((name, about, "key") for name, about in _KEYS[file].items())


def _in_value(file: File, entry: Outline, key: KeyLine, before: str, known: Known) -> Completion:
    typed, start = _word_before(before)
    if file == "derivatives":
        if key.path == ("name",):
            at = key.value.character
            typed = before[at:].lstrip()
            found = (s for s in known.without_derivative() if _fits(s, typed))
            about = "it has no derivative yet"
            return _cut(Proposal(schema, schema, "operator", about, at) for schema in found)
        if key.is_formula:
            return _cut(_in_formula(key, typed, start, known))
        if key.name == "output_differentiability":
            return _cut(_values(("True", "False"), typed, start))
        return Completion([])
    if file == "native_functions":
        return _cut(_in_native(key, typed, start, known))
    return Completion([])


def _in_formula(key: KeyLine, typed: str, start: int, known: Known) -> Iterable[Proposal]:
    names = known.names
    if names is not None:
        arguments = {value.name for value in names.arguments}
        names = names._replace(is_forward=key.names[0] not in arguments)
        for choice in choices(names):
            if _fits(choice.text, typed):
                kind: Kind = "argument" if choice.kind != "made" else "value"
                yield Proposal(choice.text, choice.text, kind, choice.about, start)
    if typed:
        for helper in sorted(set(known.helpers())):
            if _fits(helper, typed):
                yield Proposal(helper, helper, "function", "a function that formulas call", start)


def _in_native(key: KeyLine, typed: str, start: int, known: Known) -> Iterable[Proposal]:
    name = key.path[0]
    if name == "tags":
        for tag, about in known.tags.items():
            if _fits(tag, typed):
                yield Proposal(tag, tag, "tag", about, start)
    elif name in ("structured_delegate", "autogen"):
        for operator in known.operators():
            if operator.endswith("out") and _fits(operator, typed):
                yield Proposal(operator, operator, "operator", "", start)
    elif len(key.path) == 1:
        yield from _values(NATIVE_VALUES.get(name, ()), typed, start)


def _values(values: Iterable[str], typed: str, start: int) -> Iterable[Proposal]:
    for value in values:
        if _fits(value, typed):
            yield Proposal(value, value, "value", "", start)
