"""Diagnostics with all that they hold, as texts that are kept in tests/reference and read aloud."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from derivload.diagnostics import Diagnostic
from support.paths import REFERENCE


def in_full(found: Diagnostic) -> str:
    """All of a diagnostic but for the line that it shows."""
    return "\n".join(_lines(found))


def _lines(found: Diagnostic) -> Iterator[str]:
    end = ":".join(map(str, found.end))
    yield f"{found.place}-{end}: {found.severity}[{found.code}]: {found.message}"
    if found.help:
        yield f"  help: {found.help}"
    for fix in found.fixes:
        yield f"  {'safe fix' if fix.is_safe else 'fix'}: {fix.message}"
        for edit in fix.edits:
            file = "" if edit.file == found.file else f"{edit.file}:"
            span = f"{edit.line}:{edit.column}-{edit.end_line}:{edit.end_column}"
            yield f"    {file}{span} {edit.text!r}"
    for other in found.related:
        place = f"{other.file}:{other.line}:{other.column}-{other.end_column}"
        yield f"  see {place}: {other.message}"


def check_recorded(file: str, told: Mapping[str, Sequence[Diagnostic]], folder: Path) -> None:
    """Compare all that is told, by the name of what it is told of, with a file of the reference.

    What is told now is written into the folder. If it is right, it takes the place of the file.
    """
    text = "\n".join(
        f"# {name}\n" + "".join(f"{in_full(one)}\n" for one in found)
        for name, found in told.items()
    )
    (folder / file).write_text(text, "utf-8")
    expected = (REFERENCE / file).read_text("utf-8")
    assert text == expected, f"if this is right, {folder / file} takes its place"
