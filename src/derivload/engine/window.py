"""What differs between the old entries and the new ones, and rows for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from derivload.engine.rows import DefinitionRow, NativeRow
from derivload.sources.splitting import find_window, spliced

Row = TypeVar("Row", NativeRow, DefinitionRow)
T = TypeVar("T")


class EntryWindow(Generic[Row]):
    """The window in which the entries differ from the old ones, and provisional rows for it.

    `begin` and `end` are those of the window among the old entries.
    `families` are the families in which an entry was changed, added or removed, or whose entries
    are in another order among themselves. Entries of other families moving in between does not
    matter. `stay` tells that all entries of the other families are where they were.
    """

    def __init__(
        self,
        old: list[bytes],
        rows: list[Row],
        new: list[bytes],
        make: Callable[[int], Row],
    ) -> None:
        self.begin, self.end, end = find_window(old, new)
        known = {row.digest: row for row in rows[self.begin : self.end]}
        self.rows: list[Row] = [known.get(new[i]) or make(i) for i in range(self.begin, end)]
        before = _positions(rows[self.begin : self.end])
        behind = _positions(self.rows)
        self.families: set[str] = set()
        self._origins: dict[int, int] = {}
        for family in before.keys() | behind.keys():
            came_from, stand = before.get(family, []), behind.get(family, [])
            was = [old[self.begin + i] for i in came_from]
            if was == [new[self.begin + i] for i in stand]:
                self._origins.update(zip(stand, came_from, strict=True))
            else:
                self.families.add(family)
        for i, origin in self._origins.items():
            self.rows[i] = rows[self.begin + origin]
        self.stay = self.end == end and all([i == o for i, o in self._origins.items()])

    def moved(self, lines: list[bytes | None]) -> list[bytes | None]:
        """The line of each row: entries of unchanged families keep theirs, others have None."""
        window = lines[self.begin : self.end]
        origins = [self._origins.get(i) for i in range(len(self.rows))]
        return [None if origin is None else window[origin] for origin in origins]

    def spliced(self, old: list[T], window: list[T]) -> list[T]:
        """The old list, with its part in the window replaced by `window`."""
        return spliced(old, self.begin, self.end, window)


def _positions(rows: Sequence[NativeRow | DefinitionRow]) -> dict[str, list[int]]:
    positions: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        positions.setdefault(row.family, []).append(i)
    return positions
