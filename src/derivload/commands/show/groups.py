"""What `derivload show` shows, gathered: an operator's functions by signature, and their formulas.

Upstream says none of this in one place: a variant is tied to the others by its signature alone,
a copying view variant to its view by the mark in its name, and a foreach function to the one it
applies to each tensor by the name of its backward node.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from derivload.commands.show.query import OperatorQuery
from derivload.derivatives.model import DifferentiabilityInfo, FunctionRecord
from derivload.engine.load import Loaded
from derivload.native.function import NativeFunction
from derivload.sources.entries import Entry

_KINDS: Final = ("functional", "inplace", "mutable", "out", "scratch")
# How the pipeline marks the info that a copying view variant has from its view.
_FOREACH: Final = "Foreach"


class Member(NamedTuple):
    """One function of a group.

    `maker` is the function whose entry it was generated from, None for a declared one; `written`
    the schema of the function that its formulas were written for, None where it has none.
    """

    function: NativeFunction
    record: FunctionRecord
    maker: NativeFunction | None
    written: str | None

    @property
    def schema(self) -> str:
        """The text of its schema, which identifies it."""
        return self.function.schema.text

    @property
    def name(self) -> str:
        """Its name with overload, and with its namespace where that is not aten."""
        return qualified(self.function)


class Formulas(NamedTuple):
    """The formulas of one function, by dispatch key, and who uses them.

    `entry` is where they were written. That is the entry of `reference`, a function outside the
    group, where foreach functions have their formulas from one. `users` are the members of the
    group that use them, `elsewhere` the names of the functions outside it.
    """

    function: NativeFunction
    dispatch: Mapping[str, DifferentiabilityInfo]
    entry: Entry
    reference: NativeFunction | None
    users: tuple[Member, ...]
    elsewhere: tuple[str, ...]

    @property
    def translated(self) -> bool:
        """Whether they were made from those of the reference, and so nobody wrote them."""
        return self.reference is not None and self.reference is not self.function


class Group(NamedTuple):
    """The functions of one signature; `asked` holds the schemas of those that were asked for.

    `formulas` are those of the functions asked for.
    """

    members: tuple[Member, ...]
    asked: frozenset[str]
    formulas: tuple[Formulas, ...]

    @property
    def shown(self) -> tuple[Member, ...]:
        """The members that were asked for."""
        return tuple(m for m in self.members if m.schema in self.asked)


def qualified(function: NativeFunction) -> str:
    """A function's name with overload, and with its namespace where that is not aten."""
    name = function.name.text
    return name if function.namespace == "aten" else f"{function.namespace}::{name}"


def find_groups(loaded: Loaded, query: OperatorQuery) -> list[Group]:
    """The groups with functions that `query` asks for, in the order of the declarations.

    To ask for the first function of a group, which the others are variants of, is to ask for all.
    """
    return list(_Gatherer(loaded).gather(query))


class _Gatherer:
    """Knows, of all functions, their records and where their formulas come from."""

    def __init__(self, loaded: Loaded) -> None:
        load = loaded.load
        self._load = load
        self._records = {m.record.schema: m.record for m in load.matched}
        self._functions = {f.schema.text: f for f in load.natives}
        generated = [m.generated for m in load.matched if m.generated is not None]
        self._generated = {record.schema: record.dispatch for record in generated}
        self._by_op = {
            info.op: schema
            for schema, derived in load.infos.items()
            for info in derived.dispatch.values()
            if info.op is not None
        }

    def gather(self, query: OperatorQuery) -> Iterator[Group]:
        for functions in _by_signature(self._load.natives):
            asked = frozenset(f.schema.text for f in functions if query.means(f))
            if not asked:
                continue
            members = self._members(functions)
            if members[0].schema in asked:
                asked = frozenset(m.schema for m in members)
            yield Group(members, asked, tuple(self._formulas(members, asked)))

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
        """The schema of the function whose formulas this one has. An out variant has none:
        what matching gives it, nothing uses.
        """
        infos = self._records[function.schema.text].differentiability
        if not infos or function.schema.is_out:
            return None
        return next(iter(infos.values())).schema

    def _formulas(self, members: tuple[Member, ...], asked: frozenset[str]) -> Iterator[Formulas]:
        shown = {m.written: None for m in members if m.schema in asked and m.written is not None}
        inside = {m.schema for m in members}
        for written in shown:
            function = self._functions[written]
            origin = self._origin(function)
            infos = self._load.infos
            yield Formulas(
                function=function,
                dispatch=infos[written].dispatch if written in infos else self._generated[written],
                entry=self._load.definitions[origin.schema.text],
                reference=None if origin.schema.text in inside else origin,
                users=tuple(m for m in members if m.written == written),
                elsewhere=tuple(self._elsewhere(written, inside)),
            )

    def _origin(self, function: NativeFunction) -> NativeFunction:
        """The function whose entry a function's formulas come from: for a foreach function whose
        formulas were made, the reference, which the name of its backward node still tells.
        """
        overload = function.name.overload
        for info in self._generated.get(function.schema.text, {}).values():
            op = (info.op or "").removeprefix(_FOREACH).removesuffix(overload)
            if op in self._by_op:
                return self._functions[self._by_op[op]]
        return function

    def _elsewhere(self, written: str, inside: set[str]) -> Iterator[str]:
        for function in self._load.natives:
            matched = self._matched(function)
            if matched is None or function.schema.text in inside:
                continue
            if written in (matched, self._origin(self._functions[matched]).schema.text):
                yield qualified(function)


def _by_signature(natives: Iterable[NativeFunction]) -> list[list[NativeFunction]]:
    """The functions in groups: the variants of one signature, and a view's copies with the view."""
    natives = tuple(natives)
    views = {f.signatures.view for f in natives if f.is_view}
    groups: list[list[NativeFunction]] = []
    by_key: dict[str, list[NativeFunction]] = {}
    for function in natives:
        # Variants are declared alike but for defaults (exact), or borrow formulas (loose).
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
    """What orders a group: declared before generated, the view before its copies, by kind."""
    is_copy = function.signatures.view != function.signatures.exact
    return function.generated, is_copy, _KINDS.index(function.schema.kind)
