"""Documents of a process that goes on, and loads that the code of a tree was to do."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

import pytest

from derivload.loading.errors import InputError, TreeCodeError, UsageError
from derivload.loading.live import LiveDocuments
from derivload.loading.memory import Memory
from derivload.loading.paths import Files, TreePlace
from derivload.loading.request import Request
from derivload.loading.rules_of_tree import Rules
from derivload.loading.run import load_inputs
from derivload.loading.warnings import NewWarnings
from support.sessions import StoreInMemory
from support.warned_inputs import DOCUMENTS, NATIVES, RIGHT, TAGS, WARNED


def request(definitions: str = WARNED, version: str | None = None) -> Request:
    files = Files("d", ["n"], "t", version)
    return Request(files, [text.encode() for text in (definitions, NATIVES, TAGS)])


def test_live_documents_tell_what_each_load_changes(tmp_path: Path) -> None:
    live = LiveDocuments(str(tmp_path))
    written = []
    for definitions in (*([WARNED] * 3), *([RIGHT] * 3), f"{RIGHT}# derivload: ignore\n"):
        asked = request(definitions)
        prepared = live.load(asked.files, asked.contents)
        assert prepared.lines == load_inputs(request(definitions)).lines
        updated = prepared.write()
        told = updated.warnings
        written.append((updated.exit, len(updated.written.written), told.new, told.fixed))
        live.settle()
    assert written == [
        ("cold", 3, 1, ()),
        *([("incremental", 0, 0, ())] * 2),
        ("incremental", 2, 0, ("DL602 of `gild`",)),
        *([("incremental", 0, 0, ())] * 2),
        ("incremental", 0, 1, ()),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == DOCUMENTS
    asked = request(WARNED)
    clash = LiveDocuments(str(tmp_path))
    asked.files.derivatives = str(tmp_path / "functions.json")
    with pytest.raises(UsageError, match="would overwrite the input"):
        clash.load(asked.files, asked.contents)
    asked.files.derivatives = "other"
    assert clash.load(asked.files, asked.contents).write().warnings.new == 1
    with_places = LiveDocuments(str(tmp_path / "places"), 2, with_places=True, with_facts=True)
    assert len(with_places.load(asked.files, asked.contents).write().written.written) == 5
    # What is not given is read.
    path = tmp_path / "d.yaml"
    path.write_text(WARNED.replace("gild", "none"))
    asked.files.derivatives = str(path)
    with pytest.raises(InputError):
        with_places.load(asked.files)


def test_facts_are_found_if_they_are_wanted(tmp_path: Path) -> None:
    for wanted in (False, True):
        live = LiveDocuments(str(tmp_path), with_facts=wanted)
        asked = request()
        assert bool(live.load(asked.files, asked.contents).lines.facts) == wanted
        session = live._memory.own_session
        assert session is not None and session._loaded is not None
        live.settle()
        assert session._loaded is None


def test_warnings_that_stay_are_not_judged_or_told_again(tmp_path: Path) -> None:
    live = LiveDocuments(str(tmp_path))

    def told(definitions: str, name: str = "d") -> NewWarnings:
        asked = request(definitions)
        asked.files.derivatives = name
        return live.load(asked.files, asked.contents).write().warnings

    other, both = (
        WARNED.replace(*pair) for pair in (("slef", "none"), ("leaf: grad", "leaf: lfea"))
    )
    first, _, third, fourth = (told(WARNED) for _ in range(4))
    assert third == NewWarnings((), 0, 1, first.ids)
    assert fourth is third
    named = told(WARNED, "other")
    assert (named.new, named.others) == (0, 1)
    assert told(WARNED, "other") is not named
    for definitions, new, others, fixed in (
        (other, 1, 0, 1),
        (WARNED, 1, 0, 1),
        (both, 2, 0, 0),
        (both, 0, 2, 0),
        (both, 0, 2, 0),
        (RIGHT, 0, 0, 1),
    ):
        found = told(definitions)
        assert (found.new, found.others, len(found.fixed)) == (new, others, fixed), definitions
        assert len(found.ids) == new + others


def test_the_release_is_noted_whatever_was_loaded() -> None:
    store = StoreInMemory()
    note = "torch 2.99 is newer than derivload knows; following 2.15"
    loads = [load_inputs(request(version="2.99"), kept) for kept in (None, store, store)]
    assert [loaded.note for loaded in loads] == [note] * 3


# Where a tree's own code is to load


def of_tree(tmp_path: Path) -> Request:
    """A request for a tree with a torchgen that cannot be imported."""
    asked = request()
    place = TreePlace(str(tmp_path), str(tmp_path / "torchgen"), str(tmp_path / "tools/autograd"))
    asked.files.tree = place
    asked.files.rules = Rules("source x", "2.15", "the test says so")
    return asked


def test_its_process_is_started_and_ended(tmp_path: Path) -> None:
    store = StoreInMemory()
    for kept in (None, store):
        with pytest.raises(TreeCodeError, match="cannot be imported"):
            load_inputs(of_tree(tmp_path), kept)
    memory = Memory()
    for _ in range(2):
        with pytest.raises(TreeCodeError, match="cannot be imported"):
            load_inputs(of_tree(tmp_path), memory=memory)
    memory.close()
    memory.close()
    assert memory.own_session is None
    assert store.values == {}


MODULES = ("gen", "api/__init__", "api/cpp", "api/autograd", "model", "__init__")


def test_a_process_that_is_of_no_use_is_started_again(tmp_path: Path) -> None:
    memory = Memory()

    def refused() -> str:
        with pytest.raises(TreeCodeError) as raised:
            load_inputs(of_tree(tmp_path), memory=memory)
        return str(raised.value)

    assert "cannot be imported" in refused()
    for module in (*(f"torchgen/{name}" for name in MODULES), "tools/autograd/load_derivatives"):
        path = tmp_path / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    loads_nothing = refused()
    assert "the tree's own torchgen refuses this: AttributeError" in loads_nothing
    torchgen = memory._torchgen
    assert torchgen is not None and not torchgen.is_lost
    assert refused() == loads_nothing
    assert memory._torchgen is torchgen
    torchgen._process.kill()
    assert refused() == "the process of the tree's own torchgen ended: -9"
    assert refused() == loads_nothing
    memory.close()


def test_no_process_is_started_for_what_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    asked = of_tree(tmp_path)
    asked.contents = [OSError(errno.ENOENT, "gone"), *asked.contents[1:]]
    with pytest.raises(InputError):
        load_inputs(asked)
    with pytest.raises(FileNotFoundError):
        load_inputs(of_tree(tmp_path))
