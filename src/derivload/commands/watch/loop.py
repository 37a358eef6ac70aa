"""`derivwatch`: load, write and show again whenever an input is saved.

Events are hints. Each leads to a look at the inputs, and what is read then decides: what equals
the last look is no change, and what was read half-way through a change is read again by the
event that the other half brings. One thread does all of it, from one queue; what watchdog, the
command's output and signals have to say comes from others.
"""

from __future__ import annotations

import contextlib
import gc
import queue
import time
from collections.abc import Callable, Collection
from typing import Final, NamedTuple

from derivload.commands.watch.doubt import Doubt, Kind, Look, decide
from derivload.commands.watch.exec import Ended, OnBusy, Runner
from derivload.commands.watch.lock import OutDirLock
from derivload.commands.watch.messages import Messages
from derivload.commands.watch.report import Executed, Failed, Reloaded, Report, Started
from derivload.commands.watch.settle import Settled, Settling
from derivload.commands.watch.sources import INTERVAL, Seen, WatchedInputs, Watching
from derivload.commands.watch.updates import Refused, Updates
from derivload.commands.watch.view import View
from derivload.exit_status import BAD_INPUT, DONE
from derivload.loading.errors import UsageError
from derivload.loading.live import LiveOutputs, Prepared
from derivload.loading.paths import Files
from derivload.terminal.stderr import say_lines

# So long after the last event there is one more look, for what no event told of.
_AFTERTHOUGHT: Final = 1.0
# So long after a save was answered, an event that changed nothing is its own echo.
_ECHO: Final = 0.3
# How often what could not be found, read, watched or written is tried again.
_READ_AGAIN: Final = 0.25
_WRITE_AGAIN: Final = 2.0


class WatchOptions(NamedTuple):
    """The options of derivwatch. `find` finds the inputs anew, `make_outputs` makes what loads
    and writes them; `debounce` is in seconds. `has_learned` tells that the last load read more than
    `find` had found.
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
    is_own_process: bool
    has_learned: Callable[[], bool] = lambda: False


class WatchLoop:
    """Looks at the inputs when there is a hint, and does what there is to do."""

    def __init__(
        self, options: WatchOptions, view: View, messages: Messages, lock: OutDirLock
    ) -> None:
        self._debounce = options.debounce
        self._has_learned = options.has_learned
        self._is_own_process = options.is_own_process
        self._view = view
        self._messages = messages
        watching: Watching = "polling" if options.poll else "events"
        self._sources = WatchedInputs(
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
        # What the last look found that counted, and whether its outcome stands.
        self._seen: Seen | None = None
        self._stands = False
        self._answered_at = 0.0
        # What has been found and does not count yet, when it was saved, and what is wrong with it.
        self._doubt: Doubt | None = None
        self._doubted_since = 0.0
        self._refused: Refused | None = None
        self._look_at: float | None = None

    def close(self) -> None:
        """End the command, and watch nothing any more."""
        if self._runner is not None:
            self._runner.close()
        self._sources.close()

    def once(self) -> int:
        """Load, write, show, run the command if something was written; the exit status.

        Raises UsageError and OSError.
        """
        began = time.monotonic()
        seen = self._sources.read()
        loaded = self._updates.load(seen)
        if not isinstance(loaded, Refused):
            report = self._updates.write(loaded, seen, began, None)
            if not isinstance(report, Refused):
                self._show(report)
                return self._wait()
            loaded = report
        self._refuse(loaded)
        return BAD_INPUT

    def _wait(self) -> int:
        """Wait for the command, if it runs; the exit status."""
        if self._runner is None or not self._runner.is_running:
            return DONE
        while True:
            message = self._messages.get()
            if isinstance(message, Ended):
                self._end(message)
                return message.exit_status

    def run(self) -> int:
        """Watch until nobody reads the reports, or a signal comes, which is raised."""
        # Watched before they are looked at: a look finds what happened before.
        with contextlib.suppress(UsageError, OSError):
            self._sources.read()
            self._sources.cover()
        self._look(None)
        if self._is_own_process:
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
        return DONE

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
        began = time.monotonic()
        try:
            seen = self._sources.read()
        except (UsageError, OSError) as error:
            # A folder was moved away, say, or says no version any more.
            self._lose(error, Look(began, time.monotonic()))
            return
        if seen.is_unreadable:
            self._look_within(_READ_AGAIN)
        if not self._is_known(seen) or self._is_of_note(cause, seen):
            self._consider(seen, cause)
            if cause is not None:
                self._answered_at = time.monotonic()
        else:
            self._doubt = None
            if cause is not None:
                self._seen = seen  # its marks: a save that no event told of is answered with it
        # Behind the report, for it costs as much as the reading.
        if self._sources.cover():
            self._look_within(_READ_AGAIN if self._sources.is_uncovered else self._debounce)
        elif self._sources.have_changed() or self._has_learned():
            self._look_within(self._debounce)

    def _is_known(self, seen: Seen) -> bool:
        """Whether this is what the last look found that counted."""
        return self._stands and self._seen is not None and seen.equals(self._seen)

    def _is_of_note(self, cause: Settled | None, seen: Seen) -> bool:
        """Whether a save with the same contents is to be answered, and not an echo."""
        return (
            cause is not None
            and cause.is_save
            and cause.at - self._answered_at > _ECHO
            and (self._seen is None or seen.marks != self._seen.marks)
        )

    def _consider(self, seen: Seen, cause: Settled | None) -> None:
        """Take what was seen, as soon as that counts."""
        kinds: set[Kind] = {"moving"} if seen.is_moving else set()
        if self._seen is not None and not seen.equals(self._seen):
            kinds |= seen.doubts_since(self._seen)
            if cause is None:
                kinds.add("unannounced")
        what = seen.key()
        since = seen.look.began if cause is None else cause.at
        if not self._counts(kinds, what, since, seen.look):
            return
        if self._doubt is not None and self._doubt.what == what:
            since = self._doubted_since
        else:
            self._refused = None
        try:
            loaded = self._refused or self._updates.load(seen)
        except (UsageError, OSError) as error:
            if isinstance(error, UsageError) and not self._updates.has_started:
                raise
            self._lose(error, seen.look)
            return
        if isinstance(loaded, Refused):
            self._take_mistakes(loaded, seen, since)
        else:
            self._write(loaded, seen, since)

    def _counts(self, kinds: Collection[Kind], what: object, since: float, look: Look) -> bool:
        """Whether a finding counts; if not, there will be another look."""
        before = self._doubt
        counts, self._doubt, look_at = decide(before, kinds, what, look)
        if self._doubt is not None and (before is None or before.what != self._doubt.what):
            self._doubted_since = since
            self._refused = None
        if look_at is not None:
            self._look_within(look_at - time.monotonic())
        return counts

    def _take_mistakes(self, refused: Refused, seen: Seen, since: float) -> None:
        """Say what is wrong, as soon as that counts."""
        is_known = self._seen is not None and seen.equals(self._seen)
        if not is_known and not self._counts({"wrong"}, seen.key(), since, seen.look):
            self._refused = refused
            return
        self._settle_on(seen)
        self._refuse(refused)

    def _write(self, loaded: Prepared, seen: Seen, since: float) -> None:
        try:
            report = self._updates.write(loaded, seen, since, self._sources.watching)
        except OSError as error:
            if not self._updates.has_started:
                raise
            self._settle_on(seen)
            self._stands = False
            self._look_within(_WRITE_AGAIN)
            self._fail(Failed(f"{_text(error)}; not everything was written"))
            return
        if isinstance(report, Refused):
            self._take_mistakes(report, seen, since)
            return
        self._settle_on(seen)
        self._show(report)
        self._updates.settle()

    def _settle_on(self, seen: Seen) -> None:
        """Let what was seen count."""
        self._seen, self._stands = seen, True
        self._doubt, self._refused = None, None

    def _lose(self, error: UsageError | OSError, look: Look) -> None:
        """Say that there are no inputs, unless that may be so for a moment only."""
        text = _text(error)
        failure = Failed(f"{text}; nothing was written")
        is_said = not self._stands and failure == self._updates.failure
        if is_said or self._counts({"gone"}, text, look.began, look):
            self._doubt = None
            self._stands = False
            self._look_within(_READ_AGAIN)
            self._fail(failure)

    def _fail(self, failure: Failed) -> None:
        """Report a failure that another look may have found before."""
        if failure != self._updates.failure:
            self._refuse(Refused(failure))

    def _refuse(self, refused: Refused) -> None:
        """Say what is wrong."""
        self._updates.failure = refused.failure
        say_lines(refused.printed)
        self._view.report(refused.failure)

    def _show(self, report: Report) -> None:
        """Say what was written, and run the command if anything was."""
        self._view.report(report)
        if (
            isinstance(report, (Started, Reloaded))
            and (report.written or report.removed)
            and self._runner is not None
        ):
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
