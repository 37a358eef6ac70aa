"""Compares derivload's documents with those that the tree's own torchgen gives."""

from __future__ import annotations

import time
from collections.abc import Iterator

from derivload.commands.verify.comparison import Comparison, keep_sides, sides
from derivload.engine.difference import FunctionChange, difference
from derivload.engine.lines import DocumentLines
from derivload.loading.memory import Memory
from derivload.loading.own_code.process import OwnTorchgen
from derivload.loading.own_code.session import load_whole
from derivload.loading.request import Request
from derivload.loading.run import load_inputs


def compare_documents(request: Request, torchgen: OwnTorchgen, keep: str | None) -> Comparison:
    """Load by both, and compare; `keep` is a folder for the documents of both.

    Raises UsageError, InputError, TreeCodeError, and OSError where documents cannot be written.
    """
    begin = time.perf_counter()
    own = load_inputs(request).lines
    middle = time.perf_counter()
    theirs = load_whole(torchgen, request.inputs.texts, own.torch_version)
    end = time.perf_counter()
    if keep is not None:
        keep_sides(keep, _documents(own), _documents(theirs))
    counted = (f"{len(own.functions)} functions", f"{len(own.records)} definitions")
    return Comparison(differing_documents(own, theirs), counted, middle - begin, end - middle)


def differing_documents(own: DocumentLines, theirs: DocumentLines) -> list[str]:
    """A line for each difference, by operator and field; what derivload has comes first."""
    if own == theirs:
        return []
    return [*_told(own, theirs)] or ["the same records, in another order"]


def _told(own: DocumentLines, theirs: DocumentLines) -> Iterator[str]:
    found = difference(own, theirs)
    for change in found.documents:
        yield f"{change.what}: {sides(change.before, change.after)}"
    for name in (function.name for function in found.added):
        yield f"{name}: only torchgen has this"
    for name in (function.name for function in found.removed):
        yield f"{name}: only derivload has this"
    for function in found.changed:
        yield from _of_function(function)


def _of_function(function: FunctionChange) -> Iterator[str]:
    for change in function.changes:
        part = f"{change.what} {change.of}".rstrip()
        yield f"{function.name}: {part}: {sides(change.before, change.after)}"


def _documents(lines: DocumentLines) -> dict[str, bytes]:
    return {one.name: bytes(one.data) for one in Memory().render(lines, None)}
