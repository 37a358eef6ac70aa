"""What `derivwatch` does with the inputs: it loads, writes and shows, whenever one is saved.

`looking.py` has the loop, and `decisions.py` decides. This file loads, writes and reports.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import NamedTuple

from derivload.commands.watch import decisions
from derivload.commands.watch.decisions import Look, OnBusy, WatchState
from derivload.commands.watch.exec import CommandEnded, Runner
from derivload.commands.watch.lock import OutDirLock
from derivload.commands.watch.looking import Looking
from derivload.commands.watch.messages import Messages
from derivload.commands.watch.report import Executed, LoadFailed, Reloaded, WatchStarted
from derivload.commands.watch.sources import Seen, WatchedInputs
from derivload.commands.watch.updates import Refused, Updates
from derivload.commands.watch.view import View
from derivload.exit_status import BAD_INPUT, DONE
from derivload.loading.errors import UsageError
from derivload.loading.live import LiveOutputs, Prepared
from derivload.loading.paths import Files
from derivload.terminal import progress
from derivload.terminal.stderr import say_lines


class WatchOptions(NamedTuple):
    """The options of derivwatch; `debounce` is in seconds.

    `find` finds the inputs anew. `make_outputs` makes the object that loads and writes.
    `has_learned` says whether the last load read more files than `find` had found.
    """

    find: Callable[[], Files]
    out_dir: str
    make_outputs: Callable[[], LiveOutputs]
    command: str | None
    on_busy: OnBusy
    poll: bool
    debounce: float
    json: bool
    once: bool
    quiet: bool
    is_own_process: bool
    has_learned: Callable[[], bool] = lambda: False


class WatchLoop:
    """Keeps the outputs up to date; it is the task of a `Looking`."""

    def __init__(
        self, options: WatchOptions, view: View, messages: Messages, lock: OutDirLock
    ) -> None:
        self._debounce = options.debounce
        self._has_learned = options.has_learned
        self._is_own_process = options.is_own_process
        self._view = view
        self._messages = messages
        watching: decisions.Watching = "polling" if options.poll else "events"
        self._inputs = WatchedInputs(
            options.find, None if options.once else watching, messages.put, view.note
        )
        self._updates = Updates(options.out_dir, options.make_outputs, messages.signals, lock.hold)
        self._runner: Runner | None = None
        if options.command is not None:
            command = options.command
            self._runner = Runner(
                command,
                options.on_busy,
                began=lambda: view.report(Executed("started", command)),
                say=view.say,
                over=messages.put,
            )
        # Mistakes that do not count yet, and the key of their inputs: they are not loaded twice.
        self._refused: tuple[object, Refused] | None = None

    def close(self) -> None:
        """End the command, and stop watching."""
        if self._runner is not None:
            self._runner.close()
        self._inputs.close()

    def once(self) -> int:
        """Load, write, show, run the command if something was written; the exit status.

        Raises UsageError and OSError.
        """
        began = time.monotonic()
        seen = self._inputs.read()
        loaded = self._updates.load(seen)
        if not isinstance(loaded, Refused):
            report = self._updates.write(loaded, seen, began, None)
            if not isinstance(report, Refused):
                self._show(report)
                return self._wait_for_command()
            loaded = report
        self._say(loaded)
        return BAD_INPUT

    def _wait_for_command(self) -> int:
        """Wait for the command, if it runs; the exit status."""
        if self._runner is None or not self._runner.is_running:
            return DONE
        while True:
            message = self._messages.get()
            if isinstance(message, CommandEnded):
                self.end(message)
                return message.exit_status

    def run(self) -> int:
        """Watch until nobody reads the reports, or a signal comes, which is raised."""
        Looking(self._inputs, self._messages, self._debounce, self).run()
        return DONE

    @property
    def is_read(self) -> bool:
        """Whether anybody reads the reports."""
        return self._view.is_read

    @property
    def has_learned(self) -> bool:
        """Whether the last load read more files than were found before."""
        return self._has_learned()

    def rest(self) -> None:
        """The first look is over."""
        progress.end()
        if self._is_own_process:
            # What is there now stays: the collector need not go through it after each save.
            gc.freeze()

    def act(self, state: WatchState, seen: Seen, saved_at: float) -> WatchState:
        """Load what counts, write it and report."""
        key = seen.finding.key
        try:
            if self._refused is not None and self._refused[0] == key:
                loaded: Prepared | Refused = self._refused[1]
            else:
                loaded = self._updates.load(seen)
        except (UsageError, OSError) as error:
            if isinstance(error, UsageError) and not self._updates.has_started:
                raise
            return self.lose(state, error, seen.finding.look)
        if not isinstance(loaded, Refused):
            state, refused = self._write(state, loaded, seen, saved_at)
        else:
            refused = loaded
        self._refused = None
        if refused is None:
            return state
        is_due, state = decisions.refuse(state, seen.finding, saved_at, refused.failure)
        if is_due:
            self._say(refused)
        else:
            self._refused = key, refused
        return state

    def _write(
        self, state: WatchState, loaded: Prepared, seen: Seen, saved_at: float
    ) -> tuple[WatchState, Refused | None]:
        """Write what was loaded and report that; or return why it is refused."""
        is_mended = state.failure is not None
        try:
            report = self._updates.write(loaded, seen, saved_at, self._inputs.watching, is_mended)
        except OSError as error:
            if not self._updates.has_started:
                raise
            failure = LoadFailed(f"{_text(error)}; not everything was written")
            now = time.monotonic()
            is_due, state = decisions.fail_to_write(state, seen.finding, now, failure)
            if is_due:
                self._view.report(failure)
            return state, None
        if isinstance(report, Refused):
            return state, report
        self._show(report)
        self._updates.settle()
        return decisions.succeed(state, seen.finding), None

    def lose(self, state: WatchState, error: UsageError | OSError, look: Look) -> WatchState:
        """The inputs cannot be found: a folder was moved away, say, or names no version now."""
        text = _text(error)
        failure = LoadFailed(f"{text}; nothing was written")
        is_due, state = decisions.lose(state, text, look, time.monotonic(), failure)
        if is_due:
            self._view.report(failure)
        return state

    def _say(self, refused: Refused) -> None:
        say_lines(refused.printed)
        self._view.report(refused.failure)

    def _show(self, report: WatchStarted | Reloaded) -> None:
        """Report what was written, and run the command if it is due."""
        self._view.report(report)
        is_due = decisions.is_command_due(report.written, report.removed)
        if self._runner is not None and is_due:
            # A signal in the middle of a start would leave a run behind that nobody ends.
            with self._messages.signals.held():
                self._runner.request()

    def end(self, ended: CommandEnded) -> None:
        """Report that the command has ended, and start the next run if one is due."""
        assert self._runner is not None
        self._view.report(
            Executed(
                "stopped" if ended.stopped else "ended",
                self._runner.command,
                ended.exit_status,
                ended.seconds,
            )
        )
        with self._messages.signals.held():
            self._runner.go_on()


def _text(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)
