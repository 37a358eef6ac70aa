"""Diagnostics as GitHub workflow commands. GitHub shows them beside the lines of a pull request.

The text of a command is escaped in the way that GitHub's runner reads: `%`, carriage return and
line feed everywhere, in properties also `:` and `,`. The runner has no escape for other control
characters, so those are spelled out, such as `\\x1b`.
"""

from __future__ import annotations

from collections.abc import Iterable

from derivload.diagnostics import Diagnostic
from derivload.terminal.text import printable


def render_annotations(diagnostics: Iterable[Diagnostic]) -> str:
    """A line for each diagnostic."""
    return "".join(f"{_command(diagnostic)}\n" for diagnostic in diagnostics)


def _command(diagnostic: Diagnostic) -> str:
    properties = {"file": diagnostic.file, **_place(diagnostic), "title": diagnostic.code}
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    message = f"{diagnostic.sentence}\nhelp: {diagnostic.advice}"
    return f"::{diagnostic.severity} {listed}::{_data(message)}"


def _place(diagnostic: Diagnostic) -> dict[str, str]:
    if not diagnostic.line:
        return {}
    end_line, end_column = diagnostic.end
    place = {"line": str(diagnostic.line), "endLine": str(end_line)}
    if end_line == diagnostic.line:
        # GitHub accepts columns only if they are in one line.
        place |= {"col": str(diagnostic.column), "endColumn": str(end_column)}
    return place


def _data(text: str) -> str:
    return printable(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
