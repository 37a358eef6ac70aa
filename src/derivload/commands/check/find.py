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
from derivload.engine.load import load_texts
from derivload.engine.session import Session
from derivload.identity import is_as_it_began
from derivload.loading.documents import restore_session
from derivload.loading.inputs import Inputs

if TYPE_CHECKING:
    from derivload.store.results import Keys
    from derivload.store.store import Store

_KIND: Final = b"without mistakes 1"


def find_mistakes(inputs: Inputs, store: Store | None, keys: Keys) -> list[Diagnostic]:
    """All mistakes in these inputs, sorted by place. `keys` are the keys of these inputs."""
    if store is not None and _is_still_right(inputs, store, keys):
        return []
    loaded = load_texts(inputs.texts, inputs.dialect)
    warnings = find_warnings(loaded, inputs.texts)
    found = sorted([*inputs.unreadable, *loaded.diagnostics, *warnings.diagnostics])
    if store is not None and not found and warnings.are_of_families:
        _keep(store, keys, content_without_warnings(loaded, inputs.texts, keys.splits()))
    return found


def _is_still_right(inputs: Inputs, store: Store, keys: Keys) -> bool:
    """Whether the state in the store is of inputs without mistakes, and these inputs have none too.

    False if that is not certain.
    """
    session = Session(inputs.dialect)
    restore_session(session, store, keys)
    content = session.content()
    if content is None or store.get(_key(keys, content)) != b"":
        return False
    touched = session.update(inputs.texts, keys.splits())
    if touched is None or not is_without(touched):
        return False
    _keep(store, keys, session.content())
    return True


def _keep(store: Store, keys: Keys, content: bytes | None) -> None:
    """Record in the store that a load of this content has no mistakes."""
    if content is not None and is_as_it_began():
        store.put(_key(keys, content), b"")


def _key(keys: Keys, content: bytes) -> bytes:
    return hashlib.sha256(b"".join([_KIND, keys.state, content])).digest()
