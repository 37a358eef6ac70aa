"""`derivload verify --pytorch`: are these the documents that the tree's own torchgen gives?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from derivload.commands.verify.shown import print_first
from derivload.engine.difference import Change, Difference, FunctionChange, difference
from derivload.engine.lines import DocumentLines
from derivload.exit_status import BAD_INPUT, DONE
from derivload.loading.memory import Memory
from derivload.loading.own_code.process import start_torchgen
from derivload.loading.own_code.session import load_whole
from derivload.loading.request import Request
from derivload.loading.run import load_inputs
from derivload.terminal.stderr import say
from derivload.terminal.stdout import Stdout

_WIDTH: Final = 200


def verify_tree(request: Request, keep: str | None) -> int:
    """Compare with the tree's own torchgen; the exit status: 1 if anything differs.

    `keep` is a folder for the documents of both. Raises UsageError, InputError, TreeCodeError, and
    OSError where the documents cannot be written.
    """
    files, rules = request.files, request.rules
    if rules.why:
        say(f"note: derivload has the tree's own code load this: {rules.why}")
    with closing(start_torchgen(files, rules)) as torchgen:
        begin = time.perf_counter()
        own = load_inputs(request).lines
        middle = time.perf_counter()
        theirs = load_whole(torchgen, request.inputs.texts, own.torch_version)
        end = time.perf_counter()
    if keep is not None:
        for name, lines in (("derivload", own), ("torchgen", theirs)):
            _write(Path(keep, name), lines)
    if own == theirs:
        counted = f"{len(own.functions)} functions and {len(own.records)} definitions"
        seconds = f"{middle - begin:.2f} s and {end - middle:.2f} s"
        Stdout().print_lines(
            [f"{files.derivatives}: {counted} equal those of the tree's own torchgen ({seconds})"]
        )
        return DONE
    found = [*_told(difference(own, theirs))] or ["the same records, in another order"]
    print_first(found)
    say("derivload's documents are not those of the tree's own torchgen")
    return BAD_INPUT


def _told(found: Difference) -> Iterator[str]:
    """A line for each difference; what derivload has comes first."""
    for change in found.documents:
        yield f"{change.what}: {_sides(change)}"
    for name in (function.name for function in found.added):
        yield f"{name}: only torchgen has this"
    for name in (function.name for function in found.removed):
        yield f"{name}: only derivload has this"
    for function in found.changed:
        yield from _of_function(function)


def _of_function(function: FunctionChange) -> Iterator[str]:
    for change in function.changes:
        part = f"{change.what} {change.of}".rstrip()
        yield f"{function.name}: {part}: {_sides(change)}"


def _sides(change: Change) -> str:
    return f"derivload has {_shown(change.before)}, torchgen has {_shown(change.after)}"


def _shown(text: str | None) -> str:
    if text is None:
        return "nothing"
    return f"`{text}`" if len(text) <= _WIDTH else f"`{text[:_WIDTH]}…`"


def _write(folder: Path, lines: DocumentLines) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for document in Memory().render(lines, None):
        (folder / document.name).write_bytes(document.data)
