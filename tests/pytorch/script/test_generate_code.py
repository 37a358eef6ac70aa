"""`derivload run` on the two commands of PyTorch's build, in a tree laid out as PyTorch's.

The tree is a release's, most of it with few operators; the script is a stand-in for PyTorch's own
(tests/reference/generate_code.py), which makes its calls. All files are compared with those of
the plain command, in a copy of the tree.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.codegen_edits import EDITS, PROBE, Edit
from support.codegen_project import ABS
from support.codegen_project import assert_same as assert_same_files
from support.few_operators import EVERY, FOR_ATEN, make_small
from support.pytorch_tree import GENERATE_CODE, OPTIONS
from support.releases import Release
from support.script_runs import changed, contents, times
from support.script_trees import ScriptTree, make_script_tree

pytestmark = [pytest.mark.release, pytest.mark.thorough]

SHORT = 8
CODE = (GENERATE_CODE, *OPTIONS)
GEN = (
    *("-m", "torchgen.gen", "--source-path", "aten/src/ATen", "--install_dir", "build/aten"),
    *("--per-operator-headers", "--output-dependencies", "build/generated.cmake"),
)


@pytest.fixture(scope="session")
def small(release: Release, newest: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("script") / "small"
    return make_small(release(newest), folder, [*EVERY, *FOR_ATEN]).root


@pytest.fixture
def build(small: Path, tmp_path: Path) -> ScriptTree:
    return make_script_tree(small, tmp_path)


@pytest.fixture(scope="session")
def generated(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptTree]:
    """A tree in which both commands have run. What is edited is put back by `done`."""
    built = make_script_tree(small, tmp_path_factory.mktemp("generated"))
    for arguments in (CODE, GEN):
        ran = built.run(*arguments)
        assert (ran.status, ran.exit) == (0, "ran"), ran.stderr
    yield built


@pytest.fixture
def done(generated: ScriptTree) -> Iterator[ScriptTree]:
    kept = {path: path.read_bytes() for path in _sources(generated)}
    yield generated
    for path in _sources(generated):
        if path not in kept:
            path.unlink()
    for path, data in kept.items():
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)


def _sources(build: ScriptTree) -> list[Path]:
    ignored = {"generated", "build", "__pycache__"}
    files = (path for path in build.tree.rglob("*") if path.is_file())
    return [path for path in files if not ignored & {*path.relative_to(build.tree).parts}]


def test_files_of_both_commands_are_those_of_the_plain_ones(done: ScriptTree) -> None:
    for arguments in (CODE, GEN):
        assert done.run(*arguments).status == 0
    copy = done.folder / "both"
    ignored = shutil.ignore_patterns("__pycache__", "generated", "build")
    shutil.copytree(done.tree, copy, ignore=ignored)
    for arguments in (CODE, GEN):
        assert done.runner.plain(*arguments, folder=copy).status == 0
    made, expected = contents(done.tree), contents(copy)
    listed = "build/generated.cmake"
    assert str(done.tree) not in made[listed].decode()  # it has relative paths
    assert_same_files(made, expected)


def test_nothing_runs_when_nothing_changed(done: ScriptTree) -> None:
    before = times(done.tree)
    for arguments in (CODE, GEN):
        done.run(*arguments)
        ran = done.run(*arguments)
        assert ran.exit == "up-to-date"
        assert ran.stderr == f"derivload: {_name(arguments)}: up to date\n"
    assert times(done.tree) == before


def _name(arguments: tuple[str, ...]) -> str:
    return arguments[1] if arguments[0] == "-m" else arguments[0]


@pytest.mark.parametrize("name", ["derivatives", "natives", "tags"])
def test_a_comment_runs_nothing(done: ScriptTree, name: str) -> None:
    before = times(done.tree / "torch")
    path: Path = getattr(done.view, name)
    text = path.read_text("utf-8").replace("\n  ", "\n  # inside\n  ", 1)
    path.write_text(f"# before\n{text}\n# behind\n", "utf-8")
    for arguments in (CODE, GEN):
        expected = "up-to-date" if (name, arguments) == ("derivatives", GEN) else "stored"
        assert done.run(*arguments).exit == expected
        assert done.run(*arguments).exit == "up-to-date"
    assert times(done.tree / "torch") == before


def test_one_formula_writes_one_file(done: ScriptTree) -> None:
    for arguments in (CODE, GEN):
        done.run(*arguments)
    before = times(done.tree)
    done.edit(done.view.derivatives, *ABS)
    ran = done.run(*CODE)
    assert (ran.exit, ran.stderr) == ("ran", "")
    touched = changed(before, times(done.tree))
    assert [name for name in touched if not name.endswith(".yaml")] == [
        "torch/csrc/autograd/generated/Functions.cpp"
    ]
    assert done.run(*CODE).exit == "up-to-date"
    assert done.run(*GEN).exit == "up-to-date"


def test_an_operator_runs_both(done: ScriptTree) -> None:
    done.view.natives.write_text(done.view.natives.read_text("utf-8") + "\n" + PROBE, "utf-8")
    for arguments in (CODE, GEN):
        assert done.run(*arguments).exit == "ran"
    made = contents(done.tree)
    assert b"derivload_probe" in made["build/aten/ops/derivload_probe.h"]
    assert b"derivload_probe" in made["torch/csrc/autograd/generated/VariableTypeEverything.cpp"]


@pytest.mark.parametrize("what", ["torchgen/api/cpp.py", GENERATE_CODE])
def test_an_edit_to_the_source_runs_the_script(done: ScriptTree, what: str) -> None:
    path = done.tree / what
    path.write_text(path.read_text("utf-8") + "\n# A comment counts here.\n", "utf-8")
    assert done.run(*CODE).exit == "ran"


def test_a_module_that_comes_before_another_counts(done: ScriptTree) -> None:
    (done.tree / "tools" / "setup_helpers" / "typing_extensions.py").write_text("x = 1 / 0\n")
    ran = done.run(*CODE)
    assert ran.status == 1
    assert ran.stderr.endswith("ZeroDivisionError: division by zero\n")


@pytest.mark.parametrize("how", ["deleted", "edited"])
def test_an_output_comes_back(done: ScriptTree, how: str) -> None:
    done.run(*CODE)
    paths = [
        done.tree / "torch/csrc/autograd/generated/Functions.cpp",
        done.tree / "torch/csrc/lazy/generated/LazyIr.h",
        done.tree / "torch/testing/_internal/generated/annotated_fn_args.py",
    ]
    before = [path.read_bytes() for path in paths]
    for path in paths:
        path.unlink() if how == "deleted" else path.write_text("mine\n")
        assert done.run(*CODE).exit == "ran"
    assert [path.read_bytes() for path in paths] == before


def test_a_mistake_is_told_with_its_place_and_changes_nothing(done: ScriptTree) -> None:
    done.run(*CODE)
    before = contents(done.tree / "torch")
    done.edit(done.view.derivatives, ABS[0], "  self: grad * self.sizes()\n")
    ran = done.run(*CODE)
    assert ran.status == 1
    assert contents(done.tree / "torch") == before
    assert "Traceback" not in ran.stderr
    assert "tools/autograd/derivatives.yaml:" in ran.stderr


def test_a_generator_that_fails_changes_nothing(done: ScriptTree) -> None:
    done.run(*CODE)
    before, when = contents(done.tree / "torch"), times(done.tree / "torch")
    module = done.tree / "torchgen" / "gen_lazy_tensor.py"
    done.edit(module, "def run_gen_lazy_tensor(", "1 / 0\n\n\ndef run_gen_lazy_tensor(")
    done.edit(done.view.derivatives, *ABS)
    ran = done.run(*CODE)
    assert ran.status == 1
    assert ran.stderr.startswith("Traceback (most recent call last):\n")
    assert ran.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert "derivload" not in ran.stderr
    assert (contents(done.tree / "torch"), times(done.tree / "torch")) == (before, when)


def test_a_torchgen_that_is_no_releases_gives_what_it_gives(build: ScriptTree) -> None:
    model = build.tree / "torchgen" / "model.py"
    model.write_text(model.read_text("utf-8") + "\n\ndef derivload_probe() -> int:\n    return 1\n")
    assert build.run(*CODE).exit == "ran"
    build.assert_same(*CODE)
    build.edit(build.view.derivatives, *ABS)
    assert build.run(*CODE).exit == "ran"
    build.assert_same(*CODE)
    assert build.run(*CODE).exit == "up-to-date"


def test_a_dry_run_writes_the_lists_alone(build: ScriptTree) -> None:
    arguments = (*GEN, "--dry-run")
    assert build.run(*arguments).exit == "ran"
    assert "build/generated.cmake" in contents(build.tree)
    assert [name for name in contents(build.tree) if name.startswith("build/aten")] == []
    build.assert_same(*arguments)
    assert build.run(*arguments).exit == "up-to-date"


@pytest.mark.parametrize("subset", ["libtorch", "pybindings", "python"])
def test_a_subset_equals_the_plain_run(build: ScriptTree, subset: str) -> None:
    arguments = (*CODE[:5], "--subset", subset, "--install_dir", "out")
    assert build.run(*arguments).exit == "ran"
    build.assert_same(*arguments)
    build.edit(build.view.derivatives, *ABS)
    assert build.run(*arguments).status == 0
    build.assert_same(*arguments)


def test_a_selection_of_operators_equals_the_plain_run(build: ScriptTree) -> None:
    (build.tree / "selected.yaml").write_text("- aten::abs\n- aten::add.Tensor\n")
    arguments = (*CODE, "--selected-op-list-path", "selected.yaml", "--disable-autograd")
    assert build.run(*arguments).exit == "ran"
    build.assert_same(*arguments)
    (build.tree / "selected.yaml").write_text("- aten::abs\n- aten::mul.Tensor\n")
    assert build.run(*arguments).exit == "ran"
    build.assert_same(*arguments)


def test_files_equal_those_of_the_plain_command_after_every_edit(
    build: ScriptTree, request: pytest.FixtureRequest
) -> None:
    is_long = request.config.getoption("--long")
    seed = os.environ.get("DERIVLOAD_TEST_SEED", "1")
    print(f"DERIVLOAD_TEST_SEED={seed}")
    _compare_after_edits(build, random.Random(seed), EDITS if is_long else EDITS[:SHORT])


@pytest.mark.thorough
def test_files_of_a_release_equal_those_of_the_plain_command_after_every_edit(
    outer_release: str,
    release: Release,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    is_long = request.config.getoption("--long")
    seed = os.environ.get("DERIVLOAD_TEST_SEED", "1")
    build = make_script_tree(release(outer_release), tmp_path)
    edits = EDITS if is_long else EDITS[: SHORT // 2]  # each takes half a minute
    _compare_after_edits(build, random.Random(f"{outer_release} {seed}"), edits)


def _compare_after_edits(build: ScriptTree, random_: random.Random, edits: list[Edit]) -> None:
    assert build.run(*CODE).exit == "ran"
    build.assert_same(*CODE)
    refused = 0
    for number, edit in enumerate(edits):
        kept = {path: path.read_bytes() for path in _sources(build)}
        before, when = contents(build.tree), times(build.tree)
        what = edit(build.view, random_)
        ran = build.run(*CODE)
        print(f"{number}: {what}: {ran.exit or 'refused'}", flush=True)
        if ran.status != 0:
            refused += 1
            plain, _ = build.plain(*CODE)
            assert plain.status != 0, ran.stderr
            for path, data in kept.items():
                if path.read_bytes() != data:
                    path.write_bytes(data)
            assert contents(build.tree) == before
            continue
        after = contents(build.tree)
        touched = changed(when, times(build.tree))
        assert [name for name in touched if name not in _names(build, kept)] == [
            name for name in changed(before, after) if name not in _names(build, kept)
        ]
        build.assert_same(*CODE)
        assert build.run(*CODE).exit == "up-to-date"
    assert refused <= 2


def _names(build: ScriptTree, paths: dict[Path, bytes]) -> set[str]:
    return {str(path.relative_to(build.tree)) for path in paths}
