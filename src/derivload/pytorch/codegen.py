"""PyTorch's generators run for what changed: from what is kept of the last run to what is new."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from derivload.pytorch.capture import EVERYTHING, NAMES, Captured, Item, Output
from derivload.pytorch.errors import UnexpectedTorchgenError
from derivload.pytorch.generation import Catalogue, Parts, make_functions, run_generators
from derivload.pytorch.kept import (
    Families,
    Kept,
    KeptOutput,
    Orders,
    digest_of,
    digests_by_family,
    digests_of_items,
    pack_items,
    touched_families,
)
from derivload.pytorch.objects import differentiability_infos
from derivload.pytorch.rendering import items_by_shard, render
from derivload.pytorch.selection import Selection
from derivload.pytorch.source import Source, base_of, render_deprecated
from derivload.pytorch.upstream import Modules, Upstream


class LostItemsError(Exception):
    """Items that were kept are not there any more: everything is to be generated anew."""


class Codegen:
    """Runs the generators of one torchgen, again and again.

    `kept` is what the last run came to. Files that are to be rendered have no digest in it until
    `note` tells what it is.
    """

    def __init__(
        self,
        upstream: Upstream,
        selection: Selection,
        kept: Kept | None = None,
        find_items: Callable[[str, bytes], list[Item] | None] = lambda *_: None,
    ) -> None:
        self.upstream = upstream
        self.selection = selection
        self.kept = kept
        self.counts: dict[str, int] = {}
        self.has_run = False
        self.was_cold = False
        self.has_changed = False
        self._find_items = find_items
        self._modules: Modules | None = None
        self._items: dict[str, tuple[bytes, list[Item]]] = {}
        self._new: set[str] = set()

    def update(self, source: Source) -> Kept:
        """Bring `kept` up to date. Raises UnexpectedTorchgenError, and what a generator raises."""
        try:
            return self._update(source, self.kept)
        except LostItemsError:
            return self._update(source, None)

    def _update(self, source: Source, kept: Kept | None) -> Kept:
        self.has_run, self.was_cold = False, kept is None
        update = _Update(self, source, kept)
        self.kept = made = update.run()
        self.has_changed = made != kept
        return made

    @property
    def modules(self) -> Modules:
        """The torchgen, imported when it is first needed."""
        if self._modules is None:
            self._modules = Modules(self.upstream)
        return self._modules

    def file(self, name: str) -> bytes:
        """The bytes of any file of the outputs, by name. Raises LostItemsError."""
        kept = self._output_of(name)
        output = kept.output
        items = self.items(kept) if output.order else []
        shard = output.shard_of(name)
        own = items if shard == EVERYTHING else [item for item in items if item.shard == shard]
        made = self.file(output.template).decode() if output.is_made else None
        return render(self.modules, output, shard, own, made)

    def files(self) -> dict[str, str]:
        """The names of all files, with their digests as far as they are known."""
        kept = [] if self.kept is None else self.kept.outputs
        return {name: sha256 for output in kept for name, sha256 in output.files.items()}

    def note(self, name: str, sha256: str) -> None:
        """Note the digest of a file that was rendered."""
        self._output_of(name).files[name] = sha256

    def _output_of(self, name: str) -> KeptOutput:
        assert self.kept is not None
        (kept,) = [kept for kept in self.kept.outputs if name in kept.files]
        return kept

    def new_items(self) -> Iterator[tuple[str, bytes]]:
        """The items of outputs that changed since this was last asked for, by name, packed."""
        while self._new:
            name = self._new.pop()
            yield name, pack_items(self._items[name][1])

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
        """Keep the items of an output; their digest."""
        digest = hashlib.sha256(pack_items(items)).digest()
        self._items[name] = (digest, items)
        self._new.add(name)
        return digest


class _Update:
    """One update: from what was kept, if anything was, to what is to be kept."""

    def __init__(self, codegen: Codegen, source: Source, kept: Kept | None) -> None:
        self._codegen = codegen
        self._source = source
        self._rows = source.rows(kept)
        self._deprecated = source.deprecated(kept)
        records = [
            (base_of(schema), line)
            for schema, line in zip(source.infos, source.lines.records, strict=False)
        ]
        self._families = Families(
            [
                *{row.base for row in self._rows},
                *{row.delegate for row in self._rows if row.delegate},
                *{base for base, _ in records},
                *self._deprecated.entries,
            ]
        )
        self._digests = digests_by_family(self._families, self._rows, records, self._deprecated)
        self._record_bases = [base for base, _ in records]
        self._everything = digest_of(
            [[*source.lines.used_dispatch_keys], self._families.is_certain]
        )
        self._shared = digest_of(source.tags)
        self._natives = digest_of([row.value for row in self._rows])
        self._kept = kept if kept is not None and kept.everything == self._everything else None

    def run(self) -> Kept:
        """What is to be kept now."""
        kept = self._kept
        if kept is None:
            touched = set(self._digests)
        else:
            rows = [*kept.rows, *self._rows]
            touched = touched_families(self._families, kept.families, self._digests, rows)
        if kept is not None and not touched and self._is_the_same(kept):
            return self._made(kept.outputs, kept.orders)
        captured = self._generate(touched)
        orders = self._orders()
        outputs = self._merge(captured, touched, orders)
        return self._made(outputs, orders.digests())

    def _is_the_same(self, kept: Kept) -> bool:
        """Whether nothing but the families can have changed, where none has."""
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

    def _generate(self, touched: set[str]) -> Captured:
        """Run the generators for some families, and those that are not of items for all."""
        codegen, source, families = self._codegen, self._source, self._families
        codegen.has_run = True
        parts = codegen.selection.parts(codegen.modules)
        needs_all = parts.annotated and (self._kept is None or self._kept.natives != self._natives)
        indices = [
            i for i, row in enumerate(self._rows) if needs_all or families.of(row.base) in touched
        ]
        made = make_functions(
            codegen.modules, [source.value(i) for i in indices], source.tags, source.path
        )
        for i, (function, generated) in zip(indices, made, strict=True):
            self._rows[i] = msgspec.structs.replace(
                self._rows[i],
                schema=str(function.func),
                generated=tuple([str(other.func) for other in generated]),
            )
        chosen = [
            pair
            for i, pair in zip(indices, made, strict=True)
            if families.of(self._rows[i].base) in touched
        ]
        captured = Captured(os.path.abspath("out"))
        self._run(_in_order(chosen), touched, parts._replace(annotated=False), captured)
        if needs_all:
            only = Parts(False, False, True, parts.selector, parts.disable_autograd)
            self._run(_in_order(made), set(), only, captured)
        self._codegen.counts = {"functions": len(_in_order(chosen))}
        return captured

    def _run(
        self, functions: list[Any], touched: set[str], parts: Parts, captured: Captured
    ) -> None:
        source = self._source
        records = [
            msgspec.json.decode(line)
            for base, line in zip(self._record_bases, source.lines.records, strict=True)
            if self._families.of(base) in touched
        ]
        infos = differentiability_infos(records, {str(f.func): f for f in functions})
        entries = [
            entry
            for base, entries in self._deprecated.entries.items()
            if self._families.of(base) in touched
            for entry in entries
        ]
        with tempfile.TemporaryDirectory() as folder:
            deprecated = os.path.join(folder, "deprecated.yaml")
            with open(deprecated, "wb") as file:
                file.write(render_deprecated(entries))
            catalogue = Catalogue(
                functions,
                infos,
                frozenset(source.lines.used_dispatch_keys),
                frozenset(source.tags),
                deprecated,
            )
            run_generators(
                self._codegen.upstream, self._codegen.modules, catalogue, parts, captured
            )

    def _merge(self, captured: Captured, touched: set[str], orders: Orders) -> list[KeptOutput]:
        before = {o.output.name: o for o in self._kept.outputs} if self._kept else {}
        outputs = []
        for name, output in captured.outputs.items():
            outputs.append(
                self._merged(output, captured.items[name], before.get(name), touched, orders)
            )
        # What was not run stays, but nothing that was run and is not made any more.
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
        if output.order != NAMES and orders.sort(new, output.order) != new:
            raise UnexpectedTorchgenError(f"{output.name} is in another order")
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
        """An output with these items; files of which the items are the old ones stay."""
        made = {}
        for shard, own in items_by_shard(output, items).items():
            name = output.file_name(shard)
            made[name] = files.get(name, "") if old.get(shard) == own else ""
        kept_items = self._codegen.keep_items(output.name, items) if output.order else b""
        return KeptOutput(output, digests, kept_items, made)


def _in_order(made: list[tuple[Any, list[Any]]]) -> list[Any]:
    """Functions in upstream's order: the generated ones behind all others."""
    return [function for function, _ in made] + [other for _, others in made for other in others]
