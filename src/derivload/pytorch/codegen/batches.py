"""Divides a run of the generators into batches, and runs one batch.

A batch is some families of operators. The text for a family does not depend on other families, so
batches can run in any order and in several processes (`workers.py`). A plan has everything that the
batches need, as plain values, so that a process that shares no memory with ours can be sent it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from derivload.pytorch.codegen.capture import NAMES, Captured, Item, Output, SchemaTexts
from derivload.pytorch.codegen.entry_points import (
    Catalogue,
    make_functions,
    parts_of,
    run_generators,
)
from derivload.pytorch.codegen.kept import Families, KeptEntry, Orders
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.stand_ins import StandIns
from derivload.pytorch.codegen.upstream import Modules, Upstream
from derivload.pytorch.errors import UnexpectedTorchgenError
from derivload.pytorch.objects import differentiability_infos

# An empty batch takes as long as two or three functions, so one of these wastes little.
_SMALLEST: Final = 50


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """Some families, or everything for the generator that does not work item by item.

    - `indices`: the indices of the entries of native_functions.yaml.
    - `records`: lines of differentiability.json.
    - `deprecated`: entries of deprecated.yaml.
    """

    is_whole: bool
    indices: list[int]
    records: list[bytes]
    deprecated: list[tuple[str, str]]


class Plan(msgspec.Struct, frozen=True, array_like=True):
    """All batches of a run, and what they have in common.

    `entries` are the entries of native_functions.yaml that the batches need, by index.
    """

    upstream: Upstream
    selection: Selection
    tags: list[str]
    path: str
    used_dispatch_keys: list[str]
    entries: dict[int, Mapping[str, Any]]
    batches: list[Batch]

    @property
    def order(self) -> list[int]:
        """The order in which the batches run: that of everything, the longest one, first.

        Its functions are kept for the others.
        """
        return sorted(range(len(self.batches)), key=lambda i: i != self.whole)

    @property
    def whole(self) -> int | None:
        """The index of the batch of everything; None if there is none."""
        return next((i for i, batch in enumerate(self.batches) if batch.is_whole), None)


class Pieces(msgspec.Struct, array_like=True):
    """What the generators made for one batch.

    - `schemas`: for each entry of the batch, by index, the schema of its function and those of the
      functions that autogen adds for it.
    - `items`: the items of each output, by its name.
    """

    schemas: dict[int, tuple[str, tuple[str, ...]]]
    outputs: dict[str, Output]
    items: dict[str, list[Item]]
    count: int


class BatchRunner:
    """Runs batches of one plan, in one process, in the order of the plan."""

    def __init__(self, plan: Plan, modules: Modules, stand_ins: StandIns) -> None:
        """`stand_ins` are used while the generators run. Raises SelectionError and OSError."""
        self._plan = plan
        self._modules = modules
        self._stand_ins = stand_ins
        self._parts = parts_of(plan.selection, modules)
        modules.forget_templates()
        self._functions: dict[int, tuple[Any, list[Any]]] = {}

    def with_plan(self, plan: Plan) -> BatchRunner:
        """A runner for another plan, which has the functions that this one made."""
        runner = BatchRunner(plan, self._modules, self._stand_ins)
        runner._functions = self._functions
        return runner

    def run(self, index: int) -> Pieces:
        """Run the generators for a batch.

        Raises UnexpectedTorchgenError, and any exception that a generator raises.
        """
        with self._stand_ins:
            return self._run(self._plan.batches[index])

    def _run(self, batch: Batch) -> Pieces:
        texts = SchemaTexts()
        made = self._make_functions(batch)
        functions = [function for function, _ in made]
        functions += [other for _, generated in made for other in generated]
        captured = Captured(os.path.abspath("out"), texts, self._plan.upstream.root)
        infos = differentiability_infos(
            [msgspec.json.decode(line) for line in batch.records],
            {texts.of(f.func): f for f in functions},
        )
        catalogue = Catalogue(
            functions,
            infos,
            frozenset(self._plan.used_dispatch_keys),
            frozenset(self._plan.tags),
            batch.deprecated,
        )
        parts = self._parts._replace(annotated=False)
        if batch.is_whole:
            parts = self._parts._replace(autograd=False, python=False)
        run_generators(self._plan.upstream, self._modules, catalogue, parts, captured)
        schemas = {
            i: (texts.of(function.func), tuple([texts.of(other.func) for other in generated]))
            for i, (function, generated) in zip(batch.indices, made, strict=True)
        }
        texts.forget()  # a class is a cycle, and ours has them: they would be there until the end
        count = 0 if batch.is_whole else len(functions)
        return Pieces(schemas, captured.outputs, captured.items, count)

    def _make_functions(self, batch: Batch) -> list[tuple[Any, list[Any]]]:
        """Upstream's functions for the entries of a batch, each with those that autogen adds."""
        # The functions of a family are made all together, so no group of them is incomplete.
        missing = [i for i in batch.indices if i not in self._functions]
        entries = [self._plan.entries[i] for i in missing]
        made = make_functions(self._modules, entries, self._plan.tags, self._plan.path)
        own = dict(zip(missing, made, strict=True))
        if batch.is_whole:
            self._functions.update(own)
            return [own[i] for i in batch.indices]
        # A function is in one other batch.
        return [own.get(i) or self._functions.pop(i) for i in batch.indices]


def linked_groups(
    families: Families, chosen: Iterable[str], rows: Iterable[KeptEntry]
) -> list[set[str]]:
    """These families, those in one set that structured delegates link.

    Their order is always the same, and far from that of native_functions.yaml: what depends on the
    order shows. Names that begin alike are no neighbours, so that one batch is like another.
    """
    ordered = sorted(chosen, key=lambda name: name[::-1], reverse=True)
    groups = {family: {family} for family in ordered}
    for row in rows:
        pair = (families.of(row.base), families.of(row.delegate or row.base))
        one, other = (groups.get(family) for family in pair)
        if one is None or other is None or one is other:
            continue
        one |= other
        groups.update(dict.fromkeys(other, one))
    return [*{id(group): group for group in groups.values()}.values()]


def divide(groups: Sequence[set[str]], weights: Mapping[str, int], jobs: int) -> list[set[str]]:
    """Join groups of families to batches for so many processes.

    The first batches are large, so that there are few. The last ones are small, so that all
    processes end together. `weights` has the number of functions of each family.
    """
    return [*_divided(groups, weights, jobs)]


def _divided(
    groups: Sequence[set[str]], weights: Mapping[str, int], jobs: int
) -> Iterator[set[str]]:
    left = sum(weights[family] for group in groups for family in group)
    smallest = min(_SMALLEST, (left + 1) // 2)  # at least two batches, if there can be
    batch: set[str] = set()
    weight = 0
    for group in groups:
        batch |= group
        weight += sum(weights[family] for family in group)
        if weight >= max(smallest, left // (2 * jobs)):
            yield batch
            left -= weight
            batch, weight = set(), 0
    if batch:
        yield batch


def joined(every: Sequence[Pieces]) -> Captured:
    """The pieces of all batches as one. Raises UnexpectedTorchgenError if outputs differ."""
    result = Captured("", SchemaTexts())
    for pieces in every:
        for name, output in pieces.outputs.items():
            if result.outputs.setdefault(name, output) != output:
                raise UnexpectedTorchgenError(f"{name} has an environment that differs by item")
            result.items.setdefault(name, []).extend(pieces.items[name])
    return result


def check_orders(every: Sequence[Pieces], orders: Orders) -> None:
    """Check that the items of each file came in the order that we expect.

    Raises UnexpectedTorchgenError if not.
    """
    for pieces in every:
        for name, output in pieces.outputs.items():
            items = pieces.items[name]
            if output.order != NAMES and orders.sort(items, output.order) != items:
                raise UnexpectedTorchgenError(f"{name} is in an unknown order")
