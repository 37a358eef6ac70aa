"""What an editor asks about a place, driven by the client of pytest-lsp."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pytest_lsp import ClientServerConfig, client_capabilities, make_test_lsp_client

from support.child import child_environment
from support.language_client import spot_at, write_catalogue
from support.paths import DERIVATIVES, FILES, NATIVES, TAGS


class Editor:
    """A client that has the files of the catalogue open."""

    def __init__(self, folder: Path, client: Any) -> None:
        self.folder = folder
        self.client = client
        self.texts = {name: (folder / name).read_text("utf-8") for name in FILES}

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def identifier(self, name: str) -> types.TextDocumentIdentifier:
        return types.TextDocumentIdentifier(self.uri(name))

    def at(self, name: str, words: str, inside: str = "") -> dict[str, Any]:
        text = self.texts[name]
        found = spot_at(text, text.index(words) + (words.index(inside) if inside else 0))
        return {"text_document": self.identifier(name), "position": types.Position(**found)}

    def line_of(self, name: str, words: str) -> int:
        text = self.texts[name]
        return text.count("\n", 0, text.index(words))

    async def edit(self, name: str, old: str, new: str) -> None:
        self.texts[name] = self.texts[name].replace(old, new, 1)
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(2, self.uri(name)),
                [types.TextDocumentContentChangeWholeDocument(self.texts[name])],
            )
        )
        await self.client.wait_for_notification("textDocument/publishDiagnostics")


def run(folder: Path, *asks: Callable[[Editor], Awaitable[None]]) -> None:
    """Run a server for the catalogue, and ask it."""
    write_catalogue(folder)

    async def go() -> None:
        client: Any = await ClientServerConfig(
            server_command=[sys.executable, "-m", "derivload", "lsp", "--no-cache"],
            client_factory=make_test_lsp_client,
            server_env=child_environment(),
        ).start()
        await client.initialize_session(
            types.InitializeParams(
                capabilities=client_capabilities("visual-studio-code"),
                root_uri=folder.as_uri(),
                workspace_folders=[types.WorkspaceFolder(folder.as_uri(), "it")],
            )
        )
        editor = Editor(folder, client)
        for name in FILES:
            item = types.TextDocumentItem(editor.uri(name), "yaml", 1, editor.texts[name])
            client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        try:
            for ask in asks:
                await ask(editor)
        finally:
            await client.shutdown_session()
            await client.stop()

    asyncio.run(asyncio.wait_for(go(), 120))


def told(hover: types.Hover | None) -> str:
    assert hover is not None
    assert isinstance(hover.contents, types.MarkupContent)
    return hover.contents.value


async def hovers(editor: Editor) -> None:
    async def hover(*where: str) -> str:
        params = types.HoverParams(**editor.at(*where))
        return told(await editor.client.text_document_hover_async(params))

    shown = await hover(DERIVATIVES, "- name: gild(", "gild")
    assert "backward       GildBackward0 of gild and gild_" in shown
    assert shown == await hover(NATIVES, "- func: gild(", "gild")
    argument = await hover(DERIVATIVES, "self: grad * luster", "luster")
    assert "argument `luster`: `float`, in C++ `double`" in argument
    assert "saved as `luster`" in argument
    assert "gradient of output" in await hover(DERIVATIVES, "self: grad * luster", "grad")
    assert "tangent of argument `self`" in await hover(
        DERIVATIVES, "result: self_t.gild(luster)", "self_t"
    )
    assert "gradient of output 1, `result1`" in await hover(
        DERIVATIVES, "sway_backward(grads[0], grads[1]", "grads[1]"
    )
    assert "function of C++" in await hover(DERIVATIVES, "self: grad * gleam_slope", "gleam_slope")
    assert "One kernel for all backends" in await hover(
        NATIVES, "    CompositeImplicitAutograd: sift", "Composite"
    )
    assert "variants" in await hover(NATIVES, "  autogen: gild.out", "autogen")
    tags = await hover(NATIVES, "  tags: pointwise", "tags")
    assert tags == await hover(NATIVES, "  tags: pointwise", ": pointwise")  # at its end
    assert "tag `pointwise`" in await hover(NATIVES, "  tags: pointwise", "pointwise")


async def definitions_and_references(editor: Editor) -> None:
    async def places(method: str, *where: str) -> list[tuple[str, int]]:
        at = editor.at(*where)
        if method == "definition":
            found = await editor.client.text_document_definition_async(types.DefinitionParams(**at))
        else:
            context = types.ReferenceContext(include_declaration=True)
            found = await editor.client.text_document_references_async(
                types.ReferenceParams(**at, context=context)
            )
        return [(Path(one.uri).name, one.range.start.line) for one in found]

    native = (NATIVES, editor.line_of(NATIVES, "- func: gild("))
    definition = (DERIVATIVES, editor.line_of(DERIVATIVES, "- name: gild("))
    assert await places("definition", DERIVATIVES, "- name: gild(", "gild") == [native]
    assert await places("definition", NATIVES, "- func: gild(", "gild") == [definition]
    # A variant has the formulas of the functional one.
    assert await places("definition", NATIVES, "- func: gild_(", "gild_") == [definition]
    assert await places("definition", DERIVATIVES, "self: grad * luster", "luster") == [native]
    delegate = "structured_delegate: gleam.out"
    assert await places("definition", NATIVES, delegate, "gleam") == [
        (NATIVES, editor.line_of(NATIVES, "- func: gleam.out("))
    ]
    tag = (TAGS, editor.line_of(TAGS, "- tag: pointwise"))
    assert await places("definition", NATIVES, "  tags: pointwise", "pointwise") == [tag]
    assert await places("references", DERIVATIVES, "- name: gild(", "gild") == [
        definition,
        native,
    ]
    used = await places("references", TAGS, "- tag: pointwise", "pointwise")
    assert tag in used
    assert len(used) > 2


async def what_stands_beside_the_text(editor: Editor) -> None:
    client, document = editor.client, editor.identifier(DERIVATIVES)
    symbols = await client.text_document_document_symbol_async(types.DocumentSymbolParams(document))
    assert symbols[0].name == "gild"
    assert symbols[0].selection_range.start == types.Position(12, 8)
    anywhere = await client.workspace_symbol_async(types.WorkspaceSymbolParams("gild"))
    assert {one.name for one in anywhere} == {"gild", "gild_"}
    folds = await client.text_document_folding_range_async(types.FoldingRangeParams(document))
    assert (folds[0].start_line, folds[0].end_line) == (12, 14)
    whole = types.Range(types.Position(0, 0), types.Position(20, 0))
    hints = await client.text_document_inlay_hint_async(types.InlayHintParams(document, whole))
    assert [hint.label for hint in hints] == ["saves luster: float", "saves self: Tensor"]
    line = editor.line_of(DERIVATIVES, "  other: temper_tilt(")
    there = types.Range(types.Position(line, 0), types.Position(line + 1, 0))
    hints = await client.text_document_inlay_hint_async(types.InlayHintParams(document, there))
    label = hints[1].label
    assert label.startswith("saves other.scalar_type: ScalarType, other.is_conj: bool, ")
    # It stands behind the line.
    length = len(editor.texts[DERIVATIVES].splitlines()[line])
    assert hints[1].position == types.Position(line, length)
    lenses = await client.text_document_code_lens_async(types.CodeLensParams(document))
    lens = await client.code_lens_resolve_async(lenses[0])
    assert lens.command.title == "2 variants share this"
    tokens = await client.text_document_semantic_tokens_range_async(
        types.SemanticTokensRangeParams(document, whole)
    )
    everything = await client.text_document_semantic_tokens_full_async(
        types.SemanticTokensParams(document)
    )
    assert list(tokens.data[:10]) == [13, 8, 4, 1, 0, 0, 7, 6, 0, 0]
    assert list(everything.data[:10]) == list(tokens.data[:10])


def test_what_is_at_a_place(tmp_path: Path) -> None:
    """None of it changes a document, so that one server is enough."""
    run(tmp_path, hovers, definitions_and_references, what_stands_beside_the_text)


def test_rename_of_an_argument(tmp_path: Path) -> None:
    async def ask(editor: Editor) -> None:
        at = editor.at(DERIVATIVES, "self: grad * luster", "luster")
        ready = await editor.client.text_document_prepare_rename_async(
            types.PrepareRenameParams(**at)
        )
        assert ready is not None
        edit = await editor.client.text_document_rename_async(
            types.RenameParams(new_name="shine", **at)
        )
        assert edit is not None
        for name in (DERIVATIVES, NATIVES):
            text = applied(editor.texts[name], edit.changes[editor.uri(name)])
            await editor.edit(name, editor.texts[name], text)
        assert "gild_(Tensor(a!) self, float shine=0.5)" in editor.texts[NATIVES]
        assert "self: grad * shine\n  result: self_t.gild(shine)" in editor.texts[DERIVATIVES]
        found = editor.client.diagnostics
        assert not any(found.get(editor.uri(name)) for name in FILES)

    run(tmp_path, ask)


def applied(text: str, edits: list[types.TextEdit]) -> str:
    """The text with edits; all of it is ASCII."""
    lines = text.split("\n")
    for edit in sorted(edits, key=lambda e: (e.range.start.line, e.range.start.character))[::-1]:
        start, end = edit.range.start, edit.range.end
        line = lines[start.line]
        assert start.line == end.line
        lines[start.line] = line[: start.character] + edit.new_text + line[end.character :]
    return "\n".join(lines)


def test_completion(tmp_path: Path) -> None:
    async def ask(editor: Editor) -> None:
        async def labels(*where: str) -> list[str]:
            found = await editor.client.text_document_completion_async(
                types.CompletionParams(**editor.at(*where))
            )
            return [item.label for item in found.items]

        in_forward = await labels(DERIVATIVES, "result: self_t.gild(luster)", "self_t")
        assert {"self", "self_t", "self_p", "luster", "auto_linear"} <= {*in_forward}
        in_backward = await labels(DERIVATIVES, "sway_backward(grads[0], grads[1]", "grads[1]")
        assert {"grads[0]", "grads[1]", "self", "result0"} <= {*in_backward}
        assert "grad" not in in_backward
        assert await labels(NATIVES, "  tags: pointwise", "intwise") == ["pointwise"]
        keys = await labels(NATIVES, "    CPU: braid_cpu", "CPU")
        assert "MPS" in keys
        assert "CUDA" not in keys  # it has its kernel in the next line
        assert "autogen" in await labels(NATIVES, "  autogen: gild.out", "utogen")
        # A half-typed key is more of the schema above it, as YAML has it.
        await editor.edit(DERIVATIVES, "  self: grad * luster\n", "  se\n")
        assert await labels(DERIVATIVES, "  se\n", "\n") == ["self"]
        await editor.edit(DERIVATIVES, "  se\n", "  self: grad * luster\n")
        await editor.edit(
            DERIVATIVES, "- name: gild(Tensor self, float luster=0.5) -> Tensor", "- name: gi"
        )
        found = await editor.client.text_document_completion_async(
            types.CompletionParams(**editor.at(DERIVATIVES, "- name: gi\n", "\n"))
        )
        item = found.items[0]
        assert item.text_edit.new_text == "gild(Tensor self, float luster=0.5) -> Tensor"

    run(tmp_path, ask)


def test_quick_fixes(tmp_path: Path) -> None:
    async def ask(editor: Editor) -> None:
        await editor.edit(DERIVATIVES, "self: grad * luster", "self: grad * lustre")
        line = editor.line_of(DERIVATIVES, "self: grad * lustre")
        at = types.Range(types.Position(line, 0), types.Position(line, 40))
        found = await editor.client.text_document_code_action_async(
            types.CodeActionParams(
                editor.identifier(DERIVATIVES), at, types.CodeActionContext(diagnostics=[])
            )
        )
        by_title = {action.title: action for action in found}
        ignore = by_title["Ignore DL602 here"].edit.changes[editor.uri(DERIVATIVES)]
        text = applied(editor.texts[DERIVATIVES], ignore)
        assert "self: grad * lustre  # derivload: ignore[DL602]\n" in text
        await editor.edit(DERIVATIVES, editor.texts[DERIVATIVES], text)
        assert not editor.client.diagnostics[editor.uri(DERIVATIVES)]

    run(tmp_path, ask)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_the_encoding_of_positions_is_agreed_on(tmp_path: Path, encoding: str) -> None:
    from support.language_client import Client

    write_catalogue(tmp_path)
    wanted = {"general": {"positionEncodings": [encoding]}}
    with Client(tmp_path, capabilities=wanted) as client:
        assert client.told["capabilities"]["positionEncoding"] == encoding
        client.open(DERIVATIVES)
        client.replace(DERIVATIVES, "self: grad * luster", "self: grad * luster  # here")
        line = spot_at(client.texts[DERIVATIVES], client.texts[DERIVATIVES].index("# here"))["line"]
        prefix = "  self: /* \U0001f600é */ "
        start = {"line": line, "character": 0}
        end = {"line": line, "character": 8}
        (found,) = client.change(
            DERIVATIVES, {"range": {"start": start, "end": end}, "text": f"{prefix}lustre * "}
        )
        units = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}[encoding]
        size = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
        assert found["range"]["start"]["character"] == len(prefix.encode(units)) // size
