"""Diagnostics as JSON, for programs: what `check --format json` prints.

`docs/diagnostics.md` describes the format, and its JSON Schema ships.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from derivload.diagnostics import Diagnostic, Edit, Fix, shortened
from derivload.terminal.text import encodable, printable

FORMAT: Final = "derivload.diagnostics"
VERSION: Final = 1
# At most this many characters of a line are reported: a large file may be a single line.
MAX_LINE: Final = 2_000


class ReportedFix(msgspec.Struct, frozen=True):
    """Edits that remove a mistake, to be made together. None overlaps another.

    `safe` tells that the input then means what was certainly meant.
    """

    message: str
    safe: bool
    edits: list[Edit]


class ReportedPlace(msgspec.Struct, frozen=True):
    """Another place that a mistake is about, and what is there."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    message: str


class ReportedDiagnostic(msgspec.Struct, frozen=True):
    """One mistake.

    Lines and columns count from 1. Columns are characters, and `end_column` is the column after the
    last character. All four are 0 if the mistake is of the file as a whole. Each of `fixes` removes
    the mistake; the best is first.
    """

    code: str
    severity: Literal["error", "warning"]
    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    message: str
    help: str
    source_line: str
    fixes: list[ReportedFix] = []
    related: list[ReportedPlace] = []


class DiagnosticsDocument(msgspec.Struct, frozen=True):
    """All mistakes of the inputs, sorted by place."""

    format: Literal["derivload.diagnostics"]
    version: Literal[1]
    torch_version: str
    diagnostics: list[ReportedDiagnostic]


def render_report(diagnostics: Iterable[Diagnostic], torch_version: str) -> bytes:
    """The diagnostics as JSON. `torch_version` is the release whose rules were used."""
    document = DiagnosticsDocument(FORMAT, VERSION, torch_version, list(map(_report, diagnostics)))
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _report(diagnostic: Diagnostic) -> ReportedDiagnostic:
    end_line, end_column = diagnostic.end if diagnostic.line else (0, 0)
    return ReportedDiagnostic(
        code=diagnostic.code,
        severity="warning" if diagnostic.severity == "warning" else "error",
        file=encodable(diagnostic.file),
        line=diagnostic.line,
        column=diagnostic.column,
        end_line=end_line,
        end_column=end_column,
        message=diagnostic.sentence,
        help=diagnostic.advice,
        source_line=encodable(diagnostic.source_line[:MAX_LINE]),
        fixes=[_fix(fix) for fix in diagnostic.fixes],
        related=[
            ReportedPlace(
                encodable(place.file),
                place.line,
                place.column,
                place.line,
                place.end_column,
                printable(shortened(place.message)),
            )
            for place in diagnostic.related
        ],
    )


def _fix(fix: Fix) -> ReportedFix:
    edits = [
        msgspec.structs.replace(edit, file=encodable(edit.file), text=encodable(edit.text))
        for edit in fix.edits
    ]
    return ReportedFix(printable(shortened(fix.message)), fix.is_safe, edits)
