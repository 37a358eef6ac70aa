"""Quick fixes: the fixes of the diagnostics at a place, and comments that ignore warnings there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from derivload.commands.lsp.showing import spots_of
from derivload.diagnostics import Edit
from derivload.editing.documents import TextSpot
from derivload.editing.outline import entry_around
from derivload.sources.ignore_comments import find_comments

if TYPE_CHECKING:
    from derivload.commands.lsp.workbench import Workbench
    from derivload.diagnostics import Diagnostic
    from derivload.editing.documents import Document


class Action(NamedTuple):
    """Edits that an editor offers for a diagnostic. `is_best` tells that they are surely meant."""

    title: str
    diagnostic: Diagnostic
    edits: tuple[Edit, ...]
    is_best: bool = False


def actions(bench: Workbench, name: str, start: TextSpot, end: TextSpot) -> list[Action]:
    """What can be done about the diagnostics in the lines between two places of an input."""
    made: list[Action] = []
    for found in bench.diagnostics():
        first, last = spots_of(found)
        if found.file != name or last.line < start.line or end.line < first.line:
            continue
        for number, fix in enumerate(found.fixes):
            is_best = fix.is_safe and number == 0
            made.append(Action(_sentence(fix.message), found, fix.edits, is_best))
        comment = _comment(bench, found)
        if comment is not None:
            made.append(Action(f"Ignore {found.code} here", found, (comment,)))
    return made


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _comment(bench: Workbench, found: Diagnostic) -> Edit | None:
    """The comment that ignores a warning, at the end of a line; None for what is no warning.

    A comment that is there already gets the code.
    """
    document = bench.document(found.file)
    if found.is_error or document is None or not found.line or found.code == "DL608":
        return None
    number = _line_for_comment(document, found.line - 1)
    line = document.line(number)
    for comment in find_comments(line):
        if comment.names:
            at = line.index("]", comment.start) + 1
            return Edit(found.file, number + 1, at, number + 1, at, f", {found.code}")
    end = len(line.rstrip()) + 1
    text = f"  # derivload: ignore[{found.code}]"
    return Edit(found.file, number + 1, end, number + 1, len(line) + 1, text)


def _line_for_comment(document: Document, number: int) -> int:
    """The line where a comment is beside a value: its own or, if a comment there would be a part
    of the value or end it, the first one of the entry.
    """
    entry = entry_around(document.line, document.last, number)
    if entry is None:
        return number
    key = entry.key_at(TextSpot(number, 0))
    is_one_line = key is not None and key.line == number and "\n" not in entry.value_of(key)
    return number if is_one_line else entry.first
