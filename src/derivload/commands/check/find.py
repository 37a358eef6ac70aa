"""Finds the mistakes in the inputs, in the least costly way.

If inputs have no mistakes, the store records that. `emit` leaves the state of its load in the store
as well. If that state belongs to inputs recorded as having no mistakes, only the families touched
since then are loaded and checked. If a mistake is found there, or the answer is not certain,
everything is loaded.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from derivload.diagnostics import Diagnostic
from derivload.engine.lint import content_without_warnings, find_warnings, is_without
from derivload.identity import is_as_it_began
from derivload.loading.inputs import load_alone
from derivload.loading.memory import Memory
from derivload.loading.request import Request
from derivload.loading.run import load_inputs

if TYPE_CHECKING:
    from derivload.store.results import Keys
    from derivload.store.store import Store

_KIND: Final = b"without mistakes"


class FoundMistakes(NamedTuple):
    """All mistakes, sorted by place, and the numbers of functions and definitions.

    If there are errors, the numbers are those of what could be loaded.
    """

    diagnostics: list[Diagnostic]
    functions: int
    definitions: int


def find_mistakes(request: Request, store: Store | None) -> FoundMistakes:
    """Find all mistakes in these inputs."""
    if request.rules.why and request.is_readable:
        return _find_by_own_code(request, store)
    memory = None if store is None else _memory_without_mistakes(request, store)
    outcome = load_inputs(request, memory=memory, with_mistakes=True).outcome
    whole = outcome.whole
    if whole is None:
        if store is not None and memory is not None and is_without(outcome.load):
            _keep(store, request.keys, memory.session.content())
            lines = outcome.make_lines()
            return FoundMistakes([], len(lines.functions), len(lines.records))
        whole = load_inputs(request, with_mistakes=True).outcome.whole
        assert whole is not None
    texts = request.inputs.texts
    warnings = find_warnings(whole, texts)
    found = sorted([*whole.diagnostics, *warnings.diagnostics])
    if store is not None and not found and warnings.are_of_families:
        _keep(store, request.keys, content_without_warnings(whole, texts, request.keys.splits()))
    return FoundMistakes(found, len(whole.load.matched), len(whole.load.infos))


def _find_by_own_code(request: Request, store: Store | None) -> FoundMistakes:
    """The warnings, where we can load this too. Raises TreeCodeError with what torchgen refuses."""
    lines = load_inputs(request, store).lines
    whole = load_alone(request.inputs).whole
    assert whole is not None
    found: list[Diagnostic] = []
    if not whole.diagnostics:
        found = sorted(find_warnings(whole, request.inputs.texts).diagnostics)
    return FoundMistakes(found, len(lines.functions), len(lines.records))


def _memory_without_mistakes(request: Request, store: Store) -> Memory | None:
    """The state in the store, if it is known to be of inputs without mistakes."""
    memory = Memory(store)
    content = memory.begin(request).content()
    is_known = content is not None and store.get(_key(request.keys, content)) == b""
    return memory if is_known else None


def _keep(store: Store, keys: Keys, content: bytes | None) -> None:
    """Record in the store that a load of this content has no mistakes."""
    if content is not None and is_as_it_began():
        store.put(_key(keys, content), b"")


def _key(keys: Keys, content: bytes) -> bytes:
    return hashlib.sha256(b"".join([_KIND, keys.state, content])).digest()
