"""Documents by a tree's own rules, whatever its torchgen: that torchgen is the judge.

Where its rules are known they are followed by our own loader; where not, its own code runs.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from derivload.cpp.dialect import DIALECTS
from support import codegen_edits
from support.codegen_project import contents
from support.few_operators import make_small
from support.trees import DUMP, PACKAGE, Tree, small, small_tree

__all__ = ["small", "small_tree"]  # fixtures

Release = Callable[[str], Path]
AssertSame = Callable[[Path, Path], None]


@pytest.fixture
def whole(release: Release, newest: str, tmp_path: Path) -> Tree:
    """A tree with all operators of the newest release."""
    return copied(release(newest), tmp_path)


def copied(root: Path, folder: Path) -> Tree:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "torchgen", folder / "pytorch" / "torchgen", ignore=ignored)
    shutil.copy(root / "version.txt", folder / "pytorch")
    return Tree(folder / "pytorch", folder / "out", folder / "cache")


LOADER: Final = "packaged/autograd/load_derivatives.py"
GENERATION: Final = "native_function_generation.py"
NATIVES: Final = "packaged/ATen/native/native_functions.yaml"
DERIVATIVES: Final = "packaged/autograd/derivatives.yaml"

LONE_OUT: Final = """
- func: derivload_lone.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
  dispatch:
    CPU: derivload_lone_out
"""
ON_PRIVATE_USE: Final = """
- func: derivload_private(Tensor self) -> Tensor
  dispatch:
    PrivateUse1: derivload_private
"""
WITHOUT_TENSOR: Final = """
- func: derivload_count(Tensor self) -> int
  dispatch:
    CPU: derivload_count
"""
WITH_STREAM: Final = """
- func: derivload_stream(Tensor self, Stream stream) -> Tensor
  dispatch:
    CPU: derivload_stream
"""
STREAM_DERIVATIVE: Final = """
- name: derivload_stream(Tensor self, Stream stream) -> Tensor
  self: f(grad, stream)
"""


def _spell(tree: Tree) -> None:
    tree.edit("api/types/types.py", 'BaseCppType("at", "Stream")', 'BaseCppType("my", "Stream")')
    tree.append(NATIVES, WITH_STREAM)
    tree.append(DERIVATIVES, STREAM_DERIVATIVE)


def _add_key(tree: Tree) -> None:
    tree.edit(
        "model.py", "dispatch_keys = [\n", "dispatch_keys = [\n    DispatchKey.PrivateUse1,\n"
    )
    tree.append(NATIVES, ON_PRIVATE_USE)


def _exempt(tree: Tree) -> None:
    name = "OUT_OPS_THAT_DONT_GET_GROUPED_PROPERLY = [\n"
    tree.edit(GENERATION, name, f'{name}    "derivload_lone.out",\n')
    tree.append(NATIVES, LONE_OUT)


def _extend(tree: Tree) -> None:
    tree.append(
        GENERATION, '\nFUNCTIONAL_OPS_THAT_CANNOT_GET_AN_OUT_VARIANT += ["derivload_count"]\n'
    )
    tree.append(NATIVES, WITHOUT_TENSOR)


# Edits that our own loader follows: none changes a rule.
FOLLOWED: Final[dict[str, Callable[[Tree], None]]] = {
    "a helper": lambda t: t.append("model.py", "\n\ndef helper(x: int) -> int:\n    return x\n"),
    "a docstring": lambda t: t.edit(
        LOADER, "    # Do some caching as this is a deterministic function\n", '    """Load."""\n'
    ),
    "an annotation": lambda t: t.edit(
        LOADER,
        "def load_derivatives(\n    derivatives_yaml_path: str",
        "def load_derivatives(\n    derivatives_yaml_path: Any",
    ),
    "an import": lambda t: t.edit(
        LOADER,
        "import re\nfrom collections import Counter, defaultdict\n",
        "from collections import Counter, defaultdict\nimport re\n",
    ),
    "a dispatch key": _add_key,
    "an exempt operator": _exempt,
    "a spelling": _spell,
    "a list that is extended": _extend,
}
# Edits that change a rule.
UNKNOWN: Final[dict[str, Callable[[Tree], None]]] = {
    "a replacement of saved variables": lambda t: t.edit(
        LOADER, '"suffix": "_sym_sizes",', '"suffix": "_sizes_of",'
    ),
    "the prefix of ops": lambda t: t.edit(
        LOADER, 'return (camel_case + "Backward")', 'return (camel_case + "Gradient")'
    ),
    "what a forward formula requires": lambda t: t.edit(
        LOADER,
        'required_inputs_primal = find_required_inputs(formula, "_p")',
        'required_inputs_primal = (*find_required_inputs(formula, "_p"), "self")',
    ),
    "which functions share a definition": lambda t: t.edit(
        "api/autograd.py",
        "f_sig = f.func.signature(strip_default=True)",
        "f_sig = f.func.signature(strip_default=False)",
    ),
}


@pytest.mark.parametrize("edit", FOLLOWED)
def test_what_changes_no_rule_is_loaded_by_our_own_loader(
    small: Tree, edit: str, assert_same: AssertSame
) -> None:
    FOLLOWED[edit](small)
    stats = small.emit("--no-tree-code")
    assert stats["rules"].partition(" ")[0] == "2.15"
    assert_same(small.out, small.judged())


@pytest.mark.parametrize("edit", UNKNOWN)
def test_what_changes_a_rule_is_loaded_by_the_trees_own_code(
    small: Tree, edit: str, assert_same: AssertSame
) -> None:
    UNKNOWN[edit](small)
    stats = small.emit()
    assert (stats["exit"], stats["rules"].partition(":")[0]) == ("cold", "the tree's own code")
    assert_same(small.out, small.judged())
    codegen_edits.change_formula(small.pytorch, random.Random(1))
    stats = small.emit()
    assert stats["exit"] == "incremental"
    assert stats["counts"]["read"] < stats["counts"]["reused"]
    assert_same(small.out, small.judged())
    assert small.emit()["exit"] == "up-to-date"


@pytest.mark.thorough
@pytest.mark.parametrize("edit", [*FOLLOWED, *UNKNOWN])
def test_edits_to_the_newest_release(whole: Tree, edit: str, assert_same: AssertSame) -> None:
    {**FOLLOWED, **UNKNOWN}[edit](whole)
    assert whole.emit(*(["--no-tree-code"] if edit in FOLLOWED else []))["exit"] == "cold"
    assert_same(whole.out, whole.judged())
    codegen_edits.change_formula(whole.pytorch, random.Random(2))
    assert whole.emit()["exit"] == "incremental"
    assert_same(whole.out, whole.judged())


def without(package: Path, release: str, folder: Path) -> Path:
    """derivload as if it knew neither a release nor any newer one."""
    copy = folder / "package"
    shutil.copytree(package / "derivload", copy / "derivload")
    releases = [*DIALECTS]
    gone = releases[releases.index(release) :]
    with (copy / "derivload" / "cpp" / "dialect.py").open("a") as file:
        file.write(f"\nfor _gone in {gone}:\n    del DIALECTS[_gone]\n")
        file.write("NEWEST = [*DIALECTS.values()][-1]\n")
    known = copy / "derivload" / "tree" / "known.json"
    pieces = json.loads(known.read_bytes())
    left = {
        id_: {d: " ".join(r for r in of.split() if r not in gone) for d, of in digests.items()}
        for id_, digests in pieces.items()
    }
    known.write_text(json.dumps(left), "utf-8")
    for table in ("pytorch/codegen/known.py", "tree/sources.py"):
        file_of_table = copy / "derivload" / table
        lines = file_of_table.read_text("utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not any(f': "{r}",' in line for r in gone)]
        assert len(kept) == len(lines) - len(gone)
        file_of_table.write_text("".join(kept), "utf-8")
    return copy


@pytest.mark.thorough
def test_a_release_that_we_never_heard_of_is_loaded_as_it_loads_itself(
    each_release: str,
    release: Release,
    expected: Release,
    tmp_path: Path,
    assert_same: AssertSame,
    request: pytest.FixtureRequest,
) -> None:
    if each_release == "2.1.0":
        pytest.skip("there is no release before it")
    tree = copied(release(each_release), tmp_path)
    tree = tree._replace(package=without(PACKAGE, each_release.removesuffix(".0"), tmp_path))
    assert tree.emit()["exit"] == "cold"
    assert_same(tree.out, expected(each_release))
    random_ = random.Random(each_release)
    edits = codegen_edits.EDITS[: 10 if request.config.getoption("--long") else 2]
    for edit in edits:
        print(f"{each_release}: {edit(tree.pytorch, random_)}", flush=True)
        tree.emit()
        assert_same(tree.out, tree.judged())


@pytest.mark.thorough
def test_the_generators_of_a_release_that_we_never_heard_of_write_the_same(
    each_release: str, release: Release, tmp_path: Path
) -> None:
    if each_release == "2.1.0":
        pytest.skip("there is no release before it")
    small = make_small(release(each_release), tmp_path / "pytorch").root
    package = without(PACKAGE, each_release.removesuffix(".0"), tmp_path)
    tree = Tree(small, tmp_path / "out", tmp_path / "cache", package)
    for exit_ in ("cold", "incremental", "incremental"):
        done = tree.run("codegen", "--out-dir", tree.out, "--stats=json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["exit"] == exit_
        assert contents(tree.out) == contents(generated(tree, tmp_path / "upstream"))
        codegen_edits.change_formula(tree.pytorch, random.Random(exit_))


def generated(tree: Tree, folder: Path) -> Path:
    """The files that the generators of a tree write."""
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, str(DUMP.with_name("run_generators.py")), str(tree.root)]
    subprocess.run([*command, str(folder)], check=True)
    return folder


OVERLAYS: Final = {
    "a list": (
        "- func: derivload_mine(Tensor self) -> Tensor\n  dispatch:\n    CPU: derivload_mine\n"
    ),
    "a mapping": (
        "backend: XLA\ncustom:\n  - func: derivload_mine(Tensor self) -> Tensor\n"
        "    dispatch:\n      CPU: derivload_mine\n"
    ),
}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_overlays_go_to_the_trees_own_code_too(
    small: Tree, overlay: str, tmp_path: Path, assert_same: AssertSame
) -> None:
    UNKNOWN["the prefix of ops"](small)
    path = tmp_path / "overlay.yaml"
    path.write_text(OVERLAYS[overlay], "utf-8")
    plain = tmp_path / "plain.yaml"
    plain.write_text(OVERLAYS["a list"], "utf-8")
    small.append(DERIVATIVES, "\n- name: derivload_mine(Tensor self) -> Tensor\n  self: grad\n")
    small.emit("--native-functions", path)
    assert_same(small.out, small.judged(plain))
    codegen_edits.change_formula(small.pytorch, random.Random(3))
    assert small.emit("--native-functions", path)["exit"] == "incremental"
    assert_same(small.out, small.judged(plain))


def test_backends_files_go_to_the_trees_own_code_too(small: Tree, tmp_path: Path) -> None:
    UNKNOWN["the prefix of ops"](small)
    path, own = tmp_path / "backend.yaml", tmp_path / "own.yaml"
    text = "backend: XLA\ncpp_namespace: mine\nsupported:\n- add.Tensor\n"
    path.write_text(text, "utf-8")
    own.write_text("- func: add.Tensor\n", "utf-8")
    options = [f"--backend-yaml={file}" for file in (own, path)]
    small.emit(*options)
    path.write_text(f"{text}- no_such_operator\n", "utf-8")
    refused = small.run("emit", "--out-dir", small.out, *options)
    assert f"{path}: Found an invalid operator name: no_such_operator" in refused.stderr


def test_what_is_refused_of_an_overlay_is_told_there(small: Tree, tmp_path: Path) -> None:
    UNKNOWN["the prefix of ops"](small)
    path = tmp_path / "overlay.yaml"
    path.write_text("# x\n- func: mine(Tensor self) -> Tensor\n  variants: x\n", "utf-8")
    refused = small.run("emit", "--out-dir", small.out, "--native-functions", path)
    assert f"{path}:2: the tree's own torchgen refuses this" in refused.stderr


def test_families_that_depend_on_each_other_are_loaded_whole(
    small: Tree, assert_same: AssertSame
) -> None:
    small.append(LOADER, "\n\n_SEEN: list[str] = []\n")
    old = 'return (camel_case + "Backward")'
    small.edit(LOADER, old, "_SEEN.append(name)\n    " + old.replace("+", "+ str(len(_SEEN)) +"))
    for _ in range(2):
        done = small.run("emit", "--out-dir", small.out)
        assert done.returncode == 0
        assert "its halves come to another result" in done.stderr
        assert_same(small.out, small.judged())
        codegen_edits.change_formula(small.pytorch, random.Random(4))


def test_without_a_version_the_source_says_which_rules_they_are(
    small: Tree, assert_same: AssertSame
) -> None:
    (small.root / "version.txt").unlink()
    assert small.emit()["rules"] == "2.15"
    assert json.loads((small.out / "functions.json").read_bytes())["torch_version"] == "2.15"
    UNKNOWN["the prefix of ops"](small)
    small.emit()
    assert_same(small.out, small.judged())


def test_a_checkout_has_its_loader_elsewhere(small: Tree, assert_same: AssertSame) -> None:
    UNKNOWN["the prefix of ops"](small)
    judged = small.judged()
    packaged = small.root / "torchgen" / "packaged"
    (small.root / "tools").mkdir()
    packaged.joinpath("autograd").rename(small.root / "tools" / "autograd")
    natives = small.root / "aten" / "src" / "ATen" / "native"
    natives.parent.mkdir(parents=True)
    packaged.joinpath("ATen", "native").rename(natives)
    assert small.emit()["rules"].startswith("the tree's own code")
    assert_same(small.out, judged)


def test_no_tree_code_runs_none(small: Tree) -> None:
    UNKNOWN["the prefix of ops"](small)
    small.append("__init__.py", f"\nopen({str(small.root / 'ran')!r}, 'w').close()\n")
    for command in (["emit", "--out-dir", small.out], ["check"], ["show", "abs"]):
        done = small.run(*command, "--no-tree-code")
        assert done.returncode == 2
        assert "--no-tree-code forbids to run its own code" in done.stderr
    assert not (small.root / "ran").exists()
    small.emit()
    assert (small.root / "ran").exists()
    # What an earlier run has kept changes nothing.
    assert small.run("emit", "--out-dir", small.out, "--no-tree-code").returncode == 2


def test_a_torchgen_that_cannot_be_imported_shows_its_error(small: Tree) -> None:
    small.append("model.py", '\nraise ValueError("mine")\n')
    done = small.run("emit", "--out-dir", small.out)
    assert done.returncode == 1
    first, second, third, *_, last = done.stderr.splitlines()
    assert first == "derivload: error: the tree's own torchgen cannot be imported:"
    assert second == "Traceback (most recent call last):"
    assert re.fullmatch(rf'  File "{small.root}/torchgen/.*", line \d+, in <module>', third)
    assert last == "ValueError: mine"


def test_what_the_trees_own_torchgen_refuses_is_told_with_its_place(small: Tree) -> None:
    UNKNOWN["the prefix of ops"](small)
    small.emit()
    before = (small.out / "functions.json").read_bytes()
    small.append(NATIVES, "\n- func: derivload_bad(Tensr self) -> Tensor\n")
    for command in (["emit", "--out-dir", small.out], ["check"]):
        done = small.run(*command)
        assert done.returncode == 1
        assert "the tree's own torchgen refuses this: " in done.stderr
        assert re.search(r"native_functions\.yaml:\d+: the tree's own", done.stderr)
    assert (small.out / "functions.json").read_bytes() == before


def test_show_and_check_say_whose_rules_they_are(small: Tree) -> None:
    UNKNOWN["the prefix of ops"](small)
    note = "derivload: note: the tree's own torchgen computed this: not as in 2.15: "
    shown = small.run("show", "abs")
    assert shown.returncode == 0
    assert shown.stderr.startswith(note)
    assert "AbsGradient0" in shown.stdout
    checked = small.run("check")
    assert checked.returncode == 0
    assert note in checked.stderr


def test_derivwatch_goes_on_by_the_trees_own_code(small: Tree, assert_same: AssertSame) -> None:
    UNKNOWN["the prefix of ops"](small)
    done = small.run("watch", "--out-dir", small.out, "--once")
    assert done.returncode == 0, done.stderr
    assert_same(small.out, small.judged())
    small.append(NATIVES, "\n- func: derivload_bad(Tensr self) -> Tensor\n")
    done = small.run("watch", "--out-dir", small.out, "--once")
    assert done.returncode == 1
    assert "the tree's own torchgen refuses this: " in done.stdout + done.stderr
