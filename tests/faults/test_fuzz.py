"""The targets of `fuzzing.py` with seeded texts: for seconds, or with `--long` for minutes each.

What broke once stands as a case beside the tests of what it broke. Guided by coverage, the same
targets have run for half an hour each.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from derivload.sources.entries import read_source
from support.fuzzing import (
    CheckTarget,
    SchemaTarget,
    SourcesTarget,
    Target,
    join_files,
    split_files,
)
from support.judged_schemas import torchgen
from support.paths import CATALOGUE, FILES, NATIVES
from support.small_catalogues import Source, packaged

SECONDS, SECONDS_IN_CI, SECONDS_LONG = 1.5, 4.0, 300.0
# Of the processor's time: no text of a few thousand characters is worth a hundredth of it.
MOST_FOR_A_TEXT = 10.0
LARGEST = 20_000

Fuzz = Callable[[Target], None]


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in what takes longer, where this system can."""

    def stop(_: int, __: object) -> None:
        raise TimeoutError(f"more than {seconds} seconds")

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@pytest.fixture
def fuzz(longer: bool, seed: int, thinning: int) -> Fuzz:
    usual = SECONDS if thinning > 1 else SECONDS_IN_CI

    def run(target: Target) -> None:
        end = time.monotonic() + (SECONDS_LONG if longer else usual)
        texts = list(target.seeds)
        tried = accepted = 0
        while time.monotonic() < end:
            chance = random.Random(f"{seed} {tried}")
            text = target.mutated(chance, chance.choice(texts))[:LARGEST]
            tried += 1
            try:
                with limited(MOST_FOR_A_TEXT):
                    is_accepted = target.check(text)
            except Exception as error:
                raise AssertionError(f"seed {seed}, text {tried}: {text!r}") from error
            accepted += is_accepted
            if is_accepted and chance.random() < 0.1:
                texts[chance.randrange(len(texts))] = text
        print(f"{tried} texts, {accepted} accepted")
        assert 0 < accepted < tried

    return run


def schemas(*files: Path) -> list[str]:
    read = [read_source(path.name, path.read_text("utf-8")) for path in files]
    return [str(entry.value["func"]) for source in read for entry in source.entries]


@pytest.fixture
def catalogues(newest: str, release: Callable[[str], Path]) -> list[str]:
    """Small catalogues: the three files, joined, for entries of the release and of our own."""
    own = Source({name: CATALOGUE / name for name in FILES})
    chance = random.Random(1)
    return [
        join_files(source.small(chance, file))
        for source in (own, packaged(release(newest)))
        for file in FILES
        for _ in range(100)
    ]


@pytest.mark.release
def test_schemas(fuzz: Fuzz, newest: str, release: Callable[[str], Path]) -> None:
    folder = release(newest)
    native = folder / "torchgen" / "packaged" / "ATen" / "native" / NATIVES
    with torchgen(folder) as judge:
        fuzz(SchemaTarget(schemas(native, CATALOGUE / NATIVES), judge))


@pytest.mark.release
def test_sources(fuzz: Fuzz, catalogues: list[str]) -> None:
    texts = {part for text in catalogues for part in split_files(text).values()}
    fuzz(SourcesTarget([text for text in sorted(texts) if 0 < len(text) < 3_000]))


@pytest.mark.release
def test_the_whole_of_check(fuzz: Fuzz, catalogues: list[str]) -> None:
    fuzz(CheckTarget([text for text in catalogues if len(text) < 12_000]))
