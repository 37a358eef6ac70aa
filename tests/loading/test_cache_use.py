"""Who reads the cache and who keeps results in it: the table of docs/cache.md, row by row.

Where a full load would be a fault, there is none to be had: `load_texts` is taken away.
"""

from __future__ import annotations

import shutil
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import derivload
from derivload.engine import load, session
from derivload.loading.live import LiveDocuments
from derivload.loading.paths import Files, find_files
from derivload.loading.request import Request
from derivload.loading.run import load_inputs
from derivload.store.owned import DATABASE, LAYOUT
from derivload.store.store import Store
from support.project import Project, Ran

FORMULA = ("grad * luster", "grad * luster * 2")
OVERLAY = """\
# An overlay that has to be read whole.
custom:
- {func: "polish(Tensor self) -> Tensor", variants: function, dispatch: {CPU: polish}}
"""


class Overlaid(Project):
    """A catalogue with an overlay, and loads of it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.overlays = [folder / "overlay.yaml"]
        self.overlays[0].write_text(OVERLAY, "utf-8")

    @property
    def files(self) -> Files:
        return find_files(str(self.derivatives), [str(self.natives), str(self.overlays[0])])

    def cached(self, command: str, *more: str) -> Ran:
        return self.call(command, *self.options, "--cache-dir", str(self.cache), *more)

    def keep(self) -> None:
        assert self.cached("emit", "--out-dir", str(self.out)).status == 0

    def load(self, *, cache: bool) -> derivload.Definitions:
        cache_dir = self.cache if cache else None
        natives = [self.natives, *self.overlays]
        return derivload.load(self.derivatives, natives, cache_dir=cache_dir)

    def kept(self) -> list[tuple[object, ...]]:
        """What the cache holds, and since when."""
        with closing(sqlite3.connect(self.cache / LAYOUT / DATABASE)) as database:
            return database.execute("SELECT key, store_time, size FROM Cache").fetchall()


@pytest.fixture
def project(tmp_path: Path) -> Overlaid:
    return Overlaid(tmp_path)


@contextmanager
def no_full_load() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        for module in (load, session):
            patched.setattr(module, "load_texts", None)
        yield


# show


def test_show_reads_one_family_and_prints_what_a_full_load_gives(
    project: Overlaid, thinning: int
) -> None:
    project.keep()
    request = Request(project.files)
    names = {
        name
        for function in load_inputs(request).outcome.load.natives
        for name in (function.name.text, function.name.name, function.schema.text)
    }
    assert {"polish", "__imod__"} <= names
    assert any(name.startswith("_foreach_") for name in names)
    for name in [*sorted(names)[::thinning], "polish", "__imod__"]:
        whole = project.call("show", *project.options, "--no-cache", name)
        assert whole.status == 0
        with no_full_load():
            assert project.cached("show", name) == whole, name


def test_show_loads_what_an_edit_touched(project: Overlaid) -> None:
    project.keep()
    project.edit(*FORMULA)
    with no_full_load():
        shown = project.cached("show", "gild")
    assert shown.status == 0
    assert "grad * luster * 2" in shown.out


def test_show_tells_the_mistakes_that_an_edit_brought(project: Overlaid) -> None:
    project.keep()
    project.edit(FORMULA[0], "grads[7]")
    shown = project.cached("show", "ripple")
    assert shown.status == 1
    assert "error[DL410]" in shown.err


def test_show_says_the_same_of_an_unknown_operator(project: Overlaid) -> None:
    project.keep()
    without = project.call("show", *project.options, "--no-cache", "gildd")
    assert without.status == 1
    assert project.cached("show", "gildd") == without


def test_show_keeps_nothing_and_makes_no_cache(project: Overlaid) -> None:
    assert project.cached("show", "gild").status == 0
    assert not project.cache.exists()
    project.keep()
    project.edit(*FORMULA)
    before = project.kept()
    assert project.cached("show", "gild").status == 0
    assert project.kept() == before


# derivload.load


def test_load_uses_no_cache_unless_one_is_named(
    project: Overlaid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERIVLOAD_CACHE_DIR", str(project.cache))
    project.load(cache=False)
    assert not project.cache.exists()


def test_load_gives_the_same_from_a_cache(project: Overlaid) -> None:
    assert project.load(cache=True) == project.load(cache=False)
    with no_full_load():
        stored = project.load(cache=True)
    assert stored == project.load(cache=False)
    project.edit(*FORMULA)
    with no_full_load():
        incremental = project.load(cache=True)
    assert incremental == project.load(cache=False) != stored


def test_load_finds_what_emit_kept(project: Overlaid) -> None:
    project.keep()
    with no_full_load():
        assert project.load(cache=True).torch_version


def test_load_goes_on_without_a_cache_that_cannot_be_used(project: Overlaid) -> None:
    project.cache.write_text("no folder", "utf-8")
    with pytest.warns(UserWarning, match="going on without the cache"):
        found = project.load(cache=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert found == project.load(cache=False)


# derivwatch


def test_derivwatch_starts_from_the_state_in_the_cache(project: Overlaid) -> None:
    project.keep()
    project.edit(*FORMULA)
    with no_full_load():
        assert project.cached("watch", "--once", "--out-dir", str(project.out)).status == 0
    documents = project.documents()
    assert b"grad * luster * 2" in documents["differentiability.json"]
    shutil.rmtree(project.out)
    assert project.emit("--no-cache").status == 0
    assert project.documents() == documents


def test_derivwatch_keeps_nothing_and_makes_no_cache(project: Overlaid) -> None:
    assert project.cached("watch", "--once", "--out-dir", str(project.out)).status == 0
    assert not project.cache.exists()
    project.keep()
    project.edit(*FORMULA)
    before = project.kept()
    assert project.cached("watch", "--once", "--out-dir", str(project.out)).status == 0
    assert project.kept() == before


class CountingStore(Store):
    """A store that counts how often it is read."""

    reads = 0

    def get(self, key: bytes, sha256: bytes | None = None) -> bytes | None:
        self.reads += 1
        return super().get(key, sha256)


def test_a_session_in_memory_reads_the_store_once(project: Overlaid) -> None:
    project.keep()
    store = CountingStore(str(project.cache))
    live = LiveDocuments(str(project.out), None, store)
    files = project.files
    with no_full_load():
        assert live.load(files).write().exit == "incremental"
        reads = store.reads
        assert reads
        for number in range(3):
            project.edit("grad * luster", f"grad * luster * {number}")
            assert live.load(files).write().exit == "incremental"
    assert store.reads == reads


# What is the same for all


def test_without_a_cache_nothing_is_made(project: Overlaid) -> None:
    for command in (["emit", "--out-dir", str(project.out)], ["check"], ["show", "gild"]):
        ran = project.call(command[0], *project.options, "--no-cache", *command[1:])
        assert ran.status == 0
    assert not project.cache.exists()
