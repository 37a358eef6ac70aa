"""Runs PyTorch's generators for the families that changed since the last run.

An update compares the digest of each family with the kept one. It runs the generators for the
families whose digest changed, and replaces their items in each file. The other items stay. Files
whose items changed must be rendered again; they have no digest until then.

One generator (`gen_annotated`) does not work item by item. It runs for all functions if any entry
of native_functions.yaml changed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from derivload.pytorch.codegen.capture import EVERYTHING, NAMES, Captured, Item, Output, SchemaTexts
from derivload.pytorch.codegen.entry_points import (
    Catalogue,
    ChosenGenerators,
    make_functions,
    parts_of,
    run_generators,
)
from derivload.pytorch.codegen.kept import (
    Families,
    Kept,
    KeptOutput,
    Orders,
    digest_of,
    digests_by_family,
    digests_of_items,
    linked_families,
    pack_items,
    touched_families,
)
from derivload.pytorch.codegen.rendering import items_by_shard, render
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.source import Source
from derivload.pytorch.codegen.upstream import Modules, Upstream
from derivload.pytorch.errors import UnexpectedTorchgenError
from derivload.pytorch.objects import differentiability_infos


class LostItemsError(Exception):
    """Kept items are no longer in the store: everything must be generated again."""


class Codegen:
    """Runs the generators of one torchgen, again and again.

    - `kept`: the state after the last update. The digest of a file in it is empty until the file
      is rendered and `note()` records it.
    - `has_run`: whether the last update ran the generators.
    - `was_cold`: whether it generated everything.
    - `count`: for how many functions it ran the generators.
    """

    has_run: bool
    was_cold: bool
    count: int

    def __init__(
        self,
        upstream: Upstream,
        selection: Selection,
        kept: Kept | None,
        find_items: Callable[[str, bytes], list[Item] | None],
        *,
        is_split: bool,
    ) -> None:
        """`find_items` finds the stored items of an output, by its name and their digest.

        With `is_split`, the generators run for some families first and then for the others. A
        comparison of the files then shows whether that gives the same.
        """
        self.upstream = upstream
        self.selection = selection
        self.kept = kept
        self.is_split = is_split
        self._find_items = find_items
        self._modules: Modules | None = None
        self._items: dict[str, tuple[bytes, list[Item]]] = {}
        self._new: set[str] = set()

    def update(self, source: Source) -> Kept:
        """Bring `kept` up to date.

        Raises UnexpectedTorchgenError, and any exception that a generator raises.
        """
        try:
            return self._update(source, self.kept)
        except LostItemsError:
            return self._update(source, None)

    def _update(self, source: Source, kept: Kept | None) -> Kept:
        self.count = 0
        self.has_run = False
        update = _Update(self, source, kept)
        self.was_cold = update.is_cold
        self.kept = update.run()
        return self.kept

    @property
    def modules(self) -> Modules:
        """The modules of the torchgen. They are imported when they are first needed."""
        if self._modules is None:
            self._modules = Modules(self.upstream)
        return self._modules

    def file(self, name: str) -> bytes:
        """Render a file of the outputs, by name. Raises LostItemsError."""
        kept = self._output_of(name)
        output = kept.output
        items = self.items(kept) if output.order else []
        shard = output.shard_of(name)
        own = items if shard == EVERYTHING else [item for item in items if item.shard == shard]
        made = self.file(output.template).decode() if output.is_made else None
        return render(self.modules, output, shard, own, made)

    def files(self) -> dict[str, str]:
        """The digests of all files by name; "" for those that are not rendered yet."""
        kept = [] if self.kept is None else self.kept.outputs
        return {name: sha256 for output in kept for name, sha256 in output.files.items()}

    def note(self, name: str, sha256: str) -> None:
        """Record the digest of a file that was rendered."""
        self._output_of(name).files[name] = sha256

    def _output_of(self, name: str) -> KeptOutput:
        assert self.kept is not None
        (kept,) = [kept for kept in self.kept.outputs if name in kept.files]
        return kept

    def new_items(self) -> Iterator[tuple[str, bytes]]:
        """The packed items of each output, by name, that changed since the last call."""
        while self._new:
            name = self._new.pop()
            yield name, pack_items(self._items[name][1])

    def renew_items(self) -> None:
        """Make `new_items` return the items of all outputs once more. Raises LostItemsError."""
        for kept in [] if self.kept is None else self.kept.outputs:
            if kept.output.order:
                self.items(kept)
                self._new.add(kept.output.name)

    def items(self, kept: KeptOutput) -> list[Item]:
        """The items of an output. Raises LostItemsError."""
        name = kept.output.name
        digest, items = self._items.get(name, (b"", None))
        if digest != kept.items:
            items = self._find_items(name, kept.items)
        if items is None:
            raise LostItemsError(name)
        self._items[name] = (kept.items, items)
        return items

    def keep_items(self, name: str, items: list[Item]) -> bytes:
        """Keep the items of an output. Returns their digest."""
        digest = hashlib.sha256(pack_items(items)).digest()
        self._items[name] = (digest, items)
        self._new.add(name)
        return digest


class _Update:
    """One update: from the kept state, if there is one, to the new state."""

    def __init__(self, codegen: Codegen, source: Source, kept: Kept | None) -> None:
        self._codegen = codegen
        self._source = source
        self._rows = source.rows(kept)
        self._deprecated = source.deprecated(kept)
        records = [*zip(source.lines.bases, source.lines.records, strict=True)]
        self._families = Families(
            [
                *{row.base for row in self._rows},
                *{row.delegate for row in self._rows if row.delegate},
                *{*source.lines.bases},
                *self._deprecated.entries,
            ]
        )
        self._digests = digests_by_family(self._families, self._rows, records, self._deprecated)
        self._everything = digest_of(
            [[*source.lines.used_dispatch_keys], self._families.is_certain]
        )
        self._shared = digest_of(source.tags)
        self._natives = digest_of([row.value for row in self._rows])
        self._kept = kept if kept is not None and kept.everything == self._everything else None
        self._functions: dict[int, tuple[Any, list[Any]]] = {}
        self._texts = SchemaTexts()

    @property
    def is_cold(self) -> bool:
        """Whether nothing of the kept state can be reused."""
        return self._kept is None

    def run(self) -> Kept:
        """Do the update. Returns the new state."""
        kept = self._kept
        if kept is None:
            touched = set(self._digests)
        else:
            rows = [*kept.rows, *self._rows]
            touched = touched_families(self._families, kept.families, self._digests, rows)
        if kept is not None and not touched and self._is_the_same(kept):
            return self._made(kept.outputs, kept.orders)
        self._codegen.has_run = True
        parts = parts_of(self._codegen.selection, self._codegen.modules)
        batches = [self._generate(batch, parts) for batch in self._batches(touched)]
        whole = self._generate_whole(parts)
        orders = self._orders()
        for captured in batches:
            _check_orders(captured, orders)
        outputs = self._merge(_joined([*batches, *whole]), touched, orders)
        return self._made(outputs, orders.digests())

    def _is_the_same(self, kept: Kept) -> bool:
        """Whether the rest is unchanged too, after no family changed."""
        return (
            self._shared == kept.shared
            and self._natives == kept.natives
            and self._orders().digests() == kept.orders
        )

    def _orders(self) -> Orders:
        return Orders(self._rows, self._source.by_cpp_name, self._source.infos)

    def _made(self, outputs: list[KeptOutput], orders: dict[str, bytes]) -> Kept:
        return Kept(
            self._rows,
            self._deprecated,
            self._digests,
            orders,
            self._everything,
            self._shared,
            self._natives,
            outputs,
        )

    def _batches(self, touched: set[str]) -> list[set[str]]:
        """The sets of families for which the generators run, one run for each set."""
        if not self._codegen.is_split or not self._families.is_certain:
            return [touched]
        half = {family for family in touched if len(family) % 2}
        half = linked_families(self._families, half, self._rows)
        return [half, touched - half]

    def _generate(self, touched: set[str], parts: ChosenGenerators) -> Captured:
        """Run the generators that work item by item, for these families."""
        of = self._families.of
        indices = [i for i, row in enumerate(self._rows) if of(row.base) in touched]
        functions = self._make_functions(indices)
        captured = Captured(os.path.abspath("out"), self._texts)
        self._run(functions, touched, parts._replace(annotated=False), captured)
        self._codegen.count += len(functions)
        return captured

    def _generate_whole(self, parts: ChosenGenerators) -> list[Captured]:
        """Run the generator that does not work item by item, for all functions.

        It does not run if the entries of native_functions.yaml are unchanged.
        """
        if not parts.annotated or (self._kept and self._kept.natives == self._natives):
            return []
        functions = self._make_functions(range(len(self._rows)))
        captured = Captured(os.path.abspath("out"), self._texts)
        only = ChosenGenerators(False, False, True, parts.selector, parts.disable_autograd)
        self._run(functions, set(), only, captured)
        return [captured]

    def _make_functions(self, indices: Sequence[int]) -> list[Any]:
        """Upstream's functions for these entries, in upstream's order.

        Their schemas are written to the rows.
        """
        source = self._source
        # The functions of a family are made all together, so no group of them is incomplete.
        missing = [i for i in indices if i not in self._functions]
        entries = [source.value(i) for i in missing]
        made = make_functions(self._codegen.modules, entries, source.tags, source.path)
        for i, (function, generated) in zip(missing, made, strict=True):
            self._functions[i] = (function, generated)
            self._rows[i] = msgspec.structs.replace(
                self._rows[i],
                schema=self._texts.of(function.func),
                generated=tuple([self._texts.of(other.func) for other in generated]),
            )
        found = [self._functions[i] for i in indices]
        declared = [function for function, _ in found]
        return declared + [other for _, generated in found for other in generated]

    def _run(
        self, functions: list[Any], touched: set[str], parts: ChosenGenerators, captured: Captured
    ) -> None:
        source = self._source
        records = [
            msgspec.json.decode(line)
            for base, line in zip(source.lines.bases, source.lines.records, strict=True)
            if self._families.of(base) in touched
        ]
        infos = differentiability_infos(records, {self._texts.of(f.func): f for f in functions})
        entries = [
            entry
            for base, entries in self._deprecated.entries.items()
            if self._families.of(base) in touched
            for entry in entries
        ]
        catalogue = Catalogue(
            functions,
            infos,
            frozenset(source.lines.used_dispatch_keys),
            frozenset(source.tags),
            entries,
        )
        run_generators(self._codegen.upstream, self._codegen.modules, catalogue, parts, captured)

    def _merge(self, captured: Captured, touched: set[str], orders: Orders) -> list[KeptOutput]:
        before = {o.output.name: o for o in self._kept.outputs} if self._kept else {}
        outputs = []
        for name, output in captured.outputs.items():
            outputs.append(
                self._merged(output, captured.items[name], before.get(name), touched, orders)
            )
        # Files of a generator that did not run stay. Other files that were not made are dropped.
        made = captured.outputs
        outputs += [o for name, o in before.items() if name not in made and not o.output.order]
        return outputs

    def _merged(
        self,
        output: Output,
        new: list[Item],
        before: KeptOutput | None,
        touched: set[str],
        orders: Orders,
    ) -> KeptOutput:
        families = self._families
        digests = digests_of_items(families, new)
        if before is None:
            return self._output(output, orders.sort(new, output.order), digests, {}, {})
        assert self._kept is not None
        was = {f: d for f, d in before.families.items() if f in touched}
        is_in_order = self._kept.orders.get(output.order) == orders.digests().get(output.order)
        if before.output == output and was == digests and is_in_order:
            return before
        old = self._codegen.items(before) if output.order else []
        stay = [item for item in old if families.of(item.base) not in touched]
        items = orders.sort([*stay, *new], output.order)
        rest = {f: d for f, d in before.families.items() if f not in touched}
        by_shard = items_by_shard(output, old) if before.output == output else {}
        return self._output(output, items, {**rest, **digests}, by_shard, before.files)

    def _output(
        self,
        output: Output,
        items: list[Item],
        digests: dict[str, bytes],
        old: Mapping[int, list[Item]],
        files: Mapping[str, str],
    ) -> KeptOutput:
        """An output with these items. A file whose items are unchanged keeps its digest."""
        made = {}
        for shard, own in items_by_shard(output, items).items():
            name = output.file_name(shard)
            made[name] = files.get(name, "") if old.get(shard) == own else ""
        kept_items = self._codegen.keep_items(output.name, items) if output.order else b""
        return KeptOutput(output, digests, kept_items, made)


def _check_orders(captured: Captured, orders: Orders) -> None:
    """Check that the items of each file came in the order that we expect.

    Raises UnexpectedTorchgenError if not.
    """
    for name, output in captured.outputs.items():
        items = captured.items[name]
        if output.order != NAMES and orders.sort(items, output.order) != items:
            raise UnexpectedTorchgenError(f"{name} is in an unknown order")


def _joined(batches: list[Captured]) -> Captured:
    """The captures of all batches as one. Raises UnexpectedTorchgenError if outputs differ."""
    first, *others = batches
    for other in others:
        for name, output in other.outputs.items():
            if first.outputs.setdefault(name, output) != output:
                raise UnexpectedTorchgenError(f"{name} has an environment that differs by item")
            first.items.setdefault(name, []).extend(other.items[name])
    return first
