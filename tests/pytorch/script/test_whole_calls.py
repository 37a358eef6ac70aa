"""Calls that are answered whole, in this process: what is noted of one, and when it is left out."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from derivload.outputs.journal import Journal
from derivload.outputs.kept_runs import RecordLine, current, render_record
from derivload.pytorch.script.imports import Imports
from derivload.pytorch.script.parts import Parts
from derivload.pytorch.script.seen import read_seen
from derivload.pytorch.script.watching import Watch


class Whole:
    """A module with a function, whose calls are answered, for runs with the same record."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls: list[Any] = []
        self.result: object = None
        self.does: Callable[[Watch], object] = lambda _: None
        (folder / "file").write_text("one")

    def begin(self, context: str = "context") -> Any:
        notes = self.folder / f"notes{len(list(self.folder.glob('notes*')))}"
        notes.mkdir()
        self.notes = notes
        self.watch = Watch(Journal(str(notes)))
        self.imports = Imports(self.watch, lambda _: None)
        parts = Parts(self.watch, self.imports, str(self.folder / "record"), str(notes), context)
        module: Any = ModuleType("m")

        def function(*arguments: Any, **how: Any) -> object:
            self.calls.append((arguments, how))
            self.does(self.watch)
            return self.result

        module.function = function
        parts.answer("function")(module)
        assert module.function.original is function
        parts.answer("none")(module)
        assert not hasattr(module, "none")
        return module.function

    def keep(self, number: int, *lines: RecordLine) -> None:
        path = self.folder / f"record.part-function-{number}"
        path.write_bytes(render_record(lines))


@pytest.fixture
def whole(tmp_path: Path) -> Whole:
    return Whole(tmp_path)


def line(kind: str, name: str, value: str = "", sign: str = "") -> RecordLine:
    return RecordLine(kind, value, name, sign or "-")


def test_a_call_that_returns_nothing_is_noted(whole: Whole) -> None:
    def does(watch: Watch) -> None:
        watch.note_files("in")
        watch.note_output("out")
        whole.imports.find_spec("late", [str(whole.folder)])

    whole.does = does
    function = whole.begin()
    whole.watch.note_output("before")
    whole.watch.seen.printed.append((1, "00"))
    assert function(1, x=2) is None
    seen = read_seen(str(whole.notes / "part-function-1"))
    assert seen is not None
    assert [*map(os.path.basename, seen.written)] == ["out"]
    assert str(Path("in").absolute()) in seen.files
    assert seen.printed == []
    assert {folder: [*names] for folder, names in seen.modules.items()} == {
        str(whole.folder): ["late"]
    }
    assert whole.calls == [((1,), {"x": 2})]
    function()
    assert (whole.notes / "part-function-2").exists()
    whole.result = 7
    assert function() == 7
    assert not (whole.notes / "part-function-3").exists()


def test_what_only_the_engine_read_is_not_the_calls(whole: Whole) -> None:
    names = ("derivatives.yaml", "other.yaml", "own/derivatives.yaml")
    function = whole.begin()
    (whole.folder / "own").mkdir()
    paths = [str(whole.folder / name) for name in names]
    for path in paths:
        Path(path).touch()
    whole.watch.note_values(*paths)
    whole.watch.note_read(paths[2])
    whole.watch.note_parsed(paths[2])
    function()
    seen = read_seen(str(whole.notes / "part-function-1"))
    assert seen is not None
    assert [*seen.values] == paths[1:]


@pytest.mark.parametrize("what", ["a reason", "a file of its own"])
def test_some_calls_are_not_noted(what: str, whole: Whole) -> None:
    function = whole.begin()
    path = str(whole.folder / "file")
    if what == "a reason":
        whole.does = lambda watch: watch.refuse("why")
    else:
        whole.watch.note_output(path)
        whole.does = lambda watch: watch.note_read(path)
    function()
    assert not (whole.notes / "part-function-1").exists()


def test_a_call_whose_record_holds_is_left_out(
    whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = whole.folder
    file = str(folder / "file")
    kinds = {"kind": "kinds", "link": "links", "status": "statuses", "listed": "listed",
             "variable": "variables", "terminal": "terminals"}  # fmt: skip
    names = {"variable": "X1", "terminal": "0"}
    now = {kind: current(kind, names.get(kind, file)) for kind in kinds}
    lines = [line(kind, names.get(kind, file), now[kind]) for kind in kinds]
    modules = f"{folder}\0mine\0yours"
    lines += [line("modules", modules, current("modules", modules)), line("context", "", "context")]
    lines += [line("printed", b"out".hex(), "1"), line("printed", b"err".hex(), "2")]
    whole.keep(1, *lines)
    streams = {}
    for name in ("stdout", "stderr"):
        streams[name] = io.TextIOWrapper(io.BytesIO())
        monkeypatch.setattr(sys, name, streams[name])
    function = whole.begin()
    assert function() is None
    assert whole.calls == []
    told = [stream.buffer.getvalue() for stream in streams.values()]
    assert told == [b"out", b"err"]
    seen = whole.watch.seen
    for kind, field in kinds.items():
        assert vars(seen)[field] == {names.get(kind, file): now[kind]}
    assert seen.modules == {str(folder): {"mine", "yours"}}
    function()
    assert len(whole.calls) == 1  # of the second call there is no record
    whole.begin("other")()
    assert len(whole.calls) == 2
    Path(file).write_text("other")
    whole.begin()()
    assert len(whole.calls) == 3


def test_what_an_answered_call_read_and_wrote_counts_for_the_run(whole: Whole) -> None:
    folder = whole.folder
    (folder / "in.yaml").write_text("a: 1")
    paths = {kind: str(folder / name) for kind, name in
             (("input", "file"), ("value", "in.yaml"), ("output", "file"))}  # fmt: skip
    function = whole.begin()
    for kind, path in paths.items():
        digest = sha256(Path(path).read_bytes()).hexdigest()
        item = line(kind, path, digest, current("status", path))
        parts = Parts(whole.watch, Imports(whole.watch, lambda _: None), "", "", "")
        parts._take(item)
    seen = whole.watch.seen
    assert ([*seen.files], [*seen.values]) == ([paths["input"]], [paths["value"]])
    assert [*seen.written] == [paths["output"]]
    assert whole.watch.is_own(paths["output"])
    assert function() is None
