"""The CMake function loads what settings or the tree around name, where it names nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support.cmake_builds import environment, launcher, tools
from support.cmake_project import CMakeProject, Tools, assert_nothing_runs
from support.paths import CATALOGUE

__all__ = ["environment", "launcher", "tools"]  # fixtures

CALL = "derivload_codegen_inputs(definitions OUTPUT_DIR out OUTPUTS_VARIABLE documents)"
THREE = (
    'derivatives = "inputs/derivatives.yaml"\nnative-functions = "inputs/native_functions.yaml"\n'
)


@pytest.fixture
def small(
    tools: Tools, tmp_path: Path, environment: dict[str, str], launcher: Path
) -> CMakeProject:
    environment["DERIVLOAD_CACHE_DIR"] = str(tmp_path / "cache")
    folders = (tmp_path / "source", tmp_path / "build")
    made = CMakeProject(tools, "Ninja", folders, environment, launcher)
    shutil.copytree(CATALOGUE, made.inputs)
    (made.source / ".git").mkdir()
    made.write(CALL)
    return made


@pytest.mark.parametrize("name", ["derivload.toml", "pyproject.toml"])
def test_settings_name_inputs_and_shards(small: CMakeProject, name: str) -> None:
    table = "[tool.derivload]\n" if name == "pyproject.toml" else ""
    settings = small.source / name
    settings.write_text(f"{table}{THREE}shards = 2\n", "utf-8")
    assert small.configure().status == 0
    assert small.build().loads == 1
    assert "differentiability_1.json" in small.documents()
    assert_nothing_runs(small)
    derivatives = small.inputs / "derivatives.yaml"
    derivatives.write_text(derivatives.read_text("utf-8") + "# more\n", "utf-8")
    assert small.build().loads == 1
    settings.write_text(f"{table}{THREE}shards = 3\n", "utf-8")
    assert small.build().loads == 1
    assert "differentiability_2.json" in small.documents()
    assert_nothing_runs(small)


def test_a_file_that_is_named_counts_whatever_is_around(small: CMakeProject) -> None:
    (small.source / "derivload.toml").write_text("shards = 0\n", "utf-8")
    (small.source / "own").mkdir()
    own = small.source / "own" / "own.toml"
    own.write_text(THREE.replace("inputs", "../inputs"), "utf-8")
    small.write(CALL.replace("OUTPUT_DIR", "SETTINGS own/own.toml OUTPUT_DIR"))
    assert small.configure().status == 0
    assert small.build().loads == 1
    assert_nothing_runs(small)


def test_settings_around_do_not_matter_where_the_inputs_are_named(small: CMakeProject) -> None:
    (small.source / "derivload.toml").write_text("shards = 0\n", "utf-8")
    small.write(CALL.replace("OUTPUT_DIR", "CATALOGUE OUTPUT_DIR"))
    assert small.configure().status == 0
    assert small.build().loads == 1


def test_mistakes_in_settings_stop_the_configure_step(small: CMakeProject) -> None:
    (small.source / "derivload.toml").write_text("\nshard = 0\n", "utf-8")
    done = small.configure()
    assert done.status != 0
    assert "did you mean `shards`?" in " ".join(done.output.split())


def test_the_tree_around_is_taken(small: CMakeProject) -> None:
    autograd = small.source / "tools" / "autograd"
    natives = small.source / "aten" / "src" / "ATen" / "native"
    for folder, names in ((autograd, ["derivatives"]), (natives, ["native_functions", "tags"])):
        folder.mkdir(parents=True)
        for name in names:
            shutil.copy(CATALOGUE / f"{name}.yaml", folder)
    (small.source / "version.txt").write_text("2.15.0\n", "utf-8")
    assert small.configure().status == 0
    assert small.build().loads == 1
    assert_nothing_runs(small)
