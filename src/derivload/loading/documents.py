"""The documents of a load: rendered from its lines, and, from a store, read back into them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from derivload.engine.lines import DocumentLines
from derivload.engine.session import Outcome, Session
from derivload.loading.errors import InputError
from derivload.loading.inputs import Inputs
from derivload.outputs.documents import Rendered, Renderer, read_lines
from derivload.store.results import Keys, find_state, keep_state

if TYPE_CHECKING:
    from derivload.store.store import Store


class LoadedDocuments(NamedTuple):
    """The documents of a load, and how it went."""

    documents: list[Rendered]
    outcome: Outcome


def load_documents(
    inputs: Inputs, shards: int | None, store: Store | None, keys: Keys, step: Callable[[str], None]
) -> LoadedDocuments:
    """Load the inputs and render the documents, over so many shards.

    With a store, from the state that it has and to the one that it gets. `step` is called when
    a step is done, with its name. Raises InputError.
    """
    session = Session(inputs.dialect)
    functions = None if store is None else restore_session(session, store, keys)
    step("restore")
    outcome = session.load(inputs.texts, () if functions is None else keys.splits())
    if outcome.lines is None:
        raise InputError(outcome.diagnostics)
    step("load")
    documents = render_documents(outcome.lines, shards, functions)
    step("render")
    state = None if store is None else session.keep()
    if store is not None and state is not None:
        whole = documents
        if shards is not None:
            whole = render_documents(outcome.lines, None, documents[-2])
        keep_state(store, keys, state, whole[:-1])
        step("state")
    return LoadedDocuments(documents, outcome)


def render_documents(
    lines: DocumentLines,
    shards: int | None,
    functions: Rendered | None = None,
    renderer: Renderer | None = None,
) -> list[Rendered]:
    """All documents, over so many shards, the manifest last.

    `functions` is a functions.json of the same release, taken as it is if it has these lines;
    `renderer` that of the load before.
    """
    renderer = renderer or Renderer()
    version, keys = lines.torch_version, lines.used_dispatch_keys
    if functions is None or read_lines(functions.data) != lines.functions + lines.generated:
        functions = renderer.functions(version, lines.functions, lines.generated)
    documents = [
        *renderer.differentiability(version, keys, lines.records, lines.bases, shards),
        functions,
    ]
    return [*documents, renderer.manifest(version, documents)]


def restore_session(session: Session, store: Store, keys: Keys) -> Rendered | None:
    """Have a session start from the state in the store; the functions.json of that state."""
    found = find_state(store, keys)
    if found is None:
        return None
    state, documents = found
    differentiability, functions = (Rendered(*document) for document in documents)
    session.restore(state, read_lines(differentiability.data), read_lines(functions.data))
    return functions
