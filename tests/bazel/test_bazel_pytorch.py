"""derivload_codegen_inputs with the labels of a PyTorch, with the real Bazel.

The workspace is a small checkout, with targets as PyTorch's own; a release is in a repository.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bazel_builds import bazel
from support.bazel_workspace import SANDBOXED, Workspace
from support.child import child_environment
from support.releases import Release
from support.small_pytorch import OVERLAY, OVERLAY_DERIVATIVE, SmallPyTorch

__all__ = ["bazel"]  # a fixture

pytestmark = [pytest.mark.release, pytest.mark.thorough]

WORKER = (
    "--strategy=DerivloadCodegen=worker",
    "--experimental_worker_allow_json_protocol",
)
_WORKSPACE = """
local_repository(name = "derivload", path = "{derivload}")

load("@derivload//:repositories.bzl", "derivload_local_toolchain")

derivload_local_toolchain(name = "derivload_local")

register_toolchains("@derivload_local//:toolchain")

new_local_repository(
    name = "pytorch",
    build_file_content = \"\"\"
filegroup(
    name = "yaml_files",
    srcs = glob(["torchgen/packaged/**/*.yaml"]) + ["version.txt"],
    visibility = ["//visibility:public"],
)
\"\"\",
    path = "{pytorch}",
)
"""
_AUTOGRAD = """
py_library(
    name = "autograd",
    srcs = glob(["*.py"]),
    data = glob(["*.yaml"]),
    visibility = ["//visibility:public"],
)
"""
_BUILD = """
load("@derivload//:defs.bzl", "derivload_codegen_inputs")

PYTORCH = [
    "aten/src/ATen/native/native_functions.yaml",
    "aten/src/ATen/native/tags.yaml",
    "version.txt",
    "//tools/autograd",
]

derivload_codegen_inputs(
    name = "checkout",
    pytorch = PYTORCH,
)

derivload_codegen_inputs(
    name = "release",
    pytorch = ["@pytorch//:yaml_files"],
    shards = 2,
)

derivload_codegen_inputs(
    name = "own",
    derivatives = "derivatives.yaml",
    native_functions = ["overlay.yaml"],
    pytorch = PYTORCH,
    tags = "tags.yaml",
    torch_version = "2.5",
)

derivload_codegen_inputs(
    name = "set",
    data = [
        "aten/src/ATen/native/native_functions.yaml",
        "derivatives.yaml",
        "overlay.yaml",
        "tags.yaml",
    ],
    settings = "derivload.toml",
)
"""
_SETTINGS = """
derivatives = "derivatives.yaml"
native-functions = ["aten/src/ATen/native/native_functions.yaml", "overlay.yaml"]
tags = "tags.yaml"
torch-version = "2.5"
quiet = false
cache-dir = "cache"
shards = 3
"""


class CheckoutWorkspace(Workspace):
    """A small checkout of PyTorch, with targets of derivload's."""

    def __init__(self, folder: Path, bazel: Path, release: Path) -> None:
        self.pytorch = SmallPyTorch(release, folder / "workspace", is_checkout=True)
        super().__init__(self.pytorch.root, folder, bazel)
        written = {
            "WORKSPACE": _WORKSPACE.format(derivload=self.package / "bazel", pytorch=release),
            "BUILD": _BUILD,
            "tools/autograd/BUILD": _AUTOGRAD,
            "overlay.yaml": OVERLAY,
            "derivatives.yaml": self.pytorch.derivatives.read_text("utf-8") + OVERLAY_DERIVATIVE,
            "derivload.toml": _SETTINGS,
            "pyproject.toml": "[tool.derivload]\nshard = 2\n",
            "tags.yaml": "- tag: inert\n  desc: None.\n",
        }
        for name, text in written.items():
            (self.workspace / name).write_text(text, "utf-8")

    def documents(self, target: str) -> dict[str, bytes]:
        return documents(self.workspace / "bazel-bin" / target)


def documents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.json"))}


def emitted(pytorch: Path, folder: Path, *options: str) -> dict[str, bytes]:
    """What `derivload emit` writes outside of Bazel."""
    subprocess.run(
        [
            *(sys.executable, "-m", "derivload", "emit", "--no-cache", "--quiet"),
            *("--pytorch", str(pytorch), "--out-dir", str(folder), *options),
        ],
        env=child_environment(),
        check=True,
    )
    return documents(folder)


@pytest.fixture(scope="module")
def workspace(
    bazel: Path, release: Release, newest: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CheckoutWorkspace]:
    workspace = CheckoutWorkspace(tmp_path_factory.mktemp("one"), bazel, release(newest))
    yield workspace
    workspace.shut_down()


@pytest.mark.parametrize("how", [(SANDBOXED,), WORKER], ids=["sandboxed", "worker"])
def test_settings_give_what_emit_makes_of_them(
    workspace: CheckoutWorkspace, how: tuple[str, ...], tmp_path: Path
) -> None:
    built = workspace.build("//:set", *how)
    assert built.status == 0, built
    settings = workspace.workspace / "derivload.toml"
    command = [sys.executable, "-m", "derivload", "emit", "--no-cache", "--settings", str(settings)]
    subprocess.run(
        [*command, "--shards", "none", "--out-dir", str(tmp_path / "out")],
        env=child_environment(),
        check=True,
    )
    assert workspace.documents("set") == documents(tmp_path / "out")
    assert {*workspace.documents("set")} == {
        f"{n}.json" for n in ("differentiability", "functions", "manifest")
    }


@pytest.mark.parametrize("how", [(SANDBOXED,), WORKER], ids=["sandboxed", "worker"])
def test_checkout_gives_what_emit_makes_of_it(
    workspace: CheckoutWorkspace, how: tuple[str, ...], tmp_path: Path
) -> None:
    done = workspace.build("//:checkout", *how)
    assert done.status == 0, done
    assert workspace.documents("checkout") == emitted(workspace.workspace, tmp_path)


def test_formula_of_the_checkout_runs_derivload_again(
    workspace: CheckoutWorkspace, tmp_path: Path
) -> None:
    assert workspace.build("//:checkout", SANDBOXED).status == 0
    before = workspace.documents("checkout")
    workspace.pytorch.edit_a_formula()
    done = workspace.build("//:checkout", SANDBOXED)
    assert (done.status, done.ran) == (0, {"DerivloadCodegen": 1}), done
    after = workspace.documents("checkout")
    assert after == emitted(workspace.workspace, tmp_path)
    assert after != before


@pytest.mark.thorough
def test_release_gives_what_emit_makes_of_it(
    workspace: CheckoutWorkspace, release: Release, newest: str, tmp_path: Path
) -> None:
    done = workspace.build("//:release", SANDBOXED)
    assert done.status == 0, done
    expected = emitted(release(newest), tmp_path, "--shards", "2")
    assert workspace.documents("release") == expected


@pytest.mark.thorough
def test_other_files_are_laid_over_those_of_the_checkout_or_take_their_place(
    workspace: CheckoutWorkspace, tmp_path: Path
) -> None:
    done = workspace.build("//:own", SANDBOXED)
    assert done.status == 0, done
    root = workspace.workspace
    written = workspace.documents("own")
    assert written == emitted(
        *(root, tmp_path, "--derivatives", str(root / "derivatives.yaml")),
        *("--native-functions", str(root / "overlay.yaml"), "--tags", str(root / "tags.yaml")),
        *("--torch-version", "2.5"),
    )
    assert b"quench" in written["functions.json"]


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        ("pytorch = 'version.txt'", 'pytorch is a string: write a list of labels, ["version.txt"]'),
        ("tags = 'tags.yaml'", "derivatives is missing: write it, or pytorch, the labels of"),
        ("derivatives = 'derivatives.yaml'", "native_functions is missing: write it, or pytorch"),
        (
            "derivatives = 'derivatives.yaml', native_functions = ['overlay.yaml']",
            "tags is missing: write it, or pytorch",
        ),
        (
            "pytorch = ['version.txt']",
            "pytorch has no native_functions.yaml in its place: write labels of the YAML files",
        ),
        ("pytorch = PYTORCH[:3]", "pytorch has no tools/autograd/derivatives.yaml: write a label"),
        (
            "pytorch = PYTORCH[:2] + PYTORCH[3:]",
            'pytorch has no version.txt: write a label of it too, or torch_version = "X.Y"',
        ),
    ],
)
def test_bad_attribute_says_what_to_write_instead(
    workspace: CheckoutWorkspace, attributes: str, sentence: str
) -> None:
    build = workspace.workspace / "BUILD"
    build.write_text(f"{_BUILD}\nderivload_codegen_inputs(name = 'bad', {attributes})\n", "utf-8")
    try:
        done = workspace.build("--nobuild", "//:bad")
    finally:
        build.write_text(_BUILD, "utf-8")
    assert done.status != 0
    assert sentence in done.output
