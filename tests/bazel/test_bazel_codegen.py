"""derivload_codegen, with the real Bazel: on a release, and on its generators with two operators.

In the workspace stands a PyTorch like a checkout, with targets as PyTorch's own, and beside it is
a release. One workspace is built once; each test starts from there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bazel_builds import bazel
from support.bazel_workspace import SANDBOXED, Built, Workspace
from support.child import child_environment
from support.releases import Release
from support.small_pytorch import OVERLAY, OVERLAY_DERIVATIVE, SmallPyTorch

__all__ = ["bazel"]  # a fixture

pytestmark = pytest.mark.release


_WORKSPACE = """
local_repository(name = "derivload", path = "{derivload}")

load("@derivload//:repositories.bzl", "derivload_local_toolchain")

derivload_local_toolchain(name = "derivload_local")

register_toolchains("@derivload_local//:toolchain")

new_local_repository(
    name = "pytorch",
    build_file_content = \"\"\"
filegroup(
    name = "sources",
    srcs = glob([
        "torchgen/**/*.py",
        "torchgen/**/*.yaml",
        "torchgen/packaged/autograd/templates/*",
        "version.txt",
    ]),
    visibility = ["//visibility:public"],
)
\"\"\",
    path = "{pytorch}",
)
"""
# Of a checkout of PyTorch, these are in several packages.
_TORCHGEN = """
py_library(
    name = "torchgen",
    srcs = glob(["**/*.py"]),
    visibility = ["//visibility:public"],
)
"""
_AUTOGRAD = """
py_library(
    name = "autograd",
    srcs = glob(["*.py"]),
    data = glob(["*.yaml", "templates/*"]),
    visibility = ["//visibility:public"],
    deps = ["//torchgen"],
)
"""
_BUILD = """
load("@derivload//:defs.bzl", "derivload_codegen")

PYTORCH = [
    "aten/src/ATen/native/native_functions.yaml",
    "aten/src/ATen/native/tags.yaml",
    "version.txt",
    "//tools/autograd",
    "//torchgen",
]

derivload_codegen(
    name = "folder",
    pytorch = PYTORCH,
)

derivload_codegen(
    name = "files",
    outs = ["Functions.cpp", "ViewFuncs.cpp", "templates/VariableType.cpp"],
    pytorch = PYTORCH,
    subset = "libtorch",
)

[genrule(
    name = "copy_" + name,
    srcs = ["files/" + name],
    outs = ["copies/" + name],
    cmd = "cp $< $@",
) for name in ["Functions.cpp", "ViewFuncs.cpp", "templates/VariableType.cpp"]]

genrule(
    name = "listed",
    srcs = [":folder"],
    outs = ["listed.txt"],
    cmd = "ls $(execpath :folder) > $@",
)

derivload_codegen(
    name = "selected",
    derivatives = "derivatives.yaml",
    disable_autograd = True,
    native_functions = ["overlay.yaml"],
    pytorch = PYTORCH,
    selected_op_list = "operators.yaml",
    subset = "libtorch",
    tags = "tags.yaml",
    torch_version = "2.15",
)

derivload_codegen(
    name = "release",
    pytorch = ["@pytorch//:sources"],
    subset = "pybindings",
)
"""
FILES = [
    "//:folder",
    "//:listed",
    *(f"//:copies/{name}" for name in ("Functions.cpp", "ViewFuncs.cpp")),
]


class PyTorchWorkspace(Workspace):
    """A small PyTorch with rules that run its generators."""

    def __init__(self, folder: Path, bazel: Path, release: Path) -> None:
        self.pytorch = SmallPyTorch(release, folder / "workspace", is_checkout=True)
        super().__init__(self.pytorch.root, folder, bazel)
        self.pristine = folder / "pristine"
        self.kept = folder / "kept"
        written = {
            "WORKSPACE": _WORKSPACE.format(derivload=self.package / "bazel", pytorch=release),
            "BUILD": _BUILD,
            "torchgen/BUILD": _TORCHGEN,
            "tools/autograd/BUILD": _AUTOGRAD,
            "overlay.yaml": OVERLAY,
            "derivatives.yaml": self.pytorch.derivatives.read_text("utf-8") + OVERLAY_DERIVATIVE,
            "operators.yaml": "[aten::gild]\n",
            "tags.yaml": "- tag: inert\n  desc: None.\n",
        }
        for name, text in written.items():
            (self.workspace / name).write_text(text, "utf-8")

    def build_and_keep(self) -> Built:
        """Build, with a cache: what was built before need not be done again."""
        return self.build(*FILES, SANDBOXED, f"--disk_cache={self.kept}")

    def contents(self, target: str) -> dict[str, bytes]:
        """What is in the folder that a target makes, by name."""
        return contents(self.workspace / "bazel-bin" / target)


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def codegen(pytorch: Path, folder: Path, *options: str) -> dict[str, bytes]:
    """What `derivload codegen` writes outside of Bazel."""
    out = folder / "generated"
    subprocess.run(
        [
            *(sys.executable, "-m", "derivload", "codegen", "--no-cache", "--quiet"),
            *("--pytorch", str(pytorch), "--out-dir", str(out), *options),
        ],
        env=child_environment(),
        check=True,
    )
    return contents(out)


@pytest.fixture(scope="module")
def built(
    bazel: Path, release: Release, newest: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PyTorchWorkspace]:
    workspace = PyTorchWorkspace(tmp_path_factory.mktemp("one"), bazel, release(newest))
    shutil.copytree(workspace.pytorch.autograd, workspace.pristine)
    done = workspace.build_and_keep()
    assert done.status == 0, done
    assert done.ran == {"DerivloadGenerate": 2, "Genrule": 3}
    assert done.runners == {"linux-sandbox"}
    yield workspace
    workspace.shut_down()


@pytest.fixture
def workspace(built: PyTorchWorkspace) -> Iterator[PyTorchWorkspace]:
    """That workspace, with nothing left to do."""
    assert built.build_and_keep().status == 0
    yield built
    shutil.copytree(built.pristine, built.pytorch.autograd, dirs_exist_ok=True)


@pytest.mark.thorough
def test_release_is_generated_in_a_sandbox_as_outside_of_one(
    built: PyTorchWorkspace, release: Release, newest: str, tmp_path: Path
) -> None:
    done = built.build("//:release", SANDBOXED)
    assert done.spawned == [("DerivloadGenerate", "linux-sandbox")], done
    assert built.contents("release") == codegen(release(newest), tmp_path, "--subset", "pybindings")


@pytest.mark.thorough
def test_folder_has_all_files_and_the_files_are_the_same(
    built: PyTorchWorkspace, tmp_path: Path
) -> None:
    expected = codegen(built.pytorch.root, tmp_path)
    assert built.contents("folder") == expected
    files = built.contents("files")
    assert sorted(files) == ["Functions.cpp", "ViewFuncs.cpp", "templates/VariableType.cpp"]
    assert [name for name in files if files[name] != expected[name]] == []


@pytest.mark.thorough
def test_attributes_mean_what_the_options_of_codegen_mean(
    built: PyTorchWorkspace, tmp_path: Path
) -> None:
    done = built.build("//:selected", SANDBOXED)
    assert done.status == 0, done
    root = built.workspace
    assert built.contents("selected") == codegen(
        *(root, tmp_path, "--disable-autograd", "--subset", "libtorch"),
        *("--derivatives", str(root / "derivatives.yaml")),
        *("--native-functions", str(root / "overlay.yaml"), "--tags", str(root / "tags.yaml")),
        *("--selected-op-list-path", str(root / "operators.yaml")),
    )


@pytest.mark.thorough
def test_nothing_changed_and_nothing_runs(workspace: PyTorchWorkspace) -> None:
    os.utime(workspace.pytorch.derivatives)
    done = workspace.build(*FILES, SANDBOXED)
    assert (done.status, done.spawned) == (0, [])


@pytest.mark.thorough
def test_comment_runs_derivload_alone(workspace: PyTorchWorkspace) -> None:
    workspace.pytorch.add_a_comment()
    done = workspace.build(*FILES[:2], SANDBOXED)
    assert (done.status, done.ran) == (0, {"DerivloadGenerate": 1}), done


@pytest.mark.thorough
def test_formula_makes_anew_what_depends_on_the_file_that_has_it(
    workspace: PyTorchWorkspace,
) -> None:
    workspace.pytorch.edit_a_formula()
    done = workspace.build(*FILES[2:], SANDBOXED)
    assert (done.status, done.ran) == (0, {"DerivloadGenerate": 1, "Genrule": 1}), done


@pytest.mark.thorough
def test_template_is_an_input(workspace: PyTorchWorkspace) -> None:
    workspace.pytorch.edit_a_template()
    done = workspace.build(*FILES[2:], SANDBOXED)
    assert (done.status, done.ran) == (0, {"DerivloadGenerate": 1, "Genrule": 1}), done
    assert workspace.contents("copies")["ViewFuncs.cpp"].endswith(b"// Edited.\n")


@pytest.mark.thorough
def test_folder_gets_what_an_edited_generator_writes(workspace: PyTorchWorkspace) -> None:
    before = workspace.contents("folder")
    workspace.pytorch.edit_a_generator()
    done = workspace.build(*FILES[:2], SANDBOXED)
    assert (done.status, done.ran) == (0, {"DerivloadGenerate": 1, "Genrule": 1}), done
    added = {f"ADInplaceOrViewType_{shard}.cpp" for shard in range(2, 12)}
    assert workspace.contents("folder").keys() == before.keys() | added


@pytest.mark.thorough
def test_mistake_fails_the_build(workspace: PyTorchWorkspace) -> None:
    workspace.pytorch.make_a_mistake()
    done = workspace.build(FILES[0], SANDBOXED)
    assert done.status != 0
    assert "tools/autograd/derivatives.yaml:3:" in done.output
    assert "error[DL" in done.output
    assert "Traceback" not in done.output


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        ("pytorch = 'version.txt'", 'pytorch is a string: write a list of labels, ["version.txt"]'),
        ("pytorch = PYTORCH, outs = 'a.h'", 'outs is a string: write a list of names, ["a.h"]'),
        (
            "pytorch = PYTORCH, selected_op_list = 'a', operators_yaml = 'b'",
            "selected_op_list and operators_yaml exclude each other: write one of them",
        ),
        (
            "pytorch = PYTORCH, subset = 'cpp'",
            "has to be one of 'libtorch', 'pybindings', 'python'",
        ),
        ("pytorch = ['version.txt']", "pytorch has no torchgen/gen.py, or no gen_autograd.py"),
        (
            "pytorch = PYTORCH[1:]",
            "pytorch has no aten/src/ATen/native/native_functions.yaml: write",
        ),
        (
            "pytorch = PYTORCH[:2] + PYTORCH[3:]",
            'pytorch has no version.txt: write a label of it too, or torch_version = "X.Y"',
        ),
    ],
)
def test_bad_attribute_says_what_to_write_instead(
    built: PyTorchWorkspace, attributes: str, sentence: str
) -> None:
    build = built.workspace / "BUILD"
    build.write_text(f"{_BUILD}\nderivload_codegen(name = 'bad', {attributes})\n", "utf-8")
    try:
        done = built.build("--nobuild", "//:bad")
    finally:
        build.write_text(_BUILD, "utf-8")
    assert done.status != 0
    assert sentence in done.output
