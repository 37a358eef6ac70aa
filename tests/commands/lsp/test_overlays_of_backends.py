"""What an editor is told of an overlay that says what a backend registers too."""

from __future__ import annotations

from lsprotocol import types

from support.lsp_desk import Desk, edited

__all__ = ["edited"]  # a fixture


def test_each_place_in_it_is_told_and_edited_once(edited: Desk) -> None:
    natives = str(edited.project.natives)
    edited.bench.files.backends = (natives,)
    at = edited.at("derivatives.yaml", "name: |gild(")
    context = types.ReferenceContext(include_declaration=True)
    found = edited.features.references(
        types.ReferenceParams(context, at.text_document, at.position)
    )
    places = [edited.shown_place(one) for one in found]
    assert len(places) == len(set(places)) > 1
    at = edited.at("derivatives.yaml", "self: grad * |luster")
    edit = edited.features.rename(types.RenameParams(at.text_document, at.position, "shine"))
    assert edit is not None
    assert edit.changes is not None
    spans = [str(one.range) for one in edit.changes[edited.uri_of(natives)]]
    assert len(spans) == len(set(spans)) > 1
    symbols = edited.features.workspace_symbols(types.WorkspaceSymbolParams("burnish"))
    assert len([one for one in symbols if edited.uri_of(natives) == one.location.uri]) == 1
