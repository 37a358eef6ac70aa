"""Diagnostics with all that they hold, as texts that are kept in tests/reference and read aloud."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from derivload.diagnostics import Diagnostic
from support.paths import REFERENCE


def in_full(found: Diagnostic) -> str:
    """What is shown of a diagnostic, where it ends, its fixes and the other places."""
    end = f"  to {found.end[0]}:{found.end[1]}"
    fixes = [
        f"  {'safe fix' if fix.is_safe else 'fix'}: {fix.message}"
        + "".join(
            f"\n    {e.file}:{e.line}:{e.column}-{e.end_line}:{e.end_column} {e.text!r}"
            for e in fix.edits
        )
        for fix in found.fixes
    ]
    related = [
        f"  see {r.file}:{r.line}:{r.column}-{r.end_column} {r.message}" for r in found.related
    ]
    return "\n".join([found.render(), end, *fixes, *related])


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
