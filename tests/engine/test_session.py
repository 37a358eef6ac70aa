"""Sessions: after any edits, they give what loading everything gives, byte for byte.

An edit is a function from one set of inputs to the next that takes its choices from a `Random`.
Hypothesis, a seeded driver (10,000 steps with `--long`), the releases and runs of the command
all take the same edits; small inputs below them say which edits cost what.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from derivload.engine.session import Session
from support.exits import Exit, Exits
from support.few_operators import make_small
from support.paths import FILES
from support.releases import Release
from support.session_edits import COMMON, EDITS, FORMULA
from support.sessions import START, TAGS, Edit, Inputs, Walk, cut, edited, walked


class Edits(RuleBasedStateMachine):
    walked: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.walk = Walk(START)
        self.past = [START]

    @rule(edit=st.sampled_from(EDITS), random=st.randoms(use_true_random=False))
    def edit(self, edit: Edit, random: Random) -> None:
        outcome = self.walk.go(edit(random, self.walk.inputs), edit.__name__)
        way = "incremental" if outcome.is_incremental else "whole" if outcome.lines else "broken"
        event(f"{edit.__name__}: {way}")
        if outcome.lines:
            self.past.append(self.walk.inputs)

    @precondition(lambda self: self.walk.outcome.diagnostics)
    @rule()
    def fix(self) -> None:
        assert not self.walk.go(self.walk.home).diagnostics

    @rule(random=st.randoms(use_true_random=False))
    def go_back(self, random: Random) -> None:
        assert not self.walk.go(random.choice(self.past)).diagnostics

    def teardown(self) -> None:
        Edits.walked.update(self.walk.counts)


def test_any_sequence_of_edits_gives_what_a_cold_load_gives(longer: bool, thinning: int) -> None:
    Edits.walked.clear()
    run_state_machine_as_test(
        Edits,
        settings=settings(
            max_examples=300 if longer else max(4, 12 // thinning),
            stateful_step_count=50 if longer else 20,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Edits.walked["incremental"] > Edits.walked["steps"] / 10


def test_long_walks_give_what_cold_loads_give(longer: bool, seed: int, thinning: int) -> None:
    counts = walked(
        START, EDITS, seed, 100 if longer else max(1, 2 // thinning), 100 if thinning == 1 else 50
    )
    assert counts["incremental"] > counts["good"] / 3
    assert counts["incremental afresh"] > counts["good"] / 3
    # A plain run takes one walk, and chance decides how many of its edits are warned of.
    assert counts["warned"] > counts["good"] / (5 if longer else 20)


def inputs_of(version: str, release: Release) -> Inputs:
    packaged = release(version) / "torchgen" / "packaged"
    paths = [packaged / "autograd" / FILES[0], *(packaged / "ATen/native" / n for n in FILES[1:])]
    texts = tuple(path.read_text("utf-8") for path in paths)
    return Inputs(version.rpartition(".")[0], texts)


def few_of(version: str, release: Release, folder: Path) -> Inputs:
    """The inputs of a release with few of its operators."""
    return inputs_of(version, lambda _: make_small(release(version), folder).root)


def wander_through(inputs: Inputs, seed: int, steps: int) -> None:
    walk = Walk(inputs)
    walk.wander(Random(seed), COMMON, steps, f"{inputs.release}, seed {seed}")
    # With a mistake in the inputs, edits are followed too.
    assert walk.counts["incremental"] + walk.counts["mistaken"] > steps / 10


@pytest.mark.release
def test_random_edits_of_a_release(
    each_release: str, release: Release, longer: bool, seed: int, thinning: int, tmp_path: Path
) -> None:
    if thinning > 1:
        wander_through(few_of(each_release, release, tmp_path / "few"), seed, 20)
        return
    wander_through(inputs_of(each_release, release), seed, 200 if longer else 9)


@pytest.mark.thorough
@pytest.mark.release
def test_random_edits_of_the_oldest_release(release: Release, longer: bool, seed: int) -> None:
    wander_through(inputs_of("2.1.0", release), seed, 200 if longer else 9)


@pytest.mark.release
def test_edit_of_a_release_reads_few_entries(newest: str, release: Release) -> None:
    inputs = inputs_of(newest, release)
    session = Session(inputs.dialect)
    session.load(inputs.texts)
    entries = cut(inputs.files[0])
    for name in ("add.Tensor", "transpose.int", "index_copy", "sigmoid"):
        definition = next(entry for entry in entries if entry.startswith(f"- name: {name}("))
        formula = next(FORMULA.finditer(definition))[0]
        changed = definition.replace(formula, f"{formula} + 0")
        # Of the definition before this one, the edit is taken back.
        outcome = session.load(edited(definition, changed, inputs=inputs).texts)
        assert outcome.is_incremental, name
        assert outcome.counts["read"] < 100, name


@pytest.mark.release
def test_state_of_the_catalogue_is_no_hindrance_to_a_release(newest: str, release: Release) -> None:
    inputs = inputs_of(newest, release)
    catalogue = START.with_file(TAGS, inputs.files[TAGS])
    walk = Walk(START)
    assert not walk.go(catalogue).is_incremental
    # All that they have in common are the tags.
    assert walk.go(inputs).is_incremental
    assert walk.go(catalogue).is_incremental
    assert not walk.go(START).is_incremental


class Processes(Exits):
    """Runs of `derivload emit` on inputs that change."""

    def emit_to(self, out: str, inputs: Inputs, *more: str) -> Exit:
        """Emit to the folder of that name."""
        names = [FILES[0], FILES[1], *(f"overlay{i}.yaml" for i in inputs.overlays), FILES[2]]
        paths = [self.folder / name for name in names]
        for path, text in zip(paths, inputs.files, strict=True):
            path.write_text(text, "utf-8")
        return self.ended(
            *("emit", "--derivatives", str(paths[0]), "--torch-version", inputs.release),
            *(word for path in paths[1:-1] for word in ("--native-functions", str(path))),
            *("--out-dir", str(self.folder / out), "--stats=json", *more),
        )


@pytest.mark.thorough
def test_processes_on_one_store_write_what_cold_ones_write(
    tmp_path: Path, longer: bool, seed: int
) -> None:
    random = Random(seed)
    processes = Processes(tmp_path)
    inputs = home = START
    edit = None
    exits: Counter[str] = Counter()
    for i in range(300 if longer else 15):
        label = f"seed {seed}, step {i}: {edit and edit.__name__}"
        shards = random.choice([(), (), ("--shards", "3")])
        cache = ("--cache-dir", str(processes.cache))
        ran = processes.emit_to("out", inputs, *shards, *cache)
        wanted = processes.emit_to("cold", inputs, *shards, "--no-cache")
        exits[ran.exit] += 1
        assert ran.status == wanted.status, label
        if ran.status == 0:
            assert documents_in(tmp_path / "out") == documents_in(tmp_path / "cold"), label
        else:
            assert ran.err == wanted.err, label
        if ran.exit not in ("", "cold"):
            home = inputs
        edit = random.choice(EDITS)
        inputs = edit(random, home)
    assert exits["incremental"]


def documents_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.json")}
