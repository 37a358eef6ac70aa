"""What PyTorch's generators refuse, `check --codegen-rules` tells, and nothing else.

Mutants of a release's files that load: that release's own generators run on each, in one process
that stays. They refuse those that our rules refuse. Each mutant has few functions, which makes no
difference: the generators look at one family at a time. `--long` tries hundreds of mutants.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from derivload.cpp.dialect import DIALECTS
from derivload.engine.generators import find_refused
from derivload.engine.judging import judge, place_all
from derivload.engine.lint import lint
from derivload.engine.load import load_texts
from derivload.engine.texts import Text, Texts
from derivload.generators.deprecated import DeprecatedEntry, read_deprecated
from derivload.loading.deprecated import check_old
from derivload.loading.paths import find_files
from derivload.loading.request import Request
from derivload.loading.warnings import find_refused as find_refused_of
from derivload.wanted import Wanted
from support.generator_mutations import GENERATOR_MUTATIONS
from support.mutation_kinds import Files, Mutation
from support.paths import FILES, NATIVES, REFERENCE
from support.releases import Release
from support.small_catalogues import Source, packaged

JUDGE = REFERENCE / "judge_generators.py"
TIMES, TIMES_LONG = 1, 12


class Verdict(NamedTuple):
    """The step that raised an exception, "load" or "generate", and which; both "" for none."""

    step: str
    error: str


Ask = Callable[[Path, Sequence[DeprecatedEntry]], Verdict]


@contextmanager
def generators(release: Path) -> Iterator[Ask]:
    """A process of a release's loader and generators, which judges a folder's three files."""
    command = [sys.executable, "-X", "utf8", str(JUDGE), str(release)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None

        def ask(folder: Path, deprecated: Sequence[DeprecatedEntry]) -> Verdict:
            entries = [{"name": entry.signature, "aten": entry.call} for entry in deprecated]
            stdin.write(json.dumps([str(folder), entries]) + "\n")
            stdin.flush()
            return Verdict(*json.loads(stdout.readline()))

        yield ask
        stdin.close()


class Trial:
    """The mutants of one release so far."""

    def __init__(self, version: str, ask: Ask, folder: Path, deprecated: Path) -> None:
        self._dialect = DIALECTS[version.rpartition(".")[0]]
        self._deprecated = read_deprecated(deprecated.read_text("utf-8"))
        self._ask = ask
        self._folder = folder
        self.judged = 0
        self.both = 0
        self.refused: Counter[str] = Counter()
        self.differences: list[str] = []

    def compare(self, mutation: Mutation, before: Files, files: Files, told: str) -> None:
        for name, entries in files.items():
            (self._folder / name).write_text("".join(entries), "utf-8")
        derivatives, natives, tags = (
            Text(name, (self._folder / name).read_text("utf-8")) for name in FILES
        )
        texts = Texts(derivatives, (natives,), tags)
        loaded = load_texts(texts, self._dialect)
        if loaded.diagnostics:
            return
        deprecated = [entry for entry in self._deprecated if _is_there(entry, before)]
        theirs = self._ask(self._folder, deprecated)
        if theirs.step == "load":
            return  # test_differential.py is about that
        self.judged += 1
        linted = lint(loaded.load)._replace(find_refused=lambda: find_refused(loaded.load))
        judged = judge(linted, texts, Wanted(frozenset()), with_refused=True)
        found = place_all(judged.shown, texts)
        ours = [diagnostic.render() for diagnostic in found]
        old = check_old(deprecated, linted.entries, self._dialect)
        ours += [message for _, message in old]
        self.refused.update({*(diagnostic.code for diagnostic in found), *["DL839"][: len(old)]})
        self.both += bool(ours) and bool(theirs.step)
        if bool(ours) != bool(theirs.step):
            said = "\n".join(ours) or f"the generators alone: {theirs.error}"
            first = "".join(files[mutation.file])[:700]
            self.differences.append(f"{mutation.name} ({told}): {said}\n{first}")


def _is_there(entry: DeprecatedEntry, files: Files) -> bool:
    """Whether the function of an entry of deprecated.yaml is in a small catalogue."""
    name = re.compile(rf"- func: {entry.name}[.(]")
    return any(name.match(text) for text in files[NATIVES])


def mutants(
    mutation: Mutation, source: Source, times: int, chance: Random
) -> Iterator[tuple[Files, Files]]:
    """So many mutants of one kind, each behind what was changed."""
    made = 0
    for _ in range(times * 100):
        if made == times:
            return
        files = source.small(chance, mutation.file)
        changed = mutation.change(chance, files)
        if changed is not None:
            made += 1
            yield files, changed


@pytest.mark.release
def test_the_rules_refuse_what_the_generators_refuse(
    longer: bool, seed: int, each_release: str, release: Release, tmp_path: Path
) -> None:
    times = TIMES_LONG if longer else TIMES
    source = packaged(release(each_release))
    with generators(release(each_release)) as ask:
        folder = release(each_release) / "torchgen" / "packaged" / "autograd"
        trial = Trial(each_release, ask, tmp_path, folder / "deprecated.yaml")
        for mutation in GENERATOR_MUTATIONS:
            chance = Random(f"{seed} {mutation.name}")
            for number, (before, files) in enumerate(mutants(mutation, source, times, chance)):
                trial.compare(mutation, before, files, f"seed {seed}, mutant {number}")
    print(
        f"{each_release}: {trial.judged} mutants that load, {dict(sorted(trial.refused.items()))}"
    )
    assert not trial.differences, "\n\n".join(trial.differences)
    assert trial.judged > 20 * times
    assert len(trial.refused) > 2


@pytest.mark.release
def test_nothing_of_a_release_is_refused(each_release: str, release: Release) -> None:
    request = Request(find_files(pytorch=str(release(each_release))))
    assert request.with_refused
    assert find_refused_of(request) == []
