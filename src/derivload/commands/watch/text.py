"""The text of derivwatch's reports: a report in, lines out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from derivload.commands.watch.report import Executed, LoadFailed, Reloaded, Report, WatchStarted
from derivload.diagnostics import WIDTH, Diagnostic
from derivload.engine.difference import Change, Difference
from derivload.engine.folding import Widespread, fold
from derivload.terminal.layout import Line, Segment, visible

_WORD: Final = re.compile(r"\w+|\s+|.")
# If a function has more changes than this, the rest is only counted.
_MOST_CHANGES: Final = 12
# If there are more files than this, they are only counted.
_MOST_NAMES: Final = 2
_INDENT: Final = "    "
_WIDEST_LABEL: Final = 24


def summary(report: Report) -> tuple[Segment, ...]:
    """The one line that sums up a report."""
    if isinstance(report, WatchStarted):
        return tuple(_started(report))
    if isinstance(report, Reloaded):
        return tuple(_reloaded(report))
    if isinstance(report, LoadFailed):
        return (Segment(report.message, "bad"),)
    assert isinstance(report, Executed)
    return tuple(_executed(report))


def _started(report: WatchStarted) -> Iterator[Segment]:
    yield Segment(f"{report.functions} functions", "good")
    yield Segment(
        f", {report.differentiable} with derivatives; {_files(report.written, report.removed)}"
        f" in {_time(report.seconds)}"
    )
    if report.warnings_count:
        yield Segment(_warned(report.warnings_count), "doubt")
    if report.note:
        yield Segment(f"; {report.note}", "note")
    if report.watching == "polling":
        yield Segment("; polling", "note")


def _reloaded(report: Reloaded) -> Iterator[Segment]:
    if report.mended:
        yield Segment("fixed: ", "good")
    found = report.difference
    counts = [
        f"{len(functions)} {word}"
        for word, functions in (
            ("added", found.added),
            ("removed", found.removed),
            ("changed", found.changed),
        )
        if functions
    ]
    yield Segment(", ".join(counts) or "no function changed", "good" if counts else "")
    between = " in " if report.written or report.removed else ", after "
    files = _files(report.written, report.removed)
    yield Segment(f"; {files}{between}{_time(report.seconds)}")
    if report.warnings_count:
        yield Segment(_warned(report.warnings_count), "doubt")


def _warned(count: int) -> str:
    return f"; {count} {'warning' if count == 1 else 'warnings'}"


def _executed(report: Executed) -> Iterator[Segment]:
    if report.state == "started":
        yield Segment(f"$ {visible(report.command)}", "name")
        return
    took = f" after {_time(report.seconds or 0)}"
    if report.state == "stopped":
        yield Segment(f"stopped for the next save{took}: ", "note")
    elif report.exit_status:
        yield Segment(f"exit status {report.exit_status}", "bad")
        yield Segment(f"{took}: ")
    else:
        yield Segment("exit status 0", "good")
        yield Segment(f"{took}: ")
    yield Segment(visible(report.command))


def _files(written: Sequence[str], removed: Sequence[str]) -> str:
    done = [f"wrote {_names(written)}"] if written else []
    if removed:
        done.append(f"removed {_names(removed)}")
    return ", ".join(done) or "nothing to write"


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= _MOST_NAMES else f"{len(names)} files"


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def diagnostic_lines(
    diagnostics: Sequence[Diagnostic], room: int, count: int | None = None, *, width: int = WIDTH
) -> list[Line]:
    """The diagnostics, as many as fit into `room` lines, and how many more there are.

    `count` is how many there are in all, if `diagnostics` has only the first. `width` is how wide
    excerpts may be.
    """
    lines: list[Line] = []
    total = len(diagnostics) if count is None else count
    for i, diagnostic in enumerate(diagnostics):
        rendered = diagnostic.render(width).split("\n")
        if lines and len(lines) + len(rendered) > room:
            return [*lines, _more_of(diagnostic.severity, total - i)]
        style = "bad" if diagnostic.severity == "error" else "doubt"
        lines += _diagnostic_lines(rendered, f": {diagnostic.severity}[", style)
    if total > len(diagnostics):
        lines.append(_more_of("warning", total - len(diagnostics)))
    return lines


def _more_of(severity: str, count: int) -> Line:
    return _more(count, severity, f"{severity}s")


def _diagnostic_lines(rendered: Sequence[str], mark: str, style: str) -> Iterator[Line]:
    first, *others = rendered
    place, _, rest = first.partition(mark)
    sentence = Segment(f"{mark.removeprefix(': ')}{rest}", style)
    yield Line(body=(Segment(place, "place"), Segment(": "), sentence), hang=2)
    for text in others:
        # Not wrapped: the caret must stay under the line before it.
        is_caret = set(text.partition(" | ")[2].strip()) == {"^"}
        yield Line((Segment(text, style if is_caret else ""),))


def fixed_lines(fixed: Sequence[str], room: int) -> list[Line]:
    """The warnings that are gone, as many as fit into `room` lines, and how many more."""
    lines = [Line((Segment("fixed: ", "good"), Segment(visible(name)))) for name in fixed]
    return lines if len(lines) <= room else [*lines[:room], _more_of("warning", len(lines) - room)]


def difference_lines(found: Difference, room: int) -> list[Line]:
    """The difference, function by function, as many as fit into `room` lines, and how many more."""
    changed, widespread = fold(found.changed)
    functions = [
        *(("- ", "old", function) for function in found.removed),
        *(("+ ", "new", function) for function in found.added),
        *(("~ ", "name", function) for function in changed),
    ]
    lines = [*document_lines(found.documents), *widespread_lines(widespread)]
    for i, (mark, style, function) in enumerate(functions):
        block = [Line((Segment(mark, style), Segment(function.name, style)))]
        block += change_lines(function.changes)
        if lines and len(lines) + len(block) > room:
            return [*lines, _more(len(functions) - i, "function", "functions")]
        lines += block
    return lines


def widespread_lines(widespread: Iterable[Widespread]) -> Iterator[Line]:
    """The edits that many functions have in common."""
    for one in widespread:
        head = (Segment("* ", "name"), Segment(f"{one.what}  ", "label"))
        yield Line(head, (Segment(widespread_text(one)),), 6)


def widespread_text(one: Widespread) -> str:
    """An edit that many functions have in common, in a few words."""
    count = f"in {len(one.functions)} functions"
    if one.before is None or one.after is None:
        sign, word = ("+", one.after) if one.before is None else ("-", one.before)
        return f"{sign} {visible(word or '')}  {count}"
    return f"{visible(one.before)} -> {visible(one.after)}  {count}"


def document_lines(changes: Iterable[Change]) -> list[Line]:
    """The changes in the heads of the documents."""
    return [
        Line((Segment("~ ", "name"), Segment(f"{change.what}: {change.before} -> {change.after}")))
        for change in changes
    ]


def change_lines(
    changes: Sequence[Change], most: int | None = _MOST_CHANGES, *, marked: bool = True
) -> list[Line]:
    """The changes of one function, at most so many; None for all.

    `marked` has the words that differ marked, which only colour shows.
    """
    shown = changes[:most]
    labels = [f"{change.what} {change.of}".strip() for change in shown]
    widths = [len(label) for label in labels if len(label) <= _WIDEST_LABEL]
    column = max(widths, default=0)
    lines: list[Line] = []
    for label, change in zip(labels, shown, strict=True):
        before, after = _marked(change) if marked else _plain(change)
        padded = label.ljust(column)
        if before:
            lines.append(_side(padded, "- ", "old", before))
            padded = " " * len(padded)
        if after:
            lines.append(_side(padded, "+ ", "new", after))
    if len(changes) > len(shown):
        more = _more(len(changes) - len(shown), "change", "changes")
        lines.append(Line((Segment(_INDENT), *more.head)))
    return lines


def _side(label: str, mark: str, style: str, body: tuple[Segment, ...]) -> Line:
    head = (Segment(f"{_INDENT}{label}  ", "label"), Segment(mark, style))
    return Line(head, body, sum(len(segment.text) for segment in head))


def _marked(change: Change) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """Both sides of a change. Words that only one side has are marked."""
    if change.before is None or change.after is None:
        return _plain(change)
    steps = [*word_steps(visible(change.before), visible(change.after))]
    return (
        tuple(_words([(tag, old) for tag, old, _ in steps], "old")),
        tuple(_words([(tag, new) for tag, _, new in steps], "new")),
    )


def _plain(change: Change) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """Both sides of a change, without marks."""
    before, after = change.before, change.after
    return (
        () if before is None else (Segment(visible(before), "old"),),
        () if after is None else (Segment(visible(after), "new"),),
    )


def word_steps(before: str, after: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """The words of two texts in steps: whether a step is "equal", and the words of each."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        yield tag, old[a:b], new[c:d]


def _words(steps: Iterable[tuple[str, Sequence[str]]], style: str) -> Iterator[Segment]:
    for tag, words in steps:
        if words:
            yield Segment("".join(words), style if tag == "equal" else f"{style} words")


def _more(count: int, one: str, several: str) -> Line:
    return Line((Segment(f"... and {count} more {one if count == 1 else several}", "note"),))
