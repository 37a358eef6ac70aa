"""A run of torchgen.gen that is divided, in this process: its main and its functions are a few
lines that write what torchgen's would.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Final

import pytest

from derivload.outputs.journal import Journal
from derivload.pytorch.codegen import cores, processes, stand_ins
from derivload.pytorch.codegen.upstream import Upstream
from derivload.pytorch.script import dividing
from derivload.pytorch.script.dividing import (
    Dividing,
    _after,
    _managers,
    _shared_out,
    digest_of_modules,
    noted,
)
from derivload.pytorch.script.imports import Imports
from derivload.pytorch.script.watching import Watch
from support.copies import children

FUNCTIONS: Final = ["gen_source_files", "gen_headers", "gen_declarations_yaml"]
ALL: Final = ["headers", "sources", "declarations_yaml"]


@pytest.mark.parametrize(
    ("names", "jobs", "expected"),
    [
        ([], 4, []),
        (["a", "b"], 1, []),
        (["a", "b"], 0, []),
        (["a", "b"], 2, [("a", "b")]),
        (["a", "b"], 3, [("a",), ("b",)]),
        (["a"], 2, [("a",)]),
    ],
)
def test_functions_are_shared_out(
    names: list[str], jobs: int, expected: list[tuple[str, ...]]
) -> None:
    assert _shared_out(names, jobs) == expected


def test_the_managers_of_a_call() -> None:
    how = {"a": "1", "fm": 1, "fms": {"x": 2, "y": "3"}, "list": [4], "last": 5}
    assert _managers(how, int) == [1, 2, 5]


def frame_of(**more: Any) -> Any:
    options = SimpleNamespace(**{"dry_run": False, "generate": ALL, **more})
    del more
    assert options is not None
    return sys._getframe()


def test_what_main_is_going_to_call() -> None:
    assert _after("gen_source_files", frame_of()) == FUNCTIONS[1:]
    assert _after("gen_headers", frame_of()) == FUNCTIONS[2:]
    assert _after("gen_declarations_yaml", frame_of()) == []
    assert _after("gen_source_files", frame_of(dry_run=True)) == []
    assert _after("gen_source_files", frame_of(generate=["sources", "headers"])) == FUNCTIONS[1:2]


class Manager:
    """As torchgen's FileManager: a text in the place of values is written as it is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _write_if_changed(self, filename: str, contents: str) -> None:
        Path(filename).write_text(contents, "utf-8")

    def write_with_template(self, name: str, template: str, env: Callable[[], object]) -> None:
        values = env()
        text = values if isinstance(values, str) else f"{template} {values}"
        self._write_if_changed(str(self.folder / name), text)


OWN: Final[dict[str, Any]] = {
    name: vars(Manager)[name] for name in ("__init__", "_write_if_changed", "write_with_template")
}


class Main:
    """A main that calls the three functions, and which of them ran in this process."""

    def __init__(self, folder: Path, in_copy: Callable[[], object] = lambda: None) -> None:
        self.folder = folder
        self.process = os.getpid()
        self.in_copy = in_copy
        self.ran: list[str] = []
        self.module: Any = ModuleType("__main__")
        self.module.__spec__ = ModuleSpec("torchgen.gen", None)
        for name in FUNCTIONS:
            setattr(self.module, name, self._function(name))
        for name in ("one", "other"):
            (folder / name).mkdir(parents=True)

    def _function(self, name: str) -> Callable[..., None]:
        def generate(*, cpu: Manager, more: dict[str, Manager]) -> None:
            if os.getpid() != self.process:
                self.in_copy()
            self.ran.append(name)
            cpu.write_with_template(f"{name}.h", "a.h", lambda: {"name": name})
            more["x"].write_with_template(f"{name}.h", "b.h", lambda: {"name": name})

        return generate

    def run(self, **more: Any) -> None:
        options = SimpleNamespace(**{"dry_run": False, "generate": ALL, **more})
        cpu, other = Manager(self.folder / "one"), Manager(self.folder / "other")
        if "sources" in options.generate:
            self.module.gen_source_files(cpu=cpu, more={"x": other})
        if "headers" in options.generate:
            self.module.gen_headers(cpu=cpu, more={"x": other})
        if "declarations_yaml" in options.generate:
            self.module.gen_declarations_yaml(more={"x": other}, cpu=cpu)

    def files(self) -> dict[str, str]:
        found = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_text("utf-8") for path in found}


EXPECTED: Final = {
    f"{folder}/{name}.h": f"{template} {{'name': '{name}'}}"
    for folder, template in (("one", "a.h"), ("other", "b.h"))
    for name in sorted(FUNCTIONS)
}


class Divided(Main):
    """Its run is divided, for so many processes."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int) -> None:
        super().__init__(tmp_path / "out")
        (tmp_path / "notes").mkdir()
        self.watch = Watch(Journal(str(tmp_path / "notes")))
        imports = Imports(self.watch, lambda _: None)
        monkeypatch.setitem(sys.modules, "__main__", self.module)
        self.module.__file__ = __file__
        monkeypatch.setattr(dividing, "KNOWN", {digest_of_modules(): "2.15"})
        monkeypatch.setattr(cores, "default_jobs", lambda: jobs)
        monkeypatch.setattr(processes, "can_fork", lambda: True)
        self.own = dict(vars(self.module))
        Dividing(self.watch, imports).begin_with(Manager, OWN["_write_if_changed"])

    @property
    def is_begun(self) -> bool:
        return bool(vars(self.module)["gen_headers"] is not self.own["gen_headers"])

    def written(self) -> list[str]:
        return sorted(os.path.relpath(path, self.folder) for path in self.watch.seen.written)


Make = Callable[[int], Divided]


@pytest.fixture
def divided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    is_collected, before = gc.isenabled(), children()
    yield lambda jobs: Divided(tmp_path, monkeypatch, jobs)
    for name, own in OWN.items():
        setattr(Manager, name, own)
    if is_collected:
        gc.enable()
    assert children() == before  # no copy is left


def test_a_run_that_is_not_divided(tmp_path: Path) -> None:
    main = Main(tmp_path / "out")
    main.run()
    assert (main.ran, main.files()) == (FUNCTIONS, EXPECTED)


@pytest.mark.parametrize(("jobs", "here"), [(1, FUNCTIONS), (2, FUNCTIONS[:1]), (4, FUNCTIONS[:1])])
def test_copies_make_what_is_not_done_here(divided: Make, jobs: int, here: list[str]) -> None:
    main = divided(jobs)
    main.run()
    assert main.is_begun
    assert main.ran == here
    assert main.files() == EXPECTED
    assert main.written() == [*EXPECTED]
    assert not gc.isenabled()


def test_only_what_main_calls_is_copied(divided: Make) -> None:
    main = divided(2)
    main.run(generate=["headers", "declarations_yaml"])
    assert main.ran == ["gen_headers"]
    assert [*main.files()] == [name for name in EXPECTED if "source" not in name]


BEFALLS: Final[dict[str, Callable[[], object]]] = {
    "it ends": lambda: os._exit(0),
    "it raises": lambda: 1 / 0,
    "it exits": lambda: sys.exit(0),
    "it prints": lambda: print("mine"),
    "it warns": lambda: print("mine", file=sys.stderr),
}


@pytest.mark.parametrize("what", BEFALLS)
def test_what_befalls_a_copy_is_made_up_for(what: str, divided: Make) -> None:
    main = divided(2)
    main.in_copy = BEFALLS[what]
    main.run()
    assert main.ran == FUNCTIONS
    assert main.files() == EXPECTED


def test_what_a_copy_reads_is_noted(divided: Make) -> None:
    main = divided(2)
    main.in_copy = lambda: main.watch.note_absent("/none")
    main.run()
    assert main.watch.seen.kinds["/none"] == "absent"


def test_a_function_that_fails_here_ends_the_copies(divided: Make) -> None:
    def fail(**how: Any) -> None:
        raise ZeroDivisionError

    main = divided(3)
    main.module.gen_source_files = fail
    main.in_copy = lambda: os.read(os.pipe()[0], 1)  # it waits for ever
    with pytest.raises(ZeroDivisionError):
        main.run()
    assert main.files() == {}


def test_without_processes_all_is_done_here(divided: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise BlockingIOError(11, "no more")

    main = divided(2)
    monkeypatch.setattr(processes, "copy_process", none)
    main.run()
    assert (main.ran, main.files()) == (FUNCTIONS, EXPECTED)


def test_a_process_that_cannot_be_copied_does_all(
    divided: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = divided(2)
    monkeypatch.setattr(processes, "can_fork", lambda: False)
    main.run()
    assert (main.ran, main.files()) == (FUNCTIONS, EXPECTED)


def test_what_stands_in_does_until_the_end(divided: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    class StandIns:
        def __init__(self, upstream: Upstream) -> None:
            told.append((upstream.package, upstream.is_known))

        def __enter__(self) -> None:
            told.append("entered")

    told: list[object] = []
    monkeypatch.setattr(stand_ins, "StandIns", StandIns)
    divided(1).run()
    assert told == [("__main__", True), "entered"]


@pytest.mark.parametrize("why", ["another module", "another torchgen", "no module"])
def test_another_run_is_not_divided(
    why: str, divided: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = divided(2)
    if why == "another torchgen":
        monkeypatch.setattr(dividing, "KNOWN", {"other": "2.15"})
    else:
        main.module.__spec__ = ModuleSpec("mine", None) if why == "another module" else None
    main.run()
    assert not main.is_begun
    assert gc.isenabled()
    assert (main.ran, main.files()) == (FUNCTIONS, EXPECTED)
    assert main.written() == []
    assert vars(Manager) | OWN == dict(vars(Manager))


def test_the_digest_of_the_modules_of_a_torchgen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchgen"]:
        monkeypatch.delitem(sys.modules, name)

    def put(name: str, text: str | None) -> str:
        module: Any = ModuleType(name)
        if text is not None:
            module.__file__ = str(tmp_path / f"{name}.py")
            Path(module.__file__).write_text(text, "utf-8")
        monkeypatch.setitem(sys.modules, name, module)
        return digest_of_modules()

    digests = [put("__main__", "1"), put("torchgen", "2"), put("torchgen.model", "3")]
    digests += [put("torchgen.model", "4"), put("__main__", "5"), put("torchgen.none", None)]
    assert len({*digests}) == len(digests)
    assert {len(digest) for digest in digests} == {64}
    for name in ("torchgenerators", "other", "torchgen.native_aot_spec_grid"):
        assert put(name, "6") == digests[-1]
    assert put("torchgen.gen", "7") == digests[-1]  # it is the main module
    assert put("torchgen.none", "") == digests[-1]


@pytest.mark.parametrize(
    ("before", "contents", "is_saved"),
    [
        ("a\n", "a\n", False),
        ("a\n", "b\n", True),
        ("a", "ab", True),
        ("a\r\n", "a\r\n", True),
        ("\u00e9", "\u00e9", True),
        (None, "a\n", True),
    ],
)
def test_files_that_certainly_hold_a_text_are_not_copied(
    before: str | None, contents: str, is_saved: bool, tmp_path: Path
) -> None:
    (tmp_path / "notes").mkdir()
    watch = Watch(Journal(str(tmp_path / "notes")))
    path = tmp_path / "new" / "file"
    if before is not None:
        path.parent.mkdir()
        path.write_bytes(before.encode())
    told = []

    def write(manager: object, filename: str, text: str) -> None:
        told.append((manager, filename, text, watch.is_watched()))

    noted(watch, write)("manager", str(path), contents)
    assert told == [("manager", str(path), contents, False)]
    assert [*watch.seen.written] == [str(path)]
    assert bool((tmp_path / "notes" / "index").read_bytes()) is is_saved
    assert [*watch.seen.made] == ([str(path.parent)] if is_saved else [])
