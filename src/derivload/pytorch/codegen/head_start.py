"""A child that begins to generate before the definitions are loaded.

Of a run of everything, a fifth is loading. Meanwhile a second core makes what does not depend on
the definitions: torchgen's objects for all functions, and the file of the generator that does not
work item by item. Then the child takes turns with the other processes (`workers.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from derivload.engine.inputs import InputEntries
from derivload.pytorch.codegen.batches import Batch, BatchRunner, Plan
from derivload.pytorch.codegen.processes import fork
from derivload.pytorch.codegen.running import Running
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.stand_ins import StandIns
from derivload.pytorch.codegen.upstream import Modules, Upstream
from derivload.pytorch.codegen.workers import Ahead, Answers
from derivload.pytorch.errors import RAISED


def begin_ahead(
    upstream: Upstream, selection: Selection, entries: InputEntries, running: Running
) -> Ahead:
    """Start the child. `running` is the context that we are in. Raises OSError."""
    ahead = Ahead()

    def work(read: int, write: int) -> None:
        ahead.turns.end()
        try:
            first = _plan(upstream, selection, entries)
            runner = BatchRunner(first, Modules(upstream), StandIns(upstream))
            whole = runner.run(0)
        except MemoryError:
            raise  # this process ends, and the others may have enough
        except RAISED:
            return  # whoever does the batch raises it again
        plan = ahead.plan(read)
        if plan is None:
            return
        answers = Answers(running, write)
        if plan.whole is not None:
            answers.add(plan.whole, lambda _: whole)
        answers.work(runner.with_plan(plan), ahead.turns)
        answers.send()

    try:
        ahead.child = fork(work, ())
    except OSError:
        ahead.close()
        raise
    return ahead


def _plan(upstream: Upstream, selection: Selection, entries: InputEntries) -> Plan:
    """A plan for the batch of everything alone."""
    count = range(len(entries.natives))
    values = {i: cast("Mapping[str, Any]", entries.native(i).value) for i in count}
    path = entries.texts.native_functions[0].name
    whole = Batch(True, [*count], [], [])
    return Plan(upstream, selection, sorted(entries.read_tags()), path, [], values, [whole])
