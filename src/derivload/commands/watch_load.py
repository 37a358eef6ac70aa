"""From what a look found to a report: loaded, written and compared with the load before."""

from __future__ import annotations

import os
import time

from derivload.commands.inputs import InputError, read_inputs
from derivload.commands.live import Loader, Updated
from derivload.commands.watch_report import Failed, Reloaded, Report, Started
from derivload.commands.watch_signals import Signals
from derivload.commands.watch_sources import Seen, Watching
from derivload.engine.difference import Difference, difference
from derivload.engine.lines import DocumentLines
from derivload.pytorch.errors import GeneratorError
from derivload.terminal.stderr import say_lines


class Updates:
    """Brings what `loader` writes in `out_dir` up to date, time after time.

    `failure` is what is wrong at the moment, None when nothing is.
    """

    def __init__(self, out_dir: str, loader: Loader, signals: Signals) -> None:
        self._out_dir = out_dir
        self._loader = loader
        self._signals = signals
        self._lines: DocumentLines | None = None
        self.failure: Failed | None = None

    @property
    def has_started(self) -> bool:
        """Whether any load went well."""
        return self._lines is not None

    def take(self, seen: Seen, since: float, watching: Watching | None) -> Report:
        """Load and write what was seen; `since` when it was saved, by the monotonic clock.

        Raises UsageError, and OSError when a document cannot be written.
        """
        try:
            prepared = self._loader.load(read_inputs(seen.files, seen.contents))
        except InputError as error:
            return self.fail(_failed(error))
        except GeneratorError as error:
            return self._show(error)
        with self._signals.held():
            try:
                updated = prepared.write()
            except GeneratorError as error:
                return self._show(error)
        seconds = time.monotonic() - since
        before, self._lines = self._lines, prepared.lines
        failure, self.failure = self.failure, None
        if before is None:
            return self._started(seen, updated, prepared.lines, seconds, watching)
        found = Difference() if before is prepared.lines else difference(before, prepared.lines)
        written = updated.written
        return Reloaded(
            found, tuple(written.written), tuple(written.removed), seconds, failure is not None
        )

    def settle(self) -> None:
        """Do now what the next load would begin with, where there is time for it."""
        if self.has_started:
            self._loader.settle()

    def fail(self, failure: Failed) -> Failed:
        """Something is wrong."""
        self.failure = failure
        return failure

    def _show(self, error: GeneratorError) -> Failed:
        """Show what upstream would; the report says how it ends."""
        say_lines(error.lines)
        last = str(error).rstrip().rpartition("\n")[2]
        said = f"{error.summary}: {last}" if last else error.summary
        return self.fail(Failed(f"{said}; nothing was written"))

    def _started(
        self,
        seen: Seen,
        updated: Updated,
        lines: DocumentLines,
        seconds: float,
        watching: Watching | None,
    ) -> Started:
        return Started(
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
            note=updated.note,
        )


def _failed(error: InputError) -> Failed:
    count = len(error.diagnostics)
    return Failed(
        f"{count} {'error' if count == 1 else 'errors'}; nothing was written", error.diagnostics
    )
