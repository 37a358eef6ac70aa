"""What a comparison of `derivload verify` comes to, and how what differs is put."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

_WIDTH: Final = 200


class Comparison(NamedTuple):
    """What came of comparing two sides.

    `differences` are lines for the user, none where both sides are equal. `counted` says how much
    was compared. `own` and `theirs` are the seconds that derivload and torchgen took.
    """

    differences: list[str]
    counted: tuple[str, ...]
    own: float
    theirs: float


def sides(own: str | None, theirs: str | None) -> str:
    """What both sides have in one place; None for nothing."""
    return f"derivload has {_shown(own)}, torchgen has {_shown(theirs)}"


def keep_sides(folder: str, own: Mapping[str, bytes], theirs: Mapping[str, bytes]) -> None:
    """Write the files of both sides, by path, to a folder for each in `folder`. Raises OSError."""
    for side, files in (("derivload", own), ("torchgen", theirs)):
        for name, data in files.items():
            path = Path(folder, side, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


def _shown(text: str | None) -> str:
    if text is None:
        return "nothing"
    return f"`{text}`" if len(text) <= _WIDTH else f"`{text[:_WIDTH]}…`"
