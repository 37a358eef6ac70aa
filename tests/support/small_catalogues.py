"""Small sets of the three files, taken from large ones."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

from derivload.sources.entries import split_entries
from support.mutation_kinds import Files
from support.paths import DERIVATIVES, NATIVES, TAGS

# Operators that stand in each small catalogue, so that other entries have something to name.
CORE = ("sin", "gild", "gleam")


class Source:
    """A set of the three files, by entries, and which of them belong together."""

    def __init__(self, paths: dict[str, Path]) -> None:
        self._entries: Files = {}
        for name, path in paths.items():
            split = split_entries(name, path.read_text("utf-8"))
            assert split
            self._entries[name] = [entry.text for entry in split]
        self._families: dict[str, Files] = {}
        for name in (DERIVATIVES, NATIVES):
            for entry in self._entries[name]:
                family = self._families.setdefault(_family(entry), {})
                family.setdefault(name, []).append(entry)
        self._always = [name for name in CORE if name in self._families]

    def small(self, chance: Random, file: str) -> Files:
        """One entry of a file, which comes first, with those that it belongs to."""
        chosen = chance.choice(self._entries[file])
        families = list(self._always)
        if file != TAGS:
            families = [_family(chosen), *(f for f in families if f != _family(chosen))]
        files = {
            name: [e for f in families for e in self._families[f].get(name, ())]
            for name in (DERIVATIVES, NATIVES)
        }
        files[TAGS] = list(self._entries[TAGS])
        files[file] = [chosen, *(e for e in files[file] if e is not chosen)]
        return files


def _family(entry: str) -> str:
    match = re.match(r"- \w+: (?:\w+::)?(\w+)", entry)
    name = "" if match is None else match[1]
    name = re.sub(r"^_foreach_|^__i?|^_", "", name).rstrip("_")
    return re.sub(r"(_copy|_scatter|_inverse|_backward|_functional)+$", "", name) or name


def packaged(release: Path) -> Source:
    folder = release / "torchgen" / "packaged"
    native = folder / "ATen" / "native"
    derivatives = folder / "autograd" / DERIVATIVES
    return Source({DERIVATIVES: derivatives, NATIVES: native / NATIVES, TAGS: native / TAGS})
