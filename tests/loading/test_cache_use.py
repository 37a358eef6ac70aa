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
from derivload.cli import main
from derivload.engine import session
from derivload.loading import inputs
from derivload.loading.live import LiveDocuments
from derivload.loading.paths import find_files
from derivload.loading.request import Request
from derivload.loading.run import load_inputs
from derivload.store.owned import DATABASE, LAYOUT
from derivload.store.store import Store
from support.paths import CATALOGUE

OVERLAY = """\
# An overlay that has to be read whole.
custom:
- {func: "polish(Tensor self) -> Tensor", variants: function, dispatch: {CPU: polish}}
"""


class Project:
    """The catalogue in a folder of its own, with an overlay, and the place of a cache."""

    def __init__(self, folder: Path) -> None:
        for path in CATALOGUE.glob("*.yaml"):
            shutil.copy(path, folder)
        self.derivatives = folder / "derivatives.yaml"
        self.natives = [folder / "native_functions.yaml", folder / "overlay.yaml"]
        self.natives[1].write_text(OVERLAY, "utf-8")
        self.cache = folder / "cache"
        self.out = folder / "out"

    @property
    def options(self) -> list[str]:
        natives = [word for path in self.natives for word in ("--native-functions", str(path))]
        return ["--derivatives", str(self.derivatives), *natives]

    def run(self, command: str, *more: str) -> int:
        return main([command, *self.options, "--cache-dir", str(self.cache), *more])

    def emit(self) -> None:
        assert self.run("emit", "--out-dir", str(self.out), "--quiet") == 0

    def edit(self, old: str = "grad * luster", new: str = "grad * luster * 2") -> None:
        text = self.derivatives.read_text("utf-8")
        assert old in text
        self.derivatives.write_text(text.replace(old, new, 1), "utf-8")

    def load(self, *, cache: bool) -> derivload.Definitions:
        cache_dir = self.cache if cache else None
        return derivload.load(self.derivatives, self.natives, cache_dir=cache_dir)

    def kept(self) -> list[tuple[object, ...]]:
        """What the cache holds, and since when."""
        with closing(sqlite3.connect(self.cache / LAYOUT / DATABASE)) as database:
            return database.execute("SELECT key, store_time, size FROM Cache").fetchall()

    def documents(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.out.glob("*.json")}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@contextmanager
def no_full_load() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        for module in (inputs, session):
            patched.setattr(module, "load_texts", None)
        yield


# show


def test_show_reads_one_family_and_prints_what_a_full_load_gives(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.emit()
    request = Request(find_files(str(project.derivatives), [*map(str, project.natives)]))
    names = {
        name
        for function in load_inputs(request).outcome.load.natives
        for name in (function.name.text, function.name.name, function.schema.text)
    }
    assert {"polish", "__imod__"} <= names
    assert any(name.startswith("_foreach_") for name in names)
    for name in sorted(names):
        assert main(["show", *project.options, "--no-cache", name]) == 0
        whole = capsys.readouterr()
        with no_full_load():
            assert project.run("show", name) == 0
        assert capsys.readouterr() == whole, name


def test_show_loads_what_an_edit_touched(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.emit()
    project.edit()
    with no_full_load():
        assert project.run("show", "gild") == 0
    assert "grad * luster * 2" in capsys.readouterr().out


def test_show_tells_the_mistakes_that_an_edit_brought(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.emit()
    project.edit(new="grads[7]")
    assert project.run("show", "ripple") == 1
    assert "error[DL410]" in capsys.readouterr().err


def test_show_says_the_same_of_an_unknown_operator(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.emit()
    said = []
    for cache in (["--no-cache"], ["--cache-dir", str(project.cache)]):
        assert main(["show", *project.options, *cache, "gildd"]) == 1
        said.append(capsys.readouterr())
    assert said[0] == said[1]


def test_show_keeps_nothing_and_makes_no_cache(project: Project) -> None:
    assert project.run("show", "gild") == 0
    assert not project.cache.exists()
    project.emit()
    project.edit()
    before = project.kept()
    assert project.run("show", "gild") == 0
    assert project.kept() == before


# derivload.load


def test_load_uses_no_cache_unless_one_is_named(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERIVLOAD_CACHE_DIR", str(project.cache))
    project.load(cache=False)
    assert not project.cache.exists()


def test_load_gives_the_same_from_a_cache(project: Project) -> None:
    assert project.load(cache=True) == project.load(cache=False)
    with no_full_load():
        stored = project.load(cache=True)
    assert stored == project.load(cache=False)
    project.edit()
    with no_full_load():
        incremental = project.load(cache=True)
    assert incremental == project.load(cache=False) != stored


def test_load_finds_what_emit_kept(project: Project) -> None:
    project.emit()
    with no_full_load():
        assert project.load(cache=True).torch_version


def test_load_goes_on_without_a_cache_that_cannot_be_used(project: Project) -> None:
    project.cache.write_text("no folder", "utf-8")
    with pytest.warns(UserWarning, match="going on without the cache"):
        found = project.load(cache=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert found == project.load(cache=False)


# derivwatch


def test_derivwatch_starts_from_the_state_in_the_cache(project: Project) -> None:
    project.emit()
    project.edit()
    with no_full_load():
        assert project.run("watch", "--once", "--out-dir", str(project.out)) == 0
    documents = project.documents()
    assert b"grad * luster * 2" in documents["differentiability.json"]
    shutil.rmtree(project.out)
    assert main(["emit", *project.options, "--no-cache", "--out-dir", str(project.out)]) == 0
    assert project.documents() == documents


def test_derivwatch_keeps_nothing_and_makes_no_cache(project: Project) -> None:
    assert project.run("watch", "--once", "--out-dir", str(project.out)) == 0
    assert not project.cache.exists()
    project.emit()
    project.edit()
    before = project.kept()
    assert project.run("watch", "--once", "--out-dir", str(project.out)) == 0
    assert project.kept() == before


class CountingStore(Store):
    """A store that counts how often it is read."""

    reads = 0

    def get(self, key: bytes, sha256: bytes | None = None) -> bytes | None:
        self.reads += 1
        return super().get(key, sha256)


def test_a_session_in_memory_reads_the_store_once(project: Project) -> None:
    project.emit()
    store = CountingStore(str(project.cache))
    live = LiveDocuments(str(project.out), None, store)
    files = find_files(str(project.derivatives), [*map(str, project.natives)])
    with no_full_load():
        assert live.load(files).write().exit == "incremental"
        reads = store.reads
        assert reads
        for number in range(3):
            project.edit("grad * luster", f"grad * luster * {number}")
            assert live.load(files).write().exit == "incremental"
    assert store.reads == reads


# What is the same for all


def test_without_a_cache_nothing_is_made(project: Project) -> None:
    for command in (["emit", "--out-dir", str(project.out)], ["check"], ["show", "gild"]):
        assert main([command[0], *project.options, "--no-cache", *command[1:]]) == 0
    assert not project.cache.exists()
