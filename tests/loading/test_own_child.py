"""The process of a tree's own torchgen, with a torchgen of ours that says what it is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from derivload.loading.errors import TreeCodeError
from derivload.loading.own_code.process import OwnTorchgen, RefusedError, start_torchgen
from derivload.loading.paths import Files, TreePlace
from derivload.loading.rules_of_tree import Rules
from derivload.sources.additions import Additions

TELL = """
import json, os, sys
def tell(out, *said):
    with open(os.path.join(out, "told"), "a") as file:
        file.write(json.dumps(said) + "\\n")
"""
# As much of torchgen as is asked for. It loads what `mode` in the tags' text says.
MODULES = {
    "torchgen/__init__": "print('noise of torchgen')\nimport os\nos.system('echo more noise')",
    "torchgen/utils": TELL,
    "torchgen/api/__init__": "",
    "torchgen/api/cpp": "",
    "torchgen/api/autograd": "def match_differentiability_info(functions, infos): return []",
    "torchgen/model": """
import enum
DispatchKey = enum.Enum("DispatchKey", "CPU XLA")
dispatch_keys = [DispatchKey.CPU]
""",
    "torchgen/gen": """
class Parsed:
    native_functions = ()
    backend_indices = {}
def parse_native_yaml(native, tags): return Parsed
def get_grouped_native_functions(functions): return "grouped"
""",
    "torchgen/gen_backend_stubs": """
def parse_backend_yaml(path, grouped, indices):
    assert (grouped, indices) == ("grouped", {})
    if "bad" in open(path).read():
        raise KeyError("no kernel")
""",
    "torchgen/selective_build/__init__": "",
    "torchgen/selective_build/selector": """
class SelectiveBuilder:
    @staticmethod
    def get_nop_selector(): return "everything"
""",
    "tools/__init__": "",
    "tools/autograd/__init__": "",
    "tools/autograd/load_derivatives": """
import os, sys
def load_derivatives(derivatives, native, tags):
    print("noise of a load")
    mode = open(tags).read()
    if mode == "exit":
        raise SystemExit("ends")
    if mode == "read":
        raise ValueError(repr(sys.stdin.read()))
    if mode == "keys":
        from torchgen.model import dispatch_keys
        raise ValueError([key.name for key in dispatch_keys])
    if mode == "read more":
        import fork.rules
        here = os.path.dirname(__file__)
        os.listdir(here), os.path.exists(os.path.join(here, "flag")), os.getenv("DERIVLOAD_TEST")
        open(os.path.join(here, "data.txt")).close()
    if mode == "write":
        here = os.path.dirname(__file__)
        for opened in ("new w", "more a", "both r+", "late r", "late w"):
            name, how = opened.split()
            with open(os.path.join(here, name), how):
                os.path.exists(os.path.join(here, name))
            open(os.path.join(here, name)).close()
    if mode == "read new":
        os.path.exists(os.path.join(os.path.dirname(__file__), "new"))
    if mode == "locale":
        raise ValueError(open(derivatives).read())
    return {}, {"Default", "AutogradCUDA"}
""",
    "tools/autograd/gen_autograd": """
from torchgen.utils import tell
from .load_derivatives import load_derivatives
def gen_autograd_python(native, tags, out, autograd):
    import __main__
    tell(out, "python", native, tags, autograd, __main__.__file__)
def gen_autograd(native, tags, out, autograd, *, disable_autograd, operator_selector):
    tell(out, "autograd", native, tags, autograd, disable_autograd, operator_selector)
    load_derivatives(os.path.join(autograd, "derivatives.yaml"), native, tags)
import os
""",
    "tools/autograd/gen_annotated_fn_args": """
from torchgen.utils import tell
def gen_annotated(native, tags, out, autograd): tell(out, "annotated", native, tags, autograd)
""",
}

LOADED = {
    *("torchgen/__init__", "torchgen/model", "torchgen/gen", "torchgen/api/__init__"),
    *("torchgen/api/cpp", "torchgen/api/autograd"),
    *("tools/__init__", "tools/autograd/__init__", "tools/autograd/load_derivatives"),
}


class Tree:
    """A tree with that torchgen."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name, text in MODULES.items():
            path = root / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        self.autograd = root / "tools" / "autograd"
        self.dispatch_keys: tuple[str, ...] = ()
        self._torchgen: OwnTorchgen | None = None

    @property
    def torchgen(self) -> OwnTorchgen:
        if self._torchgen is None:
            files = Files("d", ["n"], "t", None)
            torchgen = str(self.root / "torchgen")
            files.tree = TreePlace(str(self.root), torchgen, str(self.autograd))
            files.additions = Additions(dispatch_keys=self.dispatch_keys)
            self._torchgen = start_torchgen(files, Rules("source x", "2.15", "the test says so"))
        return self._torchgen

    def end(self) -> None:
        if self._torchgen is not None:
            self._torchgen.close()


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    made = Tree(tmp_path / "tree")
    yield made
    made.end()


def refused(torchgen: OwnTorchgen, *texts: str, backends: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(RefusedError) as raised:
        torchgen.run(texts, backends)
    return str(raised.value).splitlines()


def test_what_torchgen_prints_or_reads_is_none_of_ours(tree: Tree) -> None:
    found = tree.torchgen.run(("d", "n", ""))
    assert found.used_dispatch_keys == ("AutogradCUDA", "Default")
    assert (found.records, found.functions, found.generated) == ([], [], [])
    assert refused(tree.torchgen, "d", "n", "read")[-1] == "ValueError: ''"
    assert refused(tree.torchgen, "é", "n", "locale")[-1] == "ValueError: é"
    assert tree.torchgen.run(("d", "n", "")) == found


def test_what_else_is_read_is_told(tree: Tree) -> None:
    (tree.autograd / "data.txt").touch()
    fork = tree.root / "fork"
    fork.mkdir()
    (fork / "rules.py").touch()
    before = tree.torchgen.run(("d", "n", "")).read
    assert {*before.files} == {f"./{name}.py" for name in LOADED}
    assert not before.folders and not before.variables
    assert refused(tree.torchgen, "d", "n", "exit")[-1] == "SystemExit: ends"
    read = tree.torchgen.run(("d", "n", "read more")).read
    names = {"./fork/rules.py", "./tools/autograd/data.txt", "./tools/autograd/flag"}
    assert read.files - before.files == names
    assert read.folders == {"./tools/autograd/*"}
    assert read.variables == {"DERIVLOAD_TEST"}


def test_a_file_that_it_makes_itself_is_not_read_as_long_as_the_job_lasts(tree: Tree) -> None:
    for name in ("both", "late"):
        (tree.autograd / name).touch()
    before = tree.torchgen.run(("d", "n", "")).read
    read = tree.torchgen.run(("d", "n", "write")).read
    names = {f"./tools/autograd/{name}" for name in ("more", "both", "late")}
    assert read.files - before.files == names
    # Somebody else may have edited it since.
    read = tree.torchgen.run(("d", "n", "read new")).read
    assert read.files - before.files == {*names, "./tools/autograd/new"}


def test_an_exception_is_told_from_the_frames_of_torchgen_on(tree: Tree) -> None:
    lines = refused(tree.torchgen, "d", "n", "exit")
    assert lines[0] == "Traceback (most recent call last):"
    loader = tree.autograd / "load_derivatives.py"
    assert lines[1].startswith(f'  File "{loader}", line 7, in load_derivatives')
    assert lines[-1] == "SystemExit: ends"


def test_a_key_that_a_backend_adds_is_listed_once(tree: Tree) -> None:
    tree.dispatch_keys = ("XLA", "CPU")
    assert refused(tree.torchgen, "d", "n", "keys")[-1] == "ValueError: ['CPU', 'XLA']"


def test_the_files_of_backends_are_checked_one_by_one(tree: Tree) -> None:
    assert tree.torchgen.run(("d", "n", ""), ("good", "fine")).records == []
    lines = refused(tree.torchgen, "d", "n", "", backends=("good", "bad"))
    assert lines[-1].startswith("ValueError: /")
    assert lines[-1].endswith("backend_1.yaml: 'no kernel'")


@pytest.mark.parametrize("is_own", [True, False])
def test_the_generators_are_run_as_the_build_runs_them(
    is_own: bool, tree: Tree, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    own = tree.autograd / "derivatives.yaml"
    derivatives = own if is_own else tmp_path / "derivatives.yaml"
    tags = tmp_path / "tags.yaml"
    tags.write_text("locale", "utf-8")  # the loader tells what it loads
    for path, text in ((own, "the tree's"), (derivatives, "ours")):
        path.write_text(text, "utf-8")
    paths = (str(derivatives), "native", str(tags))
    with pytest.raises(RefusedError, match=r"ValueError: ours$"):
        tree.torchgen.generate(paths, str(tree.autograd), str(out))
    tags.write_text("", "utf-8")
    (out / "told").unlink()
    tree.torchgen.generate(paths, str(tree.autograd), str(out))
    told: list[Any] = [json.loads(line) for line in (out / "told").read_text().splitlines()]
    given = ["native", str(tags), str(tree.autograd)]
    script = str(tree.root / "tools/setup_helpers/generate_code.py")
    assert told == [
        ["python", *given, script],
        ["autograd", *given, False, "everything"],
        ["annotated", *given],
    ]


def test_modules_of_these_names_are_those_of_the_tree(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = tmp_path / "others"
    for name in ("tools", "torchgen"):
        (others / name).mkdir(parents=True)
        (others / name / "__init__.py").write_text("raise ImportError('another')")
    monkeypatch.setenv("PYTHONPATH", str(others))
    assert tree.torchgen.run(("d", "n", "")).records == []


def test_a_torchgen_in_a_folder_of_another_name_is_found(tree: Tree) -> None:
    (tree.root / "torchgen").rename(tree.root / "gen-of-torch")
    files = Files("d", ["n"], "t", None)
    place = TreePlace(str(tree.root), str(tree.root / "gen-of-torch"), str(tree.autograd))
    files.tree = place
    started = start_torchgen(files, Rules("source x", "2.15", "the test says so"))
    try:
        assert started.run(("d", "n", "")).records == []
    finally:
        started.close()
    (tree.root / "gen-of-torch" / "__init__.py").unlink()
    with pytest.raises(TreeCodeError, match="No module named 'torchgen'"):
        tree.torchgen.run(("d", "n", ""))
