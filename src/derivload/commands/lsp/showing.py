"""Diagnostics as the protocol has them, with links to the pages of their rules."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from derivload.commands.check.pages import render_page
from derivload.editing.documents import TextSpot

if TYPE_CHECKING:
    from collections.abc import Callable

    from derivload.diagnostics import Diagnostic, Related
    from derivload.editing.documents import Document, Encoding

SOURCE: Final = "derivload"
# The rules about what nothing uses: editors show it faded.
_UNNECESSARY: Final = frozenset({"DL601", "DL608"})


def position(document: Document | None, spot: TextSpot, encoding: Encoding) -> types.Position:
    """A place as the protocol has it. Without a document, characters are taken for units."""
    units = spot.character if document is None else document.units(spot, encoding)
    return types.Position(spot.line, units)


def span(
    document: Document | None, start: TextSpot, end: TextSpot, encoding: Encoding
) -> types.Range:
    """What is between two places, as the protocol has it."""
    return types.Range(position(document, start, encoding), position(document, end, encoding))


def spots_of(diagnostic: Diagnostic) -> tuple[TextSpot, TextSpot]:
    """Where a diagnostic begins and ends."""
    if not diagnostic.line:
        return TextSpot(0, 0), TextSpot(0, 0)
    line, column = diagnostic.end
    start = TextSpot(diagnostic.line - 1, max(0, diagnostic.column - 1))
    return start, max(start, TextSpot(line - 1, max(0, column - 1)))


class RulePages:
    """The pages of rules as files, each written when a diagnostic first links to it."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._written: dict[str, str] = {}

    def uri(self, code: str) -> str:
        """The address of a rule's page; "" if it cannot be written."""
        if code not in self._written:
            try:
                if self._folder is None:
                    self._folder = tempfile.TemporaryDirectory(prefix="derivload-rules-")
                page = Path(self._folder.name, f"{code}.md")
                page.write_text(render_page(code), "utf-8")
                self._written[code] = page.as_uri()
            except OSError:
                self._written[code] = ""
        return self._written[code]

    def close(self) -> None:
        """Remove the pages."""
        if self._folder is not None:
            self._folder.cleanup()


class ProtocolShowing:
    """Makes diagnostics of the protocol. `find` finds the document of an input by its name,
    and `uri_of` its address."""

    def __init__(
        self,
        find: Callable[[str], Document | None],
        uri_of: Callable[[str], str],
        encoding: Encoding,
    ) -> None:
        self._find = find
        self._uri_of = uri_of
        self._encoding: Encoding = encoding
        self._pages = RulePages()

    def diagnostic(self, found: Diagnostic) -> types.Diagnostic:
        """A diagnostic, with its remedy in the message, as editors show nothing else."""
        code = found.code
        page = self._pages.uri(code)
        return types.Diagnostic(
            range=span(self._find(found.file), *spots_of(found), self._encoding),
            message=f"{found.sentence}\n{found.advice}" if found.advice else found.sentence,
            severity=(
                types.DiagnosticSeverity.Error
                if found.is_error
                else types.DiagnosticSeverity.Warning
            ),
            code=code,
            code_description=types.CodeDescription(page) if page else None,
            source=SOURCE,
            related_information=[self._related(one) for one in found.related] or None,
            tags=[types.DiagnosticTag.Unnecessary] if code in _UNNECESSARY else None,
        )

    def _related(self, related: Related) -> types.DiagnosticRelatedInformation:
        line = related.line - 1
        made = span(
            self._find(related.file),
            TextSpot(line, related.column - 1),
            TextSpot(line, related.end_column - 1),
            self._encoding,
        )
        location = types.Location(self._uri_of(related.file), made)
        return types.DiagnosticRelatedInformation(location, related.message)

    def close(self) -> None:
        """Remove what was written."""
        self._pages.close()
