"""`derivwatch`: load, write and show again whenever an input is saved.

One thread does all of this, from one queue. watchdog, the command and signals put messages into
the queue from other threads. This file reads, waits, loads, writes and reports; what to do, and
when, is decided in `decisions.py`.
"""

from __future__ import annotations

import contextlib
import gc
import queue
import time
from collections.abc import Callable
from typing import NamedTuple

from derivload.commands.watch import decisions
from derivload.commands.watch.decisions import DELAYS, Burst, Look, OnBusy, WatchState
from derivload.commands.watch.exec import CommandEnded, Runner
from derivload.commands.watch.lock import OutDirLock
from derivload.commands.watch.messages import Messages
from derivload.commands.watch.report import Executed, LoadFailed, Reloaded, WatchStarted
from derivload.commands.watch.settle import Settling
from derivload.commands.watch.sources import Seen, WatchedInputs
from derivload.commands.watch.updates import Refused, Updates
from derivload.commands.watch.view import View
from derivload.exit_status import BAD_INPUT, DONE
from derivload.loading.errors import UsageError
from derivload.loading.live import LiveOutputs, Prepared
from derivload.loading.paths import Files
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
    """Looks at the inputs when there is a hint, and does what is decided."""

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
        self._settling = Settling(messages, options.debounce)
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
        self._state = WatchState()
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
                self._end(message)
                return message.exit_status

    def run(self) -> int:
        """Watch until nobody reads the reports, or a signal comes, which is raised."""
        # Watch before the first look: then the look finds what happened before.
        with contextlib.suppress(UsageError, OSError):
            self._inputs.read()
            self._inputs.cover()
        self._look(None)
        if self._is_own_process:
            # What is there now stays: the collector need not go through it after each save.
            gc.freeze()
        while self._view.is_read:
            now = time.monotonic()
            wait = decisions.wait_for_hint(self._state, self._inputs.watching, now)
            try:
                message = self._messages.get(wait)
            except queue.Empty:
                self._look_without_hint()
                continue
            if isinstance(message, CommandEnded):
                self._end(message)
                continue
            settled = self._settling.settle(message, self._inputs.git_locks)
            now = time.monotonic()
            self._state = decisions.look_within(self._state, now, DELAYS.afterthought)
            self._look(settled.save)
            for ended in settled.others:
                self._end(ended)
        return DONE

    def _look_without_hint(self) -> None:
        """Look if it is time to, or, without events, if the inputs have changed."""
        save = None
        if self._inputs.watching == "polling" and self._inputs.have_changed():
            save = Burst(time.monotonic(), is_save=True)
            self._inputs.settle(self._debounce)
        is_due, self._state = decisions.wake(self._state, time.monotonic(), save)
        if is_due:
            self._look(save)

    def _look(self, save: Burst | None) -> None:
        """Read the inputs, and do what is decided; `save` is what caused the look, if anything."""
        began = time.monotonic()
        try:
            seen = self._inputs.read()
        except (UsageError, OSError) as error:
            self._lose(error, Look(began, time.monotonic()))
            return
        step = decisions.find(self._state, seen.finding, save)
        self._state = step.state
        if step.action == "load":
            self._load(seen, step.saved_at)
        if step.action != "pass" and save is not None:
            self._state = self._state._replace(answered_at=time.monotonic())
        # After the report, because it takes as long as reading.
        is_news = self._inputs.cover() or self._inputs.have_changed() or self._has_learned()
        self._state = decisions.watch_again(
            self._state,
            time.monotonic(),
            self._debounce,
            is_news=is_news,
            has_failed=self._inputs.is_uncovered,
        )

    def _load(self, seen: Seen, saved_at: float) -> None:
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
            self._lose(error, seen.finding.look)
            return
        outcome = loaded if isinstance(loaded, Refused) else self._write(loaded, seen, saved_at)
        self._refused = None
        if outcome is None:
            return
        is_due, self._state = decisions.refuse(self._state, seen.finding, saved_at, outcome.failure)
        if is_due:
            self._say(outcome)
        else:
            self._refused = key, outcome

    def _write(self, loaded: Prepared, seen: Seen, saved_at: float) -> Refused | None:
        """Write what was loaded and report that; or return why it is refused."""
        is_mended = self._state.failure is not None
        try:
            report = self._updates.write(loaded, seen, saved_at, self._inputs.watching, is_mended)
        except OSError as error:
            if not self._updates.has_started:
                raise
            failure = LoadFailed(f"{_text(error)}; not everything was written")
            is_due, self._state = decisions.fail_to_write(
                self._state, seen.finding, time.monotonic(), failure
            )
            if is_due:
                self._view.report(failure)
            return None
        if isinstance(report, Refused):
            return report
        self._state = decisions.succeed(self._state, seen.finding)
        self._show(report)
        self._updates.settle()
        return None

    def _lose(self, error: UsageError | OSError, look: Look) -> None:
        """The inputs cannot be found: a folder was moved away, say, or names no version now."""
        text = _text(error)
        failure = LoadFailed(f"{text}; nothing was written")
        is_due, self._state = decisions.lose(self._state, text, look, time.monotonic(), failure)
        if is_due:
            self._view.report(failure)

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

    def _end(self, ended: CommandEnded) -> None:
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
