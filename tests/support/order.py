"""In which order the tests run, and which of them stay in one process.

What is quick runs first: most mistakes are told within seconds. The files that take longest come
last, and of them first those that stay whole, so that no process is busy alone at the end.
"""

from __future__ import annotations

from pathlib import PurePath

import pytest
from xdist.scheduler import LoadScopeScheduling

# What the tests of a file share takes seconds to make, so that one process runs them all.
WHOLE = (
    *("test_bazel.py", "test_bazel_codegen.py", "test_bazel_pytorch.py"),
    *("test_bazel_written.py", "test_cmake_codegen.py", "test_overlays.py"),
    *("test_small_pytorch.py", "test_own_code_session.py", "test_packaging.py"),
    *("test_site.py", "test_s3.py"),
    # They share a browser.
    *("test_pages_in_browser.py", "test_hostile_pages.py", "test_operator_pages.py"),
    "test_live_pages.py",
)
# What takes long, as `--durations` tells; first that of which one process has the most to do.
LONG = (
    *WHOLE,
    *("test_bazel_backend.py", "test_cmake_backend.py"),
    *("test_hostile.py", "test_release_verdicts.py", "test_unknown_rules.py"),
    *("test_own_code.py", "test_own_code_releases.py", "test_tree_rules.py", "test_tree.py"),
    *("test_pages.py", "test_lowest_versions.py", "test_suite.py"),
    *("test_cmake_arguments.py", "test_cmake.py", "test_cmake_package.py", "test_cmake_run.py"),
    *("test_plain_reader.py", "test_session.py", "test_small_mutations.py", "test_fuzz.py"),
    *("test_hostile_characters.py", "test_store_damage.py", "test_store_processes.py"),
    *("test_check_faults.py", "test_watch_files.py", "test_watch_gone.py"),
    *("test_run_kept.py", "test_run_writes.py", "test_faults.py", "test_outputs_killed.py"),
)
# Fixtures that have a PyTorch release read, or a build tool run.
_SLOW_FIXTURES = {
    "release",
    "releases",
    "each_release",
    "outer_release",
    "expected",
    "judge",
    "unavailable",
}


def quickest_first(items: list[pytest.Item]) -> None:
    """Sort tests in place; those of one rank stay in their order.

    Values alone come first, then a first look at each other file, then the rest.
    """
    first_functions: dict[str, str] = {}
    for item in items:
        file, function = _parts(item.nodeid)
        first_functions.setdefault(file, function)
    items.sort(key=lambda item: _rank(item, is_first=_is_in(first_functions, item)))


def _rank(item: pytest.Item, *, is_first: bool) -> int:
    if item.path.name in LONG:
        return 4 + LONG.index(item.path.name)
    if _SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
        return 1 if is_first else 3
    if hasattr(getattr(item, "module", None), "subprocess"):
        return 1 if is_first else 2
    return 0


def _is_in(functions: dict[str, str], item: pytest.Item) -> bool:
    file, function = _parts(item.nodeid)
    return functions[file] == function


def _parts(nodeid: str) -> tuple[str, str]:
    """The file and the function of a test."""
    file, _, rest = nodeid.partition("::")
    return file, rest.partition("[")[0]


class InParts(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives a free process the next function with all its parameters, or the next whole file."""

    def _split_scope(self, nodeid: str) -> str:
        file, function = _parts(nodeid)
        return file if PurePath(file).name in WHOLE else f"{file}::{function}"
