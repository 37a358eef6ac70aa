"""`derivload codegen` in another container: with the files of the first one, or with its pieces."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support.cache_servers import Nginx
from support.containers import Container, nginx, place
from support.project import replace_in
from support.releases import Release
from support.script_runs import contents
from support.small_pytorch import SmallPyTorch

__all__ = ["nginx", "place"]

pytestmark = pytest.mark.release


class Machine:
    """A container with a small PyTorch, and what was generated of it."""

    def __init__(self, folder: Path, release: Release, url: str) -> None:
        self.container = Container(folder, url)
        self.pytorch = SmallPyTorch(release("2.15.0"), folder / "pytorch")
        self.out = folder / "out"

    def exit(self, *more: str) -> str:
        return self.container.exit_of(
            *("codegen", "--pytorch", str(self.pytorch.root), "--out-dir", str(self.out)),
            *("--stats=json", "--subset", "libtorch", *more),
        )

    def files(self) -> dict[str, bytes]:
        found = contents(self.out).items()
        return {n: data for n, data in found if not Path(n).name.startswith(".derivload")}


@pytest.fixture
def first(tmp_path: Path, release: Release, place: str) -> Machine:
    """A container that has generated everything."""
    machine = Machine(tmp_path / "first", release, place)
    assert machine.exit() == "cold"
    return machine


@pytest.fixture
def second(tmp_path: Path, release: Release, place: str) -> Machine:
    return Machine(tmp_path / "at/another/place", release, place)


def test_another_container_takes_the_files(first: Machine, second: Machine) -> None:
    assert second.exit() == "stored"
    assert second.files() == first.files()
    assert second.exit() == "up-to-date"


def test_it_runs_no_code_of_torchgen(first: Machine, second: Machine) -> None:
    for path in [*second.pytorch.root.rglob("__pycache__")]:
        shutil.rmtree(path)
    assert second.exit() == "stored"
    assert not list(second.pytorch.root.rglob("*.pyc"))


def test_an_edit_starts_from_the_pieces(first: Machine, second: Machine) -> None:
    for machine in (first, second):
        replace_in(machine.pytorch.derivatives, "grad * luster", "luster * grad")
    assert second.exit() == "incremental"
    first.exit("--no-cache")
    assert second.files() == first.files()


def test_files_that_are_lost_on_the_server_are_made(
    first: Machine, second: Machine, nginx: Nginx
) -> None:
    for path in nginx.packs():
        path.unlink()
    assert second.exit() == "cold"
    assert second.files() == first.files()


def test_a_tree_of_no_release_misses_nothing(first: Machine, second: Machine, nginx: Nginx) -> None:
    for machine in (first, second):
        path = machine.pytorch.root / "torchgen/api/cpp.py"
        path.write_text(path.read_text("utf-8") + "\n# ours\n", "utf-8")
    assert first.exit() == "cold"
    before = len(nginx.requests())
    assert second.exit() == "stored"
    assert {*nginx.requests()[before:]} == {"GET 200"}
    assert second.files() == first.files()


@pytest.mark.thorough
def test_another_subset_has_its_own(first: Machine, second: Machine) -> None:
    assert second.exit("--subset", "python") == "cold"


@pytest.mark.thorough
def test_an_edit_to_a_template_starts_from_the_pieces(first: Machine, second: Machine) -> None:
    path = second.pytorch.autograd / "templates" / "Functions.h"
    path.write_text(path.read_text("utf-8") + "// more\n", "utf-8")
    before = first.files()
    assert second.exit() == "incremental"
    assert second.files() == {**before, "Functions.h": before["Functions.h"] + b"// more\n"}


@pytest.mark.thorough
def test_an_edit_to_a_generator_is_another_job(first: Machine, second: Machine) -> None:
    path = second.pytorch.autograd / "gen_trace_type.py"
    path.write_text(path.read_text("utf-8") + "# more\n", "utf-8")
    assert second.exit() == "cold"
    assert second.files() == first.files()


def test_files_elsewhere_are_taken_too(first: Machine, second: Machine) -> None:
    apart = second.container.folder / "apart"
    assert first.exit("--subset", "all") == "cold"
    assert second.exit("--subset", "all", "--install-dir", str(apart)) == "stored"
    [path] = apart.rglob("annotated_fn_args.py")
    [own] = first.out.rglob("annotated_fn_args.py")
    assert path.read_bytes() == own.read_bytes()
    shutil.rmtree(apart)
