"""The CMake package, with the real CMake, Ninja, GNU Make and g++.

What a build is about is in a project of a few lines; the example project, with its generator and
the compiler, is built too.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from support.cmake_builds import (
    FORMULA,
    SHARDS,
    environment,
    launcher,
    project,
    pytest_generate_tests,
    shards_of,
    tools,
)
from support.cmake_project import (
    MAKE_TOO,
    NINJA_FIRST,
    CMakeProject,
    assert_nothing_runs,
    changed,
    copy_of_derivload,
    make_launcher,
)
from support.project import replace_in

__all__ = [
    "environment",
    "launcher",
    "project",
    "pytest_generate_tests",
    "tools",
]  # fixtures and a hook


@pytest.fixture
def built(project: CMakeProject) -> CMakeProject:
    """The same, configured and built."""
    assert project.configure().status == 0
    first = project.build("-j8")
    assert first.status == 0, first.output
    assert first.loads == 1
    assert len(first.generated) == SHARDS + 2
    return project


@pytest.mark.parametrize("generator", NINJA_FIRST)
def test_nothing_runs_when_nothing_changed(built: CMakeProject) -> None:
    before = built.documents()
    assert_nothing_runs(built)
    assert built.configure().status == 0
    assert_nothing_runs(built)
    assert built.documents() == before


@pytest.mark.parametrize("edit", [pytest.param("touch", marks=pytest.mark.thorough), "comment"])
def test_edit_that_changes_nothing_runs_derivload_alone(built: CMakeProject, edit: str) -> None:
    before = built.documents()
    if edit == "touch":
        built.derivatives.touch()
    else:
        built.derivatives.write_text("# A comment.\n" + built.derivatives.read_text("utf-8"))
    again = built.build()
    assert (again.status, again.loads, again.generated) == (0, 1, []), again.output
    assert built.documents() == before
    assert_nothing_runs(built)


@pytest.mark.parametrize("generator", MAKE_TOO)
def test_edit_to_a_formula_changes_one_shard(built: CMakeProject) -> None:
    before = built.documents()
    replace_in(built.derivatives, *FORMULA)
    again = built.build()
    assert (again.status, again.loads) == (0, 1), again.output
    assert again.generated == changed(before, built.documents())
    assert len(shards_of(again.generated)) == 1
    assert_nothing_runs(built)


@pytest.mark.parametrize("generator", NINJA_FIRST)
def test_mistake_stops_the_build_and_leaves_the_documents(built: CMakeProject) -> None:
    before = built.documents()
    text = built.derivatives.read_text("utf-8")
    replace_in(built.derivatives, "self.scalar_type()", "self.sizes()")
    for _ in range(2):
        failed = built.build()
        assert failed.status != 0
        assert re.search(
            rf"{re.escape(str(built.derivatives))}:\d+:\d+: error\[DL420\]", failed.output
        )
        assert failed.generated == []
        assert built.documents() == before
    built.derivatives.write_text(text.replace(*FORMULA), "utf-8")
    fixed = built.build()
    assert (fixed.status, fixed.loads) == (0, 1), fixed.output
    assert fixed.generated == changed(before, built.documents())
    assert len(shards_of(fixed.generated)) == 1
    assert_nothing_runs(built)


def test_warning_is_shown_once_for_each_change(built: CMakeProject) -> None:
    told = "warning[DL602]: `lustre` is not an argument, output or gradient of `gild`"
    replace_in(built.derivatives, "grad * luster", "grad * lustre")
    warned = built.build()
    assert (warned.status, warned.output.count(told)) == (0, 1), warned.output
    assert_nothing_runs(built)
    replace_in(built.derivatives, "self.scalar_type()", "other.scalar_type()")
    again = built.build()
    assert (again.status, again.loads, again.output.count(told)) == (0, 1, 0), again.output


def test_edit_to_derivload_runs_it_again(project: CMakeProject, tmp_path: Path) -> None:
    copy = copy_of_derivload(tmp_path / "checkout")
    project.launcher = make_launcher(tmp_path / "own" / "derivload", copy)
    assert project.configure().status == 0
    assert project.build().loads == 1
    assert_nothing_runs(project)
    before = project.documents()
    module = copy / "derivload" / "derivatives" / "info.py"
    module.write_text(module.read_text("utf-8") + "\n# edited\n", "utf-8")
    again = project.build()
    assert (again.status, again.loads, again.generated) == (0, 1, []), again.output
    assert project.documents() == before
    assert_nothing_runs(project)


@pytest.mark.thorough
def test_upgrade_runs_it_again(project: CMakeProject, tmp_path: Path) -> None:
    """An installer may give the modules an older time, but writes the command anew."""
    copy = copy_of_derivload(tmp_path / "environment")
    project.launcher = make_launcher(tmp_path / "own" / "derivload", copy)
    assert project.configure().status == 0
    assert project.build().loads == 1
    assert_nothing_runs(project)
    make_launcher(tmp_path / "own" / "derivload", copy)
    again = project.build()
    assert (again.status, again.loads, again.generated) == (0, 1, []), again.output
    assert_nothing_runs(project)


def test_input_that_is_saved_while_derivload_runs_is_the_next_builds(
    project: CMakeProject, tmp_path: Path
) -> None:
    save = f"[ -e '{tmp_path}/saved' ] || {{ sleep 0.1; touch '{project.derivatives}'; }}"
    once = f"case $1 in emit) {save}; touch '{tmp_path}/saved' ;; esac"
    copy = copy_of_derivload(tmp_path / "environment")
    project.launcher = make_launcher(tmp_path / "own" / "derivload", copy, once)
    assert project.configure().status == 0
    assert project.build().loads == 1
    assert project.build().loads == (1 if goes_by_the_beginning(project) else 0)
    assert_nothing_runs(project)


def goes_by_the_beginning(project: CMakeProject) -> bool:
    """Whether the build tool can tell what was saved while a command ran; Ninja 1.11 cannot."""
    if project.generator == "Unix Makefiles":
        return True
    ninja = project.tools.programs[project.generator]
    version = subprocess.run([ninja, "--version"], capture_output=True, text=True, check=True)
    major, minor = map(int, version.stdout.split(".")[:2])
    return (major, minor) >= (1, 12)


@pytest.mark.thorough
def test_other_option_runs_it_again(built: CMakeProject) -> None:
    before = built.documents()
    replace_in(built.source / "CMakeLists.txt", "OUTPUT_DIR", "TORCH_VERSION 2.14 OUTPUT_DIR")
    again = built.build()
    assert (again.status, again.loads) == (0, 1), again.output
    assert again.generated == changed(before, built.documents())
    assert json.loads((built.out / "functions.json").read_bytes())["torch_version"] == "2.14"
    assert_nothing_runs(built)


def test_other_number_of_shards_takes_out_those_before(built: CMakeProject) -> None:
    replace_in(built.source / "CMakeLists.txt", f"SHARDS {SHARDS}", "SHARDS 2")
    again = built.build()
    assert (again.status, again.loads) == (0, 1), again.output
    assert sorted(built.documents()) == [
        *("differentiability_0.json", "differentiability_1.json"),
        *("functions.json", "manifest.json"),
    ]
    assert_nothing_runs(built)


@pytest.mark.parametrize("generator", MAKE_TOO)
def test_document_that_was_deleted_is_made_again(built: CMakeProject) -> None:
    before = built.documents()
    (built.out / "differentiability_0.json").unlink()
    (built.build_dir / "copy_differentiability_0.json").unlink()
    if built.generator == "Unix Makefiles":  # Make looks at the stamp alone
        assert built.configure().status == 0
    assert built.build().status == 0
    after = built.documents()
    assert {name: data for name, (data, _) in after.items()} == {
        name: data for name, (data, _) in before.items()
    }
    assert_nothing_runs(built)


def test_clean_takes_out_all_that_was_made(built: CMakeProject) -> None:
    def ours() -> list[Path]:
        made = [*built.out.rglob("*"), *built.build_dir.rglob("derivload.*")]
        return [path for path in made if path.is_file()]

    assert len(ours()) == SHARDS + 2 + 1 + 3  # documents and derivload's stamp; the build's own
    assert built.build("--target", "clean").status == 0
    assert ours() == []
    again = built.build("-j8")
    assert (again.status, again.loads, len(again.generated)) == (0, 1, SHARDS + 2), again.output
