"""Random edits of the catalogue: whatever they break, no fix fails to remove its mistake."""

from __future__ import annotations

import random

from derivload.commands.check.fix import Texts, fix_all
from derivload.cpp.dialect import NEWEST
from derivload.diagnostics import Diagnostic
from derivload.engine.judging import judge, place_all
from derivload.engine.lint import lint
from derivload.engine.load import load_texts
from derivload.engine.texts import Text
from derivload.engine.texts import Texts as Inputs
from derivload.sources.splitting import with_plain_line_ends
from support.paths import CATALOGUE, DERIVATIVES, FILES, NATIVES, TAGS

ROUNDS = 60
# What YAML or a formula may trip over.
CHARACTERS = ":'\"[](){}#-,; \t*&!%@`|>é"
VALUES = ("True", "1", "[a, b]", "{a: b}", "'x", "x: y", "no", "", "|\n    x", "x # y: z")


def find(texts: Texts) -> list[Diagnostic]:
    def text(name: str) -> Text:
        return Text(name, with_plain_line_ends(texts[name]))

    inputs = Inputs(text(DERIVATIVES), (text(NATIVES),), text(TAGS))
    loaded = load_texts(inputs, NEWEST)
    judged = judge(lint(loaded.load), inputs, has_errors=bool(loaded.diagnostics))
    return sorted([*loaded.diagnostics, *place_all(judged.shown, inputs)])


def mutated(text: str, rng: random.Random) -> str:
    """The text with one line edited."""
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    line = lines[at]
    place = rng.randrange(len(line) + 1)
    key, colon, value = line.partition(": ")
    lines[at : at + 1] = rng.choice(
        [
            [line[:place] + line[place + 1 :]],
            [line[:place] + line[place : place + 1] + line[place:]],
            [line[:place] + rng.choice(CHARACTERS) + line[place:]],
            [line[: place - 1] + line[place : place + 1] + line[place - 1 : place]],
            [],
            [line, line],
            [rng.choice([" ", "    ", "\t"]) + line.lstrip()],
            [f"{key}{colon}{rng.choice(VALUES)}"],
            [f"{key}{colon}{value} # derivload: ignore[DL602]"],
        ]
    )
    return "\n".join(lines)


def test_no_fix_fails(seed: int, thinning: int) -> None:
    rng = random.Random(seed)
    whole = {name: (CATALOGUE / name).read_text("utf-8") for name in FILES}
    for _ in range(ROUNDS // thinning):
        texts = dict(whole)
        for name in rng.choices(FILES, k=rng.choice([1, 1, 2, 3])):
            texts[name] = mutated(texts[name], rng)
        if rng.random() < 0.2:
            texts = {name: text.replace("\n", "\r\n") for name, text in texts.items()}
        for is_unsafe in (False, True):
            fixed = fix_all(texts, find(texts), find, is_unsafe=is_unsafe)
            assert fixed.refused == []
