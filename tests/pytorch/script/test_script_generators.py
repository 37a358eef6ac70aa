"""A script's calls of generators of a few lines (`support/tiny_torchgen.py`), in this process."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from derivload.loading.rules_of_tree import rules_with
from derivload.outputs.journal import Journal
from derivload.pytorch.codegen.generators import Generators
from derivload.pytorch.codegen.plain import run_plain
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.upstream import Modules, forget
from derivload.pytorch.script import generators
from derivload.pytorch.script.generators import Call, ScriptGenerators
from derivload.pytorch.script.watching import Watch
from support.tiny_torchgen import TinyTorchgen


class Scripted(TinyTorchgen):
    """The tree, whose generators a script has imported, and a watch of that script."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder / "tree")
        (folder / "journal").mkdir()
        self.out = folder / "out"
        self.watch = Watch(Journal(str(folder / "journal")))
        self.main: Any = ModuleType("__main__")
        self.main.__file__ = str(self.root / "tools" / "setup_helpers" / "generate_code.py")
        monkeypatch.setitem(sys.modules, "__main__", self.main)
        monkeypatch.setattr(generators, "_rules", lambda: rules_with("2.15", None))
        monkeypatch.syspath_prepend(str(self.root))
        forget()
        # What the generators import later counts from then on, as what the script has imported.
        Modules(self.upstream._replace(is_running=True))
        for name in ("api.autograd", "api.types"):
            importlib.import_module(f"torchgen.{name}")
        self.made: list[str] = []
        make = Generators.make

        def told(one: Any, *arguments: Any, **how: Any) -> Any:
            found = make(one, *arguments, **how)
            self.made.append(found.exit)
            return found

        monkeypatch.setattr(Generators, "make", told)

    def call(self, one: ScriptGenerators | None = None, **changed: Any) -> bool:
        """Whether a call was answered."""
        how = {
            "natives": str(self.natives),
            "tags": str(self.tags),
            "out": str(self.out),
            "autograd": str(self.autograd),
            "selection": Selection("libtorch"),
        }
        return (one or ScriptGenerators(self.watch, "")).generate(Call(**{**how, **changed}))

    def contents(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.out.iterdir()}

    def plain(self) -> dict[str, bytes]:
        return run_plain(
            self.upstream._replace(is_running=True), self.files(), Selection("libtorch")
        )

    def edit(self) -> None:
        text = self.derivatives.read_text("utf-8")
        self.derivatives.write_text(text.replace("grad_of_gild(grad)", "other(grad)"), "utf-8")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    yield Scripted(tmp_path, monkeypatch)
    forget()


def test_files_are_brought_up_to_date(tree: Scripted) -> None:
    assert tree.call()
    assert tree.contents() == tree.plain()
    assert len(tree.contents()) == 6
    assert tree.call()
    assert tree.made == ["cold"]  # the second time, nothing is asked of the generators
    (tree.out / "factories.h").unlink()
    assert tree.call()
    assert tree.made == ["cold", "stored"]
    assert tree.contents() == tree.plain()
    tree.edit()
    assert tree.call()
    assert tree.made[2:] == ["incremental"]
    assert tree.contents() == tree.plain()


def test_all_that_files_depend_on_is_noted(tree: Scripted) -> None:
    path = tree.autograd / "gen_variable_factories.py"
    text = path.read_text("utf-8").replace(
        "    files =",
        "    import os\n    os.environ.get('MINE'), os.path.exists(__file__ + '.none')\n"
        "    os.listdir(os.path.dirname(__file__))\n    files =",
    )
    path.write_text(text, "utf-8")
    forget()
    importlib.import_module("tools.autograd.gen_autograd")
    assert tree.call()
    seen = tree.watch.seen
    inputs = [tree.natives, tree.tags, tree.derivatives]
    assert {*seen.values} == {*map(str, inputs)}
    assert {str(path), str(tree.autograd / "deprecated.yaml")} <= seen.files.keys()
    assert {str(tree.templates / "factories.h"), str(tree.root / "torchgen" / "gen.py")} <= {
        *seen.files
    }
    assert seen.kinds[f"{path}.none"] == "absent"
    assert str(tree.autograd) in seen.listed
    assert "MINE" in seen.variables
    assert {*seen.written} == {str(tree.out / name) for name in tree.contents()}
    assert seen.reasons == {}


def test_inputs_are_loaded_once_for_several_calls(
    tree: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    from derivload.loading import run

    loads: list[Any] = []
    load = run.load_inputs

    def told(*given: Any) -> Any:
        loads.append(given)
        return load(*given)

    monkeypatch.setattr(run, "load_inputs", told)
    one = ScriptGenerators(tree.watch, "")
    assert tree.call(one)
    assert tree.call(one, selection=Selection("pybindings"))
    assert len(loads) == 1
    assert "python_methods.cpp" in tree.contents()
    tree.edit()
    assert tree.call(one)
    assert len(loads) == 2


@pytest.mark.parametrize("what", ["script", "no script", "autograd", "torchgen", "no torchgen"])
def test_generators_that_are_not_those_of_the_tree_are_not_answered(
    what: str, tree: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed: dict[str, Any] = {}
    if what == "script":
        tree.main.__file__ = str(tree.root / "generate_code.py")
    elif what == "no script":
        del tree.main.__file__
    elif what == "autograd":
        changed["autograd"] = str(tree.root / "torchgen")
    elif what == "torchgen":
        gen = ModuleType("torchgen.gen")
        gen.__file__ = str(tmp_path / "torchgen" / "gen.py")
        monkeypatch.setitem(sys.modules, "torchgen.gen", gen)
    else:
        monkeypatch.delitem(sys.modules, "torchgen.gen")
    assert not tree.call(**changed)
    assert not tree.out.exists()
    assert not tree.watch.seen.values


def test_links_lead_to_the_generators(tree: Scripted, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tree.autograd)
    (tmp_path / "script.py").symlink_to(tree.main.__file__)
    tree.main.__file__ = str(tmp_path / "script.py")
    assert tree.call(autograd=str(tmp_path / "link"))
    assert len(tree.contents()) == 6


def test_tables_that_the_script_has_changed_are_not_answered(
    tree: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Changed:
        release = "2.15"
        fields = "some"

    monkeypatch.setattr(generators, "_rules", Changed)
    assert not tree.call()
    assert not tree.out.exists()


def test_a_generator_that_fails_is_called_itself(tree: Scripted) -> None:
    module: Any = sys.modules["tools.autograd.gen_autograd"]
    module.gen_variable_factories = lambda *_: 1 / 0
    assert not tree.call()
    assert tree.watch.is_watched()
