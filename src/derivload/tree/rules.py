"""Whether we know the rules of a tree, and the dialect that follows them.

We look up the pieces that a tree's loader reaches among those of the releases. If one release has
exactly these pieces, we know what they do together: then our rules are those of that release, with
the tree's own tables. Otherwise we do not know the rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from derivload.cpp.dialect import DIALECTS, Dialect
from derivload.tree.constants import Constants, UnreadableError
from derivload.tree.modules import SourceError, Tree
from derivload.tree.reach import Reach
from derivload.tree.tables import ENUMS, TABLES, read_tables

_SHOWN: Final = 3

# By piece and digest, the releases that have it so.
Pieces = dict[str, dict[str, str]]


class Fields(msgspec.Struct, frozen=True):
    """The fields of a dialect that are tables."""

    cpp_types: dict[str, str]
    unspelled_types: frozenset[str]
    cpp_names: dict[str, str]
    cpp_defaults: dict[str, str]
    dispatch_keys: frozenset[str]
    all_dispatch_keys: frozenset[str]
    structured_dispatch_keys: frozenset[str]
    autograd_keys: frozenset[str]
    scalar_types: frozenset[str]
    without_out_variant: frozenset[str]
    ungrouped_out: frozenset[str]
    ungrouped_inplace: frozenset[str]
    foreach_with_tensor_overload: frozenset[str]
    foreach_without_alpha: frozenset[str]
    foreach_with_inplace_reference: frozenset[str]


def dialect_with(release: str, tables: Fields | None) -> Dialect:
    """The dialect of a release, with tables that may be others."""
    row = DIALECTS[release]
    if tables is None or _has_tables(row, tables):
        return row
    return msgspec.structs.replace(row, **msgspec.structs.asdict(tables))


class FoundRules(NamedTuple):
    """The rules of a tree.

    `release` is the release that they are of, or that they are most like. `why` says what we do
    not know of them. If it is "", `tables` are the tree's; None if they equal the release's.
    `modules` are the modules that we looked at.
    """

    release: str
    why: str
    tables: Fields | None
    modules: tuple[str, ...]

    @property
    def dialect(self) -> Dialect | None:
        """The dialect that follows them; None if we do not know them."""
        return None if self.why else dialect_with(self.release, self.tables)


def read_pieces(data: bytes) -> Pieces:
    """The pieces of the releases, from the file that has them. Raises msgspec.DecodeError."""
    return msgspec.json.decode(data, type=Pieces)


def pieces_of(release: str, known: Pieces) -> frozenset[str]:
    """The pieces that the rules of a release consist of."""
    return frozenset(
        id_
        for id_, digests in known.items()
        if any(release in releases.split() for releases in digests.values())
    )


def reach_of(tree: Tree) -> Reach:
    """What the loader of a tree reaches. Raises SourceError."""
    return Reach(tree, TABLES, ENUMS)


def find_rules(sources: Mapping[str, str], known: Pieces, release: str | None = None) -> FoundRules:
    """The rules of a tree, from its sources as `Tree` takes them.

    `release` is the release that the tree says it is of. If several releases have the same rules,
    it is preferred.
    """
    newest = [*DIALECTS][-1]
    try:
        tree = Tree(sources)
        reach = reach_of(tree)
    except SourceError as error:
        return FoundRules(newest, str(error), None, ())
    except RecursionError:
        return FoundRules(newest, "its source is nested too deeply", None, ())
    modules = tuple(sorted(reach.modules))
    found = {
        piece.id: _releases_of(known.get(piece.id, {}).get(piece.digest, ""))
        for piece in reach.pieces.values()
    }
    differences = {row: _differences(found, row, known) for row in DIALECTS}
    fewest = min(map(len, differences.values()))
    nearest = [row for row in DIALECTS if len(differences[row]) == fewest]
    named = release if release in nearest else nearest[-1]
    if fewest:
        return FoundRules(named, _told(named, differences[named]), None, modules)
    try:
        tables = msgspec.convert(read_tables(Constants(tree), reach.tables), Fields)
    except UnreadableError as error:
        return FoundRules(named, f"no table can be read from {error}", None, modules)
    for row in (named, *reversed(nearest)):
        if _has_tables(DIALECTS[row], tables):
            return FoundRules(row, "", None, modules)
    return FoundRules(named, "", tables, modules)


def _has_tables(row: Dialect, tables: Fields) -> bool:
    """Whether the tables of a release are these."""
    return all(
        getattr(row, name) == value for name, value in msgspec.structs.asdict(tables).items()
    )


def _releases_of(text: str) -> frozenset[str]:
    """The releases that have a piece. Only releases with a row count."""
    return frozenset(text.split()) & DIALECTS.keys()


def _differences(found: Mapping[str, frozenset[str]], release: str, known: Pieces) -> list[str]:
    """The pieces that differ between a tree and a release, and those that only one of them has."""
    changed = [id_ for id_, releases in found.items() if release not in releases]
    return sorted({*changed, *(pieces_of(release, known) - found.keys())})


def _told(release: str, changed: Sequence[str]) -> str:
    more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
    listed = ", ".join(id_.removesuffix(":") for id_ in changed[:_SHOWN])
    return f"not as in {release}: {listed}{more}"
