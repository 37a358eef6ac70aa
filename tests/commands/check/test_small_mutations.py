"""What is no mistake at all, and small changes of one entry."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import pytest

from derivload.cpp.dialect import NEWEST
from derivload.engine.load import load_texts
from derivload.engine.texts import Text, Texts
from derivload.loading.paths import find_files
from derivload.loading.request import Request
from derivload.rules import RULES
from derivload.sources.entries import split_entries
from support.bad_inputs import BadInputs, project
from support.paths import DERIVATIVES, FILES, NATIVES, TAGS

__all__ = ["project"]  # fixtures


@pytest.mark.parametrize(
    "convert",
    [
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data.replace(b"\n", b"\r"),
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: b"---\n" + data,
        lambda data: data.rstrip(b"\n"),
    ],
    ids=["crlf", "cr", "byte order mark", "document marker", "no line end at the end"],
)
def test_files_that_say_the_same_give_the_same_outputs(
    project: BadInputs, convert: Callable[[bytes], bytes]
) -> None:
    for name in FILES:
        data = project[name].read_bytes()
        assert b"\r" not in data
        project[name].write_bytes(convert(data))
    outcome = project.emit()
    assert (outcome.status, outcome.out) == (0, "")
    assert outcome.err.endswith(": up to date\n")


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r"])
def test_whatever_the_line_ends_are_the_same_is_said(project: BadInputs, line_end: bytes) -> None:
    project.prepend(NATIVES, "# one\n- func: f(Tenser self) -> Tensor\n")
    assert project.fails() == [(NATIVES, 2, 11, "DL104")]
    expected = project.emit()
    project[NATIVES].write_bytes(project[NATIVES].read_bytes().replace(b"\n", line_end))
    assert project.emit() == expected


TELLING = "\n\t '\"#:,-([{)]}!*&|>%@`?=.<_a0A~\\/é\x85\u2028\0\x7f"


_FAMILY = re.compile(r"- \w+: (?:\w+::)?(?:_foreach_|__i)?([a-z]+)")


class Mutant(NamedTuple):
    texts: Texts
    told: str


@cache
def catalogue() -> Texts:
    return Request(find_files(catalogue=True)).inputs.texts


def texts_of(texts: Texts) -> dict[str, str]:
    return {
        DERIVATIVES: texts.derivatives.text,
        NATIVES: texts.native_functions[0].text,
        TAGS: texts.tags.text,
    }


def as_texts(texts: dict[str, str]) -> Texts:
    made = {name: Text(name, text) for name, text in texts.items()}
    return Texts(made[DERIVATIVES], (made[NATIVES],), made[TAGS])


@cache
def entries(name: str) -> list[str]:
    split = split_entries(name, texts_of(catalogue())[name])
    assert split
    return [entry.text for entry in split]


def family_of(entry: str) -> str:
    match = _FAMILY.match(entry)
    assert match is not None, entry
    return match[1]


def with_family(name: str, index: int) -> Iterator[tuple[str, str]]:
    """The three files with the entries of one family; the entry itself comes first in its own."""
    chosen = entries(name)[index]
    family = "gild" if name == TAGS else family_of(chosen)
    for other in FILES:
        others = [e for e in entries(other) if e != chosen]
        if other != TAGS:
            others = [e for e in others if family_of(e) in (family, "gild")]
        yield other, "".join([chosen, *others] if other == name else others)


def changes(text: str, at: int) -> list[str]:
    """All mutations of a text at one place."""
    new = [*TELLING, "", text[at] * 2]
    return [text[:at] + part + text[at + 1 :] for part in new if part != text[at]]


def mutants(name: str, longer: bool, chance: random.Random, thinning: int) -> Iterator[Mutant]:
    """All mutants of a file's entries, or one at each place, of derivatives.yaml at every one;
    fewer where they are thinned.
    """
    least = 1 if name == DERIVATIVES else 2
    step = 1 if longer else max(least, 3 * (thinning - 1))
    for index, entry in enumerate(entries(name)):
        family = dict(with_family(name, index))
        for at in range(chance.randrange(step), len(entry), step):
            found = changes(family[name], at)
            for text in found if longer else [chance.choice(found)]:
                yield Mutant(as_texts({**family, name: text}), f"{name}, entry {index}, at {at}")


def check(mutant: Mutant) -> bool:
    """Load a mutant, see that all that is said of it can be shown; tell whether it is right."""
    try:
        diagnostics = load_texts(mutant.texts, NEWEST).diagnostics
        shown = [diagnostic.render() for diagnostic in diagnostics]
    except Exception as error:
        raise AssertionError(f"{mutant.told}: {error!r}\n{mutant.texts}") from error
    lines = {name: text.count("\n") + 1 for name, text in texts_of(mutant.texts).items()}
    for diagnostic, text in zip(diagnostics, shown, strict=True):
        assert diagnostic.code in RULES, text
        assert 1 <= diagnostic.line <= lines[diagnostic.file], text
        assert 1 <= diagnostic.column <= len(diagnostic.source_line) + 1, text
        assert text.count("\n") <= 3, text
    return not diagnostics


@pytest.mark.parametrize("name", FILES)
def test_every_family_is_right_by_itself(name: str) -> None:
    for index in range(len(entries(name))):
        if name != TAGS:
            family = dict(with_family(name, index))
            assert check(Mutant(as_texts(family), f"{name}, entry {index}")), family


@pytest.mark.parametrize("name", FILES)
def test_a_changed_character_gives_diagnostics_or_nothing(
    longer: bool, seed: int, name: str, thinning: int
) -> None:
    verdicts = [check(mutant) for mutant in mutants(name, longer, random.Random(seed), thinning)]
    assert 0.05 < sum(verdicts) / len(verdicts) < 0.95


def test_a_changed_character_in_the_whole_catalogue(longer: bool, thinning: int) -> None:
    texts = texts_of(catalogue())
    for _ in range(20_000 if longer else 400 // thinning):
        name = random.choice(FILES)
        at = random.randrange(len(texts[name]))
        changed = random.choice(changes(texts[name], at))
        check(Mutant(as_texts({**texts, name: changed}), f"{name} at {at}"))
