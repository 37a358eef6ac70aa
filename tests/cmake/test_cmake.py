"""The CMake package, with the real CMake, Ninja, GNU Make and g++.

What a build is about is in a project of a few lines; the example project, with its generator and
the compiler, is built too.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NoReturn

import pytest

from derivload import __version__
from support.cmake_project import (
    CONSUMERS,
    GENERATORS,
    PACKAGE,
    Built,
    Project,
    Tools,
    assert_nothing_runs,
    changed,
    copy_of_derivload,
    find_tools,
    make_launcher,
    replace_in,
    state,
    words,
)
from support.paths import CATALOGUE, ROOT

EXAMPLE = ROOT / "examples" / "cmake"
SHARDS = 4
# An edit to a formula, and to a comment, in the catalogue and in a release.
FORMULA = ("self: grad * luster", "self: luster * grad")
RELEASE_FORMULA = ("self: grad * self.sgn()\n", "self: self.sgn() * grad\n")

INPUTS = """
  DERIVATIVES inputs/derivatives.yaml
  NATIVE_FUNCTIONS inputs/native_functions.yaml
"""


def shards_of(names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith("differentiability_")]


@pytest.fixture(scope="session")
def tools(unavailable: Callable[[str], NoReturn]) -> Tools:
    return find_tools(unavailable)


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It runs a copy of derivload: who edits the checkout meanwhile runs nothing again."""
    folder = tmp_path_factory.mktemp("launcher")
    return make_launcher(folder / "derivload", copy_of_derivload(folder / "src"))


@pytest.fixture
def environment() -> dict[str, str]:
    """That of the test, with a cache of its own and nothing that would lead to a derivload."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ninja Multi-Config is Ninja but for the configurations: all of it in CI and with --long."""
    if "generator" in metafunc.fixturenames and not any(
        "generator" in str(mark.args[0]) for mark in metafunc.definition.iter_markers("parametrize")
    ):
        everything = os.environ.get("CI") or metafunc.config.getoption("--long")
        metafunc.parametrize("generator", GENERATORS if everything else GENERATORS[:2])


@pytest.fixture
def project(
    generator: str,
    tools: Tools,
    tmp_path: Path,
    environment: dict[str, str],
    launcher: Path,
) -> Project:
    """The small project, on a copy of the catalogue."""
    made = Project(
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


@pytest.fixture
def built(project: Project) -> Project:
    """The same, configured and built."""
    assert project.configure().status == 0
    first = project.build("-j8")
    assert first.status == 0, first.output
    assert first.loads == 1
    assert len(first.generated) == SHARDS + 2
    return project


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
        self.project = Project(
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


# What runs when


def test_nothing_runs_when_nothing_changed(built: Project) -> None:
    before = built.documents()
    assert_nothing_runs(built)
    assert built.configure().status == 0
    assert_nothing_runs(built)
    assert built.documents() == before


@pytest.mark.parametrize("edit", ["touch", "comment"])
def test_edit_that_changes_nothing_runs_derivload_alone(built: Project, edit: str) -> None:
    before = built.documents()
    if edit == "touch":
        built.derivatives.touch()
    else:
        built.derivatives.write_text("# A comment.\n" + built.derivatives.read_text("utf-8"))
    again = built.build()
    assert (again.status, again.loads, again.generated) == (0, 1, []), again.output
    assert built.documents() == before
    assert_nothing_runs(built)


def test_edit_to_a_formula_changes_one_shard(built: Project) -> None:
    before = built.documents()
    replace_in(built.derivatives, *FORMULA)
    again = built.build()
    assert (again.status, again.loads) == (0, 1), again.output
    assert again.generated == changed(before, built.documents())
    assert len(shards_of(again.generated)) == 1
    assert_nothing_runs(built)


def test_mistake_stops_the_build_and_leaves_the_documents(built: Project) -> None:
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


def test_edit_to_derivload_runs_it_again(project: Project, tmp_path: Path) -> None:
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


def test_upgrade_runs_it_again(project: Project, tmp_path: Path) -> None:
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
    project: Project, tmp_path: Path
) -> None:
    save = f"[ -e '{tmp_path}/saved' ] || {{ sleep 0.1; touch '{project.derivatives}'; }}"
    once = f"case $1 in emit) {save}; touch '{tmp_path}/saved' ;; esac"
    copy = copy_of_derivload(tmp_path / "environment")
    project.launcher = make_launcher(tmp_path / "own" / "derivload", copy, once)
    assert project.configure().status == 0
    assert project.build().loads == 1
    assert project.build().loads == (1 if goes_by_the_beginning(project) else 0)
    assert_nothing_runs(project)


def goes_by_the_beginning(project: Project) -> bool:
    """Whether the build tool can tell what was saved while a command ran; Ninja 1.11 cannot."""
    if project.generator == "Unix Makefiles":
        return True
    ninja = project.tools.programs[project.generator]
    version = subprocess.run([ninja, "--version"], capture_output=True, text=True, check=True)
    major, minor = map(int, version.stdout.split(".")[:2])
    return (major, minor) >= (1, 12)


def test_other_option_runs_it_again(built: Project) -> None:
    before = built.documents()
    replace_in(built.source / "CMakeLists.txt", "OUTPUT_DIR", "TORCH_VERSION 2.14 OUTPUT_DIR")
    again = built.build()
    assert (again.status, again.loads) == (0, 1), again.output
    assert again.generated == changed(before, built.documents())
    assert json.loads((built.out / "functions.json").read_bytes())["torch_version"] == "2.14"
    assert_nothing_runs(built)


def test_other_number_of_shards_takes_out_those_before(built: Project) -> None:
    replace_in(built.source / "CMakeLists.txt", f"SHARDS {SHARDS}", "SHARDS 2")
    again = built.build()
    assert (again.status, again.loads) == (0, 1), again.output
    assert sorted(built.documents()) == [
        *("differentiability_0.json", "differentiability_1.json"),
        *("functions.json", "manifest.json"),
    ]
    assert_nothing_runs(built)


def test_document_that_was_deleted_is_made_again(built: Project) -> None:
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


def test_clean_takes_out_all_that_was_made(built: Project) -> None:
    def ours() -> list[Path]:
        made = [*built.out.rglob("*"), *built.build_dir.rglob("derivload.*")]
        return [path for path in made if path.is_file()]

    assert len(ours()) == SHARDS + 2 + 1 + 3  # documents and derivload's stamp; the build's own
    assert built.build("--target", "clean").status == 0
    assert ours() == []
    again = built.build("-j8")
    assert (again.status, again.loads, len(again.generated)) == (0, 1, SHARDS + 2), again.output


# The arguments


def test_two_targets_in_one_build(project: Project) -> None:
    second = """
derivload_codegen_inputs(catalogue OUTPUT_DIR other NO_CACHE)
get_property(documents TARGET catalogue PROPERTY DERIVLOAD_OUTPUTS)
add_custom_command(
  OUTPUT listed COMMAND "${CMAKE_COMMAND}" -E sha256sum ${documents} > listed
  DEPENDS ${documents} catalogue COMMENT "Copying catalogue.json" VERBATIM)
add_custom_target(all_documents ALL DEPENDS listed)
"""
    with (project.source / "CMakeLists.txt").open("a", encoding="utf-8") as file:
        file.write(second)
    assert project.configure().status == 0
    first = project.build("-j8")
    assert (first.status, first.loads) == (0, 2), first.output
    assert len(first.generated) == SHARDS + 3
    assert_nothing_runs(project)
    replace_in(project.derivatives, *FORMULA)
    again = project.build("-j8")
    assert (again.loads, "catalogue.json" in again.generated) == (1, False), again.output
    assert_nothing_runs(project)


def test_consumer_in_another_folder(project: Project) -> None:
    below = project.source / "below"
    below.mkdir()
    (below / "CMakeLists.txt").write_text(
        "get_property(documents TARGET definitions PROPERTY DERIVLOAD_OUTPUTS)" + CONSUMERS
    )
    project.write(
        f"derivload_codegen_inputs(definitions {INPUTS} OUTPUT_DIR out SHARDS {SHARDS})",
        "add_subdirectory(below)",
    )
    assert project.configure().status == 0
    first = project.build("-j8")
    assert (first.status, first.loads, len(first.generated)) == (0, 1, SHARDS + 2), first.output
    assert_nothing_runs(project)
    replace_in(project.derivatives, *FORMULA)
    again = project.build()
    assert len(shards_of(again.generated)) == 1, again.output
    assert_nothing_runs(project)


def test_input_that_the_build_makes(project: Project) -> None:
    project.write(
        """
set(made "${CMAKE_CURRENT_BINARY_DIR}/derivatives.yaml")
add_custom_command(
  OUTPUT "${made}"
  COMMAND "${CMAKE_COMMAND}" -E copy "${CMAKE_CURRENT_SOURCE_DIR}/inputs/derivatives.yaml" "${made}"
  DEPENDS inputs/derivatives.yaml VERBATIM)
derivload_codegen_inputs(definitions DERIVATIVES "${made}"
  NATIVE_FUNCTIONS inputs/native_functions.yaml OUTPUT_DIR out OUTPUTS_VARIABLE documents)
"""
    )
    assert project.configure().status == 0
    assert project.build().loads == 1
    assert_nothing_runs(project)
    replace_in(project.derivatives, *FORMULA)
    again = project.build()
    assert (again.loads, "differentiability.json" in again.generated) == (1, True), again.output
    assert_nothing_runs(project)


@pytest.fixture
def small(tools: Tools, tmp_path: Path, environment: dict[str, str], launcher: Path) -> Project:
    """A project for Ninja without a list file, for what is the same with every build tool."""
    environment["DERIVLOAD_CACHE_DIR"] = str(tmp_path / "cache")
    folders = (tmp_path / "source", tmp_path / "build")
    made = Project(tools, "Ninja", folders, environment, launcher)
    shutil.copytree(CATALOGUE, made.inputs)
    return made


def emitted(project: Project, *options: str) -> dict[str, bytes]:
    """What `derivload emit` itself writes with these options."""
    out = project.source / "emitted"
    subprocess.run(
        [project.launcher, "emit", *options, "--out-dir", out, "--no-cache"],
        cwd=project.source,
        env=project.environment,
        capture_output=True,
        check=True,
    )
    return {path.name: path.read_bytes() for path in out.glob("*.json")}


@pytest.mark.parametrize(
    ("call", "options"),
    [
        ("", []),
        ("SHARDS 3 TORCH_VERSION 2.14", ["--shards", "3", "--torch-version", "2.14"]),
        (
            f"{INPUTS} inputs/overlay.yaml TAGS inputs/other_tags.yaml",
            [
                *("--derivatives", "inputs/derivatives.yaml"),
                *("--native-functions", "inputs/native_functions.yaml"),
                *("--native-functions", "inputs/overlay.yaml", "--tags", "inputs/other_tags.yaml"),
            ],
        ),
        ("PYTORCH_DIR pytorch", ["--pytorch", "pytorch"]),
        (
            f"PYTORCH_DIR pytorch {INPUTS.replace('native_functions', 'overlay')}",
            [
                *("--pytorch", "pytorch", "--native-functions", "inputs/overlay.yaml"),
                *("--derivatives", "inputs/derivatives.yaml"),
            ],
        ),
    ],
)
def test_arguments_mean_what_the_options_of_emit_mean(
    small: Project, call: str, options: list[str]
) -> None:
    (small.inputs / "overlay.yaml").write_text("- func: extra(Tensor self) -> Tensor\n", "utf-8")
    shutil.copy(small.inputs / "tags.yaml", small.inputs / "other_tags.yaml")
    make_pytorch(small.source / "pytorch")
    small.write(f"derivload_codegen_inputs(definitions {call} OUTPUT_DIR out)", "")
    assert small.configure().status == 0
    done = small.build("--target", "definitions")
    assert done.status == 0, done.output
    assert {name: data for name, (data, _) in small.documents().items()} == emitted(small, *options)
    again = small.build("--target", "definitions")
    assert again.loads == 0, again.output


def make_pytorch(folder: Path) -> None:
    """A PyTorch checkout that holds the catalogue."""
    for name, place in (
        ("derivatives.yaml", "tools/autograd"),
        ("native_functions.yaml", "aten/src/ATen/native"),
        ("tags.yaml", "aten/src/ATen/native"),
    ):
        (folder / place).mkdir(parents=True, exist_ok=True)
        shutil.copy(CATALOGUE / name, folder / place)
    (folder / "version.txt").write_text("2.14.0\n", "utf-8")


def test_files_of_a_pytorch_folder_are_inputs(project: Project) -> None:
    pytorch = project.source / "pytorch"
    make_pytorch(pytorch)
    project.write(
        "derivload_codegen_inputs(definitions PYTORCH_DIR pytorch OUTPUT_DIR out"
        " OUTPUTS_VARIABLE documents)"
    )
    assert project.configure().status == 0
    assert project.build().loads == 1
    (pytorch / "version.txt").write_text("2.15.0\n", "utf-8")
    again = project.build()
    assert (again.loads, "differentiability.json" in again.generated) == (1, True), again.output
    replace_in(pytorch / "tools/autograd/derivatives.yaml", *FORMULA)
    assert project.build().loads == 1
    assert_nothing_runs(project)


def test_no_cache_keeps_neither_cache_nor_stamp(small: Project) -> None:
    small.write("derivload_codegen_inputs(definitions OUTPUT_DIR out NO_CACHE)", "")
    assert small.configure().status == 0
    assert small.build("--target", "definitions").loads == 1
    assert not Path(small.environment["DERIVLOAD_CACHE_DIR"]).exists()
    assert not (small.out / ".derivload-stamp").exists()
    assert small.build("--target", "definitions").loads == 0


def test_cache_folder_is_in_the_build_folder(small: Project) -> None:
    small.write("derivload_codegen_inputs(definitions OUTPUT_DIR out CACHE_DIR cache)", "")
    assert small.configure().status == 0
    assert small.build("--target", "definitions").loads == 1
    assert not Path(small.environment["DERIVLOAD_CACHE_DIR"]).exists()
    assert (small.build_dir / "cache").is_dir()


def test_older_policies_of_a_project_do_not_matter(small: Project) -> None:
    small.write(
        f"derivload_codegen_inputs(definitions {INPUTS} OUTPUT_DIR out OUTPUTS_VARIABLE documents)",
        CONSUMERS.replace("cmake_path(GET document FILENAME name)", OLD_FILENAME),
    )
    replace_in(small.source / "CMakeLists.txt", "VERSION 3.20", "VERSION 3.10")
    configured = small.configure()
    assert configured.status == 0
    assert "CMake Warning" not in configured.output, configured.output
    assert small.build().loads == 1
    assert_nothing_runs(small)
    replace_in(small.derivatives, *FORMULA)
    assert small.build().loads == 1
    assert_nothing_runs(small)


OLD_FILENAME = 'get_filename_component(name "${document}" NAME)'


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ("OUTPUT_DIR out", "the target's name is missing: write it before OUTPUT_DIR."),
        ("n", "OUTPUT_DIR is missing: write OUTPUT_DIR and a folder for the documents"),
        ("n OUTPUT_DIR", "OUTPUT_DIR has no value: write one after it, or leave it out."),
        ('n OUTPUT_DIR ""', "OUTPUT_DIR has no value"),
        ('n OUTPUT_DIR out DERIVATIVES ""', "DERIVATIVES has no value"),
        ("n OUTPUT_DIR out SHARD 4", '"SHARD" is none of its arguments: write one of DERIVATIVES'),
        ("n OUTPUT_DIR out TAGS a b", '"b" is none of its arguments'),
        ("n OUTPUT_DIR out SHARDS 1 SHARDS 2", "SHARDS stands there 2 times: write it once."),
        *(
            (f"n OUTPUT_DIR out SHARDS {bad}", f'SHARDS is "{bad}": write a number from 1 to 10000')
            for bad in ("0", "-1", "four", "10001", "1.5", "99999999999999999999")
        ),
        ("n OUTPUT_DIR out TORCH_VERSION v2", 'TORCH_VERSION is "v2": write it as X.Y, such as'),
        ("n OUTPUT_DIR out NO_CACHE CACHE_DIR c", "CACHE_DIR and NO_CACHE exclude each other"),
        (
            "n OUTPUT_DIR out DERIVATIVES no.yaml NATIVE_FUNCTIONS no.yaml",
            "no.yaml, and there is no such file: write an absolute path, or one relative to",
        ),
        ("n OUTPUT_DIR out TAGS inputs", "TAGS names"),
        (
            "n OUTPUT_DIR out DERIVATIVES inputs/derivatives.yaml",
            "DERIVATIVES needs the functions that they are of: write NATIVE_FUNCTIONS too",
        ),
        (
            "n OUTPUT_DIR out NATIVE_FUNCTIONS inputs/native_functions.yaml",
            "NATIVE_FUNCTIONS needs derivatives: write DERIVATIVES too",
        ),
        ("n OUTPUT_DIR out TAGS inputs/tags.yaml", "TAGS means nothing alone: write DERIVATIVES"),
        (
            f"n OUTPUT_DIR out {INPUTS.replace('inputs/native', 'alone/native')}",
            "alone/tags.yaml: write TAGS and a file.",
        ),
        ("n OUTPUT_DIR out PYTORCH_DIR inputs", "which is no PyTorch: write a checkout"),
        ("n OUTPUT_DIR out PYTORCH_DIR nowhere", "which is no PyTorch: write a checkout"),
        ("taken OUTPUT_DIR out", "there is a target of that name already: give this one another."),
        ("n OUTPUT_DIR ./x/../first/", "first is that of taken: write a folder of its own."),
    ],
)
def test_bad_argument_stops_the_configure_step(small: Project, call: str, sentence: str) -> None:
    (small.source / "alone").mkdir()
    shutil.copy(small.inputs / "native_functions.yaml", small.source / "alone")
    small.write(
        f"derivload_codegen_inputs(taken OUTPUT_DIR first)\nderivload_codegen_inputs({call})", ""
    )
    done = small.configure()
    assert done.status != 0
    assert sentence in words(done.output)


# The example


@pytest.fixture
def example(
    generator: str,
    tools: Tools,
    tmp_path: Path,
    environment: dict[str, str],
    launcher: Path,
) -> Project:
    """The example project, to be configured with the Python that runs the tests."""
    folders = (EXAMPLE, tmp_path / "build of é☃")
    return Project(tools, generator, folders, environment, launcher)


def configure_example(project: Project, *options: str) -> None:
    done = project.configure(f"-DPython3_EXECUTABLE={sys.executable}", *options)
    assert done.status == 0, done.output


def nodes_of(project: Project, *names: str) -> list[str]:
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


def explained(project: Project) -> list[str]:
    """Options of `cmake --build` by which Ninja says why it runs what it runs."""
    return [] if project.generator == "Unix Makefiles" else ["--", "-d", "explain"]


@pytest.mark.parametrize("generator", GENERATORS)
def test_example_lists_the_catalogue(example: Project) -> None:
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
    example: Project, tmp_path: Path, release: Callable[[str], Path], newest: str
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
    example: Project, version: str, request: pytest.FixtureRequest
) -> None:
    if not (os.environ.get("CI") or request.config.getoption("--long")):
        pytest.skip("thorough tests are for CI and --long")
    release: Callable[[str], Path] = request.getfixturevalue("release")
    configure_example(example, f"-DPYTORCH_DIR={release(version)}", "-DSHARDS=2")
    assert example.build("-j8").status == 0
    listed = ops(state(example.build_dir / "definitions"))
    assert nodes_of(example) == [*listed, f"{len(listed)} nodes"]


# Characters in paths that the build tools cannot take

RERUNS = "\"#$&'*<>?^`\t"


@pytest.mark.parametrize("generator", GENERATORS[:2])
@pytest.mark.parametrize("character", ["%", ":", "$", "&", "?"])
def test_characters_that_a_build_tool_cannot_take_are_warned_of(
    project: Project, character: str
) -> None:
    assert_characters_as_warned(project, character)


@pytest.mark.thorough
@pytest.mark.parametrize("generator", GENERATORS[:2])
@pytest.mark.parametrize("character", [*"!\"#'()*+,<=>@[]^`{|}~\t"])
def test_all_characters_that_a_build_tool_cannot_take_are_warned_of(
    project: Project, character: str
) -> None:
    assert_characters_as_warned(project, character)


def assert_characters_as_warned(project: Project, character: str) -> None:
    """A build with a character in the path of its inputs goes as the configure step said."""
    project.source.rename(project.source.with_name(f"source{character}of"))
    project.source = project.source.with_name(f"source{character}of")
    configured = project.configure()
    assert configured.status == 0, configured.output
    said = words(configured.output)
    first = project.build()
    again = project.build()
    is_ninja = project.generator == "Ninja"
    if character in ("[]|" if is_ninja else '[]|"#:\t'):
        assert f'{project.generator} cannot take "{character.strip()}' in said
        assert "the build fails" in said
        assert first.status != 0
        return
    assert (first.status, again.status) == (0, 0), first.output + again.output
    assert (again.loads == 1) == ("derivload runs at every build" in said)
    assert (again.loads == 1) == (is_ninja and character in RERUNS)
    assert ("cannot take" in said) == (again.loads == 1)
    (project.inputs / "tags.yaml").touch()
    assert project.build().loads == 1
