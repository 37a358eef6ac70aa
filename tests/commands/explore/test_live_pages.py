"""`derivwatch --explore`: an open page shows each save, where it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from support.browser import browser, opened
from support.derivwatch import Inputs, Watch, watching
from support.out_dirs import posix
from support.project import Ran

__all__ = ["browser"]  # a fixture
pytestmark = posix


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return Inputs(tmp_path / "inputs")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pages"


@pytest.fixture
def watch(inputs: Inputs, folder: Path) -> Iterator[Watch]:
    yield from watching(inputs, inputs.out, "--explore", str(folder))


@pytest.mark.thorough
def test_an_open_page_shows_each_save_where_it_was(
    browser: Browser, inputs: Inputs, folder: Path, watch: Watch
) -> None:
    pages = opened(browser, folder, "#op/gild")
    formula = pages.page.locator("code.formula").first
    assert formula.inner_text() == "grad * luster"
    for text in ("luster * grad", "grad * luster * 2"):
        inputs.save(text)
        watch.expect("reloaded")
        pages.page.locator("code.formula", has_text=text).first.wait_for()
        assert pages.page.url.endswith("#op/gild")
    pages.go("#?q=gild")
    pages.page.locator("#search").focus()
    with pages.page.expect_event("load"):
        inputs.save("grad * luster")
        watch.expect("reloaded")
    pages.page.locator("#search:focus").wait_for()
    assert pages.page.input_value("#search") == "gild"


def test_a_save_writes_only_what_it_changes(inputs: Inputs, folder: Path, watch: Watch) -> None:
    before = {path: path.stat().st_ino for path in folder.rglob("*.*")}
    inputs.save("luster * grad")
    watch.expect("reloaded")
    after = {path: path.stat().st_ino for path in folder.rglob("*.*")}
    written = {path.name for path in after if before.get(path) != after[path]}
    (records,) = {name for name in written if name.startswith("operators_")}
    assert written == {records, "version.js", "manifest.json"}


def test_a_folder_that_became_another_s_is_told(inputs: Inputs, folder: Path, watch: Watch) -> None:
    ours = (folder / "manifest.json").read_bytes()
    (folder / "manifest.json").write_text("{}", "utf-8")
    inputs.save("luster * grad")
    told = watch.expect("error")
    assert "pages need a folder of their own" in str(told)
    (folder / "manifest.json").write_bytes(ours)
    inputs.save("grad * luster * 2")
    watch.expect("reloaded")


def run_once(inputs: Inputs, *more: str) -> Ran:
    return inputs.call(
        "watch", "--once", *inputs.options, "--out-dir", str(inputs.out), "--no-cache", *more
    )


def test_once_writes_pages_that_look_for_nothing_new(inputs: Inputs, folder: Path) -> None:
    assert run_once(inputs, "--explore", str(folder)).status == 0
    assert "data-live" not in (folder / "index.html").read_text("utf-8")


def test_pages_and_documents_need_folders_of_their_own(inputs: Inputs, tmp_path: Path) -> None:
    same = run_once(inputs, "--explore", str(inputs.out))
    assert same.status == 2
    assert "folders of their own" in same.err
    inputs.emit("--out-dir", str(tmp_path / "documents"))
    other = run_once(inputs, "--explore", str(tmp_path / "documents"))
    assert other.status == 2
    assert "pages need a folder of their own" in other.err


def test_generated_files_have_no_pages(inputs: Inputs, tmp_path: Path) -> None:
    done = run_once(inputs, "--codegen", "--explore", str(tmp_path / "pages"))
    assert done.status == 2
    assert "--explore has no effect with --codegen" in done.err
