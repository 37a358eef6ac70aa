"""The CMake package: how it is found, and its example."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from derivload import __version__
from support.cmake_builds import (
    environment,
    launcher,
    project,
    pytest_generate_tests,
    shards_of,
    tools,
)
from support.cmake_project import (
    GENERATORS,
    NINJA_FIRST,
    PACKAGE,
    Built,
    CMakeProject,
    Tools,
    assert_nothing_runs,
    changed,
    copy_of_derivload,
    make_launcher,
    state,
    words,
)
from support.paths import ROOT
from support.project import replace_in

__all__ = [
    "environment",
    "launcher",
    "project",
    "pytest_generate_tests",
    "tools",
]  # fixtures and a hook


EXAMPLE = ROOT / "examples" / "cmake"


RELEASE_FORMULA = ("self: grad * self.sgn()\n", "self: self.sgn() * grad\n")


# The package


def test_version_file_is_of_this_derivload() -> None:
    text = (PACKAGE / "derivloadConfigVersion.cmake").read_text("utf-8")
    assert re.findall(r'set\(PACKAGE_VERSION "(.*)"\)', text) == [__version__]


@pytest.fixture
def finder(tools: Tools, tmp_path: Path, environment: dict[str, str]) -> Finder:
    return Finder(tools, tmp_path, environment)


class Finder:
    """A project that says which derivload was found, and a machine that has none at first."""

    def __init__(self, tools: Tools, root: Path, environment: dict[str, str]) -> None:
        self.root = root
        self.path = root / "path"
        self.path.mkdir()
        self.project = CMakeProject(
            tools,
            "Ninja",
            (root / "source", root / "build"),
            {**environment, "PATH": str(self.path)},
            root / "unused",
        )
        self.project.source.mkdir()
        self.ask("find_package(derivload CONFIG REQUIRED)")

    def ask(self, how: str) -> None:
        (self.project.source / "CMakeLists.txt").write_text(
            f"cmake_minimum_required(VERSION 3.20)\nproject(small LANGUAGES NONE)\n{how}\n"
            "get_property(command GLOBAL PROPERTY DERIVLOAD_COMMAND)\n"
            'message("found ${derivload_FOUND} ${derivload_VERSION} ${command}")\n',
            "utf-8",
        )

    def package(self, *place: str) -> Path:
        folder = self.root.joinpath(*place)
        shutil.copytree(PACKAGE, folder)
        return folder

    def run(self, *options: str) -> Built:
        return self.project.run(
            *("-S", str(self.project.source), "-B", str(self.project.build_dir), "-G", "Ninja"),
            f"-DCMAKE_MAKE_PROGRAM={self.project.tools.programs['Ninja']}",
            *("-DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF", *options),
        )

    def found(self, *options: str) -> str:
        done = self.run(*options)
        assert done.status == 0, done.output
        (line,) = re.findall("^found (.*)$", done.output, re.MULTILINE)
        return re.sub(rf"^(1|TRUE) {re.escape(__version__)} ", "", line)


@pytest.mark.parametrize(
    "place",
    [
        "share/cmake/derivload",
        "lib/python3.11/site-packages/derivload/cmake",
        "Lib/site-packages/derivload/cmake",
    ],
)
def test_it_finds_the_derivload_that_it_was_installed_with(finder: Finder, place: str) -> None:
    own = make_launcher(finder.root / "prefix of é" / "bin" / "derivload")
    make_launcher(finder.path / "derivload", before="exit 1")
    package = finder.package("prefix of é", *place.split("/"))
    assert finder.found(f"-Dderivload_DIR={package}") == str(own)


def test_prefix_path_leads_to_an_installed_package(finder: Finder) -> None:
    own = make_launcher(finder.root / "prefix" / "bin" / "derivload")
    finder.package("prefix", "share", "cmake", "derivload")
    assert finder.found(f"-DCMAKE_PREFIX_PATH={finder.root / 'prefix'}") == str(own)


def test_checkout_runs_the_derivload_of_its_environment(finder: Finder) -> None:
    own = make_launcher(finder.root / "checkout" / ".venv" / "bin" / "derivload")
    package = finder.package("checkout", "cmake")
    assert finder.found(f"-Dderivload_DIR={package}") == str(own)


def test_named_executable_comes_before_all_others(finder: Finder) -> None:
    named = make_launcher(finder.root / "named" / "derivload")
    make_launcher(finder.root / "prefix" / "bin" / "derivload", before="exit 1")
    package = finder.package("prefix", "share", "cmake", "derivload")
    options = [f"-Dderivload_DIR={package}", f"-DDERIVLOAD_EXECUTABLE={named}"]
    assert finder.found(*options) == str(named)


def test_first_on_path_is_taken_and_kept(finder: Finder) -> None:
    first = make_launcher(finder.path / "derivload")
    package = f"-Dderivload_DIR={finder.package('cmake')}"
    assert finder.found(package) == str(first)
    make_launcher(finder.root / "other" / "derivload")
    finder.project.environment["PATH"] = str(finder.root / "other")
    assert finder.found(package) == str(first)


def test_python_that_can_import_it_is_taken(finder: Finder) -> None:
    python = finder.path / "python3"
    python.write_text(
        f"#!/bin/sh\nPYTHONPATH='{ROOT / 'src'}' exec '{sys.executable}' \"$@\"\n", "utf-8"
    )
    python.chmod(0o755)
    assert finder.found(f"-Dderivload_DIR={finder.package('cmake')}") == f"{python};-m;derivload"


def test_without_a_derivload_it_says_what_to_write(finder: Finder) -> None:
    done = finder.run(f"-Dderivload_DIR={finder.package('cmake')}")
    assert done.status != 0
    assert "install it (pip install derivload), or name it with" in words(done.output)


def test_without_a_derivload_a_package_that_is_not_required_is_not_found(finder: Finder) -> None:
    finder.ask("find_package(derivload CONFIG QUIET)")
    assert finder.found(f"-Dderivload_DIR={finder.package('cmake')}").startswith("0 ")


@pytest.mark.parametrize(
    ("before", "sentence"),
    [
        ("echo derivload 9.9.9; exit", "is derivload 9.9.9, and the package in"),
        ("echo no such module >&2; exit 1", "does not answer as derivload does"),
    ],
)
def test_derivload_that_is_none_of_this_package_is_refused(
    finder: Finder, before: str, sentence: str
) -> None:
    wrong = make_launcher(finder.root / "wrong" / "derivload", before=before)
    done = finder.run(f"-Dderivload_DIR={PACKAGE}", f"-DDERIVLOAD_EXECUTABLE={wrong}")
    assert done.status != 0
    assert sentence in words(done.output)
    assert "-DDERIVLOAD_EXECUTABLE=/path/to/bin/derivload" in done.output


@pytest.mark.parametrize("named", ["derivload", "bin/derivload", "/no/such/derivload", "/"])
def test_executable_that_is_no_file_is_refused(finder: Finder, named: str) -> None:
    done = finder.run(f"-Dderivload_DIR={PACKAGE}", f"-DDERIVLOAD_EXECUTABLE={named}")
    assert done.status != 0
    assert f'DERIVLOAD_EXECUTABLE is "{named}", which is no file' in words(done.output)


def test_versions_that_are_asked_for(finder: Finder, launcher: Path) -> None:
    meets = ["", "0", "0.1", "0.1.0", "0.1 EXACT", "0.1.0 EXACT", "0.1...0.2", "0.0...<1"]
    misses = ["0.0", "0.1.1", "0.2", "1", "0.1.1 EXACT", "0.0...<0.1", "0.2...0.3"]
    asked = "".join(
        # CMake forgets where a package is that did not do.
        f'set(derivload_DIR "{PACKAGE}" CACHE PATH "" FORCE)\nunset(derivload_FOUND)\n'
        f"find_package(derivload {version} CONFIG QUIET)\n"
        f'message("asked [{version}] ${{derivload_FOUND}}")\n'
        for version in (*meets, *misses)
    )
    finder.ask(asked)
    done = finder.run(f"-DDERIVLOAD_EXECUTABLE={launcher}")
    answers = re.findall(r"asked \[(.*)\] (\d)", done.output)
    assert [version for version, found in answers if found == "1"] == meets, done.output
    assert [version for version, found in answers if found == "0"] == misses


# The example


@pytest.fixture
def example(
    generator: str,
    tools: Tools,
    tmp_path: Path,
    environment: dict[str, str],
    launcher: Path,
) -> CMakeProject:
    """The example project, to be configured with the Python that runs the tests."""
    folders = (EXAMPLE, tmp_path / "build of é☃")
    return CMakeProject(tools, generator, folders, environment, launcher)


def configure_example(project: CMakeProject, *options: str) -> None:
    done = project.configure(f"-DPython3_EXECUTABLE={sys.executable}", *options)
    assert done.status == 0, done.output


def nodes_of(project: CMakeProject, *names: str) -> list[str]:
    (program,) = [path for path in project.build_dir.rglob("nodes") if path.is_file()]
    done = subprocess.run([program, *names], capture_output=True, encoding="utf-8", check=True)
    return done.stdout.splitlines()


def ops(documents: Mapping[str, tuple[bytes, int]]) -> list[str]:
    """The backward nodes in some shards."""
    return sorted(
        {
            info["op"]
            for name in shards_of(documents)
            for record in json.loads(documents[name][0])["functions"]
            for info in record["dispatch"].values()
            if info["op"] is not None
        }
    )


def explained(project: CMakeProject) -> list[str]:
    """Options of `cmake --build` by which Ninja says why it runs what it runs."""
    return [] if project.generator == "Unix Makefiles" else ["--", "-d", "explain"]


@pytest.mark.thorough
@pytest.mark.parametrize("generator", NINJA_FIRST)
def test_example_lists_the_catalogue(example: CMakeProject) -> None:
    configure_example(example)
    first = example.build("-j8")
    assert (first.status, first.loads, len(first.generated), len(first.compiled)) == (0, 1, 4, 5)
    documents = state(example.build_dir / "definitions")
    listed = ops(documents)
    assert nodes_of(example) == [*listed, f"{len(listed)} nodes"]
    assert nodes_of(example, "GildBackward0") == [
        "GildBackward0",
        "  saves double luster",
        "  self: grad * luster",
    ]
    assert_nothing_runs(example)


@pytest.mark.release
@pytest.mark.thorough
@pytest.mark.parametrize("generator", GENERATORS[:2])
def test_release_rebuilds_exactly_what_an_edit_touches(
    example: CMakeProject, tmp_path: Path, release: Callable[[str], Path], newest: str
) -> None:
    pytorch = tmp_path / "pytorch of é☃"
    shutil.copytree(release(newest), pytorch)
    packaged = pytorch / "torchgen" / "packaged"
    derivatives = packaged / "autograd" / "derivatives.yaml"
    natives = packaged / "ATen" / "native" / "native_functions.yaml"
    copy = copy_of_derivload(tmp_path / "checkout")
    example.launcher = make_launcher(tmp_path / "own" / "derivload", copy)
    configure_example(example, f"-DPYTORCH_DIR={pytorch}", "-DSHARDS=16")
    out = example.build_dir / "definitions"

    def run() -> tuple[int, list[str], list[str]]:
        done = example.build(*explained(example))
        assert done.status == 0, done.output
        return done.loads, done.generated, done.compiled

    first = example.build("-j8")
    assert (first.status, first.loads, len(first.generated), len(first.compiled)) == (0, 1, 16, 17)
    before = state(out)
    assert nodes_of(example) == [*ops(before), f"{len(ops(before))} nodes"]
    nothing: tuple[int, list[str], list[str]] = (0, [], [])
    derivload_alone: tuple[int, list[str], list[str]] = (1, [], [])
    assert run() == nothing

    for path in (derivatives, natives):
        path.touch()
        assert run() == derivload_alone
        path.write_text("# A comment.\n" + path.read_text("utf-8"), "utf-8")
        assert run() == derivload_alone
    assert run() == nothing
    assert state(out) == before

    replace_in(derivatives, *RELEASE_FORMULA)
    ran = run()
    (shard,) = shards_of(changed(before, state(out)))
    stem = shard.removesuffix(".json")
    assert ran == (1, [f"{stem}.cpp"], [f"{stem}.cpp.o"])
    assert run() == nothing
    assert "  self: self.sgn() * grad" in nodes_of(example, "AbsBackward0")
    before = state(out)

    module = copy / "derivload" / "derivatives" / "info.py"
    module.write_text(module.read_text("utf-8") + "\n# edited\n", "utf-8")
    assert run() == derivload_alone
    assert run() == nothing

    text = derivatives.read_text("utf-8")
    replace_in(derivatives, "self: self.sgn() * grad\n", "self: self.sizes()\n")
    failed = example.build()
    assert failed.status != 0
    assert re.search(rf"{re.escape(str(derivatives))}:\d+:\d+: error\[DL\d+\]", failed.output)
    assert (failed.generated, failed.compiled) == ([], [])
    assert state(out) == before
    derivatives.write_text(text, "utf-8")
    assert run() == derivload_alone
    assert state(out) == before


@pytest.mark.release
@pytest.mark.parametrize("generator", GENERATORS[:1])
@pytest.mark.parametrize("version", ["2.1.0", "2.5.0", "2.10.0"])
def test_older_release_compiles(
    example: CMakeProject, version: str, request: pytest.FixtureRequest
) -> None:
    if not (os.environ.get("CI") or request.config.getoption("--long")):
        pytest.skip("thorough tests are for CI and --long")
    release: Callable[[str], Path] = request.getfixturevalue("release")
    configure_example(example, f"-DPYTORCH_DIR={release(version)}", "-DSHARDS=2")
    assert example.build("-j8").status == 0
    listed = ops(state(example.build_dir / "definitions"))
    assert nodes_of(example) == [*listed, f"{len(listed)} nodes"]
