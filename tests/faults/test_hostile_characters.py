"""One character at each position of the catalogue: no traceback."""

from __future__ import annotations

import random
from typing import Final

from derivload.commands.check.find import find_mistakes
from derivload.loading.paths import Files
from derivload.loading.request import Request
from support.paths import CATALOGUE, DERIVATIVES, FILES, NATIVES, TAGS

REPLACEMENTS: Final = ("", "", " ", "\n", "\t", "'", ":", "#", "(", "]", "*", "&", "0", "é", "\0")


def test_one_character_changed_gives_diagnostics_or_nothing(
    longer: bool, seed: int, thinning: int
) -> None:
    chance = random.Random(seed)
    texts = {name: (CATALOGUE / name).read_text("utf-8") for name in FILES}
    files = Files(DERIVATIVES, [NATIVES], TAGS, None)
    places = [(name, at) for name, text in texts.items() for at in range(len(text))]
    for name, at in places if longer else chance.sample(places, 600 // thinning):
        changed = texts[name][:at] + chance.choice(REPLACEMENTS) + texts[name][at + 1 :]
        made = {**texts, name: changed}
        try:
            found = find_mistakes(Request(files, [made[n].encode() for n in files.paths]), None)
            rendered = [diagnostic.render() for diagnostic in found.diagnostics]
        except Exception as error:
            raise AssertionError(f"{name} at {at}, seed {seed}: {error!r}") from error
        assert all(rendered), f"{name} at {at}, seed {seed}"
