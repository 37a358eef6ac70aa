"""Documents that one process keeps up to date, from load to load: what a long-lived caller runs.

Where `emit` starts from the store, this starts from memory.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from derivload.cpp.dialect import Dialect
from derivload.engine.lines import DocumentLines
from derivload.engine.session import Outcome, Session
from derivload.loading.collisions import refuse_collisions
from derivload.loading.documents import render_documents
from derivload.loading.errors import InputError
from derivload.loading.inputs import Inputs, read_inputs
from derivload.loading.paths import Files
from derivload.outputs.documents import Rendered, Renderer
from derivload.outputs.files import DOCUMENTS, Writing, Written, listed_documents
from derivload.outputs.stamp import stamp_name
from derivload.outputs.target import Target


class Updated(NamedTuple):
    """What an update did: how it loaded, what it rendered, and what became of the files."""

    outcome: Outcome
    documents: list[Rendered]
    written: Written
    note: str


class Prepared(Protocol):
    """What a load came to, and is not written yet."""

    @property
    def lines(self) -> DocumentLines:
        """The lines of the documents of the load."""

    def write(self) -> Updated:
        """Write what differs from what is there. Raises OSError."""


class Loader(Protocol):
    """Loads inputs and writes what is made of them, again and again."""

    def load(self, inputs: Inputs) -> Prepared:
        """Load, from what the last load came to. Raises InputError."""

    def settle(self) -> None:
        """Do now what the next load would begin with, where there is time for it."""


class DocumentLoader:
    """Loads inputs and writes their documents in `out_dir`, again and again."""

    def __init__(self, out_dir: str, shards: int | None = None) -> None:
        self._out_dir = out_dir
        self._shards = shards
        self._dialect: Dialect | None = None

    def load(self, inputs: Inputs) -> PreparedDocuments:
        """Load, from what the last load came to. Raises InputError and UsageError."""
        if inputs.dialect is not self._dialect:
            self._dialect = inputs.dialect
            self._session = Session(inputs.dialect)
            self._renderer = Renderer()
        outcome = self._session.load(inputs.texts)
        if outcome.lines is None:
            raise InputError(outcome.diagnostics)
        documents = render_documents(outcome.lines, self._shards, renderer=self._renderer)
        names = [document.name for document in documents]
        texts = inputs.texts
        read = [text.name for text in (texts.derivatives, *texts.native_functions, texts.tags)]
        refuse_collisions(Target(self._out_dir), names, stamp_name(), read)
        return PreparedDocuments(self._out_dir, outcome, outcome.lines, documents, inputs.note)

    def settle(self) -> None:
        """Do now what the next load would begin with, where there is time for it."""
        self._session.settle()


class PreparedDocuments(NamedTuple):
    """Documents that are loaded and rendered, and not yet written."""

    out_dir: str
    outcome: Outcome
    lines: DocumentLines
    documents: list[Rendered]
    note: str

    def write(self) -> Updated:
        """Write the documents that differ from what is there. Raises OSError."""
        with Writing(self.out_dir, DOCUMENTS) as writing:
            written = writing.write(
                self.documents,
                [document.name for document in self.documents],
                lambda: listed_documents(self.out_dir, self.documents),
            )
        return Updated(self.outcome, self.documents, written, self.note)


class Live:
    """Loads and writes the documents of `files` in `out_dir`, again and again."""

    def __init__(self, files: Files, out_dir: str, shards: int | None = None) -> None:
        self._files = files
        self._loader = DocumentLoader(out_dir, shards)

    def update(self) -> Updated:
        """Bring the documents up to date with what the files hold now.

        Raises UsageError, InputError with nothing written when the input has errors, and OSError
        when a file cannot be written.
        """
        return self._loader.load(read_inputs(self._files)).write()
