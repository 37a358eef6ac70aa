"""The requests of the protocol: each finds the place, asks, and turns the answer into its form."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from derivload.commands.lsp import beside, finding
from derivload.commands.lsp.actions import Action, actions
from derivload.commands.lsp.hover import hover
from derivload.commands.lsp.protocol import Ready
from derivload.editing.completing import Proposal, complete
from derivload.editing.documents import TextSpot
from derivload.editing.outline import word_at
from derivload.loading.errors import TreeCodeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Protocol

    from derivload.commands.lsp.knowledge import Knowledge, Scene
    from derivload.diagnostics import Diagnostic, Edit
    from derivload.editing.documents import Document, Encoding

    class Desk(Protocol):
        """What the requests need of the server."""

        def each_knowledge(self) -> Iterator[Knowledge]:
            """What is known of each set of inputs, which is the current one meanwhile."""

        @property
        def encoding(self) -> Encoding:
            """What positions count."""

        def knowledge_of(self, uri: str) -> tuple[Knowledge, str] | None:
            """What is known of the inputs of a document, and its name among them."""

        def range(self, document: Document | None, start: TextSpot, end: TextSpot) -> types.Range:
            """What is between two places."""

        def uri_of(self, name: str) -> str:
            """The address of an input."""

        def shown(self, diagnostic: Diagnostic) -> types.Diagnostic:
            """A diagnostic as the protocol has it."""

    class AtPlace(Protocol):
        """Parameters of a request that is about a place in a document."""

        text_document: types.TextDocumentIdentifier
        position: types.Position


_COMPLETION_KINDS: Final = {
    "key": types.CompletionItemKind.Property,
    "argument": types.CompletionItemKind.Variable,
    "output": types.CompletionItemKind.Variable,
    "function": types.CompletionItemKind.Function,
    "operator": types.CompletionItemKind.Function,
    "tag": types.CompletionItemKind.EnumMember,
    "value": types.CompletionItemKind.Value,
}
# The most symbols of a workspace that one question gets.
_MOST: Final = 200


class Features:
    """Answers the requests about documents."""

    def __init__(self, server: Desk) -> None:
        self._server = server

    # ------------------------------------------------------------------ places

    def _known(self, uri: str) -> tuple[Knowledge, str] | None:
        return self._server.knowledge_of(uri)

    def _scene(self, params: AtPlace) -> tuple[Knowledge, Scene] | None:
        known = self._known(params.text_document.uri)
        if known is None:
            return None
        knowledge, name = known
        document = knowledge.bench.document(name)
        if document is None:
            return None
        at = params.position
        spot = document.spot(at.line, at.character, self._server.encoding)
        scene = knowledge.scene(name, spot)
        return None if scene is None else (knowledge, scene)

    def _range(
        self, knowledge: Knowledge, name: str, line: int, start: int, end: int
    ) -> types.Range:
        document = knowledge.bench.document(name)
        return self._server.range(document, TextSpot(line, start), TextSpot(line, end))

    def _locations(
        self, at: AtPlace, find: Callable[[Knowledge, Scene], Iterable[finding.FoundPlace]]
    ) -> list[types.Location]:
        """What `find` finds for a place; nothing in a document that is no input."""
        found = self._scene(at)
        return [] if found is None else [self._location(found[0], p) for p in find(*found)]

    def _location(self, knowledge: Knowledge, place: finding.FoundPlace) -> types.Location:
        if isinstance(place.file, Path):
            made = types.Range(
                types.Position(place.line, place.start), types.Position(place.line, place.end)
            )
            return types.Location(place.file.as_uri(), made)
        made = self._range(knowledge, place.file, *place[1:])
        return types.Location(self._server.uri_of(place.file), made)

    def _edits(self, knowledge: Knowledge, edits: Iterable[Edit]) -> types.WorkspaceEdit:
        changes: dict[str, list[types.TextEdit]] = {}
        for edit in edits:
            document = knowledge.bench.document(edit.file)
            start = TextSpot(edit.line - 1, edit.column - 1)
            end = TextSpot(edit.end_line - 1, edit.end_column - 1)
            made = types.TextEdit(self._server.range(document, start, end), edit.text)
            changes.setdefault(self._server.uri_of(edit.file), []).append(made)
        return types.WorkspaceEdit(changes=dict(changes))

    # ------------------------------------------------------------------ at a place

    def hover(self, params: types.HoverParams) -> types.Hover | None:
        """What is there."""
        found = self._scene(params)
        if found is None:
            return None
        knowledge, scene = found
        told = hover(knowledge, scene)
        if told is None or not told.text:
            return None
        content = types.MarkupContent(types.MarkupKind.Markdown, told.text)
        return types.Hover(content, self._server.range(scene.document, told.start, told.end))

    def definition(self, params: types.DefinitionParams) -> list[types.Location]:
        """Where it is declared."""
        return self._locations(params, finding.definitions)

    def references(self, params: types.ReferenceParams) -> list[types.Location]:
        """Where it is used."""
        return self._locations(params, finding.references)

    def prepare_rename(self, params: types.PrepareRenameParams) -> types.Range | None:
        """What is renamed, if it can be."""
        found = self._scene(params)
        argument = None if found is None else finding.argument_at(*found)
        if found is None or argument is None:
            return None
        scene = found[1]
        word = word_at(scene.document.line(scene.spot.line), scene.spot.character)
        if word is None:
            return None
        # Of a primal or a tangent, such as `self_t`, it is the name of the argument.
        line, end = scene.spot.line, word.start + len(argument)
        return self._server.range(scene.document, TextSpot(line, word.start), TextSpot(line, end))

    def rename(self, params: types.RenameParams) -> types.WorkspaceEdit | None:
        """Rename an argument wherever its name has to be the same."""
        found = self._scene(params)
        argument = None if found is None else finding.argument_at(*found)
        if found is None or argument is None or not params.new_name.isidentifier():
            return None
        knowledge, scene = found
        changes: dict[str, list[types.TextEdit]] = {}
        for place in finding.places_of_argument(knowledge, scene, argument):
            if isinstance(place.file, str):
                made = self._range(knowledge, place.file, *place[1:])
                edit = types.TextEdit(made, params.new_name)
                changes.setdefault(self._server.uri_of(place.file), []).append(edit)
        return types.WorkspaceEdit(changes=dict(changes))

    def complete(self, params: types.CompletionParams) -> types.CompletionList:
        """What may stand there."""
        found = self._scene(params)
        if found is None:
            return types.CompletionList(is_incomplete=False, items=[])
        knowledge, scene = found
        made = complete(scene.file, scene.entry, scene.spot, knowledge.known(scene))
        items = [self._item(scene, item, number) for number, item in enumerate(made.items)]
        return types.CompletionList(is_incomplete=made.is_cut, items=items)

    def _item(self, scene: Scene, item: Proposal, number: int) -> types.CompletionItem:
        line = scene.spot.line
        end = scene.spot
        if item.kind == "operator" and "(" in item.text:
            end = TextSpot(line, len(scene.document.line(line)))
        made = self._server.range(scene.document, TextSpot(line, item.start), end)
        return types.CompletionItem(
            label=item.label,
            kind=_COMPLETION_KINDS[item.kind],
            detail=item.about or None,
            sort_text=f"{number:04}",
            filter_text=item.label,
            text_edit=types.TextEdit(made, item.text),
        )

    # ------------------------------------------------------------------ quick fixes

    def actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """What can be done about the diagnostics there."""
        known = self._known(params.text_document.uri)
        if known is None:
            return []
        knowledge, name = known
        document = knowledge.bench.document(name)
        if document is None:
            return []
        encoding = self._server.encoding
        start, end = (
            document.spot(at.line, at.character, encoding)
            for at in (params.range.start, params.range.end)
        )
        try:
            found = actions(knowledge.bench, name, start, end)
        except (UsageError, TreeCodeError):
            return []
        return [self._action(knowledge, action) for action in found]

    def _action(self, knowledge: Knowledge, action: Action) -> types.CodeAction:
        return types.CodeAction(
            title=action.title,
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[self._server.shown(action.diagnostic)],
            is_preferred=action.is_best,
            edit=self._edits(knowledge, action.edits),
        )

    # ------------------------------------------------------------------ whole documents

    def symbols(self, params: types.DocumentSymbolParams) -> Ready:
        """The entries of a document."""
        known = self._known(params.text_document.uri)
        return Ready(
            [
                {
                    "name": one.name,
                    "kind": int(types.SymbolKind.Function),
                    "range": _span(one.first, 0, one.last + 1, 0),
                    "selectionRange": _span(
                        one.first, one.start, one.first, one.start + len(one.name)
                    ),
                }
                for one in (beside.symbols(*known) if known is not None else ())
            ]
        )

    def workspace_symbols(
        self, params: types.WorkspaceSymbolParams
    ) -> list[types.SymbolInformation]:
        """The operators and tags whose names have this in them."""
        query = params.query.lower()
        found = (
            symbol
            for knowledge in self._server.each_knowledge()
            for symbol in self._symbols_with(query, knowledge)
        )
        return [*islice(found, _MOST)]

    def _symbols_with(self, query: str, knowledge: Knowledge) -> Iterator[types.SymbolInformation]:
        for name in knowledge.bench.files.names:
            uri = self._server.uri_of(name)
            for one in knowledge.declared(name):
                if query in one.name.lower():
                    start, end = one.span
                    span = self._range(knowledge, name, one.line, start, end)
                    yield types.SymbolInformation(
                        location=types.Location(uri, span),
                        name=one.name,
                        kind=types.SymbolKind.Function,
                        container_name=knowledge.file_of(name),
                    )

    def folds(self, params: types.FoldingRangeParams) -> Ready:
        """The entries that have more than one line."""
        known = self._known(params.text_document.uri)
        return Ready(
            [
                {"startLine": one.first, "endLine": one.last}
                for one in (beside.symbols(*known) if known is not None else ())
                if one.last > one.first
            ]
        )

    def all_tokens(self, params: types.SemanticTokensParams) -> types.SemanticTokens:
        """The words of all formulas of a document."""
        return self._tokens(params.text_document.uri, 0, 1 << 30)

    def tokens_between(self, params: types.SemanticTokensRangeParams) -> types.SemanticTokens:
        """The words of the formulas on the screen."""
        at = params.range
        return self._tokens(params.text_document.uri, at.start.line, at.end.line)

    def _tokens(self, uri: str, first: int, last: int) -> types.SemanticTokens:
        known = self._known(uri)
        if known is None:
            return types.SemanticTokens(data=[])
        knowledge, name = known
        document = knowledge.bench.document(name)
        if document is None:
            return types.SemanticTokens(data=[])
        data: list[int] = []
        line = start = 0
        for token in beside.tokens(knowledge, name, first, last):
            begin, end = (
                document.units(TextSpot(token.line, at), self._server.encoding)
                for at in (token.start, token.start + token.length)
            )
            start = begin - start if token.line == line else begin
            data += [token.line - line, start, end - begin, beside.TOKEN_TYPES.index(token.type), 0]
            line, start = token.line, begin
        return types.SemanticTokens(data=data)

    def hints(self, params: types.InlayHintParams) -> list[types.InlayHint]:
        """What the formulas on the screen save."""
        known = self._known(params.text_document.uri)
        if known is None:
            return []
        knowledge, name = known
        document = knowledge.bench.document(name)
        if document is None:
            return []
        made: list[types.InlayHint] = []
        for hint in beside.hints(knowledge, name, params.range.start.line, params.range.end.line):
            length = len(document.line(hint.line))
            at = self._range(knowledge, name, hint.line, length, length).end
            made.append(types.InlayHint(at, hint.text, padding_left=True))
        return made

    def lenses(self, params: types.CodeLensParams) -> Ready:
        """A lens above each definition; what it says is found when it is on the screen."""
        uri = params.text_document.uri
        known = self._known(uri)
        if known is None or known[0].file_of(known[1]) != "derivatives":
            return Ready([])
        lines = [one.line for one in known[0].declared(known[1])]
        return Ready([{"range": _span(line, 0, line, 0), "data": uri} for line in lines])

    def resolve_lens(self, lens: types.CodeLens) -> types.CodeLens:
        """What a lens says."""
        at = types.TextDocumentPositionParams(
            types.TextDocumentIdentifier(str(lens.data)), lens.range.start
        )
        found = self._scene(at)
        text = "" if found is None else beside.lens(*found)
        lens.command = types.Command(title=text or "not derived", command="")
        return lens


def _span(line: int, start: int, end_line: int, end: int) -> dict[str, dict[str, int]]:
    return {
        "start": {"line": line, "character": start},
        "end": {"line": end_line, "character": end},
    }
