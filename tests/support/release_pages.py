"""docs/releases.md: what changed from each release to the next, made by comparing them.

    release_pages.py FOLDER

writes the page anew, from a folder that has the releases. It names operators and counts, and quotes
nothing of what PyTorch's files hold. What is hard to see in these is in reference/hard_to_see.txt.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from textwrap import wrap
from typing import Final

from derivload.commands.diff.report import DiffReport
from derivload.commands.diff.sides import Side
from derivload.commands.watch.text import widespread_text
from derivload.engine.difference import difference_in_full
from derivload.engine.folding import fold
from derivload.engine.narrowing import group_of
from derivload.loading.paths import find_files
from derivload.loading.request import Request
from derivload.loading.run import load_inputs
from support.paths import REFERENCE, ROOT

PAGE: Final = ROOT / "docs" / "releases.md"
RELEASES: Final = tuple(f"2.{number}" for number in range(1, 16))
PAIRS: Final = tuple(pairwise(RELEASES))

# A paragraph for each of the later releases, after its number and a colon.
_PROSE: Final = REFERENCE / "hard_to_see.txt"

_HEAD: Final = """\
# From release to release

What [`derivload diff`](diff.md) finds between each release of PyTorch and the next, and what of it
is hard to see in the files. This page is made by a command (see
[CONTRIBUTING.md](../CONTRIBUTING.md)); it names what changed, and `derivload diff 2.14 2.15 NAME`
shows how.

An edit that {fewest} functions or more have in common is told once, under "everywhere", and its
functions are not listed again. "Formula" means backward and forward formulas, and those that are
made of others' too, such as those of foreach functions.
"""


def section(old: str, new: str, folder: Path) -> str:
    """The section about two releases, whose trees are in a folder."""
    return "\n".join(_section(old, new, _compare(old, new, folder))) + "\n"


def page(folder: Path) -> str:
    """The whole page."""
    from derivload.engine.folding import FEWEST

    sections = [section(old, new, folder) for old, new in PAIRS]
    return "\n".join([_HEAD.format(fewest=FEWEST), *reversed(sections)])


def hard_to_see() -> dict[str, str]:
    """What is hard to see in the files of each release, by its number."""
    paragraphs = _PROSE.read_text("utf-8").strip().split("\n\n")
    parts = [" ".join(paragraph.split()).partition(": ") for paragraph in paragraphs]
    return {release: text for release, _, text in parts}


def _compare(old: str, new: str, folder: Path) -> DiffReport:
    before, after = _side(old, folder), _side(new, folder)
    found = difference_in_full(before.lines, after.lines)
    folded = fold(found.changed)
    return DiffReport(before, after, found, folded.functions, folded.widespread)


@lru_cache(maxsize=2)  # each release but two is in two pairs
def _side(release: str, folder: Path) -> Side:
    files = find_files(pytorch=str(folder / f"{release}.0"))
    return Side(release, load_inputs(Request(files, with_facts=True)).lines)


def _section(old: str, new: str, report: DiffReport) -> Iterator[str]:
    found = report.found
    functions = [len(side.lines.functions) for side in (report.before, report.after)]
    yield f"## {old} to {new}"
    yield ""
    yield f"{functions[0]} functions became {functions[1]}; {len(found.changed)} differ."
    yield ""
    yield from wrap(hard_to_see()[new], 100, break_on_hyphens=False)
    yield ""
    yield "| | functions |"
    yield "| --- | --- |"
    for one in report.widespread:
        edit, _, count = widespread_text(one).rpartition("  ")
        yield f"| everywhere: {one.what} | `{edit}` {count} |"
    named: dict[str, dict[str, None]] = {
        "added": dict.fromkeys(one.name for one in found.added),
        "removed": dict.fromkeys(one.name for one in found.removed),
        "renamed": dict.fromkeys(f"{one.before} -> {one.after}" for one in found.renamed),
    }
    for function in report.changed:
        for change in function.changes:
            named.setdefault(group_of(change.what), {})[function.name] = None
    for about, names in named.items():
        if names:
            yield f"| {about} | {', '.join(f'`{name}`' for name in names)} |"


if __name__ == "__main__":
    PAGE.write_text(page(Path(sys.argv[1])), "utf-8")
