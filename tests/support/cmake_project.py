"""A CMake project in a test: the real CMake, Ninja and GNU Make, and a derivload to run.

What was run is asked of the build tool's own output: CMake prints a command's comment when it
runs it, and only then. A project of a few lines has a "generator" that copies each file.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest

from support.copied import copy_modules
from support.paths import ROOT

PACKAGE = ROOT / "cmake"
GENERATORS = ["Ninja", "Unix Makefiles", "Ninja Multi-Config"]
_MULTI_CONFIG = pytest.param(GENERATORS[2], marks=pytest.mark.thorough)  # Ninja, but for one thing
# For what differs from one build tool to the other; and for what hardly does.
MAKE_TOO = [*GENERATORS[:2], _MULTI_CONFIG]
NINJA_FIRST = ["Ninja", pytest.param("Unix Makefiles", marks=pytest.mark.thorough), _MULTI_CONFIG]

RUNS = re.compile(r"(?:Loading the derivatives of|Running PyTorch's generators for) ")

# A file is made from each document, by a command that depends on it.
CONSUMERS = """
foreach(document IN LISTS documents)
  cmake_path(GET document FILENAME name)
  set(copy "${CMAKE_CURRENT_BINARY_DIR}/copy_${name}")
  add_custom_command(
    OUTPUT "${copy}" COMMAND "${CMAKE_COMMAND}" -E copy "${document}" "${copy}"
    DEPENDS "${document}" definitions COMMENT "Copying ${name}" VERBATIM)
  list(APPEND copies "${copy}")
endforeach()
add_custom_target(copies ALL DEPENDS ${copies})
"""


class Tools(NamedTuple):
    cmake: str
    programs: dict[str, str]


def find_tools(unavailable: Callable[[str], NoReturn]) -> Tools:
    found = {}
    for name in ("cmake", "ninja", "make", "g++"):
        path = shutil.which(name)
        if path is None:
            unavailable(f"there is no {name} on this machine")
        found[name] = path
    programs = {"Unix Makefiles": found["make"]}
    return Tools(found["cmake"], dict.fromkeys(GENERATORS, found["ninja"]) | programs)


class Built(NamedTuple):
    status: int
    output: str

    @property
    def loads(self) -> int:
        """How often derivload ran."""
        return len(RUNS.findall(self.output))

    @property
    def generated(self) -> list[str]:
        return sorted(re.findall(r"(?:Copying|Generating) (\S+\.\w+)", self.output))

    @property
    def compiled(self) -> list[str]:
        return sorted(
            path.rpartition("/")[2]
            for path in re.findall(r"Building CXX object (\S+)", self.output)
        )

    def __str__(self) -> str:
        return f"{self.status}\n{self.output}"


class CMakeProject:
    """A source folder and a build folder, and the environment of the tools."""

    def __init__(
        self,
        tools: Tools,
        generator: str,
        folders: tuple[Path, Path],
        environment: Mapping[str, str],
        launcher: Path,
    ) -> None:
        self.tools = tools
        self.generator = generator
        self.source, self.build_dir = folders
        self.environment = {**environment, "LC_ALL": "C.UTF-8"}
        self.launcher = launcher

    def configure(self, *options: str) -> Built:
        return self.run(
            *("-S", str(self.source), "-B", str(self.build_dir), "-G", self.generator),
            f"-DCMAKE_MAKE_PROGRAM={self.tools.programs[self.generator]}",
            *(f"-Dderivload_DIR={PACKAGE}", f"-DDERIVLOAD_EXECUTABLE={self.launcher}", *options),
        )

    def build(self, *options: str) -> Built:
        """Build, and wait until what is saved next is newer than the build for Ninja too.

        Ninja 1.11 remembers the end of a run, and takes an input that is just as old for one that
        the run has seen; file systems count in the kernel's ticks, of 10 ms at most.
        """
        built = self.run("--build", str(self.build_dir), *options)
        time.sleep(0.02)
        return built

    def run(self, *arguments: str) -> Built:
        done = subprocess.run(
            [self.tools.cmake, *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        return Built(done.returncode, done.stdout)

    def write(self, call: str, rest: str = CONSUMERS) -> None:
        """Write a list file with this call of the function, and what depends on its documents."""
        self.source.mkdir(parents=True, exist_ok=True)
        (self.source / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.20)\nproject(small LANGUAGES NONE)\n"
            f"find_package(derivload CONFIG REQUIRED)\n{call}\n{rest}",
            "utf-8",
        )

    @property
    def inputs(self) -> Path:
        return self.source / "inputs"

    @property
    def derivatives(self) -> Path:
        return self.inputs / "derivatives.yaml"

    @property
    def out(self) -> Path:
        return self.build_dir / "out"

    def documents(self) -> dict[str, tuple[bytes, int]]:
        return state(self.out)


def state(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.glob("*.json")}


def changed(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    assert before.keys() == after.keys()
    return sorted(name for name in before if before[name] != after[name])


def words(text: str) -> str:
    """A message as it was written: CMake breaks its lines."""
    return " ".join(text.split())


def make_launcher(path: Path, source: Path = ROOT / "src", before: str = "") -> Path:
    """A command that runs the derivload in a source folder, wherever that is installed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"#!/bin/sh\n{before}\nPYTHONPATH='{source}' exec '{sys.executable}' -m derivload \"$@\"\n",
        "utf-8",
    )
    path.chmod(0o755)
    return path


def copy_of_derivload(folder: Path) -> Path:
    copy_modules(ROOT / "src" / "derivload", folder / "derivload")
    return folder


def assert_nothing_runs(project: CMakeProject) -> None:
    again = project.build()
    assert (again.status, again.loads, again.generated, again.compiled) == (0, 0, [], []), (
        again.output
    )
