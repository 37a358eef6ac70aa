"""README.md, the pages of docs/ and that of an example: they run, and print what they show."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from support.bazel_workspace import remove_tree
from support.pages import blocks_of, run_page
from support.paths import CATALOGUE, ROOT
from support.reader import readers_environment
from support.releases import Release

BACKEND = "examples/backend/README.md"
PAGES = [
    "README.md",
    *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
    BACKEND,
]
# What a reader has beside the page: the checkout that it is in, or files that it names.
IN_CHECKOUT = ["README.md"]
# Pages that take more than some five seconds, and those whose commands have tests of their own.
SLOW = [
    *("docs/cache.md", "docs/diagnostics.md", "docs/watch.md"),
    *(f"docs/{name}.md" for name in ("backends", "bazel", "cmake", "codegen", "pytorch", "verify")),
    BACKEND,
]
# Programs that a page runs.
TOOLS = {
    "docs/bazel.md": ["bazel", "gcc"],
    "docs/cmake.md": ["cmake", "ninja", "c++"],
    BACKEND: ["bazel", "cmake", "make", "c++"],
}
# How many blocks of a page say why they are not run.
NOT_RUN = {
    "README.md": 2,
    "docs/any-tree.md": 1,
    "docs/backends.md": 6,
    "docs/bazel.md": 6,
    "docs/benchmarks.md": 10,
    "docs/codegen.md": 2,
    "docs/command-line.md": 1,
    "docs/diagnostics.md": 5,
    "docs/diff.md": 2,
    "docs/editors.md": 3,
    "docs/explore.md": 2,
    "docs/pytorch-build.md": 5,
    "docs/team-cache.md": 7,
    "docs/verify.md": 1,
    "docs/watch.md": 2,
    BACKEND: 2,
}


def read(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def with_slow_ones_marked(pages: Sequence[str]) -> list[ParameterSet]:
    slow = pytest.mark.thorough
    return [pytest.param(page, marks=slow if page in SLOW else ()) for page in pages]


@pytest.fixture(scope="module")
def environment(
    tmp_path_factory: pytest.TempPathFactory, release: Release, newest: str
) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("reader")
    yield readers_environment(folder, release(newest))
    remove_tree(folder)


@pytest.mark.parametrize("page", PAGES)
def test_each_block_is_run_or_says_why_not(page: str) -> None:
    reasons = [block.reason for block in blocks_of(read(page)) if block.reason]
    assert len(reasons) == NOT_RUN.get(page, 0), reasons


@pytest.mark.release
@pytest.mark.parametrize("page", with_slow_ones_marked(PAGES))
def test_page_runs_and_prints_what_it_shows(
    page: str,
    environment: dict[str, str],
    unavailable: Callable[[str], None],
    tmp_path: Path,
) -> None:
    for tool in TOOLS.get(page, []):
        if shutil.which(tool) is None:
            unavailable(f"there is no {tool} on this machine")
    folder = folder_for(page, tmp_path)
    try:
        own_cache = {"DERIVLOAD_CACHE_DIR": os.environ["DERIVLOAD_CACHE_DIR"]}
        run_page(read(page), folder, {**environment, **own_cache})
    finally:
        if (folder / "WORKSPACE").exists():
            subprocess.run(["bazel", "shutdown"], cwd=folder, env=environment, check=False)


def folder_for(page: str, root: Path) -> Path:
    """The folder that a reader of a page is in, with what is there."""
    if page == BACKEND:
        ignored = shutil.ignore_patterns("pytorch", "build*", "__pycache__", "bazel-*")
        for name in ("bazel", "examples"):
            shutil.copytree(ROOT / name, root / name, ignore=ignored)
        return (root / page).parent
    given = root / "src" / "derivload" / "catalog" if page in IN_CHECKOUT else root
    shutil.copytree(CATALOGUE, given, dirs_exist_ok=True)
    return root
