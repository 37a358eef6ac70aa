"""What `derivload diff --format json` prints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from derivload.commands.diff.report import DiffReport
from derivload.commands.diff.sides import Side
from derivload.commands.watch.text import word_steps
from derivload.engine.difference import Change, FunctionChange
from derivload.engine.folding import Widespread
from derivload.engine.narrowing import group_of


class DiffSide(msgspec.Struct, frozen=True):
    """One side of a comparison."""

    name: str
    torch_version: str
    functions: int
    has_kernels: bool


class Words(msgspec.Struct, frozen=True):
    """Some words of a part, before and after. Words that stayed are the same in both."""

    before: str
    after: str


class DiffChange(msgspec.Struct, frozen=True):
    """A part of a function before and after."""

    about: str
    what: str
    of: str
    before: str | None
    after: str | None
    words: tuple[Words, ...]


class DiffFunction(msgspec.Struct, frozen=True):
    """A function that was added, removed or changed, with its parts that differ."""

    name: str
    changes: tuple[DiffChange, ...]


class DiffRename(msgspec.Struct, frozen=True):
    """A function that probably has another name now, with its parts that differ."""

    before: str
    after: str
    measure: float
    changes: tuple[DiffChange, ...]


class DiffDocument(msgspec.Struct, frozen=True):
    """What changed from one side to the other."""

    format: Literal["derivload.diff"]
    version: Literal[1]
    before: DiffSide
    after: DiffSide
    documents: tuple[DiffChange, ...]
    widespread: tuple[Widespread, ...]
    added: tuple[DiffFunction, ...]
    removed: tuple[DiffFunction, ...]
    renamed: tuple[DiffRename, ...]
    changed: tuple[DiffFunction, ...]


def document_of(report: DiffReport) -> DiffDocument:
    """A report as a document."""
    found = report.found
    return DiffDocument(
        format="derivload.diff",
        version=1,
        before=_side(report.before),
        after=_side(report.after),
        documents=_changes(found.documents),
        widespread=report.widespread,
        added=_functions(found.added),
        removed=_functions(found.removed),
        renamed=tuple(
            [
                DiffRename(one.before, one.after, one.measure, _changes(one.changes))
                for one in found.renamed
            ]
        ),
        changed=_functions(report.changed),
    )


def render_json(report: DiffReport) -> bytes:
    """A report as JSON."""
    return msgspec.json.format(msgspec.json.encode(document_of(report)), indent=2) + b"\n"


def words_of(change: Change) -> tuple[Words, ...]:
    """The words of both sides of a change in steps; none if it has but one side."""
    if change.before is None or change.after is None:
        return ()
    steps = word_steps(change.before, change.after)
    return tuple([Words("".join(old), "".join(new)) for _, old, new in steps])


def _side(side: Side) -> DiffSide:
    lines = side.lines
    return DiffSide(side.name, lines.torch_version, len(lines.functions), lines.facts is not None)


def _functions(functions: Iterable[FunctionChange]) -> tuple[DiffFunction, ...]:
    return tuple([DiffFunction(one.name, _changes(one.changes)) for one in functions])


def _changes(changes: Iterable[Change]) -> tuple[DiffChange, ...]:
    return tuple(
        [
            DiffChange(
                group_of(change.what),
                change.what,
                change.of,
                change.before,
                change.after,
                words_of(change),
            )
            for change in changes
        ]
    )
