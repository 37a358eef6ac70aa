"""What derivwatch reports, as values: each a line of `--json`, and what the view shows."""

from __future__ import annotations

from typing import Literal

import msgspec

from derivload.diagnostics import Diagnostic
from derivload.engine.difference import Difference


class Report(msgspec.Struct, frozen=True, tag_field="event"):
    """Any of those below."""


class Started(Report, frozen=True, tag="started"):
    """The first load that went well.

    `functions` is how many there are, `differentiable` how many have a derivative of their own;
    `seconds` is what loading and writing took. `watching` is None where nothing is, by --once.
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


class Reloaded(Report, frozen=True, tag="reloaded"):
    """A save that was loaded, and what came of it.

    `seconds` lead from the save, as far as it is known when that was, to the last write.
    `mended` tells that an error was reported last.
    """

    difference: Difference
    written: tuple[str, ...]
    removed: tuple[str, ...]
    seconds: float
    mended: bool = False


class Failed(Report, frozen=True, tag="error"):
    """A save, or a start, with which something is wrong. The outputs are as they were.

    `message` says what, in a sentence; where it is the inputs' contents, `diagnostics` say more.
    """

    message: str
    diagnostics: tuple[Diagnostic, ...] = ()


class Executed(Report, frozen=True, tag="exec"):
    """The command of --exec began, ended, or was ended for a later save.

    `exit_status` is as shells give it: 128 and its number for a signal.
    """

    state: Literal["started", "ended", "stopped"]
    command: str
    exit_status: int | None = None
    seconds: float | None = None
