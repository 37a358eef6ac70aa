"""The documentation site: `script/docs` builds it, and readers get everywhere, offline."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from playwright.sync_api import Browser

import derivload
import derivload.pytorch
from derivload.rules import RULES
from support.browser import PATIENCE, axe_of, browser, serious
from support.paths import ROOT
from support.site import WebPage, broken_links, read_pages, unreachable
from support.telling import Unavailable

__all__ = ["browser"]  # a fixture

EXPLORER = "catalogue/index.html"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `script/docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    done = subprocess.run(
        [*command, "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "WARNING" not in done.stdout
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, WebPage]:
    return read_pages(site)


@pytest.mark.thorough
def test_no_link_is_broken(site: Path, pages: dict[str, WebPage]) -> None:
    # In the pages of `explore`, what follows `#` is a state and no part of the page.
    assert [
        link for link in broken_links(site, pages) if not link.startswith(f"{EXPLORER}: #")
    ] == []


@pytest.mark.thorough
def test_every_page_is_reached_by_links(pages: dict[str, WebPage]) -> None:
    assert unreachable(pages) == set()


@pytest.mark.thorough
def test_the_catalogue_can_be_explored(site: Path, pages: dict[str, WebPage]) -> None:
    assert EXPLORER in pages["index.html"].links
    assert "TemperBackward0" in (site / EXPLORER).read_text("utf-8")


@pytest.mark.thorough
def test_every_page_of_docs_and_every_rule_is_there(pages: dict[str, WebPage]) -> None:
    docs = ROOT / "docs"
    written = {
        path.relative_to(docs).with_suffix(".html").as_posix() for path in docs.rglob("*.md")
    }
    assert written - {*pages} == {"rules/README.html"}
    assert {f"rules/{code}.html" for code in RULES} <= {*pages}


def test_every_page_of_docs_is_in_the_menu() -> None:
    menu = {*re.findall(r": ([\w/-]+\.md)", (ROOT / "mkdocs.yml").read_text("utf-8"))}
    assert {path.name for path in (ROOT / "docs").glob("*.md")} <= menu


@pytest.mark.thorough
@pytest.mark.parametrize("module", [derivload, derivload.pytorch])
def test_the_reference_has_every_public_name(pages: dict[str, WebPage], module: ModuleType) -> None:
    name = module.__name__
    assert {f"{name}.{public}" for public in module.__all__} <= pages[
        f"reference/{name}.html"
    ].anchors


@pytest.mark.thorough
def test_the_search_finds_pages_without_a_server(site: Path, browser: Browser) -> None:
    """As a browser shows the files of a folder, in which no worker can start."""
    page = browser.new_context().new_page()
    page.set_default_timeout(PATIENCE)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / "rules" / "DL420.html").as_uri())
    page.locator("input.md-search__input").click()
    page.keyboard.type("depfile")
    page.locator(".md-search-result__link", has_text="CMake").first.click()
    page.wait_for_url(re.compile(r"/cmake\.html"))
    assert [url for url in asked if not url.startswith(("file:", "about:", "data:"))] == []


@pytest.mark.thorough
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_serious(
    site: Path, browser: Browser, unavailable: Unavailable, width: int
) -> None:
    axe = axe_of(unavailable)
    page = browser.new_context(viewport={"width": width, "height": 844}).new_page()
    for name in ("index.html", "diagnostics.html", "rules/DL205.html", "reference/derivload.html"):
        page.goto((site / name).as_uri())
        assert serious(page, axe) == [], name


@pytest.mark.thorough
def test_showing_a_page_asks_for_nothing_outside_of_the_site(
    site: Path, pages: dict[str, WebPage]
) -> None:
    loaded = {
        f"{name}: {link}" for name, page in pages.items() for link in page.loads if ":" in link
    }
    assert loaded == set()
    styles = [*site.rglob("*.css")]
    assert styles
    named = {
        url for style in styles for url in re.findall(r"url\(([^)]+)\)", style.read_text("utf-8"))
    }
    assert {url for url in named if "//" in url and "data:" not in url} == set()


@pytest.mark.thorough
def test_no_page_names_the_machine_that_it_was_built_on(site: Path) -> None:
    texts = {
        path: path.read_text("utf-8")
        for path in site.rglob("*.*")
        if path.suffix in (".html", ".json", ".js")
    }
    own = (str(ROOT), str(Path.home()) + "/", str(site))
    assert [path for path, text in texts.items() if any(name in text for name in own)] == []


def test_what_is_wrong_with_a_site_is_told(tmp_path: Path) -> None:
    """Of a site with one mistake of each kind."""
    (tmp_path / "index.html").write_text(
        '<h1 id="top"></h1> <a href="#top"></a> <a href="a%20b.html#there"></a>'
        '<a href="https://example.org/"></a> <a href="gone.html"></a> <img src="gone.png">'
    )
    (tmp_path / "a b.html").write_text('<h2 id="here"></h2> <a href="index.html#top"></a>')
    (tmp_path / "alone.html").write_text('<a href="index.html"></a>')
    pages = read_pages(tmp_path)
    broken = ["a%20b.html#there", "gone.html", "gone.png"]
    assert broken_links(tmp_path, pages) == [f"index.html: {link}" for link in broken]
    assert unreachable(pages) == {"alone.html"}
