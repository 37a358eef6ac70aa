"""pygls' protocol, with documents of our own, and long results as they are.

pygls keeps a document as one string and cuts it into lines at each edit, at line ends that only
Python knows. So the three notifications about documents come to us before pygls sees them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types
from pygls.protocol import LanguageServerProtocol, lsp_method

if TYPE_CHECKING:
    from typing import Protocol

    class Owner(Protocol):
        """What is told of documents."""

        def did_open(self, params: types.DidOpenTextDocumentParams) -> None:
            """A document was opened."""

        def did_change(self, params: types.DidChangeTextDocumentParams) -> None:
            """A document was edited."""

        def did_close(self, params: types.DidCloseTextDocumentParams) -> None:
            """A document was closed."""


class Ready:
    """A result that is made of lists, dicts and plain values already.

    For a list of 3,000 things, pygls takes 200 ms to take its own objects apart.
    """

    def __init__(self, value: object) -> None:
        self.value = value


class DocumentProtocol(LanguageServerProtocol):
    """The protocol. Its server is told of documents."""

    @property
    def _owner(self) -> Owner:
        return cast("Owner", self._server)

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        """Tell that a document was opened."""
        self._owner.did_open(params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        """Tell that a document was edited."""
        self._owner.did_change(params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        """Tell that a document was closed."""
        self._owner.did_close(params)

    def _send_response(
        self,
        msg_id: str | int,
        result: Any | None = None,
        error: types.ResponseError | None = None,
    ) -> None:
        if isinstance(result, Ready) and error is None:
            self._result_types.pop(msg_id, None)
            self._send_data({"jsonrpc": self.VERSION, "id": msg_id, "result": result.value})
        else:
            super()._send_response(msg_id, result, error)
