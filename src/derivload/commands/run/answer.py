"""The exit that does nothing: the files are there, and nothing that the run depends on changed.

Builds take it hundreds of times a day, so it must stay fast.
"""

from __future__ import annotations

import os
import sys
import time

from derivload.outputs.kept_runs import OUTPUT, VALUE, check, read_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from derivload.commands.run.asked import Asked
    from derivload.outputs.kept_runs import RecordLine


def is_answered(asked: Asked) -> bool:
    """Whether the run would do nothing; if so, print what it printed."""
    start = time.perf_counter()
    if "--no-cache" in asked.own:
        return False
    path = asked.record_path()
    if path is None:
        return False
    items = read_record(path)
    if not items:
        return False
    checked = check(items)
    exit_ = "up-to-date"
    if checked.differing:
        if any(item.kind != VALUE for item in checked.differing):
            return False
        from derivload.outputs.kept_values import holds_by_value

        if not holds_by_value(path, items, checked.differing):
            return False
        exit_ = "stored"
    elif checked.is_stale:
        from derivload.outputs.kept_values import write_record

        write_record(path, items)
    _note_use(path)
    tell(asked, items, exit_, {"check": time.perf_counter() - start})
    return True


def _note_use(path: str) -> None:
    """Note that a record was used: unused records are removed one day."""
    try:
        os.utime(path)
    except OSError:
        return


def tell(asked: Asked, items: Sequence[RecordLine], exit_: str, seconds: dict[str, float]) -> None:
    """Print what the recorded run printed and, unless `--quiet`, that nothing was run."""
    for item in items:
        if item.kind == "printed":
            _print(sys.stdout if item.value == "1" else sys.stderr, bytes.fromhex(item.name))
    if "--quiet" not in asked.own:
        from derivload.terminal.stderr import say

        say(f"{asked.target}: up to date")
    form = asked.stats()
    if form is not None:
        from derivload.commands.stats import print_stats

        outputs = sum(item.kind == OUTPUT for item in items)
        counts = {"depends": len(items) - outputs, "outputs": outputs}
        print_stats(form, exit_, counts, seconds)


def _print(stream: TextIO, data: bytes) -> None:
    """Print what the script printed. That nobody reads it changes nothing."""
    try:
        stream.flush()
        stream.buffer.write(data)
        stream.flush()
    except OSError as error:
        from derivload.terminal.streams import let_go

        let_go(stream)
        if stream is sys.stdout and not isinstance(error, BrokenPipeError):
            raise
