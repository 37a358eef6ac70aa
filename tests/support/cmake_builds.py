"""What the tests of cmake share."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

import pytest

from support.child import without_derivload
from support.cmake_project import (
    NINJA_FIRST,
    CMakeProject,
    Tools,
    copy_of_derivload,
    find_tools,
    make_launcher,
)
from support.once import made_once
from support.paths import CATALOGUE

SHARDS = 4


# An edit to a formula, and to a comment, in the catalogue and in a release.
FORMULA = ("self: grad * luster", "self: luster * grad")


INPUTS = """
  DERIVATIVES inputs/derivatives.yaml
  NATIVE_FUNCTIONS inputs/native_functions.yaml
"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """With each of CMake's generators, most of them in CI and with --long."""
    if "generator" in metafunc.fixturenames and not any(
        "generator" in str(mark.args[0]) for mark in metafunc.definition.iter_markers("parametrize")
    ):
        metafunc.parametrize("generator", NINJA_FIRST)


def shards_of(names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith("differentiability_")]


@pytest.fixture(scope="session")
def tools(unavailable: Callable[[str], NoReturn]) -> Tools:
    return find_tools(unavailable)


@pytest.fixture(scope="session")
def launcher(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It runs a copy of derivload: who edits the checkout meanwhile runs nothing again."""

    def make() -> Path:
        folder = tmp_path_factory.mktemp("launcher")
        return make_launcher(folder / "derivload", copy_of_derivload(folder / "src"))

    return Path(made_once(request, "launcher", make))


@pytest.fixture
def environment() -> dict[str, str]:
    """That of the test, with a cache of its own and nothing that would lead to a derivload."""
    return without_derivload()


@pytest.fixture
def small(
    tools: Tools, tmp_path: Path, environment: dict[str, str], launcher: Path
) -> CMakeProject:
    """A project for Ninja without a list file, for what is the same with every build tool."""
    environment["DERIVLOAD_CACHE_DIR"] = str(tmp_path / "cache")
    folders = (tmp_path / "source", tmp_path / "build")
    made = CMakeProject(tools, "Ninja", folders, environment, launcher)
    shutil.copytree(CATALOGUE, made.inputs)
    return made


@pytest.fixture
def project(
    generator: str,
    tools: Tools,
    tmp_path: Path,
    environment: dict[str, str],
    launcher: Path,
) -> CMakeProject:
    """The small project, on a copy of the catalogue."""
    made = CMakeProject(
        tools,
        generator,
        (tmp_path / "source of é☃", tmp_path / "build of é☃"),
        environment,
        launcher,
    )
    shutil.copytree(CATALOGUE, made.inputs)
    made.write(
        f"derivload_codegen_inputs(definitions {INPUTS} OUTPUT_DIR out SHARDS {SHARDS}"
        " OUTPUTS_VARIABLE documents)"
    )
    return made
