"""CODEGEN of the CMake function: PyTorch's own generators as a step of a build.

On a release, and on its generators with two operators, for what is about the build alone. A
library has the C++ files, as docs/cmake.md shows it; its compiler writes nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cmake_builds import launcher, tools
from support.cmake_codegen import CALL, Make, PyTorchProject, make
from support.cmake_project import (
    GENERATORS,
    NINJA_FIRST,
    assert_nothing_runs,
    make_launcher,
)
from support.project import replace_in
from support.releases import Release
from support.small_pytorch import SmallPyTorch

__all__ = ["launcher", "make", "tools"]  # fixtures


pytestmark = pytest.mark.release


LIBRARY = """
enable_language(CXX)
derivload_codegen_inputs(autograd
  CODEGEN
  SUBSET libtorch
  PYTORCH_DIR pytorch
  OUTPUT_DIR autograd
  OUTPUTS_VARIABLE generated)
list(FILTER generated INCLUDE REGEX "\\\\.cpp$")
list(FILTER generated EXCLUDE REGEX "Everything\\\\.cpp$|/templates/")
add_library(autograd_objects OBJECT ${generated})
add_dependencies(autograd_objects autograd)
"""


# The C++ files that PyTorch compiles of those that the library's generators write, and all.
COMPILED = 24


WRITTEN = 32


# The edit to a generator adds these.
ADDED = [f"ADInplaceOrViewType_{shard}.cpp" for shard in range(2, 12)]


@pytest.fixture(scope="module", params=GENERATORS[:2])
def small(
    make: Make,
    request: pytest.FixtureRequest,
    release: Release,
    newest: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> PyTorchProject:
    """The small project, configured and built once for each build tool."""
    made = make(request.param, tmp_path_factory.mktemp("small"))
    made.pytorch = SmallPyTorch(release(newest), made.source / "pytorch")
    made.write(LIBRARY, "")
    shutil.copytree(made.source, made.pristine)
    assert made.configure().status == 0
    first = made.build("-j8")
    assert (first.status, first.loads, len(first.compiled)) == (0, 1, COMPILED), first
    return made


# What takes long with each of them.
NINJA_FIRST_HERE = pytest.mark.parametrize("small", NINJA_FIRST[:2], indirect=True, scope="module")
# What is the same with every build tool.
NINJA_ALONE = pytest.mark.parametrize("small", GENERATORS[:1], indirect=True, scope="module")


@pytest.fixture
def built(small: PyTorchProject) -> Iterator[PyTorchProject]:
    """That project, with nothing left to do."""
    yield small
    for path in small.pristine.rglob("*"):
        place = small.source / path.relative_to(small.pristine)
        if path.is_file() and path.read_bytes() != place.read_bytes():
            shutil.copyfile(path, place)
    assert small.build("-j8").status == 0


@pytest.mark.thorough
def test_release_is_generated_and_a_formula_changes_one_file(
    make: Make, release: Release, newest: str, tmp_path: Path
) -> None:
    project = make("Ninja", tmp_path)
    shutil.copytree(release(newest), project.source / "pytorch")
    project.write(LIBRARY, "")
    assert project.configure().status == 0
    first = project.build("-j8")
    assert (first.status, first.loads, len(first.compiled)) == (0, 1, COMPILED), first
    assert len(project.files()) == WRITTEN
    before = project.files()
    assert_nothing_runs(project)

    derivatives = project.source / "pytorch/torchgen/packaged/autograd/derivatives.yaml"
    derivatives.write_text("# A comment.\n" + derivatives.read_text("utf-8"), "utf-8")
    again = project.build()
    assert (again.status, again.loads, again.compiled) == (0, 1, []), again
    assert project.files() == before

    replace_in(derivatives, "self: grad * self.sgn()\n", "self: self.sgn() * grad\n")
    again = project.build()
    assert (again.status, again.loads, again.compiled) == (0, 1, ["Functions.cpp.o"]), again
    after = project.files()
    assert [name for name in after if after[name] != before[name]] == ["Functions.cpp"]
    assert_nothing_runs(project)


# What runs when


@NINJA_FIRST_HERE
def test_nothing_runs_when_nothing_changed(built: PyTorchProject) -> None:
    before = built.files()
    assert_nothing_runs(built)
    assert built.configure().status == 0
    assert_nothing_runs(built)
    assert built.files() == before


@pytest.mark.thorough
def test_comment_runs_derivload_alone(built: PyTorchProject) -> None:
    before = built.files()
    built.pytorch.add_a_comment()
    again = built.build()
    assert (again.status, again.loads, again.compiled) == (0, 1, []), again
    assert built.files() == before
    assert_nothing_runs(built)


@NINJA_FIRST_HERE
def test_formula_compiles_the_file_that_has_it(built: PyTorchProject) -> None:
    built.pytorch.edit_a_formula()
    again = built.build()
    assert (again.status, again.loads, again.compiled) == (0, 1, ["Functions.cpp.o"]), again
    assert_nothing_runs(built)


@pytest.mark.thorough
@NINJA_FIRST_HERE
def test_link_to_nowhere_beside_a_generator_is_nothing_to_a_build(built: PyTorchProject) -> None:
    """Emacs keeps one beside a file with changes that were not saved."""
    link = built.pytorch.autograd / ".#gen_autograd.py"
    link.symlink_to("me@host.123:1")
    assert built.configure().status == 0
    built.pytorch.edit_a_formula()
    again = built.build()
    assert (again.status, again.loads, again.compiled) == (0, 1, ["Functions.cpp.o"]), again
    assert "Configuring done" not in built.build().output
    assert_nothing_runs(built)
    link.unlink()
    assert_nothing_runs(built)


@pytest.mark.thorough
@NINJA_ALONE
def test_template_is_an_input(built: PyTorchProject) -> None:
    built.pytorch.edit_a_template()
    again = built.build()
    assert (again.status, again.loads, again.compiled) == (0, 1, ["ViewFuncs.cpp.o"]), again
    assert_nothing_runs(built)


@pytest.mark.thorough
def test_generator_that_writes_other_files_is_asked_again_for_their_names(
    built: PyTorchProject,
) -> None:
    before = set(built.files())
    built.pytorch.edit_a_generator()
    again = built.build("-j8")
    assert (again.status, again.loads) == (0, 1), again
    assert {f"{name}.o" for name in ADDED} <= set(again.compiled)
    assert set(built.files()) == {*before, *ADDED}
    assert_nothing_runs(built)

    replace_in(built.pytorch.autograd / "gen_inplace_or_view_type.py", "=12,", "=2,")
    again = built.build("-j8")
    assert (again.status, again.loads) == (0, 1), again
    assert set(built.files()) == before
    assert_nothing_runs(built)


@pytest.mark.thorough
@NINJA_ALONE
def test_mistake_stops_the_build_and_leaves_the_files(built: PyTorchProject) -> None:
    before = built.files()
    built.pytorch.make_a_mistake()
    failed = built.build()
    assert failed.status != 0
    assert f"{built.pytorch.derivatives}:" in failed.output
    assert "error[DL" in failed.output
    assert built.files() == before


@pytest.mark.thorough
@NINJA_ALONE
def test_generator_that_fails_stops_the_build_and_is_shown(built: PyTorchProject) -> None:
    before = built.files()
    built.pytorch.break_a_generator()
    failed = built.build()
    assert failed.status != 0
    assert "gen_view_funcs.py" in failed.output
    assert "ZeroDivisionError" in failed.output
    assert built.files() == before


@pytest.mark.thorough
def test_file_that_was_deleted_is_made_again(built: PyTorchProject) -> None:
    before = built.contents()
    (built.out / "ViewFuncs.cpp").unlink()
    if built.generator == "Unix Makefiles":  # Make looks at the stamp alone
        assert built.configure().status == 0
    again = built.build()
    assert (again.status, again.compiled) == (0, ["ViewFuncs.cpp.o"]), again
    assert built.contents() == before
    assert_nothing_runs(built)


@pytest.mark.thorough
@NINJA_ALONE
def test_other_subset_takes_out_what_was_there_before(built: PyTorchProject) -> None:
    replace_in(built.source / "CMakeLists.txt", "SUBSET libtorch", "SUBSET pybindings")
    again = built.build("-j8")
    assert (again.status, again.loads) == (0, 1), again
    assert [name for name in built.files() if not name.startswith("python_")] == []
    assert_nothing_runs(built)


@pytest.mark.thorough
@NINJA_ALONE
def test_clean_takes_out_all_that_was_made(built: PyTorchProject) -> None:
    assert built.build("--target", "clean").status == 0
    left = [*built.out.rglob("*"), *built.build_dir.rglob("derivload.*")]
    assert [path for path in left if path.is_file()] == []


@pytest.mark.thorough
@NINJA_ALONE
def test_two_subsets_share_a_folder(built: PyTorchProject) -> None:
    calls = [
        CALL.format(f"SUBSET {subset}").replace("inputs(autograd", f"inputs({subset}", 1)
        for subset in ("libtorch", "pybindings")
    ]
    built.write("\n".join(calls), "add_custom_target(both ALL DEPENDS libtorch pybindings)")
    assert built.configure().status == 0
    made = built.build()
    assert (made.status, made.loads) == (0, 2), str(made)
    assert {"Functions.cpp", "python_functions_0.cpp"} <= {*built.files()}
    assert "annotated_fn_args.py" not in built.files()
    assert_nothing_runs(built)
    built.pytorch.edit_a_formula()
    assert built.build().status == 0
    # One of them goes, and its files with it.
    built.write(calls[0], "add_custom_target(both ALL DEPENDS libtorch)")
    assert built.configure().status == 0
    assert "python_functions_0.cpp" not in built.files()
    assert built.build().status == 0
    assert "Functions.cpp" in built.files()
    for name in ("libtorch", "pybindings"):
        shutil.rmtree(built.build_dir / "CMakeFiles" / f"{name}.dir")


@pytest.mark.thorough
def test_input_that_is_saved_while_derivload_runs_is_the_next_builds(
    make: Make, launcher: Path, release: Release, newest: str, tmp_path: Path
) -> None:
    project = make("Unix Makefiles", tmp_path)  # Ninja 1.11 cannot tell
    project.pytorch = SmallPyTorch(release(newest), project.source / "pytorch")
    save = f"[ -e '{tmp_path}/saved' ] || {{ sleep 0.1; touch '{project.pytorch.derivatives}'; }}"
    once = f"case $* in *list-outputs*) ;; codegen*) {save}; touch '{tmp_path}/saved' ;; esac"
    project.launcher = make_launcher(tmp_path / "own" / "derivload", launcher.parent / "src", once)
    project.write(CALL.format("SUBSET python"), "add_custom_target(all_of_it ALL DEPENDS autograd)")
    assert project.configure().status == 0
    assert project.build().loads == 1
    assert project.build().loads == 1
    assert_nothing_runs(project)
