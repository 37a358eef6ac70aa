"""The text of `derivload diff`: a report in, lines out, which are those of derivwatch."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence

from derivload.commands.diff.report import DiffReport
from derivload.commands.watch.text import change_lines, document_lines, widespread_lines
from derivload.commands.watch.view import STYLES
from derivload.engine.difference import Change
from derivload.engine.narrowing import counts_of
from derivload.terminal import colour
from derivload.terminal.layout import Line, Segment, visible, wrap
from derivload.terminal.stdout import Stdout


def print_text(report: DiffReport, *, only_counts: bool = False) -> None:
    """Print a report: wrapped on a terminal, and in colour if that is wanted."""
    is_coloured = colour.is_wanted()
    lines = [*(_stat(report) if only_counts else _lines(report, marked=is_coloured))]
    lines.append(Line((Segment(summary_of(report), "name"),)))
    if report.note:
        lines.append(Line((Segment(f"note: {visible(report.note)}", "note"),)))
    stdout = Stdout()
    if stdout.is_terminal:
        width = shutil.get_terminal_size().columns
        lines = [part for line in lines for part in wrap(line, width)]
    if is_coloured:
        painter = colour.Painter(STYLES)
        stdout.write("".join(painter.line(line.segments) for line in lines))
    else:
        stdout.print_lines(line.text for line in lines)


def summary_of(report: DiffReport) -> str:
    """The line that counts what differs."""
    found = report.found
    counts = {
        "added": len(found.added),
        "removed": len(found.removed),
        "renamed": len(found.renamed),
        "changed": len(found.changed),
    }
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"{visible(report.before.name)} -> {visible(report.after.name)}: {told or 'no function'}"


def _lines(report: DiffReport, *, marked: bool) -> Iterator[Line]:
    found = report.found
    yield from document_lines(found.documents)
    yield from widespread_lines(report.widespread)
    for mark, style, functions in (
        ("- ", "old", found.removed),
        ("+ ", "new", found.added),
        ("~ ", "name", report.changed),
    ):
        for function in functions:
            yield from _function(mark, style, function.name, function.changes, marked=marked)
    for one in found.renamed:
        name = f"{one.before} -> {one.after}"
        about = Segment(f"  {round(one.measure * 100)} % alike", "note")
        yield Line((Segment("> ", "name"), Segment(visible(name), "name"), about))
        yield from change_lines(one.changes, None, marked=marked)


def _function(
    mark: str, style: str, name: str, changes: Sequence[Change], *, marked: bool
) -> Iterable[Line]:
    yield Line((Segment(mark, style), Segment(visible(name), style)))
    yield from change_lines(changes, None, marked=marked)


def _stat(report: DiffReport) -> Iterator[Line]:
    yield from document_lines(report.found.documents)
    yield from widespread_lines(report.widespread)
    counts = counts_of(report.found)
    width = max(map(len, counts))
    for group, count in counts.items():
        if count:
            yield Line((Segment(f"  {group:<{width}}  ", "label"), Segment(str(count))))
