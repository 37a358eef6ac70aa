"""The links of the pages of documentation lead to files and to headings that are there.

`test_site.py` reads all that the site is made of, which takes long to build; a link that leads
nowhere is found in the source too.
"""

from __future__ import annotations

import re
from pathlib import Path

from markdown.extensions.toc import slugify

from support.paths import ROOT

DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted(DOCS.rglob("*.md")),
]


def text_of(page: Path) -> str:
    """A page without its blocks and pieces of code."""
    text = re.sub(r"^( *)(```+).*?^\1\2$", "", page.read_text("utf-8"), flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", "code", text)


def anchors_of(page: Path) -> set[str]:
    text = re.sub(r"^( *)(```+).*?^\1\2$", "", page.read_text("utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {slugify(re.sub(r"[`*]|\]\([^)]*\)", "", h), "-") for h in headings}


def broken(page: Path) -> list[str]:
    found = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in anchors_of(target)
        ):
            found.append(link)
    return found


def test_no_link_of_a_page_is_broken() -> None:
    assert {page.name: links for page in PAGES if (links := broken(page))} == {}


def test_a_link_to_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One `code`\n[a](#one-code) [b](#two) [c](no.md) `[d](no.md)`\n", "utf-8")
    assert broken(page) == ["#two", "no.md"]
