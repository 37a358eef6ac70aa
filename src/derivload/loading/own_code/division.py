"""Families in groups, to find out whether families of different groups depend on each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from derivload.loading.own_code.families import FamilyRow
from derivload.loading.own_code.state import FamilyPart

# Two families that depend on each other are seen if they are in different groups. With more
# groups, fewer pairs share one; each costs a call of torchgen.
_GROUPS: Final = 16


def divide(
    families: Iterable[str], links: Sequence[FamilyRow], parts: Mapping[str, FamilyPart]
) -> list[set[str]]:
    """The families in groups; what is linked, or has an op of the same name, is in one group.

    Families whose names begin alike are in different groups: if any depend on each other, these do.
    """
    clusters = _clusters(sorted(families), links, parts)
    groups: list[set[str]] = [set() for _ in range(min(_GROUPS, len(clusters)))]
    for i, cluster in enumerate(clusters):
        groups[i % len(groups)].update(cluster)
    return groups


def _clusters(
    families: Sequence[str], links: Sequence[FamilyRow], parts: Mapping[str, FamilyPart]
) -> list[list[str]]:
    leader = {family: family for family in families}

    def lead(family: str) -> str:
        while leader[family] != family:
            family = leader[family]
        return family

    def join(one: str, other: str) -> None:
        first, second = sorted((lead(one), lead(other)))
        leader[second] = first

    for row in links:
        if row.link in leader:
            join(row.family, row.link)
    of_op: dict[str, str] = {}
    for family in families:
        for op in parts[family].ops if family in parts else ():
            join(family, of_op.setdefault(op, family))
    clusters: dict[str, list[str]] = {}
    for family in families:
        clusters.setdefault(lead(family), []).append(family)
    return [*clusters.values()]
