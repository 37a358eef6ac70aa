"""docs/releases.md says what `derivload diff` finds between the releases."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.release_pages import PAGE, PAIRS, RELEASES, hard_to_see, section
from support.releases import Release


def test_every_pair_has_its_section_and_its_sentences() -> None:
    text = PAGE.read_text("utf-8")
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == [f"## {old} to {new}" for old, new in reversed(PAIRS)]
    assert {*hard_to_see()} == {*RELEASES[1:]}


@pytest.mark.release
@pytest.mark.parametrize(
    ("old", "new"),
    [
        *PAIRS[:1],
        *(pytest.param(*pair, marks=pytest.mark.thorough) for pair in PAIRS[1:-2]),
        *PAIRS[-2:],
    ],
)
def test_section_is_what_the_releases_give(
    old: str, new: str, release: Release, release_cache: Path, request: pytest.FixtureRequest
) -> None:
    """`support.release_pages` writes the page anew.

    Only --all-releases fetches what is not there.
    """
    folder = release_cache / "releases"
    there = all((folder / f"{one}.0" / "version.txt").exists() for one in (old, new))
    if not there and not request.config.getoption("--all-releases"):
        pytest.skip("releases that are not here are for --all-releases")
    for one in (old, new):
        release(f"{one}.0")
    assert section(old, new, folder) in PAGE.read_text("utf-8")
