"""Makes the record of a run, from what it was seen to do.

A record is kept only if it holds at the end of its own run. Then the script, run again, would see
the same and do the same. This rules out a script that reads a file and writes it later, one whose
inputs were edited while it ran, and one that counts its runs in a file.
"""

from __future__ import annotations

import contextlib
import os
import time

from derivload.identity import is_as_it_began
from derivload.modules import CLEARLY, TICK, changed_at
from derivload.outputs.digests import digests_of_files
from derivload.outputs.journal import saved
from derivload.outputs.kept_runs import (
    ABSENT,
    FOLDER,
    INPUT,
    OUTPUT,
    VALUE,
    RecordLine,
    check,
    current,
    kind_of,
    sign_of_settled,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from derivload.pytorch.script.seen import ObservedRun

# Nanoseconds.
_PATIENCE = 100_000_000


class NotKeptError(Exception):
    """A run that cannot be kept; the text says why."""


def make_items(seen: ObservedRun, journal: str, context: str) -> list[RecordLine]:
    """The record of a run that ended well. Raises NotKeptError.

    `journal` is the folder of its journal. `context` is the digest of its surroundings.
    """
    for reason in seen.reasons:
        raise NotKeptError(reason)
    if not is_as_it_began():
        raise NotKeptError("derivload itself was edited while it ran")
    _wait_until_older(seen.written)
    _check_not_edited([*seen.files, *seen.values], seen.began)
    files = [RecordLine(INPUT, "", path) for path in seen.files]
    files += [RecordLine(VALUE, "", path) for path in seen.values]
    inputs = seen.files.keys() | seen.values.keys()
    kinds = {path: kind_of(path) for path in seen.written if path not in inputs}
    files += [RecordLine(OUTPUT, "", path) for path, kind in kinds.items() if kind != ABSENT]
    for item in files:
        item.sign = sign_of_settled(item.name)
    digests = digests_of_files(item.name for item in files)
    for item in files:
        item.value = digests[item.name]
    removed = [path for path in saved(journal) if kinds.get(path) == ABSENT]
    items = [RecordLine("context", context, ""), *_seen_items(seen), *files]
    items += [RecordLine("kind", ABSENT, path) for path in removed]
    for item in check(items).differing:
        raise NotKeptError(_why(item))
    return items


def _wait_until_older(paths: Iterable[str]) -> None:
    """Wait until files are clearly older than now, so that their status shows the next edit."""
    latest = 0
    for path in paths:
        with contextlib.suppress(OSError):
            latest = max(latest, changed_at(os.stat(path)))
    left = latest + CLEARLY + TICK - time.time_ns()
    if 0 < left < _PATIENCE:
        time.sleep(left / 1e9)


def _check_not_edited(paths: Sequence[str], began: int) -> None:
    for path in paths:
        try:
            edited = changed_at(os.stat(path))
        except OSError:
            raise NotKeptError(f"{path} was removed while it ran") from None
        if edited > began - CLEARLY:
            raise NotKeptError(f"{path}, which it read, was written while it ran")


def _seen_items(seen: ObservedRun) -> Iterator[RecordLine]:
    for path, kind in seen.kinds.items():
        if not (kind == ABSENT and path in seen.made):
            yield RecordLine("kind", kind, path)
    for path in seen.made:
        if kind_of(path) == FOLDER:
            yield RecordLine("kind", FOLDER, path)
    for kind, noted in (
        ("link", seen.links),
        ("status", seen.statuses),
        ("listed", seen.listed),
        ("variable", seen.variables),
        ("terminal", seen.terminals),
    ):
        for name, value in noted.items():
            yield RecordLine(kind, value, name)
    for folder, stems in seen.modules.items():
        name = "\0".join([folder, *sorted(stems)])
        yield RecordLine("modules", current("modules", name), name)
    for descriptor, data in seen.printed:
        yield RecordLine("printed", str(descriptor), data)


def _why(item: RecordLine) -> str:
    if item.kind == "variable":
        return f"the environment variable {item.name} changed while it ran"
    if item.kind == "listed":
        return f"it listed {item.name}, in which something changed while it ran"
    if item.kind in (INPUT, VALUE, OUTPUT):
        return f"{item.name} changed while it ran"
    return f"it looked for {item.name.split(chr(0))[0]}, which changed while it ran"
