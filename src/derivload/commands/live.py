"""Documents that one process keeps up to date, from load to load: what a long-lived caller runs.

Where `emit` starts from the store, this starts from memory.
"""

from __future__ import annotations

from typing import NamedTuple

from derivload.commands.documents import render_documents
from derivload.commands.inputs import InputError, read_inputs
from derivload.commands.paths import Files
from derivload.cpp.dialect import Dialect
from derivload.engine.session import Outcome, Session
from derivload.outputs.documents import Rendered, Renderer
from derivload.outputs.files import Written, stale_documents, write_outputs


class Updated(NamedTuple):
    """What an update did: how it loaded, what it rendered, and what became of the files."""

    outcome: Outcome
    documents: list[Rendered]
    written: Written
    note: str


class Live:
    """Loads and writes the documents of `files` in `out_dir`, again and again."""

    def __init__(self, files: Files, out_dir: str, shards: int | None = None) -> None:
        self._files = files
        self._out_dir = out_dir
        self._shards = shards
        self._dialect: Dialect | None = None

    def update(self) -> Updated:
        """Bring the documents up to date with what the files hold now.

        Raises UsageError, InputError with nothing written when the input has errors, and OSError
        when a file cannot be written.
        """
        inputs = read_inputs(self._files)
        if inputs.dialect is not self._dialect:
            self._dialect = inputs.dialect
            self._session = Session(inputs.dialect)
            self._renderer = Renderer()
        outcome = self._session.load(inputs.texts)
        if outcome.lines is None:
            raise InputError(outcome.diagnostics)
        documents = render_documents(outcome.lines, self._shards, renderer=self._renderer)
        stale = stale_documents(self._out_dir, documents)
        written = write_outputs(self._out_dir, documents, stale)
        return Updated(outcome, documents, written, inputs.note)
