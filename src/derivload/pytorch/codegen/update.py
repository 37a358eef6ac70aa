"""Runs PyTorch's generators for the families that changed since the last run.

An update compares the digest of each family with the kept one. It runs the generators for the
families whose digest changed, and replaces their items in each file. The other items stay. Files
whose items changed must be rendered again; they have no digest until then.

One generator (`gen_annotated`) does not work item by item. It runs for all functions if any entry
of native_functions.yaml changed.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

import msgspec

from derivload.loading.memory import ReadLines
from derivload.pytorch.codegen.batches import (
    Batch,
    BatchRunner,
    Pieces,
    Plan,
    check_orders,
    divide,
    joined,
    linked_groups,
)
from derivload.pytorch.codegen.capture import EVERYTHING, Captured, Item, Output
from derivload.pytorch.codegen.job import Job
from derivload.pytorch.codegen.kept import (
    Families,
    FamilyDigests,
    Kept,
    KeptOutput,
    Orders,
    digest_of,
    digests_of_items,
    pack_items,
    touched_families,
)
from derivload.pytorch.codegen.plain import Imported
from derivload.pytorch.codegen.rendering import items_by_shard, render
from derivload.pytorch.codegen.running import Running
from derivload.pytorch.codegen.source import Source
from derivload.pytorch.codegen.stand_ins import StandIns
from derivload.pytorch.codegen.templates import Templates
from derivload.pytorch.codegen.upstream import Modules
from derivload.pytorch.codegen.workers import Ahead, processes_for, run_batches


class LostItemsError(Exception):
    """Kept items are no longer in the store: everything must be generated again."""


class Codegen:
    """Runs the generators of one torchgen, again and again.

    - `kept`: the state after the last update. The digest of a file in it is empty until the file
      is rendered and `note()` records it.
    - `has_run`: whether the last update ran the generators.
    - `was_cold`: whether it generated everything.
    - `jobs`: how many processes may run; None: as many as there are cores and memory for.
    - `ahead`: a child that has begun to generate everything, if there is one.
    - `family_digests`, `functions_read`, `records_read`: what the last update found, for the next.
    - `counts`: for how many functions it ran the generators, and in how many processes.
    """

    has_run: bool
    was_cold: bool
    counts: dict[str, int]

    def __init__(
        self,
        job: Job,
        kept: Kept | None,
        find_items: Callable[[str, bytes], list[Item] | None],
        running: Running,
        *,
        is_split: bool,
    ) -> None:
        """`kept` is the state of an earlier run, perhaps with other templates.

        `find_items` finds the stored items of an output, by its name and their digest.

        `running` is the context that updates run in. With `is_split`, the generators run batch by
        batch even in one process. A comparison of the files then shows whether that gives the same.
        """
        self.upstream = job.upstream
        self.selection = job.selection
        self.templates = Templates(job)
        self.kept = None if kept is None else self.templates.follow(kept)
        self.is_split = is_split
        self._find_items = find_items
        self._running = running
        self.jobs: int | None = None
        self.ahead: Ahead | None = None
        self.family_digests = FamilyDigests()
        self.functions_read = ReadLines()
        self.records_read = ReadLines()
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
        self.counts = {"functions": 0, "processes": 0}
        self.has_run = False
        update = _Update(self, source, kept)
        self.was_cold = update.is_cold
        self.kept = update.run()
        return self.kept

    @cached_property
    def imported(self) -> Imported:
        """The modules of the torchgen, and what stands in for some of their functions."""
        return Modules(self.upstream), StandIns(self.upstream)

    @property
    def modules(self) -> Modules:
        """The modules of the torchgen. They are imported when they are first needed."""
        return self.imported[0]

    @property
    def stand_ins(self) -> StandIns:
        """What stands in for functions of the torchgen."""
        return self.imported[1]

    def processes_for(self, functions: int) -> int:
        """In how many processes the generators run for so many functions."""
        return processes_for(self.jobs, functions, is_running=self.upstream.is_running)

    def run(self, plan: Plan, jobs: int) -> list[Pieces]:
        """What the generators make for each batch of a plan, in so many processes."""
        runner = BatchRunner(plan, self.modules, self.stand_ins)
        ahead, self.ahead = self.ahead, None
        every = run_batches(plan, runner, self._running, jobs, ahead)
        count = sum(pieces.count for pieces in every)
        self.counts = {"functions": count, "processes": min(jobs, len(plan.batches))}
        return every

    def file(self, name: str) -> bytes:
        """Render a file of the outputs, by name. Raises LostItemsError."""
        kept = self._output_of(name)
        output = kept.output
        items = self.items(kept) if output.order else []
        shard = output.shard_of(name)
        own = items if shard == EVERYTHING else [item for item in items if item.shard == shard]
        if output.is_made:
            template: str | bytes = self.file(output.template)
        else:
            template = self.templates.path_for(output)
        modules, stand_ins = self.imported
        with self._running.rendering(), stand_ins:
            return render(modules, output, shard, own, template)

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
        self._digests = codegen.family_digests.of(
            self._families, self._rows, records, self._deprecated
        )
        self._everything = digest_of(
            [[*source.lines.used_dispatch_keys], self._families.is_certain]
        )
        self._shared = digest_of(source.tags)
        self._natives = digest_of([row.value for row in self._rows])
        self._kept = kept if kept is not None and kept.everything == self._everything else None

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
        weights = Counter([self._families.of(row.base) for row in self._rows])
        jobs = self._codegen.processes_for(sum(weights[family] for family in touched))
        every = self._codegen.run(self._plan(self._divided(touched, weights, jobs)), jobs)
        self._source.forget()
        self._take_schemas(every)
        orders = self._orders()
        captured = joined(every)
        check_orders(every, orders)
        return self._made(self._merge(captured, touched, orders), orders.digests)

    def _is_the_same(self, kept: Kept) -> bool:
        """Whether the rest is unchanged too, after no family changed."""
        return (
            self._shared == kept.shared
            and self._natives == kept.natives
            and self._orders().digests == kept.orders
        )

    def _orders(self) -> Orders:
        lines, codegen = self._source.lines, self._codegen
        by_cpp_name = codegen.functions_read.schemas(lines.functions)
        infos = codegen.records_read.schemas([*lines.records, *lines.generated])
        return Orders(self._rows, by_cpp_name, infos)

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

    def _plan(self, divided: Sequence[set[str]]) -> Plan:
        """Everything that has to run, in batches: one for each of these sets of families."""
        source = self._source
        batches = self._batches(divided)
        if self._codegen.selection.has_annotated and not self._has_same_natives():
            batches.append(Batch(True, [*range(len(self._rows))], [], []))
        used = {i for batch in batches for i in batch.indices}
        return Plan(
            self._codegen.upstream,
            self._codegen.selection,
            source.tags,
            source.path,
            [*source.lines.used_dispatch_keys],
            {i: source.value(i) for i in sorted(used)},
            batches,
        )

    def _has_same_natives(self) -> bool:
        return self._kept is not None and self._kept.natives == self._natives

    def _divided(self, touched: set[str], weights: Mapping[str, int], jobs: int) -> list[set[str]]:
        """The sets of families for which the generators run, one run for each set."""
        if not self._families.is_certain or (jobs == 1 and not self._codegen.is_split):
            return [touched]
        groups = linked_groups(self._families, touched, self._rows)
        # If only the order of functions changed, a run for no function says which files there are.
        return divide(groups, weights, jobs) or [touched]

    def _batches(self, divided: Sequence[set[str]]) -> list[Batch]:
        """A batch for each of these sets of families."""
        batches = [Batch(False, [], [], []) for _ in divided]
        by_family = {
            family: batch
            for families, batch in zip(divided, batches, strict=True)
            for family in families
        }

        of = self._families.of
        for i, row in enumerate(self._rows):
            if (batch := by_family.get(of(row.base))) is not None:
                batch.indices.append(i)
        lines = self._source.lines
        for base, line in zip(lines.bases, lines.records, strict=True):
            if (batch := by_family.get(of(base))) is not None:
                batch.records.append(line)
        for base, entries in self._deprecated.entries.items():
            if (batch := by_family.get(of(base))) is not None:
                batch.deprecated.extend(entries)
        return batches

    def _take_schemas(self, every: Sequence[Pieces]) -> None:
        """Write the schemas of the functions that were made to the rows."""
        for pieces in every:
            for i, (schema, generated) in pieces.schemas.items():
                row = self._rows[i]
                self._rows[i] = msgspec.structs.replace(row, schema=schema, generated=generated)

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
        is_in_order = self._kept.orders.get(output.order) == orders.digests.get(output.order)
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
        template = self._codegen.templates.digest_for(output)
        return KeptOutput(output, digests, kept_items, made, template)
