"""Upstream's own way, with the definitions that derivload loaded and with those that it loads."""

from __future__ import annotations

from pathlib import Path

import pytest

from derivload.loading.paths import Files, find_files
from derivload.loading.request import Request
from derivload.loading.run import load_inputs
from derivload.pytorch.codegen.plain import LoadedDefinitions, has_known_rules, run_plain
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.upstream import forget, locate
from support.codegen_project import assert_same
from support.few_operators import make_small
from support.releases import Release
from support.small_pytorch import SmallPyTorch

pytestmark = pytest.mark.release


def generate(files: Files, loaded: LoadedDefinitions | None) -> dict[str, bytes]:
    try:
        return run_plain(locate(files.native_functions[0]), files, Selection(), loaded)
    finally:
        forget()


def definitions(files: Files) -> LoadedDefinitions:
    request = Request(files)
    lines = load_inputs(request).lines
    text = request.inputs.texts.derivatives.text
    return LoadedDefinitions(lines.records, [*lines.used_dispatch_keys], text)


def check(root: Path) -> None:
    files = find_files(pytorch=str(root))
    assert_same(generate(files, definitions(files)), generate(files, None))
    assert has_known_rules(files)


def test_files_are_the_same_with_what_derivload_loaded(
    release: Release, newest: str, tmp_path: Path
) -> None:
    check(make_small(release(newest), tmp_path / "pytorch").root)


@pytest.mark.thorough
def test_files_are_the_same_on_every_release(
    each_release: str, release: Release, tmp_path: Path
) -> None:
    check(make_small(release(each_release), tmp_path / "pytorch").root)


@pytest.fixture
def small(release: Release, newest: str, tmp_path: Path) -> SmallPyTorch:
    return SmallPyTorch(release(newest), tmp_path / "pytorch")


def test_rules_that_are_not_the_trees_are_not_known(small: SmallPyTorch) -> None:
    """Nor is what overlays make of it."""
    natives, root = str(small.native / "native_functions.yaml"), str(small.root)
    old = find_files(pytorch=root, torch_version="2.10")
    laid_over = find_files(native_functions=[natives], pytorch=root)
    more = find_files(pytorch=root)
    more.more_derivatives = (str(small.derivatives),)
    by_name = find_files(str(small.derivatives), [natives])
    for files in (old, laid_over, more, by_name):
        _ = Request(files).rules
        assert not has_known_rules(files)
