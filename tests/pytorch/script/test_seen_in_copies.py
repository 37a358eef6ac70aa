"""What a script prints and asks, seen in a copy of this process, which the watch may change."""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Final

import pytest

from derivload.outputs.journal import Journal
from derivload.pytorch.script.asking import Asking
from derivload.pytorch.script.imports import Imports
from derivload.pytorch.script.printed import watch_streams
from derivload.pytorch.script.watching import Watch
from support.copies import in_a_copy

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    (tmp_path / "journal").mkdir()
    return Watch(Journal(str(tmp_path / "journal")))


def stream(descriptor: int, mode: str = "w", **how: Any) -> io.TextIOWrapper:
    raw = io.FileIO(descriptor, mode, closefd=False)
    buffer: Any = io.BufferedWriter(raw) if mode == "w" else io.BufferedReader(raw)
    made = io.TextIOWrapper(buffer, encoding="latin-1", errors="ignore", **how)
    made.mode = mode  # type: ignore[misc]
    return made


@pytest.mark.parametrize("flag", [True, False])
def test_streams_are_as_they_were(flag: bool, watch: Watch, tmp_path: Path) -> None:
    def do() -> None:
        before = {name: getattr(sys, name) for name in ("stdout", "stderr", "stdin")}
        out = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)
        os.dup2(out, 1)
        given = (*("stdout", "stderr"), "stdin")
        sys.stdout = stream(1, line_buffering=flag, write_through=not flag)
        sys.stderr = stream(2, line_buffering=not flag, write_through=flag)
        sys.stdin = stream(0, "r")
        own = {name: getattr(sys, name) for name in given}
        watch_streams(watch)
        for name in given:
            one, made = own[name], getattr(sys, name)
            assert made is not one
            assert getattr(sys, f"__{name}__") is made
            for what in ("encoding", "errors", "line_buffering", "write_through", "mode"):
                assert getattr(made, what, None) == getattr(one, what, None), (name, what)
            assert made.fileno() == one.fileno()
        print("line", end="")
        assert watch.seen.printed == []
        sys.stdout.flush()
        print(file=sys.stderr)
        sys.stderr.flush()
        assert watch.seen.printed == [(1, b"line".hex()), (2, b"\n".hex())]
        assert (tmp_path / "out").read_text() == "line"
        assert (sys.stdout.isatty(), sys.stdin.isatty()) == (False, os.isatty(0))
        assert [*watch.seen.terminals] == ["1", "0"]
        assert watch.seen.reasons == {}
        assert before

    in_a_copy(do)


def test_streams_without_a_buffer_stay_so(watch: Watch) -> None:
    def do() -> None:
        raw = io.FileIO(1, "w", closefd=False)
        sys.stdout = io.TextIOWrapper(raw, write_through=True)
        sys.stdout.mode = "w"  # type: ignore[misc]
        watch_streams(watch)
        assert isinstance(sys.stdout.buffer, io.FileIO)
        assert sys.stdout.buffer.fileno() == 1

    in_a_copy(do)


def test_streams_of_somebody_else_are_left_alone(watch: Watch) -> None:
    def do() -> None:
        own = stream(2), io.StringIO(), io.StringIO()
        sys.stdout, sys.stderr, sys.stdin = own
        watch_streams(watch)
        assert (sys.stdout, sys.stderr, sys.stdin) == own

    in_a_copy(do)


def test_too_much_is_not_kept(watch: Watch, tmp_path: Path) -> None:
    def do() -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.stdout = stream(1)
        watch_streams(watch)
        written = sys.stdout.buffer
        for size in (1 << 20, 1):
            written.write(b"x" * size)
            written.flush()
            assert watch.seen.reasons == {}
        assert [len(data) // 2 for _, data in watch.seen.printed] == [1 << 20, 1]
        written.write(b"x")
        written.flush()
        assert [*watch.seen.reasons] == ["it printed too much"]

    in_a_copy(do)


def test_what_a_pipe_did_not_take_is_not_printed(watch: Watch) -> None:
    def do() -> None:
        read, write = os.pipe()
        os.set_blocking(write, False)
        os.dup2(write, 1)
        sys.stdout = stream(1)
        watch_streams(watch)
        raw: Any = sys.stdout.buffer.raw  # type: ignore[attr-defined]
        count = raw.write(b"x" * (1 << 20))
        assert 0 < count < 1 << 20
        assert raw.write(b"y") is None
        assert [len(data) // 2 for _, data in watch.seen.printed] == [count]
        assert read

    in_a_copy(do)


READS: Final[list[Callable[[Any], object]]] = [
    lambda stdin: stdin.read(),
    lambda stdin: stdin.readline(),
    lambda stdin: stdin.buffer.raw.read(3),
    lambda stdin: stdin.buffer.raw.read(),
    lambda stdin: stdin.buffer.raw.read(None),
    lambda stdin: stdin.buffer.raw.readall(),
    lambda stdin: stdin.buffer.raw.readinto(bytearray(3)),
]


@pytest.mark.parametrize("read", READS)
def test_reading_from_stdin_is_a_reason(
    read: Callable[[Any], object], watch: Watch, tmp_path: Path
) -> None:
    (tmp_path / "in").write_text("one")

    def do() -> None:
        os.dup2(os.open(tmp_path / "in", os.O_RDONLY), 0)
        sys.stdin = stream(0, "r")
        watch_streams(watch)
        assert watch.seen.reasons == {}
        assert read(sys.stdin) in ("one", b"one", 3)
        assert [*watch.seen.reasons] == ["it read from stdin"]

    in_a_copy(do)


def names(watch: Watch) -> dict[str, list[str]]:
    seen = watch.seen
    kinds = ("kinds", "links", "statuses", "variables", "terminals", "reasons")
    return {kind: [*vars(seen)[kind]] for kind in kinds if vars(seen)[kind]}


def test_what_derivload_asks_is_not_the_scripts(watch: Watch, tmp_path: Path) -> None:
    def do() -> None:
        os.chdir(tmp_path)
        Asking(watch).start()
        with watch.unwatched():
            Path("a").exists(), os.access("a", os.F_OK)
            os.environ.get("X1"), [*os.environ], len(os.environ), repr(os.environ)
        assert names(watch) == {}
        watch.note_output("own")
        assert not Path("own").exists()
        os.access("own", os.F_OK)
        assert names(watch) == {}
        assert os.environ.get("NONE") is None
        assert names(watch) == {"variables": ["NONE"]}
        os.isatty(1)
        assert names(watch)["terminals"] == ["1"]

    in_a_copy(do)


def test_all_variables_count_if_all_are_asked_for(watch: Watch) -> None:
    def do() -> None:
        Asking(watch).start()
        for ask in (repr, len, iter):
            watch.seen.variables.clear()
            ask(os.environ)
            assert [*watch.seen.variables] == [""]
        watch.seen.variables.clear()
        assert os.environ.copy() == dict(os.environ)
        assert "" in watch.seen.variables

    in_a_copy(do)


@pytest.fixture
def imports(watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Imports]:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "one" / "watched_pack").mkdir()
    for name in ("one/watched_pack/__init__.py", "one/watched_pack/part.py", "other/watched_a.py"):
        (tmp_path / name).touch()
    found = [str(tmp_path / "none"), str(tmp_path / "one"), str(tmp_path / "other"), *sys.path]
    monkeypatch.setattr(sys, "path", found)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    yield Imports(watch, lambda _: None)
    for name in [name for name in sys.modules if name.startswith("watched_")]:
        del sys.modules[name]
    importlib.invalidate_caches()


NAMES: Final = ("watched_a", "watched_none", "watched_pack", "part")


def looked(watch: Watch, folder: Path) -> dict[str, list[str]]:
    modules = watch.seen.modules
    return {
        os.path.relpath(path, folder): sorted({*modules[path]} & {*NAMES})
        for path in modules
        if path.startswith(str(folder))
    }


def test_folders_in_which_python_looked(imports: Imports, watch: Watch, tmp_path: Path) -> None:
    imports.start()
    assert sys.meta_path[0] is imports
    for name in ("watched_a", "watched_pack.part"):
        importlib.import_module(name)
    with pytest.raises(ImportError):
        importlib.import_module("watched_none")
    imports.finish()
    assert looked(watch, tmp_path) == {
        "none": ["watched_a", "watched_none", "watched_pack"],
        "one": ["watched_a", "watched_none", "watched_pack"],
        "other": ["watched_a", "watched_none"],
        "one/watched_pack": ["part"],
    }
    files = {os.path.relpath(path, tmp_path) for path in watch.seen.files}
    assert {"other/watched_a.py", "one/watched_pack/part.py"} <= files
    standard = str(Path(os.__file__).parent)
    assert standard not in watch.seen.modules


def test_a_folder_that_is_a_file_counts_as_a_file(
    watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "zip").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path / "zip")])
    imports = Imports(watch, lambda _: None)
    assert imports.find_spec("watched_none", None) is None
    assert imports.find_spec("watched_more", ["other"]) is None
    imports.finish()
    assert str(tmp_path / "zip") not in watch.seen.modules
    assert watch.seen.modules[str(Path("other").absolute())] == {"watched_more"}


def test_a_module_is_changed_when_it_has_been_loaded(
    imports: Imports, watch: Watch, tmp_path: Path
) -> None:
    (tmp_path / "other" / "watched_a.py").write_text("value = 1\nloader = __loader__\n")
    changed: list[ModuleType] = []
    asked: list[str] = []

    def find_change(name: str) -> Any:
        asked.append(name)
        return changed.append if name in ("watched_a", "watched_none") else None

    watching = Imports(watch, find_change)
    watching.start()
    module: Any = importlib.import_module("watched_a")
    assert changed == [module]
    assert module.value == 1
    assert type(module.__loader__).__module__.startswith("_frozen_importlib")
    assert module.__loader__ is module.__spec__.loader is module.loader
    assert asked.count("watched_a") == 1
    assert watching.find_spec("watched_none", None) is None
    assert asked.count("watched_none") == 1
    spec = watching.find_spec("watched_a", None)
    assert isinstance(spec, ModuleSpec)
    assert spec.loader.path == str(tmp_path / "other" / "watched_a.py")  # type: ignore[union-attr]


def test_a_module_that_is_its_loaders_own_is_changed_too(watch: Watch) -> None:
    made, changed = ModuleType("watched_made"), list[ModuleType]()
    loader: Any = SimpleNamespace(create_module=lambda _: made, exec_module=lambda _: None)
    finder: Any = SimpleNamespace(
        find_spec=lambda name, *_: (
            spec_from_loader(name, loader) if name == "watched_made" else None
        )
    )
    sys.meta_path.append(finder)
    try:
        watching = Imports(watch, lambda name: changed.append if name == "watched_made" else None)
        sys.meta_path.insert(0, watching)
        assert importlib.import_module("watched_made") is made
        assert changed == [made]
        assert made.__loader__ is loader
    finally:
        sys.meta_path.remove(finder)
        sys.meta_path.remove(watching)
        sys.modules.pop("watched_made", None)


def test_a_compiled_form_that_cannot_be_forgotten_is_not_read(
    imports: Imports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from derivload.pytorch.script import imports as module

    told: list[list[str]] = []
    monkeypatch.setattr(module, "forget_compiled", lambda paths: told.append([*paths]))
    monkeypatch.setattr(sys, "pycache_prefix", None)
    folders = [str(tmp_path), str(Path(os.__file__).parent), str(tmp_path / "site-packages")]
    imports.find_spec("pack.name", folders)
    assert told == [[str(tmp_path / "name" / "__init__.py"), str(tmp_path / "name.py")]]
    assert sys.pycache_prefix == os.devnull
