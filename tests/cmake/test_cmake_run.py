"""`derivload run` in a CMake project that has the two custom commands of PyTorch's own build.

One runs generate_code.py. The other runs torchgen.gen, of which a dry run lists the files when the
project is configured. From each C++ file that they write, another is made: what the build makes
anew is what a compiler would compile again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from support.cmake_project import Built, CMakeProject, find_tools, make_launcher
from support.codegen_edits import PROBE
from support.codegen_project import ABS
from support.few_operators import EVERY, FOR_ATEN, make_small
from support.project import replace_in
from support.pytorch_tree import PyTorchTree
from support.releases import Release

pytestmark = [pytest.mark.release, pytest.mark.thorough]

_LIST_FILE = """
cmake_minimum_required(VERSION 3.20)
project(torch LANGUAGES NONE)
set(root "${CMAKE_CURRENT_SOURCE_DIR}")
set(aten "${CMAKE_BINARY_DIR}/aten")
file(GLOB_RECURSE python CONFIGURE_DEPENDS "${root}/torchgen/*.py" "${root}/tools/*.py")
file(GLOB_RECURSE templates
     "${root}/aten/src/ATen/templates/*" "${root}/tools/autograd/templates/*")
set(yaml "${root}/aten/src/ATen/native/native_functions.yaml"
         "${root}/aten/src/ATen/native/tags.yaml")

set(gen "${RUN}" run -m torchgen.gen --source-path "${root}/aten/src/ATen" --install_dir "${aten}"
  --per-operator-headers --generate sources
  --output-dependencies "${aten}/generated_sources.cmake")
execute_process(COMMAND ${gen} --dry-run WORKING_DIRECTORY "${root}" RESULT_VARIABLE status
                OUTPUT_QUIET)
if(status)
  message(FATAL_ERROR "no list")
endif()
include("${aten}/generated_sources.cmake")
include("${aten}/core_generated_sources.cmake")
add_custom_command(
  OUTPUT ${generated_sources} ${core_generated_sources} "${aten}/generated_sources.cmake"
  COMMAND ${gen} DEPENDS ${python} ${templates} ${yaml}
  WORKING_DIRECTORY "${root}" COMMENT "Running torchgen.gen" VERBATIM)

set(code "${CMAKE_BINARY_DIR}/torch/csrc")
foreach(name Functions VariableTypeEverything TraceTypeEverything python_functionsEverything)
  list(APPEND autograd "${code}/autograd/generated/${name}.cpp")
endforeach()
list(APPEND autograd "${code}/lazy/generated/LazyNativeFunctions.cpp"
                     "${code}/functionalization/generated/ViewMetaClassesPythonBinding.cpp")
add_custom_command(
  OUTPUT ${autograd}
  COMMAND "${RUN}" run tools/setup_helpers/generate_code.py
    --native-functions-path "${root}/aten/src/ATen/native/native_functions.yaml"
    --tags-path "${root}/aten/src/ATen/native/tags.yaml"
    --gen-dir "${CMAKE_BINARY_DIR}" --gen_lazy_ts_backend --per_operator_headers
  DEPENDS ${python} ${templates} ${yaml} "${root}/tools/autograd/derivatives.yaml"
          "${root}/tools/autograd/deprecated.yaml"
          "${root}/aten/src/ATen/native/ts_native_functions.yaml"
  WORKING_DIRECTORY "${root}" COMMENT "Running generate_code.py" VERBATIM)

foreach(file IN LISTS autograd generated_sources core_generated_sources)
  cmake_path(GET file FILENAME name)
  if(file IN_LIST generated_sources OR file IN_LIST core_generated_sources)
    string(PREPEND name "aten_")
  endif()
  set(copy "${CMAKE_BINARY_DIR}/copies/${name}")
  add_custom_command(OUTPUT "${copy}" COMMAND "${CMAKE_COMMAND}" -E copy "${file}" "${copy}"
                     DEPENDS "${file}" COMMENT "Copying ${name}" VERBATIM)
  list(APPEND copies "${copy}")
endforeach()
add_custom_target(copies ALL DEPENDS ${copies})
"""


class Torch(CMakeProject):
    """The project, and the tree in whose root it is."""

    tree: PyTorchTree

    def configure(self, *options: str) -> Built:
        return super().configure(f"-DRUN={self.launcher}", *options)


@pytest.fixture(scope="module")
def built(
    release: Release,
    newest: str,
    tmp_path_factory: pytest.TempPathFactory,
    unavailable: Callable[[str], NoReturn],
) -> Torch:
    folder = tmp_path_factory.mktemp("torch")
    small = make_small(release(newest), folder / "small", [*EVERY, *FOR_ATEN])
    tree = PyTorchTree(small.root, folder / "tree")
    launcher = make_launcher(
        folder / "derivload", before=f"export DERIVLOAD_CACHE_DIR='{folder / 'cache'}'"
    )
    # With Make, CMake itself touches all files of a command that writes several.
    project = Torch(
        find_tools(unavailable), "Ninja", (tree.root, folder / "build"), os.environ, launcher
    )
    project.tree = tree
    (tree.root / "CMakeLists.txt").write_text(_LIST_FILE, "utf-8")
    configured = project.configure()
    assert configured.status == 0, str(configured)
    made = project.build()
    assert made.status == 0, str(made)
    assert {"Functions.cpp", "aten_Operators_0.cpp", "LazyNativeFunctions.cpp"} <= {*made.generated}
    return project


@pytest.mark.parametrize("name", ["derivatives", "natives"])
def test_a_comment_makes_nothing_anew(built: Torch, name: str) -> None:
    yaml = built.tree.autograd / "derivatives.yaml"
    if name == "natives":
        yaml = built.tree.native / "native_functions.yaml"
    yaml.write_text("# A comment.\n" + yaml.read_text("utf-8"), "utf-8")
    made = built.build()
    assert (made.status, made.generated) == (0, []), str(made)
    assert "up to date" in made.output


def test_one_formula_makes_one_file_anew(built: Torch) -> None:
    replace_in(built.tree.autograd / "derivatives.yaml", *ABS)
    made = built.build()
    assert (made.status, made.generated) == (0, ["Functions.cpp"]), str(made)
    replace_in(built.tree.autograd / "derivatives.yaml", *reversed(ABS))
    assert built.build().generated == ["Functions.cpp"]


def test_an_operator_makes_anew_what_names_it(built: Torch) -> None:
    natives = built.tree.native / "native_functions.yaml"
    before = natives.read_text("utf-8")
    natives.write_text(before + "\n" + PROBE, "utf-8")
    made = built.build()
    assert made.status == 0, str(made)
    assert {"aten_RegisterSchema.cpp", "VariableTypeEverything.cpp"} <= {*made.generated}
    assert "LazyNativeFunctions.cpp" not in made.generated
    natives.write_text(before, "utf-8")
    assert built.build().status == 0


def test_a_mistake_breaks_the_build_and_the_next_one_goes_on(built: Torch) -> None:
    derivatives = built.tree.autograd / "derivatives.yaml"
    replace_in(derivatives, ABS[0], "  self: grad * self.sizes()\n")
    made = built.build()
    assert made.status != 0
    assert "derivatives.yaml:" in made.output
    assert "Traceback" not in made.output
    replace_in(derivatives, "  self: grad * self.sizes()\n", ABS[0])
    made = built.build()
    assert (made.status, made.generated) == (0, []), str(made)


def test_nothing_of_derivload_is_left_in_the_tree_or_the_build(built: Torch) -> None:
    folders = (built.source, built.build_dir)
    assert [path for f in folders for path in Path(f).rglob("*derivload*")] == []
