"""docs/architecture.md names files that are there, and all floors."""

from __future__ import annotations

import re

from support.paths import PACKAGE, ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
# What is data, and belongs to no floor.
DATA = {"catalog", "explanations"}


def test_each_link_leads_to_what_it_names() -> None:
    links = re.findall(r"\[`([^`]+)`\]\(([^)]+)\)", PAGE)
    assert links
    for name, target in links:
        path = (ROOT / "docs" / target).resolve()
        assert path.exists(), name
        named = PACKAGE / name
        assert path in (named, named / "__init__.py"), (name, target)


def test_each_floor_is_named() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir()} - DATA - {"__pycache__"}
    files = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py", "__main__.py"}
    floors = PAGE.partition("## Four journeys")[0]
    assert {f"{room}/" for room in rooms} | files <= {*re.findall(r"\[`([^`]+)`\]", floors)}
