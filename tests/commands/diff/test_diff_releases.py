"""Releases as sides: fetched once, into the folder of the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.paths import CATALOGUE, DERIVATIVES, NATIVES, TAGS
from support.project import Project, Ran
from support.releases import Release
from support.torch_index import look_only_in, make_wheel


def release_files(edit: tuple[str, str] = ("", "")) -> dict[str, str]:
    """What is in the wheel of a release that has the catalogue, with an edit to its formulas."""
    packaged = {
        f"torchgen/packaged/autograd/{DERIVATIVES}": DERIVATIVES,
        f"torchgen/packaged/ATen/native/{NATIVES}": NATIVES,
        f"torchgen/packaged/ATen/native/{TAGS}": TAGS,
    }
    texts = {path: (CATALOGUE / name).read_text("utf-8") for path, name in packaged.items()}
    first = next(iter(texts))
    texts[first] = texts[first].replace(*edit)
    return {"torchgen/__init__.py": "", **texts}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Where pip finds two releases and nothing else."""
    wheels = tmp_path / "wheels"
    make_wheel(wheels, "2.14.0", release_files())
    make_wheel(wheels, "2.15.0", release_files(("self: grad * luster", "self: luster * grad")))
    look_only_in(str(wheels), monkeypatch)
    return Project(tmp_path / "project")


def diff(project: Project, *arguments: str) -> Ran:
    return project.call("diff", *arguments, "--cache-dir", str(project.cache))


def test_release_is_fetched_once(project: Project) -> None:
    first = diff(project, "2.14", "2.15")
    assert first.status == 1, first.err
    assert "~ gild\n    backward self  - grad * luster" in first.out
    assert first.out.endswith("2.14 -> 2.15: 1 changed\n")
    assert first.err.count("downloading torch") == 2
    again = diff(project, "2.14", "2.15")
    assert (again.status, again.out) == (1, first.out)
    assert "downloading" not in again.err
    assert sorted(path.name for path in (project.cache / "releases").iterdir()) == ["2.14", "2.15"]


def test_release_that_is_there_by_its_whole_number_is_taken(project: Project) -> None:
    assert diff(project, "2.15.0", "2.15").status == 0
    assert [path.name for path in (project.cache / "releases").iterdir()] == ["2.15.0"]


def test_release_that_cannot_be_had_is_trouble_of_the_environment(project: Project) -> None:
    done = diff(project, "2.15.7", "2.14")
    assert done.status == 3
    assert done.out == ""
    assert "2.15.7" in done.err


@pytest.mark.thorough
def test_without_a_cache_nothing_is_kept(project: Project) -> None:
    done = project.call("diff", "2.14", "2.15", "--no-cache")
    assert done.status == 1, done.err
    assert not project.cache.exists()


@pytest.mark.thorough
def test_pages_of_a_release_that_is_not_kept_name_its_files_by_the_release(
    project: Project,
) -> None:
    again = ("explore", "2.15", "--no-cache", "--out-dir", str(project.out))
    assert project.call(*again).status == 0
    places = (project.out / "data" / "places.js").read_text("utf-8")
    assert f'"2.15:torchgen/packaged/ATen/native/{NATIVES}"' in places
    assert "up to date" in project.call(*again).err


@pytest.mark.release
def test_release_and_a_tree_of_it_are_the_same(
    project: Project, release: Release, newest: str
) -> None:
    tree = release(newest)
    (project.cache / "releases").mkdir(parents=True)
    (project.cache / "releases" / newest).symlink_to(tree)
    done = diff(project, newest, str(tree), "--stat")
    assert done.status == 0, done.err
    assert done.out == f"{newest} -> {tree}: no function\n"
