"""A process that goes on writes and tells what a new one would, after any edits."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from derivload.loading.errors import InputError
from derivload.loading.live import LiveDocuments, Updated
from support.session_edits import EDITS
from support.sessions import DEFINITIONS, START, Inputs, files_of

_SHARDS = 3


def update(live: LiveDocuments, inputs: Inputs) -> Updated | None:
    """Bring the documents up to date with these inputs; None if they have mistakes."""
    try:
        return live.load(files_of(inputs), inputs.contents).write()
    except InputError:
        return None


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Where no comment may ignore a rule, the same warnings are not judged again.
PLAIN = START._replace(files=tuple([t.replace("derivload:", "derivload,") for t in START.files]))


@pytest.mark.parametrize("start", [START, PLAIN], ids=["with the marker", "plain"])
def test_it_writes_and_warns_as_a_new_process_does(
    longer: bool,
    seed: int,
    start: Inputs,
    tmp_path: Path,
) -> None:
    random = Random(seed)
    live = LiveDocuments(str(tmp_path / "live"), _SHARDS, with_places=True)
    home = inputs = start
    before: set[str] = set()
    for step in range(2000 if longer else 40):
        ours = update(live, inputs)
        new = LiveDocuments(str(tmp_path / "fresh"), _SHARDS, with_places=True)
        fresh = update(new, inputs)
        assert (ours is None) == (fresh is None), step
        if ours is not None and fresh is not None:
            home = inputs
            assert written(tmp_path / "live") == written(tmp_path / "fresh"), step
            told, ids = ours.warnings, {*fresh.warnings.ids}
            assert {*told.ids} == ids, step
            assert (told.new > 0) == bool(ids - before), step
            assert told.new + told.others == fresh.warnings.new, step
            before = ids
        live.settle()
        inputs = random.choice(EDITS)(random, home)


def mistaken(inputs: Inputs) -> Inputs:
    """The inputs with a definition of nothing."""
    text = f"{inputs.files[DEFINITIONS]}\n- name: none(Tensor self) -> Tensor\n  self: grad\n"
    return inputs.with_file(DEFINITIONS, text)


def test_what_changes_with_a_mistake_is_written_once_there_is_none(
    longer: bool, seed: int, tmp_path: Path
) -> None:
    random = Random(seed)
    live = LiveDocuments(str(tmp_path / "live"), with_places=True)
    inputs, written_once = START, 0
    for step in range(200 if longer else 8):
        # At first nothing is known, and later what was before the mistake.
        for _ in range(random.choice([1, 1, 2])):
            assert update(live, mistaken(inputs)) is None
        if random.random() < 0.5:
            live.settle()
        ours = update(live, inputs)
        fresh = update(LiveDocuments(str(tmp_path / "fresh"), with_places=True), inputs)
        assert (ours is None) == (fresh is None), step
        if ours is not None:
            assert written(tmp_path / "live") == written(tmp_path / "fresh"), step
            written_once += 1
            home = inputs
        inputs = random.choice(EDITS)(random, home)
    assert written_once
