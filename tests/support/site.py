"""A site of HTML files, as a browser sees it: which pages it has, and where their links lead."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

# The attributes that make a browser ask for what they name, at once or when somebody follows them.
_ASKING = {"src", "srcset", "data", "poster", "action"}
_SITE = "https://site.invalid/"  # urljoin joins only with schemes that it knows


@dataclass
class WebPage:
    """What matters of a page here; `loads` is what a browser asks for to show it."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = WebPage()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.page.anchors |= {values[name] for name in ("id", "name") if name in values}
        self.page.loads += [values[name] for name in _ASKING if name in values]
        if "href" in values:
            (self.page.links if tag == "a" else self.page.loads).append(values["href"])


def read_pages(site: Path) -> dict[str, WebPage]:
    """The pages of a site, by their path in it."""
    pages = {}
    for path in site.rglob("*.html"):
        reader = _Reader()
        reader.feed(path.read_text("utf-8"))
        pages[path.relative_to(site).as_posix()] = reader.page
    return pages


def broken_links(site: Path, pages: dict[str, WebPage]) -> list[str]:
    """The links, and what pages load, that lead to no file of the site, or to no part of it."""
    return [
        f"{name}: {link}"
        for name, page in sorted(pages.items())
        for link in sorted({*page.links, *page.loads})
        if not _leads_somewhere(site, pages, name, link)
    ]


def _leads_somewhere(site: Path, pages: dict[str, WebPage], page: str, link: str) -> bool:
    path, anchor = target_of(page, link)
    if path is None:
        return True
    if not (site / path).is_file():
        return False
    # `__top` and the like are for the theme's script.
    return not anchor or path not in pages or anchor in pages[path].anchors


def target_of(page: str, link: str) -> tuple[str | None, str]:
    """The file of the site that a link leads to, and the part of it; None for another place."""
    whole, anchor = urldefrag(urljoin(_SITE + page, link))
    if not whole.startswith(_SITE):
        return None, ""
    return unquote(whole.removeprefix(_SITE)), unquote(anchor)


def unreachable(pages: dict[str, WebPage], start: str = "index.html") -> set[str]:
    """The pages that no way of links leads to from the first."""
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        page = waiting.pop()
        if page not in reached and page in pages:
            reached.add(page)
            waiting += [
                path for path, _ in (target_of(page, link) for link in pages[page].links) if path
            ]
    return {*pages} - reached
