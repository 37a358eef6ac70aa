"""Diagnostics as JSON, for programs: what `check --format json` prints.

`docs/diagnostics.md` describes the format, and its JSON Schema ships.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from derivload.diagnostics import Diagnostic
from derivload.terminal.text import encodable

FORMAT: Final = "derivload.diagnostics"
VERSION: Final = 1
# At most this many characters of a line are reported: a large file may be a single line.
MAX_LINE: Final = 2_000


class ReportedDiagnostic(msgspec.Struct, frozen=True):
    """One mistake.

    Lines and columns count from 1. Columns are characters, and `end_column` is the column after the
    last character. All four are 0 if the mistake is of the file as a whole.
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
    )
