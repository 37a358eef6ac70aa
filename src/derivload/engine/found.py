"""What `lint` found, by family: kept from load to load, and put together when it is asked for."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping

import msgspec

from derivload.engine.lint import Possible
from derivload.engine.rows import DefinitionRow, Indexed, NativeRow

# The warnings of each family, with positions among its own entries.
OfFamilies = Mapping[str, tuple[Possible, ...]]


class FoundByFamily:
    """What was found in a load, by family."""

    def __init__(self, by_family: OfFamilies) -> None:
        self.by_family = by_family
        # What `all` gave last, and where the entries were.
        self._all: tuple[object, object, list[Possible]] | None = None

    def replaced(self, families: Collection[str], made: OfFamilies) -> FoundByFamily:
        """The same with what is found in these families now."""
        if not made and self.by_family.keys().isdisjoint(families):
            return self
        found = {**self.by_family, **made}
        for family in families:
            if family not in made:
                found.pop(family, None)
        return FoundByFamily(found)

    def all(
        self, natives: Indexed[NativeRow], definitions: Indexed[DefinitionRow]
    ) -> list[Possible]:
        """What was found, in the order of the entries.

        It is the same list as long as no entry changes its place. Raises ValueError if there are no
        such entries.
        """
        if not self.by_family:
            return []
        where = natives.index, definitions.index
        if self._all is None or self._all[0] is not where[0] or self._all[1] is not where[1]:
            self._all = *where, self._put_together(natives, definitions)
        return self._all[2]

    def _put_together(
        self, natives: Indexed[NativeRow], definitions: Indexed[DefinitionRow]
    ) -> list[Possible]:
        def found(of_native: bool, family: str, rank: int) -> int:
            if rank < 0:
                return -1
            positions = (natives if of_native else definitions).of(family)
            if rank >= len(positions):
                raise ValueError("there is no such entry")
            return positions[rank]

        made = [
            msgspec.structs.replace(
                one,
                at=found(one.of_native, family, one.at),
                other=found(one.of_native, family, one.other),
                declared=found(True, family, one.declared),
            )
            for family, ones in self.by_family.items()
            for one in ones
        ]
        if any(one.at < 0 for one in made):
            raise ValueError("a warning is about no entry")
        return sorted(made, key=lambda one: (one.of_native, one.at))


def by_family(
    found: Iterable[Possible], natives: Indexed[NativeRow], definitions: Indexed[DefinitionRow]
) -> dict[str, tuple[Possible, ...]]:
    """What was found in a load whose entries have these rows, by family."""

    def rank(of_native: bool, at: int, family: str) -> int:
        return -1 if at < 0 else bisect_left((natives if of_native else definitions).of(family), at)

    made: dict[str, list[Possible]] = {}
    for one in found:
        family = (natives if one.of_native else definitions).rows[one.at].family
        made.setdefault(family, []).append(
            msgspec.structs.replace(
                one,
                at=rank(one.of_native, one.at, family),
                other=rank(one.of_native, one.other, family),
                declared=rank(True, one.declared, family),
            )
        )
    return {family: tuple(ones) for family, ones in made.items()}
