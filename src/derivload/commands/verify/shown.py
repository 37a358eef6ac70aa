"""How `derivload verify` prints what differs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from derivload.terminal.stdout import Stdout

# The first differences are enough to know where to look.
_MOST: Final = 20


def print_first(differences: Sequence[str]) -> None:
    """Print the first of these lines, and how many more there are."""
    more = len(differences) - _MOST
    Stdout().print_lines([*differences[:_MOST], *([f"… and {more} more"] if more > 0 else [])])
