"""Finds the mistakes in the inputs, in the least costly way.

If inputs have no mistakes, the store records that. `emit` leaves the state of its load in the store
as well. If that state belongs to inputs recorded as having no mistakes, only the families touched
since then are loaded and checked. If a mistake is found there, or the answer is not certain,
everything is loaded.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

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


def find_mistakes(request: Request, store: Store | None) -> tuple[list[Diagnostic], str]:
    """All mistakes in these inputs, sorted by place, and what the user should know of the load."""
    if request.rules.why and request.is_readable:
        return _find_by_own_code(request, store)
    # Whether there are mistakes in what backends register depends on all operators.
    store = None if request.files.backends else store
    memory = None if store is None else _memory_without_mistakes(request, store)
    outcome = load_inputs(request, memory=memory, with_mistakes=True).outcome
    whole = outcome.whole
    if whole is None:
        if store is not None and memory is not None and is_without(outcome.load):
            _keep(store, request.keys, memory.session.content())
            return [], outcome.note
        whole = load_inputs(request, with_mistakes=True).outcome.whole
        assert whole is not None
    texts = request.inputs.texts
    warnings = find_warnings(whole, texts)
    found = sorted([*whole.diagnostics, *warnings.diagnostics])
    if store is not None and not found and warnings.are_of_families:
        _keep(store, request.keys, content_without_warnings(whole, texts, request.keys.splits()))
    return found, outcome.note


def _find_by_own_code(request: Request, store: Store | None) -> tuple[list[Diagnostic], str]:
    """The warnings, where we can load this too. Raises TreeCodeError with what torchgen refuses."""
    load_inputs(request, store)
    outcome = load_alone(request.inputs)
    whole = outcome.whole
    assert whole is not None
    if whole.diagnostics:
        return [], outcome.note
    return sorted(find_warnings(whole, request.inputs.texts).diagnostics), outcome.note


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
