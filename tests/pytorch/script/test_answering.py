"""Calls of generators and of other functions that are answered, in this process."""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Final

import pytest

from derivload.outputs.journal import Journal
from derivload.outputs.kept_runs import RecordLine, current, render_record
from derivload.pytorch import installation
from derivload.pytorch.codegen.job import Made, contents_in
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.upstream import Upstream
from derivload.pytorch.drop_in import DropIn
from derivload.pytorch.errors import GeneratorError, UnexpectedTorchgenError
from derivload.pytorch.importable import FunctionReplacement
from derivload.pytorch.script.generators import (
    Call,
    ScriptGenerators,
    _own_modules,
    answer,
    autograd_selection,
    python_selection,
)
from derivload.pytorch.script.imports import Imports
from derivload.pytorch.script.inside import Inside
from derivload.pytorch.script.parts import Parts
from derivload.pytorch.script.watching import Watch


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    (tmp_path / "journal").mkdir()
    return Watch(Journal(str(tmp_path / "journal")))


class Asked(ScriptGenerators):
    """Notes the calls, of which it answers some."""

    def __init__(self, answers: bool) -> None:
        self.calls: list[Call] = []
        self._answers = answers

    def generate(self, call: Call) -> bool:
        self.calls.append(call)
        return self._answers


@pytest.mark.parametrize(
    ("arguments", "how", "is_asked"),
    [
        (("n", "t", "o", "/a/"), {}, True),
        (("n", "t", "o", "/a/"), {"x": 1}, False),
        (("n", "t", "o"), {}, False),
        (("n", "t", "o", "a", "b"), {}, False),
        (("n", "t", "o", Path("a")), {}, False),
    ],
)
def test_which_calls_are_answered(
    arguments: tuple[Any, ...], how: dict[str, Any], is_asked: bool
) -> None:
    for is_answered in (True, False):
        module: Any = ModuleType("gen_autograd")
        module.gen = lambda *given, **more: (given, more)
        own, generators = module.gen, Asked(is_answered)
        answer(generators, module, "gen", python_selection)
        assert isinstance(module.gen, FunctionReplacement)
        assert (module.gen.original, module.gen.name) == (own, "gen")
        result = module.gen(*arguments, **how)
        assert result == (None if is_asked and is_answered else (arguments, how))
        paths = [str(Path(name).absolute()) for name in ("n", "t", "o", "/a")]
        natives, tags, out, autograd = paths
        expected = Call(natives, tags, out, autograd, Selection("pybindings"))
        assert generators.calls == ([expected] if is_asked else [])
    answer(generators, module, "none", python_selection)
    assert not hasattr(module, "none")


def test_which_files_a_call_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    builder = SimpleNamespace(get_nop_selector=lambda: "all")
    selector = SimpleNamespace(SelectiveBuilder=builder)
    monkeypatch.setitem(sys.modules, "torchgen.selective_build.selector", selector)
    of = {"operator_selector": "all"}
    assert autograd_selection(of) == Selection("libtorch")
    for flag in (True, False):
        found = autograd_selection({**of, "disable_autograd": flag})
        assert found == Selection("libtorch", disable_autograd=flag)
        assert found.disable_autograd is flag
    for how in ({}, {"operator_selector": "some"}, {"disable_autograd": True}, {**of, "more": 1}):
        assert autograd_selection(how) is None
    assert python_selection({}) == Selection("pybindings")
    assert python_selection({"more": 1}) is None


CALL: Final = Call("n", "t", "o", "a", Selection())


def test_a_call_in_a_call_goes_to_the_generator(watch: Watch) -> None:
    class Busy(ScriptGenerators):
        def _generate(self, call: Call) -> bool:
            assert not watch.is_watched()
            return not self.generate(call)

    generators = Busy(watch, "")
    assert [generators.generate(CALL), generators.generate(CALL)] == [True, True]
    assert watch.is_watched()


@pytest.mark.parametrize("error", [UnexpectedTorchgenError("x"), GeneratorError("x")])
def test_what_cannot_be_answered_goes_to_the_generator(watch: Watch, error: Exception) -> None:
    class Failing(ScriptGenerators):
        def _generate(self, call: Call) -> bool:
            raise error

    generators = Failing(watch, "")
    assert [generators.generate(CALL), generators.generate(CALL)] == [False, False]
    assert watch.is_watched()


def test_a_generator_that_is_at_another_place_is_not_answered(watch: Watch) -> None:
    assert ScriptGenerators(watch, "").generate(CALL) is False


SHA: Final = "5" * 64


def made(**files: str) -> Made:
    data = {name: name.encode() for name in files}
    return Made("cold", "", dict(files), contents_in(data), {})


def test_only_files_that_differ_are_written(watch: Watch, tmp_path: Path) -> None:
    digests = {name: sha256(name.encode()).hexdigest() for name in "abcd"}
    out = tmp_path / "out"
    out.mkdir()
    for name in "ab":
        (out / name).write_text(name)
    (out / "c").write_text("other")
    generators = ScriptGenerators(watch, "")
    files = made(**{**digests, "b": ""})
    assert generators._changed(str(out), files) == ["b", "c", "d"]
    written = generators._write(str(out), files)
    assert written == {name: digests[name] for name in "bcd"}
    assert {path.name: path.read_text() for path in out.iterdir()} == {n: n for n in "abcd"}
    assert generators._changed(str(out), made(**digests)) == []


def test_the_record_of_the_last_run_says_what_files_hold(watch: Watch, tmp_path: Path) -> None:
    path, record = tmp_path / "a", tmp_path / "record"
    path.write_text("a")
    sign = current("status", str(path))
    for kind, value, is_changed in (("output", SHA, False), ("input", SHA, True)):
        line = RecordLine(kind, value, str(path), sign)
        record.write_bytes(render_record([line]))
        generators = ScriptGenerators(watch, str(record))
        assert bool(generators._changed(str(tmp_path), made(a=SHA))) is is_changed
    record.write_bytes(render_record([RecordLine("output", SHA, str(path), "old")]))
    assert ScriptGenerators(watch, str(record))._changed(str(tmp_path), made(a=SHA)) == ["a"]


def test_modules_of_the_tree_are_those_of_the_script(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, file in (("one", f"{tmp_path}/r/one.py"), ("two", f"{tmp_path}/rest/two.py")):
        module: Any = ModuleType(name)
        module.__file__ = file
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setitem(sys.modules, "odd", SimpleNamespace(__file__=3))
    root = f"{tmp_path}/r"
    assert _own_modules(Upstream(root, "p", f"{root}/p")) == {"./one.py"}


# What modules get when they have been imported


def test_calls_that_are_answered_whole(watch: Watch, tmp_path: Path) -> None:
    inside = Inside(watch, "")
    inside.parts = Parts(watch, Imports(watch, inside.find_change), "", str(tmp_path), "")
    functions = {
        "torchgen.gen_functionalization_type": "gen_functionalization_view_meta_classes",
        "torchgen.gen_lazy_tensor": "run_gen_lazy_tensor",
        "tools.autograd.gen_annotated_fn_args": "gen_annotated",
        "torchgen.packaged.autograd.gen_annotated_fn_args": "gen_annotated",
    }
    for name, function in functions.items():
        module: Any = ModuleType(name)
        setattr(module, function, lambda: None)
        change = inside.find_change(name)
        assert change is not None
        change(module)
        assert isinstance(getattr(module, function), FunctionReplacement)


def test_a_file_manager_tells_what_it_would_write(watch: Watch, tmp_path: Path) -> None:
    class FileManager:
        def _write_if_changed(self, filename: Any, contents: str) -> None:
            assert watch.is_known(str(tmp_path / "a.h"))
            told.append((filename, contents))

    told: list[Any] = []
    begun: list[Any] = []
    inside = Inside(watch, "")
    change = inside.find_change("torchgen.utils")
    assert change is not None
    change(ModuleType("torchgen.utils"))
    module: Any = ModuleType("torchgen.utils")
    module.FileManager = object
    change(module)
    module.FileManager, own = FileManager, FileManager._write_if_changed
    inside.dividing = SimpleNamespace(begin_with=lambda *given: begun.append(given))  # type: ignore[assignment]
    change(module)
    assert begun == [(FileManager, own)]
    FileManager()._write_if_changed(tmp_path / "a.h", "text")
    assert told == [(tmp_path / "a.h", "text")]
    assert [*watch.seen.written] == [str(tmp_path / "a.h")]


def test_generators_of_a_script_are_answered(watch: Watch) -> None:
    for name in ("tools.autograd.gen_autograd", "torchgen.packaged.autograd.gen_autograd"):
        module: Any = ModuleType(name)
        module.gen_autograd = module.gen_autograd_python = module.other = lambda: None
        change = Inside(watch, "").find_change(name)
        assert change is not None
        change(module)
        found = {n for n, f in vars(module).items() if isinstance(f, FunctionReplacement)}
        assert found == {"gen_autograd", "gen_autograd_python"}


def test_the_drop_in_is_installed_with_each_loader(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def install() -> None:
        installed.append(DropIn.load_derivatives)
        if len(installed) == 2:
            raise UnexpectedTorchgenError("it is not whole")

    installed: list[Any] = []
    monkeypatch.setattr(installation, "install", install)
    before = DropIn.load_derivatives
    for name in ("load_derivatives", "parse_native_yaml"):
        monkeypatch.setattr(DropIn, name, vars(DropIn)[name])
    inside = Inside(watch, "")
    for name in ("tools", "torchgen.packaged"):
        change = inside.find_change(f"{name}.autograd.load_derivatives")
        assert change is not None
        change(ModuleType(name))
    one, other = installed
    assert one is other  # it tells once
    assert one is not before


def test_the_drop_in_tells_what_it_reads(watch: Watch, tmp_path: Path) -> None:
    class OwnDropIn:
        def load_derivatives(self, torchgen: Any, *paths: str) -> Any:
            return ("loaded", torchgen, paths, watch.value_path, watch.is_watched())

        def parse_native_yaml(self, torchgen: Any, *paths: str, **named: Any) -> Any:
            return ("parsed", torchgen, paths, named, watch.value_path, watch.is_watched())

    Inside(watch, "")._tell_of(OwnDropIn)
    drop_in: Any = OwnDropIn()
    assert drop_in.parse_native_yaml("t", "n", "g", 1, loaded_yaml=[], x=2) == (
        *("parsed", "t", ("n", "g", 1), {"loaded_yaml": [], "x": 2}, None, True),
    )
    assert not watch.seen.values
    assert drop_in.parse_native_yaml("t", "n", "g", 1, x=2) == (
        *("parsed", "t", ("n", "g", 1), {"x": 2}, "n", False),
    )
    assert [*watch.seen.values] == [str(Path(name).absolute()) for name in "ng"]
    assert drop_in.load_derivatives("t", "d", "n", "g") == (
        *("loaded", "t", ("d", "n", "g"), "n", False),
    )
    assert {*watch.seen.values} == {str(Path(name).absolute()) for name in "ngd"}
