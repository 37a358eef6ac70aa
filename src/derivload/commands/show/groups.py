"""Gathers what `derivload show` prints: an operator's functions by signature, and their formulas.

Upstream has this in no single place. Variants are linked only by their signature. A view_copy
variant is linked to its view by the mark in its name. `engine.facts` says which function a foreach
function applies to each tensor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from derivload.commands.show.query import OperatorQuery
from derivload.derivatives.model import DifferentiabilityInfo, FunctionRecord
from derivload.engine.facts import Origins
from derivload.engine.pipeline import Load
from derivload.native.function import NativeFunction
from derivload.sources.entries import Entry

_KINDS: Final = ("functional", "inplace", "mutable", "out", "scratch")


class Member(NamedTuple):
    """One function of a group.

    `maker` is the function whose entry this one was generated from; None for a declared function.
    `written` is the schema of the function for which the formulas were written; None if this
    function has no formulas.
    """

    function: NativeFunction
    record: FunctionRecord
    maker: NativeFunction | None
    written: str | None

    @property
    def schema(self) -> str:
        """The text of the schema, which identifies the function."""
        return self.function.schema.text

    @property
    def name(self) -> str:
        """The name with overload, and with the namespace unless that is aten."""
        return self.function.qualified


class FunctionFormulas(NamedTuple):
    """The formulas of one function, by dispatch key, and the functions that use them.

    `entry` is the entry where they are written. The formulas of a foreach function may come from
    another function outside the group: then that function is `reference`, and `entry` is its entry.
    `users` are the members of the group that use the formulas. `elsewhere` has the names of the
    functions outside the group that use them.
    """

    function: NativeFunction
    dispatch: Mapping[str, DifferentiabilityInfo]
    entry: Entry
    reference: NativeFunction | None
    users: tuple[Member, ...]
    elsewhere: tuple[str, ...]

    @property
    def translated(self) -> bool:
        """Whether the formulas were made from those of the reference, so that nobody wrote them."""
        return self.reference is not None and self.reference is not self.function


class Group(NamedTuple):
    """The functions of one signature.

    `asked` holds the schemas of the functions asked for. `formulas` are the formulas of these.
    """

    members: tuple[Member, ...]
    asked: frozenset[str]
    formulas: tuple[FunctionFormulas, ...]

    @property
    def shown(self) -> tuple[Member, ...]:
        """The members that were asked for."""
        return tuple(m for m in self.members if m.schema in self.asked)


def find_groups(load: Load, query: OperatorQuery) -> list[Group]:
    """The groups with functions that `query` asks for, in the order of the declarations.

    The other functions of a group are variants of its first. Asking for the first asks for all.
    """
    return list(_Gatherer(load).gather(query))


class _Gatherer:
    """Holds the records of all functions, and where their formulas come from."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._records = {m.record.schema: m.record for m in load.matched}
        self._functions = {f.schema.text: f for f in load.natives}
        self._origins = Origins(load)

    def gather(self, query: OperatorQuery) -> Iterator[Group]:
        for functions in _by_signature(self._load.natives):
            asked = frozenset(f.schema.text for f in functions if query.means(f, self._nodes(f)))
            if not asked:
                continue
            members = self._members(functions)
            if members[0].schema in asked:
                asked = frozenset(m.schema for m in members)
            yield Group(members, asked, tuple(self._formulas(members, asked)))

    def _nodes(self, function: NativeFunction) -> set[str]:
        """The backward nodes that a function makes."""
        if function.schema.is_out:
            return set()
        matched = self._records[function.schema.text].differentiability or {}
        return {info.op for info in matched.values() if info.op is not None}

    def _members(self, functions: list[NativeFunction]) -> tuple[Member, ...]:
        functions = sorted(functions, key=_rank)
        makers = {f.entry: f for f in reversed(functions) if not f.generated}
        return tuple(
            Member(
                function=f,
                record=self._records[f.schema.text],
                maker=makers.get(f.entry) if f.generated else None,
                written=self._written(f),
            )
            for f in functions
        )

    def _written(self, function: NativeFunction) -> str | None:
        matched = self._matched(function)
        return matched and self._load.copied_from.get(matched, matched)

    def _matched(self, function: NativeFunction) -> str | None:
        """The schema of the function whose formulas this one has, or None.

        None for an out variant: matching gives it formulas, but nothing uses them.
        """
        infos = self._records[function.schema.text].differentiability
        if not infos or function.schema.is_out:
            return None
        return next(iter(infos.values())).schema

    def _formulas(
        self, members: tuple[Member, ...], asked: frozenset[str]
    ) -> Iterator[FunctionFormulas]:
        shown = {m.written: None for m in members if m.schema in asked and m.written is not None}
        inside = {m.schema for m in members}
        for written in shown:
            function = self._functions[written]
            origin = self._functions[self._origins.reference(written)]
            infos = self._load.infos
            yield FunctionFormulas(
                function=function,
                dispatch=infos[written].dispatch
                if written in infos
                else self._origins.generated[written],
                entry=self._load.definitions[origin.schema.text],
                reference=None if origin.schema.text in inside else origin,
                users=tuple(m for m in members if m.written == written),
                elsewhere=tuple(self._elsewhere(written, inside)),
            )

    def _elsewhere(self, written: str, inside: set[str]) -> Iterator[str]:
        for function in self._load.natives:
            matched = self._matched(function)
            if matched is None or function.schema.text in inside:
                continue
            if written in (matched, self._origins.reference(matched)):
                yield function.qualified


def _by_signature(natives: Iterable[NativeFunction]) -> list[list[NativeFunction]]:
    """Group the functions: the variants of one signature, and view_copy variants with the view."""
    natives = tuple(natives)
    views = {f.signatures.view for f in natives if f.is_view}
    groups: list[list[NativeFunction]] = []
    by_key: dict[str, list[NativeFunction]] = {}
    for function in natives:
        # Variants have the same declaration except for defaults (exact), or share formulas (loose).
        exact, loose, view = function.signatures
        keys = (f"exact {view if view in views else exact}", f"loose {loose}")
        group = next((by_key[key] for key in keys if key in by_key), None)
        if group is None:
            group = []
            groups.append(group)
        group.append(function)
        by_key.update((key, group) for key in keys if key not in by_key)
    return groups


def _rank(function: NativeFunction) -> tuple[bool, bool, int]:
    """The sort key in a group: declared before generated, view before copies, then by kind."""
    is_copy = function.signatures.view != function.signatures.exact
    return function.generated, is_copy, _KINDS.index(function.schema.kind)
