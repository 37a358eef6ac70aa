"""Sessions of backends: overlays that take the place of entries, keys passed over, keys added."""

from __future__ import annotations

from random import Random

import pytest

from derivload.sources.additions import Additions
from support.backend_edits import (
    BACKEND,
    EDITS,
    EDITS_OF_REGISTERED,
    REGISTERED,
    override_definition,
    override_native,
)
from support.sessions import (
    DEFINITIONS,
    NATIVES,
    START,
    Edit,
    Walk,
    cold,
    cut,
    joined,
    walked,
)


def test_the_inputs_are_right() -> None:
    assert cold(BACKEND).diagnostics == []
    assert cold(BACKEND).is_of_entries


def test_edits_of_a_backend_give_what_cold_loads_give(
    longer: bool, seed: int, thinning: int
) -> None:
    counts = walked(
        BACKEND, EDITS, seed, 60 if longer else max(1, 3 // thinning), 80 // min(thinning, 2)
    )
    assert counts["incremental"] > counts["good"] / 4
    assert counts["incremental afresh"] > counts["good"] / 4


def test_edits_of_what_a_backend_registers_give_what_cold_loads_give(
    longer: bool, seed: int, thinning: int
) -> None:
    assert cold(REGISTERED).diagnostics == []
    walks = 60 if longer else max(1, 2 // thinning)
    counts = walked(REGISTERED, EDITS_OF_REGISTERED, seed, walks, 60 // min(thinning, 2))
    assert counts["incremental"] > counts["good"] / 4
    assert counts["incremental afresh"] > counts["good"] / 4
    assert counts["warned"] > counts["good"] / 4


@pytest.mark.parametrize("edit", [override_native, override_definition])
def test_taking_the_place_of_an_entry_can_be_followed(edit: Edit) -> None:
    walk = Walk(BACKEND)
    outcomes = [walk.go(edit(Random(seed), walk.home), str(seed)) for seed in range(8)]
    assert any(outcome.is_incremental for outcome in outcomes)


def test_an_entry_of_the_base_moves_into_an_overlay_and_back() -> None:
    """Its text stays, and so does its place in the order."""
    inputs = BACKEND._replace(additions=Additions(), more=("# nothing\n",))
    inputs = inputs.with_file(2)
    before, *entries = cut(inputs.files[DEFINITIONS])
    twice = joined([before, *entries, entries[0]])
    walk = Walk(inputs.with_file(DEFINITIONS, twice))
    assert not walk.outcome.diagnostics
    moved = inputs._replace(more=(entries[0],))
    assert {d.code for d in walk.go(moved).diagnostics} == {"DL415"}
    assert not walk.go(walk.home).diagnostics


@pytest.mark.parametrize("file", [DEFINITIONS, NATIVES])
def test_a_mistake_in_an_entry_that_was_replaced_is_told(file: int) -> None:
    """Nobody reads the entry, but its file is wrong all the same."""
    before, first, *others = cut(START.files[file])
    inputs = START._replace(additions=Additions(override=True))
    if file == DEFINITIONS:
        inputs = inputs._replace(more=(first,))
    else:
        inputs = inputs.with_file(NATIVES, START.files[NATIVES], first)
    walk = Walk(inputs)
    assert not walk.outcome.diagnostics
    key = "name" if file == DEFINITIONS else "func"
    head = first.partition("\n")[0]
    twice = f"{head}\n  {key}: twice\n"
    broken = walk.go(inputs.with_file(file, joined([before, twice, *others])))
    assert {diagnostic.code for diagnostic in broken.diagnostics} == {"DL009"}
