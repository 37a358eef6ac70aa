"""From a look to a report: load what was read, write it, compare it with the load before."""

from __future__ import annotations

import contextlib
import os
import time
import traceback
from collections.abc import Callable
from typing import NamedTuple

from derivload.commands.watch.decisions import Watching
from derivload.commands.watch.report import LoadFailed, Reloaded, WatchStarted
from derivload.commands.watch.signals import Signals
from derivload.commands.watch.sources import Seen
from derivload.engine.difference import Difference, difference
from derivload.engine.lines import DocumentLines
from derivload.loading.errors import InputError, TreeCodeError, UsageError
from derivload.loading.live import LiveOutputs, Prepared, Updated
from derivload.pytorch.errors import GeneratorError


class Refused(NamedTuple):
    """Inputs from which nothing can be written: what is wrong, and what upstream would print."""

    failure: LoadFailed
    printed: tuple[str, ...] = ()


class Updates:
    """Keeps the outputs in `out_dir` up to date.

    `make_outputs` makes the object that loads and writes them, with nothing in memory. `claim` is
    called before each write and checks that the folder is ours.
    """

    def __init__(
        self,
        out_dir: str,
        make_outputs: Callable[[], LiveOutputs],
        signals: Signals,
        claim: Callable[[], None],
    ) -> None:
        self._out_dir = out_dir
        self._make_outputs = make_outputs
        self._outputs = make_outputs()
        self._signals = signals
        self._claim = claim
        self._lines: DocumentLines | None = None

    @property
    def has_started(self) -> bool:
        """Whether any load has succeeded."""
        return self._lines is not None

    def load(self, seen: Seen) -> Prepared | Refused:
        """Load what a look read. Raises UsageError and OSError if something cannot be found."""
        try:
            return self._outputs.load(seen.files, seen.contents)
        except InputError as error:
            return Refused(_failed(error))
        except GeneratorError as error:
            return _refused(error)
        except TreeCodeError as error:
            first, *rest = str(error).split("\n")
            return Refused(LoadFailed(f"{first}; nothing was written"), tuple(rest))
        except (UsageError, OSError):
            raise
        except Exception as error:
            return self._mistaken(error)

    def write(
        self,
        prepared: Prepared,
        seen: Seen,
        since: float,
        watching: Watching | None,
        is_mended: bool = False,
    ) -> WatchStarted | Reloaded | Refused:
        """Write what was loaded.

        `since` is when it was saved, by the monotonic clock; `is_mended`, whether it fixes a
        reported error. Raises OSError if a document cannot be written, and what `claim` raises.
        """
        with self._signals.held():
            self._claim()
            try:
                updated = prepared.write()
            except GeneratorError as error:
                return _refused(error)
            except OSError:
                raise
            except Exception as error:
                return self._mistaken(error)
        seconds = time.monotonic() - since
        before, self._lines = self._lines, prepared.lines
        if before is None:
            return self._started(seen, updated, prepared.lines, seconds, watching)
        found = Difference() if before is prepared.lines else difference(before, prepared.lines)
        written, warnings = updated.written, updated.warnings
        return Reloaded(
            difference=found,
            written=tuple(written.written),
            removed=tuple(written.removed),
            seconds=seconds,
            mended=is_mended,
            warnings=warnings.diagnostics,
            warnings_count=warnings.new,
            fixed=warnings.fixed,
        )

    def settle(self) -> None:
        """Do now, while there is time, what the next load would begin with."""
        # If something cannot be read now, the next look finds that.
        with contextlib.suppress(OSError):
            if self.has_started:
                self._outputs.settle()

    def _mistaken(self, error: Exception) -> Refused:
        """A bug of ours. What is in memory may be half changed, so begin with nothing."""
        self._outputs = self._make_outputs()
        said = "".join(traceback.format_exception(error)).rstrip().split("\n")
        return Refused(
            LoadFailed(f"derivload failed: {said[-1]}; nothing was written"), tuple(said)
        )

    def _started(
        self,
        seen: Seen,
        updated: Updated,
        lines: DocumentLines,
        seconds: float,
        watching: Watching | None,
    ) -> WatchStarted:
        return WatchStarted(
            pid=os.getpid(),
            torch_version=lines.torch_version,
            inputs=seen.files.paths,
            out_dir=self._out_dir,
            watching=watching,
            functions=len(lines.functions),
            differentiable=len(lines.records),
            written=tuple(updated.written.written),
            removed=tuple(updated.written.removed),
            seconds=seconds,
            note="; ".join(note for note in (updated.note, seen.files.told) if note),
            warnings=updated.warnings.diagnostics,
            warnings_count=updated.warnings.new,
        )


def _refused(error: GeneratorError) -> Refused:
    """What upstream would print; the report has the line that names the exception."""
    # What follows that line, such as the place of an entry, is indented.
    last = next((line for line in reversed(error.lines) if line[:1].strip()), "")
    said = f"{error.summary}: {last}" if last else error.summary
    return Refused(LoadFailed(f"{said}; nothing was written"), tuple(error.lines))


def _failed(error: InputError) -> LoadFailed:
    count = len(error.diagnostics)
    return LoadFailed(
        f"{count} {'error' if count == 1 else 'errors'}; nothing was written", error.diagnostics
    )
