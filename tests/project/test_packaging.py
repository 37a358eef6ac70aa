"""What is published: the source distribution, the wheel, and the page that an index shows."""

from __future__ import annotations

import email
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from support.building import build, run
from support.paths import ROOT
from support.telling import Unavailable

README = (ROOT / "README.md").read_text("utf-8")
# A link of Markdown: its text and where it leads.
LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """The files of the checkout."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout, but what was made from one")
    return run(["git", "ls-files"], cwd=ROOT).splitlines()


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, unpacked."""
    archive = build("sdist", tmp_path_factory.mktemp("sdist"))
    with tarfile.open(archive) as files:
        folder = tmp_path_factory.mktemp("unpacked")
        if hasattr(tarfile, "data_filter"):  # not in the first versions of Python 3.10 and 3.11
            files.extractall(folder, filter="data")
        else:
            files.extractall(folder)
    (unpacked,) = folder.iterdir()
    return unpacked


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


# --- the source distribution


@pytest.mark.thorough
def test_the_source_distribution_holds_the_whole_checkout(sdist: Path, tracked: list[str]) -> None:
    files = {path.relative_to(sdist).as_posix() for path in sdist.rglob("*") if path.is_file()}
    assert {*tracked} - files == set()
    scripts = [name for name in tracked if (ROOT / name).stat().st_mode & 0o100]
    assert "script/test" in scripts
    assert [name for name in scripts if not (sdist / name).stat().st_mode & 0o100] == []


def test_every_link_of_the_readme_leads_to_a_file_of_the_source_distribution(sdist: Path) -> None:
    links = [where for _, where in LINK.findall(README) if ":" not in where]
    assert "docs/versions.md" in links
    assert [where for where in links if not (sdist / where.partition("#")[0]).exists()] == []


@pytest.mark.thorough
def test_the_commands_of_the_readme_run_in_the_source_distribution(
    sdist: Path, tmp_path: Path, unavailable: Unavailable, is_offline: bool
) -> None:
    """In a home folder without anything."""
    if is_offline:
        unavailable("no index to install from")
    commands = re.findall(r"^(script/\S+)", README, re.MULTILINE)
    assert commands == ["script/demo", "script/test"]
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert "derivload show temper" in run([str(sdist / "script/demo")], cwd=sdist, **home)
    quick = [str(path) for path in sdist.glob("tests/**/test_page_runner.py")]
    assert " passed" in run([str(sdist / "script/test"), *quick], cwd=sdist, **home)
    python = sdist / ".venv" / "bin" / "python"
    assert collected(str(python), sdist) == collected(sys.executable, ROOT)


def collected(python: str, folder: Path) -> list[str]:
    """The tests that pytest finds in a folder, without parameters: some are paths."""
    command = [python, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    lines = run(command, cwd=folder).splitlines()
    return [line.partition("[")[0] for line in lines if "::" in line]


# --- the wheel


def test_the_wheel_holds_the_package_and_the_rules_for_build_tools(
    wheel: Path, tracked: list[str]
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    shared = next(name for name in names if ".data/" in name).partition("/share/")[0]
    expected = {name.removeprefix("src/") for name in tracked if name.startswith("src/")}
    for folder in ("bazel", "cmake", "docs/rules"):
        expected |= {f"derivload/{name}" for name in tracked if name.startswith(f"{folder}/")}
    expected |= {
        f"{shared}/share/cmake/derivload/{Path(name).name}"
        for name in tracked
        if name.startswith("cmake/")
    }
    expected |= {f"{shared}/share/man/man1/{name}" for name in ("derivload.1", "derivwatch.1")}
    assert expected - names == set()
    assert {name.partition("/")[0] for name in names} == {"derivload", shared.partition("/")[0]}


def test_the_wheel_needs_nothing_that_only_this_checkout_needs(wheel: Path) -> None:
    head = metadata(wheel)
    assert head.get_all("Provides-Extra") == ["lsp", "remote"]
    needed = " ".join(head.get_all("Requires-Dist") or [])
    assert "diskcache" in needed
    assert "pytest" not in needed


# --- the page on an index


def metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(archive.read(name))


def leading_nowhere(page: str) -> list[str]:
    return [where for _, where in LINK.findall(page) if not re.match(r"https?://|#", where)]


def test_the_page_on_an_index_has_no_link_that_leads_nowhere(wheel: Path) -> None:
    head = metadata(wheel)
    page = head.get_payload()
    assert isinstance(page, str)
    assert head["Description-Content-Type"] == "text/markdown"
    assert leading_nowhere(README)
    assert leading_nowhere(page) == []
    files = [where for _, where in LINK.findall(README) if ":" not in where]
    assert [where for where in files if f"`{where}`" not in page] == [], "it names the files"
    assert page.rstrip().endswith("are in the source distribution.")


def test_an_address_in_one_place_makes_them_links_to_there(tmp_path: Path) -> None:
    for name in ("README.md", "LICENSE", "src/derivload/version.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    named, linked = r"'\1 (`\2`)'", r"'[\1](https://example.org/derivload/\2)'"
    assert project.count(named) == 1
    (tmp_path / "pyproject.toml").write_text(project.replace(named, linked), "utf-8")
    page = run([sys.executable, "-m", "hatchling", "metadata", "readme"], cwd=tmp_path)
    assert leading_nowhere(page) == []
    assert "(https://example.org/derivload/docs/versions.md)" in page


# --- the environment of a checkout


def test_the_scripts_install_a_group_that_is_there() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    groups = {*re.findall(r"^(\w+) = \[", project.partition("[dependency-groups]")[2], re.M)}
    named = set()
    for script in (ROOT / "script").iterdir():
        named |= {*re.findall(r"^ *prepare +(\w+)", script.read_text("utf-8"), re.MULTILINE)}
    assert named == {"docs", "test"}
    assert named <= groups


def test_pip_takes_the_group(tmp_path: Path) -> None:
    """Of this environment: script/env brings a pip that knows groups."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--group", "test"]
    done = subprocess.run(
        [*command, "--no-index", "--quiet"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
