"""What mutations of the differential test are made of.

A mutation takes the entries of a small catalogue, file by file, of which the first of its own
file is the one to change, and gives those of the mutant, or None where it has nothing to change.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple

from support.paths import DERIVATIVES, NATIVES

Files = dict[str, list[str]]
OfText = Callable[[Random, str], str | None]
OfFiles = Callable[[Random, Files], Files | None]

OPTIONS = "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None"


class Mutation(NamedTuple):
    """One kind: its name, the file whose first entry it changes, and how."""

    name: str
    file: str
    change: OfFiles


def entry(name: str, file: str, change: OfText) -> Mutation:
    """A mutation of the text of one entry."""

    def of_files(chance: Random, files: Files) -> Files | None:
        first, *others = files[file]
        changed = change(chance, first)
        return None if changed in (None, first) else {**files, file: [changed, *others]}

    return Mutation(name, file, of_files)


def schema(name: str, change: OfText) -> Mutation:
    """A mutation of a schema; half the time its definitions are changed along with it."""

    def of_files(chance: Random, files: Files) -> Files | None:
        first, *others = files[NATIVES]
        match = re.match(r"- func: (.+)\n", first)
        changed = None if match is None else change(chance, match[1])
        if match is None or changed is None or changed == match[1]:
            return None
        made = {**files, NATIVES: [f"- func: {changed}\n{first[match.end() :]}", *others]}
        if chance.random() < 0.5:
            named = f"- name: {match[1]}\n"
            made[DERIVATIVES] = [
                e.replace(named, f"- name: {changed}\n") for e in files[DERIVATIVES]
            ]
        return made

    return Mutation(name, NATIVES, of_files)


def whole(name: str, file: str, change: OfText) -> Mutation:
    """A mutation of the text of a whole file."""

    def of_files(chance: Random, files: Files) -> Files | None:
        text = "".join(files[file])
        changed = change(chance, text)
        return None if changed in (None, text) else {**files, file: [changed]}

    return Mutation(name, file, of_files)


def catalogue(name: str, file: str, change: Callable[[Random, list[str]], list[str]]) -> Mutation:
    """A mutation of the list of entries of a file."""

    def of_files(chance: Random, files: Files) -> Files | None:
        changed = change(chance, files[file])
        return None if changed == files[file] else {**files, file: changed}

    return Mutation(name, file, of_files)


def one_of(chance: Random, text: str, pattern: str, replacement: str) -> str | None:
    """The text with one match of a pattern replaced, as `re.sub` would do it."""
    found = list(re.finditer(pattern, text))
    if not found:
        return None
    match = chance.choice(found)
    return text[: match.start()] + match.expand(replacement) + text[match.end() :]


def swap(pattern: str, *replacements: str) -> OfText:
    """Replace one match of a pattern by one of these."""
    return lambda chance, text: one_of(chance, text, pattern, chance.choice(replacements))


def key(name: str, *values: str) -> OfText:
    """Give an entry a key with one of these values, in place of the one that it has, if any."""

    def change(chance: Random, text: str) -> str:
        without = re.sub(rf"(?m)^  {name}:.*\n(?:(?:   |  -).*\n)*", "", text)
        value = chance.choice(values)
        return f"{without}  {name}:{value}\n" if value else without

    return change


def insert(*lines: str) -> OfText:
    """Add one of these lines to an entry."""
    return lambda chance, text: f"{text}  {chance.choice(lines)}\n"


def arguments(change: Callable[[Random, list[str]], list[str]]) -> OfText:
    """Change the list of arguments of a schema."""

    def of_schema(chance: Random, text: str) -> str | None:
        match = re.fullmatch(r"([^(]+)\((.*)\) -> (.*)", text)
        if match is None:
            return None
        changed = change(chance, match[2].split(", ") if match[2] else [])
        return f"{match[1]}({', '.join(changed)}) -> {match[3]}"

    return of_schema


def added(*new: str) -> OfText:
    """Insert one of these among the arguments of a schema."""

    def change(chance: Random, given: list[str]) -> list[str]:
        at = chance.randint(0, len(given))
        return [*given[:at], chance.choice(new), *given[at:]]

    return arguments(change)


def without(chance: Random, given: list[str]) -> list[str]:
    at = chance.randrange(len(given)) if given else 0
    return [*given[:at], *given[at + 1 :]]


def doubled(chance: Random, given: list[str]) -> list[str]:
    return [*given, chance.choice(given)] if given else given


def doubled_first(_: Random, given: list[str]) -> list[str]:
    return [given[0], *given]


# What stands in YAML where something else is due.
VALUES: Final = (
    *("", " null", " 3", " 1.5", " yes", " False", " [x]", " []", " {}", " {a: b}", ' ""', " ''"),
    *(" 2020-01-01", " !!binary aGk=", " !!set {a}", " 0x1f", " 1:30", " .inf", " ~", " text"),
    *(" [3]", " [[x]]", " [null]", " 'yes'", " |\n    text", " >-\n    text", " x: y"),
)
