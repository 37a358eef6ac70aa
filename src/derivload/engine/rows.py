"""A row for each entry and record of a load, and what is looked up in all of them.

An edit to a formula changes rows, but not where those of a family are, nor what follows from all
rows together. So that is made once, when it is first asked for, and goes over to the rows after the
edit as long as it still holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Generic, TypeVar

import msgspec

from derivload.sources.splitting import spliced
from derivload.tuples import NamedTuple


class NativeRow(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An entry of native_functions.yaml: its family, and the other families that it names.

    `structured` is the name of its function if that is structured.
    """

    digest: bytes
    family: str
    links: tuple[str, ...]
    structured: str = ""


class DefinitionRow(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An entry of derivatives.yaml, and the result of loading it.

    `prefixes` are the names of its ops, `numbers` their numbers, `keys` its dispatch keys. `base`
    is the base name of its function; None for a duplicate definition, as only the first counts.
    `copy_base` is the base name of the copying variant that gets the same info; None if there is
    no such variant.
    """

    digest: bytes
    family: str
    prefixes: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    keys: tuple[str, ...] = ()
    base: str | None = None
    copy_base: str | None = None


class FunctionRow(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A record of functions.json: one of `functions` or one of `generated`."""

    cpp_name: str
    family: str


Row = TypeVar("Row", NativeRow, DefinitionRow, FunctionRow)
# An index takes so many rows that came since it was made. With more, it is made anew.
_MOST_SINCE: Final = 256


class Indexed(Generic[Row]):
    """Rows, and where those of each family are.

    The index is made when it is first asked for. When rows change later, all that changed lies in
    one window: the rows behind it have moved by as much as the window grew, and those in it have an
    index of their own. `index` is another object where rows of a family are elsewhere.
    """

    def __init__(self, rows: list[Row]) -> None:
        self.rows: list[Row] = rows
        self.index = object()
        self._made: dict[str, list[int]] | None = None
        # The window among these rows, its end among those that the index was made of, and the
        # positions in it, by family.
        self._begin = self._end = self._made_end = 0
        self._inside: dict[str, list[int]] = {}

    def positions(self, families: Iterable[str]) -> list[int]:
        """The indexes of the rows of these families, ascending."""
        return sorted([i for family in families for i in self.of(family)])

    def of(self, family: str) -> list[int]:
        """The indexes of the rows of this family, ascending."""
        if self._made is None:
            self._made = _by_family(self.rows, 0, len(self.rows))
        made = self._made.get(family, [])
        if not self._end and not self._made_end:
            return made
        more = self._end - self._made_end
        before = [i for i in made if i < self._begin]
        behind = [i + more for i in made if i >= self._made_end]
        return before + self._inside.get(family, []) + behind

    def replaced(self, begin: int, end: int, window: list[Row]) -> Indexed[Row]:
        """The rows, those from `begin` to `end` replaced."""
        made = Indexed(spliced(self.rows, begin, end, window))
        if [row.family for row in self.rows[begin:end]] == [row.family for row in window]:
            made.index, made._made, made._inside = self.index, self._made, self._inside
            made._begin, made._end, made._made_end = self._begin, self._end, self._made_end
            return made
        has_window = self._end or self._made_end
        first = min(begin, self._begin) if has_window else begin
        last = max(end, self._end)
        new_last = last + len(window) - (end - begin)
        if self._made is not None and new_last - first <= _MOST_SINCE:
            made._made = self._made
            made._begin, made._end = first, new_last
            made._made_end = last - self._end + self._made_end
            made._inside = _by_family(made.rows, first, new_last)
        return made


def _by_family(rows: Sequence[Row], begin: int, end: int) -> dict[str, list[int]]:
    """Where the rows of each family are, from `begin` to `end`, ascending."""
    found: dict[str, list[int]] = {}
    for i in range(begin, end):
        found.setdefault(rows[i].family, []).append(i)
    return found


class Natives:
    """The entries of native_functions.yaml, and which families they link."""

    def __init__(self, digests: list[bytes], rows: Indexed[NativeRow]) -> None:
        self.digests = digests
        self.rows = rows
        self._linked: dict[str, set[str]] | None = None

    def replaced(
        self, digests: list[bytes], begin: int, end: int, window: list[NativeRow]
    ) -> Natives:
        """The entries, those from `begin` to `end` replaced by those with the rows `window`."""
        made = Natives(digests, self.rows.replaced(begin, end, window))
        if _links_in(self.rows.rows[begin:end]) == _links_in(window):
            made._linked = self._linked
        return made

    def linked(self, family: str) -> Iterable[str]:
        """The families that an entry links to this one, in either direction."""
        if self._linked is None:
            self._linked = {}
            for row in self.rows.rows:
                for one in (row.family, *row.links) if row.links else ():
                    self._linked.setdefault(one, set()).update((row.family, *row.links))
        return self._linked.get(family, ())


def _links_in(rows: Iterable[NativeRow]) -> list[tuple[str, tuple[str, ...]]]:
    return [(row.family, row.links) for row in rows if row.links]


class DefinitionEntries:
    """The entries of derivatives.yaml.

    Each has a digest, a row, the line of its own function (in `own`) and the line of the copying
    variant (in `copies`). A line is None if the entry makes no such record.
    """

    def __init__(
        self,
        digests: list[bytes],
        rows: Indexed[DefinitionRow],
        own: list[bytes | None],
        copies: list[bytes | None],
    ) -> None:
        self.digests = digests
        self.rows = rows
        self.own = own
        self.copies = copies
        self._bases: list[str] | None = None
        self._dispatch_keys: tuple[str, ...] | None = None

    @property
    def bases(self) -> list[str]:
        """The base names of the functions that have a line, in the order of the records."""
        if self._bases is None:
            rows = self.rows.rows
            self._bases = [row.base for row in rows if row.base is not None]
            self._bases += [row.copy_base for row in rows if row.copy_base is not None]
        return self._bases

    @property
    def dispatch_keys(self) -> tuple[str, ...]:
        """All dispatch keys, sorted."""
        if self._dispatch_keys is None:
            of_rows = {row.keys for row in self.rows.rows}
            self._dispatch_keys = tuple(sorted({key for keys in of_rows for key in keys}))
        return self._dispatch_keys

    def put(self, positions: Sequence[int], made: DefinitionEntries) -> None:
        """Put the rows and lines of `made` at these positions."""
        for at, row, own, copy in zip(
            positions, made.rows.rows, made.own, made.copies, strict=True
        ):
            self.rows.rows[at], self.own[at], self.copies[at] = row, own, copy

    def keep_from(self, before: DefinitionEntries, positions: Sequence[int]) -> None:
        """Keep what `before` made of all rows, if these rows make the same of it.

        All other rows are where they were before.
        """
        old, new = before.rows.rows, self.rows.rows
        if all([_head_of(old[i]) == _head_of(new[i]) for i in positions]):
            self._bases, self._dispatch_keys = before.bases, before.dispatch_keys


def _head_of(row: DefinitionRow) -> tuple[tuple[str, ...], str | None, str | None]:
    """What a row adds to what is made of all rows."""
    return row.keys, row.base, row.copy_base


class Functions(NamedTuple):
    """Records of functions.json in their order: the row and the line of each."""

    rows: Indexed[FunctionRow]
    lines: list[bytes]


def with_linked(natives: Natives, families: set[str]) -> set[str]:
    """The families and every one linked to them by `structured_delegate`.

    This goes in either direction, until no family is added.
    """
    linked = {*families}
    found = [*families]
    while found:
        more = {*natives.linked(found.pop())} - linked
        linked |= more
        found += more
    return linked
