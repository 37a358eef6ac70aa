"""The example that is a backend, with the real Bazel: its documents, and the C++ made of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bazel_builds import bazel
from support.bazel_workspace import SANDBOXED, Workspace
from support.paths import ROOT
from support.releases import Release

__all__ = ["bazel"]  # a fixture

pytestmark = [pytest.mark.release, pytest.mark.thorough]

TARGET = "//:autograd"
FORMULA = ("self: grad * burnish_slope(self, grit)", "self: 2 * grad * burnish_slope(self, grit)")


@pytest.fixture
def backend(
    bazel: Path, release: Release, newest: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workspace]:
    """A copy of the example, and of what it shares with the others."""
    folder = tmp_path_factory.mktemp("backend")
    ignored = shutil.ignore_patterns("pytorch", "build*", "__pycache__", "bazel-*")
    for name in ("bazel", "examples/bazel", "examples/generator", "examples/backend"):
        shutil.copytree(ROOT / name, folder / "checkout" / name, ignore=ignored)
    workspace = folder / "checkout" / "examples" / "backend"
    (workspace / "pytorch").symlink_to(release(newest))
    made = Workspace(workspace, folder, bazel)
    yield made
    made.shut_down()


def test_an_edit_makes_and_compiles_one_file(backend: Workspace) -> None:
    done = backend.build(TARGET, SANDBOXED)
    assert done.status == 0, done
    assert (done.ran["DerivloadCodegen"], done.ran["Genrule"], done.ran["CppCompile"]) == (1, 1, 1)
    generated = backend.workspace / "bazel-bin" / "generated" / "autograd.cpp"
    assert "inputs[0] = grad * burnish_slope(self, grit);" in generated.read_text("utf-8")
    assert not backend.build(TARGET, SANDBOXED).spawned

    derivatives = backend.workspace / "derivatives.yaml"
    derivatives.write_text(derivatives.read_text("utf-8").replace(*FORMULA), "utf-8")
    done = backend.build(TARGET, SANDBOXED)
    assert (done.ran["DerivloadCodegen"], done.ran["Genrule"], done.ran["CppCompile"]) == (1, 1, 1)
    assert "inputs[0] = 2 * grad * burnish_slope(self, grit);" in generated.read_text("utf-8")
