"""The pages in a real browser, opened from files: search, filters, links, keys, addresses."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from support.browser import Opened, axe_of, browser, opened, serious
from support.paths import NATIVES
from support.project import Project, call
from support.telling import Unavailable

__all__ = ["browser"]  # a fixture
SIDES = ("old", "new")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two sides with all that pages may show, as a folder and as one file."""
    root = tmp_path_factory.mktemp("pages")
    for name in SIDES:
        side = Project(root / name)
        files = f'derivatives = "{side.derivatives.name}"\nnative-functions = "{side.natives.name}"'
        (side.folder / "derivload.toml").write_text(files, "utf-8")
    side.edit("self: grad * luster", "self: luster * grad")
    side.append(NATIVES, "- func: gloss(Tensor self) -> Tensor\n  dispatch:\n    CPU: gloss\n")
    made = {}
    for form, options in (("folder", []), ("single", ["--single-file"])):
        made[form] = root / form
        sides = [str(root / name) for name in SIDES]
        done = call(["explore", *sides, "--no-cache", "--out-dir", str(made[form]), *options])
        assert done.status == 0, done.err
    return made


@pytest.fixture(params=["folder", pytest.param("single", marks=pytest.mark.thorough)])
def folder(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Path:
    return folders[request.param]


@pytest.fixture
def open_at(browser: Browser, folder: Path) -> Iterator[Any]:
    """Opens the pages at a place; the browser may complain of nothing."""
    all_opened: list[Opened] = []

    def open_one(place: str = "", **context: Any) -> Opened:
        all_opened.append(opened(browser, folder, place, **context))
        return all_opened[-1]

    yield open_one
    for one in all_opened:
        assert one.complaints == []
        one.page.context.close()


def test_the_search_looks_at_each_key(open_at: Any) -> None:
    pages = open_at()
    pages.page.keyboard.press("/")
    counts = []
    for key in "gild":
        pages.page.keyboard.type(key)
        counts.append(int(pages.status().split()[0]))
    assert counts == sorted(counts, reverse=True)
    assert pages.rows()[0] == "gild"
    pages.page.wait_for_url("**#?q=gild")


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("gild_", "gild_"),
        ("temper.scal", "temper.Scalar"),
        ("at::gild_outf", "gild.out"),
        ("GildBackward0", "gild"),
        ("tag:pointwise", "gild"),
        ("key:cuda", "gild"),
        ("saved:luster", "gild"),
        ("uses:temper_tilt", "temper.Tensor"),
        ("temper_tilt", "temper.Tensor"),
    ],
)
def test_what_a_search_finds(open_at: Any, word: str, name: str) -> None:
    pages = open_at()
    pages.page.fill("#search", word)
    assert name in pages.rows()
    assert "of" in pages.status()


def test_filters_narrow_and_count_and_the_back_button_undoes_them(open_at: Any) -> None:
    pages = open_at()
    all_functions = pages.status()
    box = pages.page.get_by_role("checkbox", name="saves a whole tensor")
    label = pages.page.locator("label", has=box)
    promised = int(label.locator(".count").inner_text())
    box.check()
    pages.wait_for_status(f"{promised} of ")
    assert pages.page.url.endswith("#?is=saves-tensor")
    pages.page.locator("input[name=kind][value=inplace]").check()
    assert "kind=inplace" in pages.page.url
    pages.page.go_back()
    pages.wait_for_status(f"{promised} of ")
    pages.page.go_back()
    pages.wait_for_status(all_functions)
    assert not box.is_checked()


def test_an_address_is_a_state(open_at: Any) -> None:
    pages = open_at("#?q=e&kind=functional&sort=name&down=1")
    assert pages.page.input_value("#search") == "e"
    assert pages.page.get_by_role("checkbox", name="functional").is_checked()
    rows = [name.lower() for name in pages.rows()]
    assert rows == sorted(rows, reverse=True)
    head = pages.page.get_by_role("columnheader", name="Operator")
    assert head.get_attribute("aria-sort") == "descending"
    pages.page.get_by_role("button", name="Clear all").click()
    assert pages.page.url.endswith("#")


def test_an_operator_has_a_page_and_the_way_back_is_where_it_was(open_at: Any) -> None:
    pages = open_at("#?q=gild")
    pages.page.get_by_role("link", name="gild", exact=True).click()
    pages.wait_for_heading("^gild$")
    assert pages.page.title().startswith("gild · ")
    text = pages.page.locator("#other-page").inner_text()
    for said in ("GildBackward0", "luster * grad", "self_t.gild(luster)", "double", "pointwise"):
        assert said in text
    assert "derivatives.yaml:13" in text
    pages.page.go_back()
    pages.page.wait_for_selector("#table-page:not([hidden])")
    assert pages.page.input_value("#search") == "gild"
    assert pages.rows()[0] == "gild"


def test_every_identifier_of_a_formula_is_a_link_that_says_what_it_is(open_at: Any) -> None:
    pages = open_at("#op/temper.Tensor")
    formulas = pages.page.locator("code.formula")
    told = formulas.locator("a").evaluate_all("(all) => all.map((a) => [a.textContent, a.title])")
    meanings = dict(told)
    assert meanings["grad"] == "the gradient of output result"
    assert meanings["self"].startswith("argument self: Tensor")
    assert "function of C++" in meanings["temper_tilt"]
    formulas.get_by_role("link", name="temper_tilt").first.click()
    pages.page.wait_for_url("**#?q=uses%3Atemper_tilt")
    pages.page.wait_for_selector("#table-page:not([hidden])")
    assert "temper.Tensor" in pages.rows()


def test_pictures_say_what_a_node_saves_and_who_is_of_the_family(open_at: Any) -> None:
    pages = open_at("#op/temper.Tensor")
    saved = pages.page.locator("svg.drawing").first
    assert saved.get_attribute("aria-label").startswith("TemperBackward0 saves ")
    boxes = saved.locator("g.box").all_text_contents()
    assert any("result" in box and "output" in box for box in boxes)
    family = pages.page.locator("svg.drawing").nth(1)
    family.locator("a", has_text="temper_.Tensor").click()
    pages.wait_for_heading("^temper_.Tensor$")


def test_keys_alone_are_enough(open_at: Any) -> None:
    pages = open_at()
    press = pages.page.keyboard.press
    press("/")
    pages.page.keyboard.type("gild")
    press("ArrowDown")
    press("ArrowDown")
    press("ArrowUp")
    press("Enter")
    pages.page.wait_for_url("**#op/gild")
    pages.page.locator("#other-page h1").wait_for()
    assert pages.page.evaluate("document.activeElement.textContent") == "gild"
    press("Escape")
    pages.page.wait_for_selector("#table-page:not([hidden])")
    assert pages.page.input_value("#search") == "gild"
    press("?")
    assert pages.page.get_by_role("dialog").is_visible()
    press("Escape")
    assert not pages.page.get_by_role("dialog").is_visible()


def test_help_opens_and_closes(open_at: Any) -> None:
    pages = open_at()
    pages.page.get_by_role("button", name="Keys").click()
    pages.page.get_by_role("dialog").get_by_role("button", name="Close").click()
    assert not pages.page.get_by_role("dialog").is_visible()


def test_a_part_of_the_folder_says_what_is_missing(
    browser: Browser, folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(folders["folder"], tmp_path / "pages")
    for path in (folder / "data").glob("operators_*.js"):
        path.unlink()
    page = browser.new_page()
    page.goto((folder / "index.html").as_uri() + "#op/gild")
    page.get_by_text("js is missing").wait_for()
    (folder / "data" / "table.js").unlink()
    page.goto((folder / "index.html").as_uri())
    page.get_by_text("the pages need their whole folder").wait_for()
    page.close()


def test_sides_have_a_comparison_a_history_and_a_coverage(open_at: Any) -> None:
    pages = open_at("#op/gild")
    history = pages.page.locator("section.part", has_text="History")
    assert history.locator("ins").count()
    history.get_by_role("link").first.click()
    pages.wait_for_heading("→")
    text = pages.page.locator("#other-page").inner_text()
    assert "1 added" in text
    pages.page.get_by_role("link", name="gloss").click()
    pages.wait_for_heading("^gloss$")
    assert "derivatives.yaml has no formula for it" in pages.page.inner_text("#other-page")
    pages.page.get_by_role("navigation").get_by_role("link", name="Coverage").click()
    pages.wait_for_heading("^Coverage$")
    assert pages.page.locator("svg.bars rect").count() > 4


def test_a_name_that_there_is_not(open_at: Any) -> None:
    pages = open_at("#op/gil")
    pages.wait_for_heading("^There is no operator gil$")
    pages.page.get_by_role("link", name="gild", exact=True).click()
    pages.wait_for_heading("^gild$")


PLACES = (
    "#",
    "#?q=gild&is=forward",
    "#op/temper.Tensor",
    "#op/gild.out",
    "#coverage",
    "#compare/1",
)


@pytest.mark.thorough
@pytest.mark.parametrize(("scheme", "width"), [("dark", 390), ("light", 1400)])
def test_axe_finds_nothing_serious_and_nothing_is_wider_than_the_page(
    browser: Browser,
    folders: dict[str, Path],
    unavailable: Unavailable,
    scheme: Any,
    width: int,
) -> None:
    axe = axe_of(unavailable)
    size: Any = {"width": width, "height": 900}
    pages = opened(browser, folders["folder"], viewport=size, color_scheme=scheme)
    for place in PLACES:
        pages.go(place)
        pages.page.wait_for_timeout(100)
        pages.page.evaluate(
            "document.querySelectorAll('details').forEach((d) => { d.open = true })"
        )
        assert serious(pages.page, axe) == [], place
        is_wider = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not pages.page.evaluate(is_wider), place
    pages.page.context.close()


def test_dark_and_light_differ(open_at: Any) -> None:
    papers = {
        open_at(color_scheme=scheme).page.evaluate(
            "getComputedStyle(document.documentElement).backgroundColor"
        )
        for scheme in ("light", "dark")
    }
    assert len(papers) == 2


def test_printed_it_has_all_rows_and_no_controls(open_at: Any) -> None:
    pages = open_at()
    pages.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    pages.page.emulate_media(media="print")
    assert len(pages.rows()) == int(pages.status().split()[0])
    assert not pages.page.locator("#search").is_visible()
    assert not pages.page.locator("#filters").is_visible()


def test_nothing_of_a_network_is_asked_for(browser: Browser, folder: Path) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((folder / "index.html").as_uri() + "#op/gild")
    page.wait_for_selector("#other-page h1")
    assert asked
    assert all(url.startswith(folder.as_uri()) for url in asked)
    page.close()
