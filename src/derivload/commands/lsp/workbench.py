"""One set of inputs as an editor has it: open documents as they are typed, the others from disk.

What is wrong with them is what `derivload check` says of the same bytes. Each look costs what
changed since the one before: a `Memory` keeps the session between them.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from derivload.commands.check.find import find_mistakes
from derivload.editing.documents import Document
from derivload.identity import is_as_it_began
from derivload.loading.errors import InputError, UsageError
from derivload.loading.memory import Memory
from derivload.loading.reading import KnownContents, read_path
from derivload.loading.request import Request
from derivload.loading.run import load_inputs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from derivload.diagnostics import Diagnostic
    from derivload.engine.session import Session
    from derivload.loading.inputs import Inputs
    from derivload.loading.paths import Files
    from derivload.store.store import Store
    from derivload.wanted import Wanted


class Workbench:
    """The inputs that `files` names, and what is known of them. It never writes to them."""

    def __init__(self, files: Files, store: Store | None, wanted: Wanted | None) -> None:
        self.files = files
        self._store = store
        self._wanted = wanted
        self._memory = Memory(store)
        self._names = {os.path.realpath(path): path for path in files.paths}
        self._on_disk: dict[str, bytes | OSError] = {}
        self._documents: dict[str, Document] = {}
        self._typed = KnownContents()
        # The inputs that no editor has open, as documents.
        self._read: dict[str, Document] = {}
        self._request: Request | None = None
        self._diagnostics: list[Diagnostic] | None = None
        self.look(files.paths)

    def name_of(self, path: str) -> str | None:
        """The name of an input by its path, as diagnostics have it; None for any other file."""
        return self._names.get(os.path.realpath(path))

    @property
    def inputs_on_disk(self) -> list[str]:
        """The inputs by their whole paths, in which links are followed."""
        return [*self._names]

    def open(self, name: str, document: Document) -> None:
        """Take an input as an editor has it."""
        self._documents[name] = document
        self.changed()

    def close(self, name: str) -> None:
        """Take an input as the disk has it."""
        self._documents.pop(name, None)
        self.look([name])
        self.changed()

    def changed(self) -> None:
        """Note that a document is no longer what it was."""
        self._diagnostics = self._request = None

    def look(self, names: Iterable[str]) -> bool:
        """Read these inputs again. Whether one that is not open has changed."""
        is_news = False
        for name in names:
            before = self._on_disk.get(name)
            now = read_path(name, before if isinstance(before, bytes) else b"")
            is_same = before == now if isinstance(now, bytes) else repr(before) == repr(now)
            self._on_disk[name] = now
            if not is_same:
                self._read.pop(name, None)
            if not is_same and name not in self._documents:
                is_news = True
        if is_news:
            self.changed()
        return is_news

    def is_of_other_settings(self) -> bool:
        """Whether what decided which files are meant is no longer what it was."""
        return any(read_path(path) != content for path, content in self.files.consulted)

    @property
    def watched(self) -> list[str]:
        """The paths whose files decide what is loaded."""
        return [*self.files.paths, *(path for path, _ in self.files.consulted)]

    def document(self, name: str) -> Document | None:
        """An input as a document; None if it cannot be read."""
        document = self._documents.get(name) or self._read.get(name)
        if document is None:
            content = self._on_disk.get(name)
            if isinstance(content, bytes):
                text = content.decode("utf-8", "replace")
                document = self._read[name] = Document("", text)
        return document

    def is_open(self, name: str) -> bool:
        """Whether an editor has an input open."""
        return name in self._documents

    @property
    def request(self) -> Request:
        """What is loaded: the inputs as they are now."""
        if self._request is None:
            contents = [self._content(name) for name in self.files.paths]
            self._request = Request(self.files, contents)
            self._request.rules_from = self._store
            self._request.known_texts = self._memory.known_texts
        return self._request

    @property
    def inputs(self) -> Inputs:
        """The inputs as they were loaded. Raises UsageError."""
        return self.request.inputs

    def diagnostics(self) -> list[Diagnostic]:
        """All mistakes and warnings, sorted by place. Raises UsageError and TreeCodeError."""
        if self._diagnostics is None:
            found = find_mistakes(self.request, self._store, self._wanted, self._memory)
            self._diagnostics = found.diagnostics
        return self._diagnostics

    def session(self) -> Session | None:
        """The session that has loaded the inputs as they are now.

        None if the code of a tree's torchgen loads them. Raises UsageError and TreeCodeError.
        """
        self.diagnostics()
        return self._memory.own_session

    def settle(self) -> None:
        """Do now what the next look would begin with, where there is time for it."""
        session = self._memory.own_session
        if session is not None:
            session.settle()

    def keep(self) -> None:
        """Leave the state of the last load in the store, if this session did not begin with one.

        The next session then begins from it. With mistakes, there is none to leave.
        """
        session = self._memory.own_session
        if self._store is None or session is None or session.is_restored:
            return
        with contextlib.suppress(InputError, UsageError):
            loaded = load_inputs(self.request, memory=self._memory)
            if is_as_it_began(is_alone=True):
                self._memory.keep(self.request, self._store, loaded.lines)

    def end(self) -> None:
        """End what runs for these inputs."""
        self._memory.close()

    def _content(self, name: str) -> bytes | OSError:
        document = self._documents.get(name)
        if document is None:
            return self._on_disk[name]
        content = self._typed.take(name, document.content)
        if isinstance(content, bytes):
            self._memory.known_texts.note(name, content, document.text)
        return content
