"""The entries of a session's inputs: which there are, and inputs with other ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from support.sessions import DEFINITIONS, Inputs, cut, joined

Parts = list[str]


NAMED = re.compile(r"- (?:func|name): (?:\w+::)?(\w+)(?:\.(\w+))?\(")


_VARIANT = re.compile(r"^_*(?:foreach_)?|_copy|_scatter|_inverse|_functional|_+$")


def stem(entry: str) -> str:
    """What the names of an operator's variants have in common, as far as an edit cares."""
    match = NAMED.match(entry)
    return _VARIANT.sub("", match[1]) if match else ""


def schema_of(entry: str) -> str:
    return entry.partition("\n")[0].partition(": ")[2]


def any_file(random: Random, inputs: Inputs) -> int:
    files: list[int] = [DEFINITIONS, *range(len(inputs.files))]
    return random.choice(files)


def native_file(random: Random, inputs: Inputs) -> int:
    return random.choice(range(1, len(inputs.files) - 1))


def with_parts(inputs: Inputs, file: int, change: Callable[[Parts], None]) -> Inputs:
    """The inputs with a file's entries changed; a file without any stays as it is."""
    before, *parts = cut(inputs.files[file])
    if not parts:
        return inputs
    change(parts)
    return inputs.with_file(file, joined([before, *parts]))


def with_entry(
    random: Random, inputs: Inputs, file: int, change: Callable[[str], str], having: str = ""
) -> Inputs:
    """The inputs with one entry of a file changed, one that has these words in it."""

    def apply(parts: Parts) -> None:
        indexes = [i for i, part in enumerate(parts) if having in part]
        if indexes:
            index = random.choice(indexes)
            parts[index] = change(parts[index])

    return with_parts(inputs, file, apply)


def everywhere(inputs: Inputs, change: Callable[[str], str]) -> Inputs:
    """The inputs with every definition and native function changed."""
    for file in range(len(inputs.files) - 1):
        before, *parts = cut(inputs.files[file])
        inputs = inputs.with_file(file, joined([before, *map(change, parts)]))
    return inputs


def pick(random: Random, inputs: Inputs, file: int, having: str = "") -> str:
    """An entry of a file; "" when there is none."""
    parts = [part for part in cut(inputs.files[file])[1:] if having in part]
    return random.choice(parts) if parts else ""


def insert(random: Random, inputs: Inputs, file: int, entry: str) -> Inputs:
    before, *parts = cut(inputs.files[file])
    parts.insert(random.randrange(len(parts) + 1), entry)
    return inputs.with_file(file, joined([before, *parts]))


def with_keys(entry: str, arrange: Callable[[Parts], None]) -> str:
    """An entry with its keys, each with the lines of its value, in another order."""
    body = re.match(r"(?:(?:- | ).*\n|\n(?= ))*", entry)
    assert body is not None
    first, *others = re.split(r"(?m)^(?=  [A-Za-z_])", body[0])
    keys = [f"  {first.removeprefix('- ')}", *others]
    arrange(keys)
    return f"- {joined(keys).removeprefix('  ')}{entry[body.end() :]}"
