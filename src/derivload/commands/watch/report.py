"""The reports of derivwatch, as values: each is a line of `--json`, or shown by the view."""

from __future__ import annotations

from typing import Literal

import msgspec

from derivload.diagnostics import Diagnostic
from derivload.engine.difference import Difference


class Report(msgspec.Struct, frozen=True, tag_field="event"):
    """The base of the reports below."""


class WatchStarted(Report, frozen=True, tag="started"):
    """The first load that succeeded.

    `functions` is how many there are, `differentiable` how many have a derivative of their own.
    `seconds` is how long loading and writing took. `watching` is None with --once. `warnings` are
    the first of `warnings_count`.
    """

    pid: int
    torch_version: str
    inputs: tuple[str, ...]
    out_dir: str
    watching: Literal["events", "polling"] | None
    functions: int
    differentiable: int
    written: tuple[str, ...]
    removed: tuple[str, ...]
    seconds: float
    note: str = ""
    warnings: tuple[Diagnostic, ...] = ()
    warnings_count: int = 0


class Reloaded(Report, frozen=True, tag="reloaded"):
    """A save that was loaded, and what it changed.

    `seconds` is the time from the save, as far as that is known, to the last write.
    `mended` is whether the report before was an error. `warnings` are the first of
    `warnings_count` new ones, and `fixed` names those that are gone, by rule and operator.
    """

    difference: Difference
    written: tuple[str, ...]
    removed: tuple[str, ...]
    seconds: float
    mended: bool = False
    warnings: tuple[Diagnostic, ...] = ()
    warnings_count: int = 0
    fixed: tuple[str, ...] = ()


class LoadFailed(Report, frozen=True, tag="error"):
    """A save, or a start, that failed. The outputs are as they were.

    `message` is a sentence. If the inputs have mistakes, they are in `diagnostics`.
    """

    message: str
    diagnostics: tuple[Diagnostic, ...] = ()


class Executed(Report, frozen=True, tag="exec"):
    """The command of --exec started, ended, or was stopped for a later save.

    `exit_status` is what a shell gives: for a signal, 128 plus its number.
    """

    state: Literal["started", "ended", "stopped"]
    command: str
    exit_status: int | None = None
    seconds: float | None = None
