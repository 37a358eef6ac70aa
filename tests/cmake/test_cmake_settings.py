"""The CMake function loads what settings or the tree around name, where it names nothing."""

from __future__ import annotations

import shutil

import pytest

from support.cmake_builds import environment, launcher, small, tools
from support.cmake_project import CMakeProject, assert_nothing_runs
from support.paths import CATALOGUE

__all__ = ["environment", "launcher", "small", "tools"]  # fixtures

CALL = "derivload_codegen_inputs(definitions OUTPUT_DIR out OUTPUTS_VARIABLE documents)"
THREE = (
    'derivatives = "inputs/derivatives.yaml"\nnative-functions = "inputs/native_functions.yaml"\n'
)


@pytest.fixture
def project(small: CMakeProject) -> CMakeProject:
    """A project for Ninja that names no inputs."""
    (small.source / ".git").mkdir()
    small.write(CALL)
    return small


@pytest.mark.parametrize(
    "name", ["derivload.toml", pytest.param("pyproject.toml", marks=pytest.mark.thorough)]
)
def test_settings_name_inputs_and_shards(project: CMakeProject, name: str) -> None:
    table = "[tool.derivload]\n" if name == "pyproject.toml" else ""
    settings = project.source / name
    settings.write_text(f"{table}{THREE}shards = 2\n", "utf-8")
    assert project.configure().status == 0
    assert project.build().loads == 1
    assert "differentiability_1.json" in project.documents()
    assert_nothing_runs(project)
    derivatives = project.inputs / "derivatives.yaml"
    derivatives.write_text(derivatives.read_text("utf-8") + "# more\n", "utf-8")
    assert project.build().loads == 1
    settings.write_text(f"{table}{THREE}shards = 3\n", "utf-8")
    assert project.build().loads == 1
    assert "differentiability_2.json" in project.documents()
    assert_nothing_runs(project)


def test_a_file_that_is_named_counts_whatever_is_around(project: CMakeProject) -> None:
    (project.source / "derivload.toml").write_text("shards = 0\n", "utf-8")
    (project.source / "own").mkdir()
    own = project.source / "own" / "own.toml"
    own.write_text(THREE.replace("inputs", "../inputs"), "utf-8")
    project.write(CALL.replace("OUTPUT_DIR", "SETTINGS own/own.toml OUTPUT_DIR"))
    assert project.configure().status == 0
    assert project.build().loads == 1
    assert_nothing_runs(project)


def test_settings_around_do_not_matter_where_the_inputs_are_named(project: CMakeProject) -> None:
    (project.source / "derivload.toml").write_text("shards = 0\n", "utf-8")
    project.write(CALL.replace("OUTPUT_DIR", "CATALOGUE OUTPUT_DIR"))
    assert project.configure().status == 0
    assert project.build().loads == 1


def test_mistakes_in_settings_stop_the_configure_step(project: CMakeProject) -> None:
    (project.source / "derivload.toml").write_text("\nshard = 0\n", "utf-8")
    done = project.configure()
    assert done.status != 0
    assert "did you mean `shards`?" in " ".join(done.output.split())


def test_the_tree_around_is_taken(project: CMakeProject) -> None:
    autograd = project.source / "tools" / "autograd"
    natives = project.source / "aten" / "src" / "ATen" / "native"
    for folder, names in ((autograd, ["derivatives"]), (natives, ["native_functions", "tags"])):
        folder.mkdir(parents=True)
        for name in names:
            shutil.copy(CATALOGUE / f"{name}.yaml", folder)
    (project.source / "version.txt").write_text("2.15.0\n", "utf-8")
    assert project.configure().status == 0
    assert project.build().loads == 1
    assert_nothing_runs(project)
