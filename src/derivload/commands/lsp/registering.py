"""Adds the requests to a server of pygls."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lsprotocol import types

from derivload.commands.lsp import beside
from derivload.commands.lsp.features import Features

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pygls.lsp.server import LanguageServer

_TRIGGERS = [" ", ":", "_", "[", ",", "."]


def register(server: LanguageServer, features: Features) -> None:
    """Add all requests to a server."""

    def feature(name: str, options: object = None) -> Callable[[Callable[..., Any]], object]:
        # pygls writes on what it is given, and a method takes nothing.
        return lambda method: server.feature(name, options)(partial(method))

    feature(types.TEXT_DOCUMENT_HOVER)(features.hover)
    feature(types.TEXT_DOCUMENT_DEFINITION)(features.definition)
    feature(types.TEXT_DOCUMENT_REFERENCES)(features.references)
    feature(types.TEXT_DOCUMENT_PREPARE_RENAME)(features.prepare_rename)
    feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))(features.rename)
    completion = types.CompletionOptions(trigger_characters=_TRIGGERS)
    feature(types.TEXT_DOCUMENT_COMPLETION, completion)(features.complete)
    fixes = types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])
    feature(types.TEXT_DOCUMENT_CODE_ACTION, fixes)(features.actions)
    feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)(features.symbols)
    feature(types.WORKSPACE_SYMBOL)(features.workspace_symbols)
    feature(types.TEXT_DOCUMENT_FOLDING_RANGE)(features.folds)
    feature(types.TEXT_DOCUMENT_INLAY_HINT)(features.hints)
    lens = types.CodeLensOptions(resolve_provider=True)
    feature(types.TEXT_DOCUMENT_CODE_LENS, lens)(features.lenses)
    feature(types.CODE_LENS_RESOLVE)(features.resolve_lens)
    legend = types.SemanticTokensLegend(token_types=list(beside.TOKEN_TYPES), token_modifiers=[])
    feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, legend)(features.all_tokens)
    feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_RANGE, legend)(features.tokens_between)
