"""What the requests of the language server need of it, without the protocol around them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lsprotocol import types

from derivload.commands.lsp.features import Features
from derivload.commands.lsp.knowledge import Knowledge
from derivload.commands.lsp.showing import ProtocolShowing, span
from derivload.commands.lsp.workbench import Workbench
from derivload.diagnostics import Diagnostic
from derivload.editing.documents import Document, Encoding, TextSpot
from derivload.loading.paths import find_files
from support.project import Project


class Desk:
    """An editor's inputs: a copy of the catalogue, all of it open."""

    encoding: Encoding = "utf-16"

    def __init__(self, folder: Path) -> None:
        self.project = Project(folder)
        self.bench = Workbench(
            find_files(
                str(self.project.derivatives),
                [str(self.project.natives)],
                str(self.project["tags.yaml"]),
            ),
            None,
            None,
        )
        self.documents = {
            Path(name).name: Document(Path(name).as_uri(), Path(name).read_text("utf-8"), 1)
            for name in self.bench.files.paths
        }
        for name in self.bench.files.paths:
            self.bench.open(name, self.documents[Path(name).name])
        self.knowledge = Knowledge(self.bench)
        self.features = Features(self)
        self._showing = ProtocolShowing(self.bench.document, self.uri_of, self.encoding)

    # What the requests ask

    def each_knowledge(self) -> Iterator[Knowledge]:
        yield self.knowledge

    def knowledge_of(self, uri: str) -> tuple[Knowledge, str] | None:
        names = {self.uri_of(name): name for name in self.bench.files.paths}
        return (self.knowledge, names[uri]) if uri in names else None

    def range(self, document: Document | None, start: TextSpot, end: TextSpot) -> types.Range:
        return span(document, start, end, self.encoding)

    def uri_of(self, name: str) -> str:
        return Path(name).as_uri()

    def shown(self, diagnostic: Diagnostic) -> types.Diagnostic:
        return self._showing.diagnostic(diagnostic)

    def close(self) -> None:
        self._showing.close()
        self.bench.end()

    # What a test asks

    def document(self, name: str) -> types.TextDocumentIdentifier:
        return types.TextDocumentIdentifier((self.project.folder / name).as_uri())

    def place(self, name: str, words: str) -> types.Position:
        """The place in a file at `|` in these words."""
        before, _, behind = words.partition("|")
        text = self.documents[name].text
        at = text.index(before + behind) + len(before)
        return types.Position(text.count("\n", 0, at), at - (text.rfind("\n", 0, at) + 1))

    def at(self, name: str, words: str) -> types.TextDocumentPositionParams:
        return types.TextDocumentPositionParams(self.document(name), self.place(name, words))

    def edit(self, name: str, old: str, new: str) -> None:
        document = self.documents[name]
        assert document.text.count(old) >= 1
        document.replace(document.text.replace(old, new, 1), 2)
        self.bench.changed()

    def text_of(self, uri: str, span: types.Range) -> str:
        """What is between two places of a file; with `…` if they are in several lines."""
        lines = self.documents[Path(uri).name].text.split("\n")
        start, end = span.start, span.end
        if start.line == end.line:
            return lines[start.line][start.character : end.character]
        return f"{lines[start.line][start.character :]}…{lines[end.line][: end.character]}"

    def shown_place(self, location: types.Location) -> str:
        """A place as `file:line text`; lines from 1."""
        text = self.text_of(location.uri, location.range)
        return f"{Path(location.uri).name}:{location.range.start.line + 1} {text}"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Of this one, nothing is edited."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    yield desk
    desk.close()


@pytest.fixture
def edited(tmp_path: Path) -> Iterator[Desk]:
    """One that a test edits."""
    desk = Desk(tmp_path)
    yield desk
    desk.close()
