"""Finds the mistakes in the inputs, in the least costly way.

`emit` leaves the state of its load in the store. From that, only the families that were touched
since then are loaded; the state has what there is to warn of the others. If an error is found
there, or the answer is not certain, everything is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from derivload.diagnostics import Diagnostic
from derivload.engine.judging import judge, place_all
from derivload.engine.outcome import Outcome
from derivload.loading.deprecated import find_deprecated
from derivload.loading.inputs import load_alone
from derivload.loading.memory import Memory
from derivload.loading.request import Request
from derivload.loading.run import load_inputs
from derivload.loading.warnings import backend_of
from derivload.wanted import EVERYTHING, Wanted

if TYPE_CHECKING:
    from derivload.sources.places import KnownPlaces
    from derivload.store.store import Store


class FoundMistakes(NamedTuple):
    """All mistakes, sorted by place, and the warnings that comments suppress, with the reasons.

    `how_many` counts the functions and the definitions; 0 where there are errors. `note` is what
    the user should know of the load.
    """

    diagnostics: list[Diagnostic]
    suppressed: list[tuple[Diagnostic, str]]
    how_many: Callable[[], tuple[int, int]]
    note: str


def find_mistakes(
    request: Request,
    store: Store | None,
    wanted: Wanted | None = None,
    memory: Memory | None = None,
) -> FoundMistakes:
    """The mistakes in these inputs. `memory` is what an earlier look at them left.

    Raises TreeCodeError with what a tree's own torchgen refuses.
    """
    wanted = wanted or EVERYTHING
    if request.rules.why and request.is_readable:
        lines = load_inputs(request, store).lines
        counts = len(lines.functions), len(lines.records)
        # Warnings are told where we can load this too.
        outcome = load_alone(request.inputs)
        if outcome.diagnostics:
            return FoundMistakes([], [], lambda: counts, outcome.note)
        return _diagnose(request, outcome, lambda: counts, wanted)
    if memory is None and store is not None:
        memory = Memory(store)
    outcome = load_inputs(request, memory=memory, with_mistakes=True).outcome
    known = None if memory is None else memory.known_places
    return _diagnose(request, outcome, lambda: _counts(outcome), wanted, known)


def _counts(outcome: Outcome) -> tuple[int, int]:
    if outcome.diagnostics:
        return 0, 0
    if outcome.whole is not None:
        return len(outcome.whole.load.matched), len(outcome.whole.load.infos)
    lines = outcome.make_lines()
    return len(lines.functions), len(lines.records)


def _diagnose(
    request: Request,
    outcome: Outcome,
    how_many: Callable[[], tuple[int, int]],
    wanted: Wanted,
    known: KnownPlaces | None = None,
) -> FoundMistakes:
    assert outcome.make_linted is not None
    errors = outcome.diagnostics
    texts = request.inputs.texts
    linted = outcome.make_linted()
    judged = judge(
        linted,
        texts,
        wanted,
        backend_of(request, outcome.backends),
        has_errors=bool(errors),
        with_refused=request.with_refused,
    )
    suppressed = sorted((told.place(), told.reason) for told in judged.suppressed)
    old = find_deprecated(request, linted) if request.with_refused and not errors else []
    if known is not None:
        known.begin()
    found = sorted([*errors, *place_all(judged.shown, texts, known), *old])
    return FoundMistakes(found, suppressed, how_many, outcome.note)
