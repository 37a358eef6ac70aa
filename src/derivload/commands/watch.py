"""`derivwatch`: load, write and show again whenever an input is saved.

Events are hints. Each leads to a look at the inputs, and what is read then decides: what equals
the last look is no change, and what was read half-way through a change is read again by the
event that the other half brings. One thread does all of it, from one queue; what watchdog, the
command's output and signals have to say comes from others.
"""

from __future__ import annotations

import gc
import queue
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from derivload.commands.live import Loader
from derivload.commands.paths import Files, UsageError
from derivload.commands.watch_exec import Ended, OnBusy, Runner
from derivload.commands.watch_load import Updates
from derivload.commands.watch_lock import HeldError, out_dir_lock
from derivload.commands.watch_messages import Messages
from derivload.commands.watch_report import Executed, Failed, Reloaded, Started
from derivload.commands.watch_settle import Settled, Settling
from derivload.commands.watch_signals import Stopped
from derivload.commands.watch_sources import INTERVAL, Seen, Sources, Watching
from derivload.commands.watch_view import JsonView, TextView, View
from derivload.terminal.stderr import say

_DONE, _BAD_INPUT, _ENVIRONMENT = 0, 1, 3
# How long a file may be gone, or empty, before that is said: editors take it away for a moment.
_VANISHING: Final = 0.2
# So long after the last event there is one more look, for what no event told of.
_AFTERTHOUGHT: Final = 1.0
# So long after a save was answered, an event that changed nothing is its own echo.
_ECHO: Final = 0.3
# How often what could not be read, or written, is tried again.
_READ_AGAIN: Final = 0.25
_WRITE_AGAIN: Final = 2.0


class WatchOptions(NamedTuple):
    """The options of derivwatch. `find` finds the inputs anew, `loader` makes what is to load
    and write them; `debounce` is in seconds. `has_learned` tells that the last load read more than
    `find` had found.
    """

    find: Callable[[], Files]
    out_dir: str
    loader: Callable[[], Loader]
    command: str | None
    on_busy: OnBusy
    poll: bool
    debounce: float
    json: bool
    once: bool
    has_learned: Callable[[], bool] = lambda: False


def watch(options: WatchOptions) -> int:
    """Run derivwatch; the exit status: 128 and its number for a signal, 3 when out-dir is taken,
    0 when nobody reads its reports any more.

    Raises UsageError and OSError, of the start alone.
    """
    # `main` turns it off, for a process that ends when it is done.
    gc.enable()
    options.find()
    view: View = JsonView() if options.json else TextView()
    messages = Messages()
    try:
        with messages.signals, out_dir_lock(options.out_dir):
            watching = _Watch(options, view, messages)
            try:
                return watching.once() if options.once else watching.run()
            finally:
                watching.close()
    except Stopped as stopped:
        return 128 + stopped.number
    except HeldError as error:
        who = "another derivwatch" if error.pid is None else f"a derivwatch with pid {error.pid}"
        say(f"error: {options.out_dir}: {who} writes there", "derivwatch")
        return _ENVIRONMENT


class _Watch:
    def __init__(self, options: WatchOptions, view: View, messages: Messages) -> None:
        self._debounce = options.debounce
        self._has_learned = options.has_learned
        self._view = view
        self._messages = messages
        watching: Watching = "polling" if options.poll else "events"
        self._sources = Sources(
            options.find, None if options.once else watching, messages.put, view.note
        )
        self._settling = Settling(messages, options.debounce)
        self._updates = Updates(options.out_dir, options.loader(), messages.signals)
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
        # What the last look found, None where its outcome does not stand.
        self._seen: Seen | None = None
        self._answered_at = 0.0
        self._lost_at: float | None = None
        self._look_at: float | None = None

    def close(self) -> None:
        """End the command, and watch nothing any more."""
        if self._runner is not None:
            self._runner.close()
        self._sources.close()

    def once(self) -> int:
        """Load, write, show, run the command if something was written; the exit status."""
        self._look(None)
        if self._updates.failure is not None:
            return _BAD_INPUT
        if self._runner is None or not self._runner.is_running:
            return _DONE
        while True:
            message = self._messages.get()
            if isinstance(message, Ended):
                self._end(message)
                return message.exit_status

    def run(self) -> int:
        """Watch until a signal comes, which is raised, or nobody reads the reports any more."""
        self._sources.read()
        self._sources.cover()
        self._look(None)
        # What is there now stays: the collector need not go through it after each save.
        gc.freeze()
        while self._view.is_read:
            try:
                message = self._messages.get(self._patience())
            except queue.Empty:
                self._look_without_hint()
                continue
            if isinstance(message, Ended):
                self._end(message)
                continue
            settled = self._settling.settle(message, self._sources.git_locks)
            self._look_within(_AFTERTHOUGHT)
            self._look(settled)
            for ended in settled.others:
                self._end(ended)
        return _DONE

    def _patience(self) -> float | None:
        """How long to wait for a hint: forever, when there are events and all is well."""
        due = [] if self._look_at is None else [self._look_at - time.monotonic()]
        if self._sources.watching == "polling":
            due.append(INTERVAL)
        return max(0.0, min(due)) if due else None

    def _look_within(self, seconds: float) -> None:
        at = time.monotonic() + seconds
        self._look_at = at if self._look_at is None else min(at, self._look_at)

    def _look_without_hint(self) -> None:
        """Look when it is time to, or, without events, when the inputs have changed."""
        now = time.monotonic()
        is_time = self._look_at is not None and now >= self._look_at
        if is_time:
            self._look_at = None
        if self._sources.watching == "polling" and self._sources.have_changed():
            self._sources.settle(self._debounce)
            # Two changes within the grain of the file system's clock look like one.
            self._look_within(INTERVAL)
            self._look(Settled(now, is_save=True))
        elif is_time:
            self._look(None)

    def _look(self, cause: Settled | None) -> None:
        """Read the inputs, and do what there is to do; `cause` is the save, if there was one."""
        since = time.monotonic() if cause is None else cause.at
        try:
            seen = self._sources.read()
        except UsageError as error:
            # A folder was moved away, or says no version any more.
            self._lose(Failed(f"{error}; nothing was written"))
            return
        if seen.is_unreadable:
            self._look_within(_READ_AGAIN)
        if self._updates.has_started and seen.lost_since(self._seen) and not self._has_waited():
            return
        self._lost_at = None
        if self._seen is None or not seen.equals(self._seen) or self._is_of_note(cause):
            self._take(seen, since)
            if cause is not None:
                self._answered_at = time.monotonic()
        # Behind the report, for it costs as much as the reading.
        if self._sources.cover() or self._sources.have_changed() or self._has_learned():
            self._look_within(self._debounce)

    def _is_of_note(self, cause: Settled | None) -> bool:
        """Whether a save with the same contents is to be answered, and not an echo."""
        return cause is not None and cause.is_save and cause.at - self._answered_at > _ECHO

    def _take(self, seen: Seen, since: float) -> None:
        try:
            report = self._updates.take(seen, since, self._sources.watching)
        except (UsageError, OSError) as error:
            if not self._updates.has_started:
                raise
            self._seen = None
            self._look_within(_WRITE_AGAIN)
            self._fail(Failed(f"{_text(error)}; not everything was written"))
            return
        self._seen = seen
        self._view.report(report)
        if isinstance(report, (Started, Reloaded)) and (report.written or report.removed):
            self._execute()
        if self._sources.watching is not None:
            self._updates.settle()

    def _lose(self, failure: Failed) -> None:
        """Say that there are no inputs, unless that may be so for a moment only."""
        if self._has_waited():
            self._seen = None
            self._look_within(_READ_AGAIN)
            self._fail(failure)

    def _has_waited(self) -> bool:
        """Whether what is gone has been so for a while; looks again when it may have been."""
        now = time.monotonic()
        if self._lost_at is None:
            self._lost_at = now
        if now - self._lost_at >= _VANISHING:
            return True
        self._look_within(_VANISHING / 10)
        return False

    def _fail(self, failure: Failed) -> None:
        """Report a failure that another look may have found before."""
        if failure != self._updates.failure:
            self._view.report(self._updates.fail(failure))

    def _execute(self) -> None:
        if self._runner is not None:
            # A run that has half begun is one that nobody ends.
            with self._messages.signals.held():
                self._runner.request()

    def _end(self, ended: Ended) -> None:
        """The command has ended; the next run of it begins, if one is due."""
        assert self._runner is not None
        command = self._runner.command
        self._view.report(
            Executed(
                "stopped" if ended.stopped else "ended", command, ended.exit_status, ended.seconds
            )
        )
        with self._messages.signals.held():
            self._runner.go_on()


def _text(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)
