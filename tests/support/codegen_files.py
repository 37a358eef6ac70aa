"""What the tests of codegen share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support.codegen_project import ABS, CodegenProject
from support.copied import copy_modules
from support.few_operators import EVERY, KINDS, make_small
from support.once import made_once
from support.parsing import parse_once
from support.project import replace_in
from support.pytorch_entries import PyTorch
from support.releases import Release
from support.small_pytorch import SmallPyTorch


@pytest.fixture(scope="session")
def small_release(
    request: pytest.FixtureRequest,
    release: Release,
    newest: str,
    thinning: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A release with few operators, which nobody edits; in a plain run, with fewer."""

    def make() -> Path:
        folder = tmp_path_factory.mktemp("small") / "pytorch"
        return make_small(release(newest), folder, KINDS if thinning > 1 else EVERY).root

    return Path(made_once(request, "small release", make))


@pytest.fixture(scope="session")
def generated(
    request: pytest.FixtureRequest, small_release: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder in which the small PyTorch was generated from, with its cache."""

    def make() -> Path:
        folder = tmp_path_factory.mktemp("generated") / "now"
        folder.mkdir()
        copy_modules(small_release, folder / "pytorch")
        assert CodegenProject(PyTorch(folder / "pytorch"), folder).run()["exit"] == "cold"
        shutil.copytree(folder, kept(folder), symlinks=True)
        return folder

    return Path(made_once(request, "generated", make))


def kept(generated: Path) -> Path:
    """The copy of that folder that no test edits."""
    return generated.with_name("kept")


@pytest.fixture
def project(generated: Path, tmp_path: Path) -> CodegenProject:
    """A project of one's own, of which nothing was generated yet."""
    copy_modules(kept(generated) / "pytorch", tmp_path / "pytorch")
    return CodegenProject(PyTorch(tmp_path / "pytorch"), tmp_path)


@pytest.fixture
def done(generated: Path) -> CodegenProject:
    """The project that was generated, as it was then: its state is of that folder."""
    shutil.rmtree(generated)
    copy_modules(kept(generated), generated)
    return CodegenProject(PyTorch(generated / "pytorch"), generated)


@pytest.fixture
def tiny(
    release: Release, newest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> CodegenProject:
    """A project of two operators, of which nothing was generated yet.

    For what is the same for all operators. One has the formula that tests edit.
    """
    parse_once(monkeypatch)
    small = SmallPyTorch(release(newest), tmp_path / "pytorch")
    replace_in(small.derivatives, "  self: grad * self\n", ABS[0])
    return CodegenProject(PyTorch(small.root), tmp_path)


@pytest.fixture
def tiny_done(tiny: CodegenProject) -> CodegenProject:
    """The same, generated."""
    assert tiny.run()["exit"] == "cold"
    return tiny
