"""`check --watch`: checks again at each save, with derivwatch's eyes and ears."""

from __future__ import annotations

import argparse
import gc
import queue
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Final

from derivload.commands.parsed import files_of, say_files
from derivload.commands.watch.decisions import DELAYS
from derivload.commands.watch.exec import CommandEnded
from derivload.commands.watch.followed import FollowedOptions
from derivload.commands.watch.messages import Messages
from derivload.commands.watch.settle import Settling
from derivload.commands.watch.signals import Stopped
from derivload.commands.watch.sources import WatchedInputs
from derivload.exit_status import BY_SIGNAL, DONE
from derivload.loading.errors import TreeCodeError, UsageError
from derivload.loading.paths import Files
from derivload.terminal.stderr import say
from derivload.terminal.stdout import Stdout

# Seconds without events after which a save is over, as derivwatch has it.
_DEBOUNCE: Final = 0.005


def watch(
    options: argparse.Namespace, check: Callable[[argparse.Namespace, Files, Stdout], int]
) -> int:
    """Check at once and after each save, and return the exit status.

    It is 128 plus the number of a signal, and 0 when nobody reads the mistakes any more. Raises
    UsageError if the inputs cannot be found at the start.
    """
    if options.is_own_process:
        # `main` turns it off, for short runs. This one goes on.
        gc.enable()
    say_files(options, files_of(options))
    messages = Messages()
    try:
        with messages.signals, closing(_Loop(options, check, messages)) as loop:
            loop.run()
    except Stopped as stopped:
        return BY_SIGNAL + stopped.number
    return DONE


class _Loop:
    """Looks at the inputs when there is a hint, and checks them if they differ."""

    def __init__(
        self,
        options: argparse.Namespace,
        check: Callable[[argparse.Namespace, Files, Stdout], int],
        messages: Messages,
    ) -> None:
        self._followed = FollowedOptions(options)
        self._options = options
        self._check = check
        self._messages = messages
        self._settling = Settling(messages, _DEBOUNCE)
        self._inputs = WatchedInputs(self._find, "events", messages.put, say)
        self._stdout = Stdout()
        # What stands for the inputs that were checked last, and for those that could not be.
        self._last: object = None
        self._error: object = None

    def close(self) -> None:
        """Stop watching."""
        self._inputs.close()

    def run(self) -> None:
        """Check until nobody reads the mistakes, or a signal comes, which is raised."""
        # Watch before the first look: then the look finds what happened before.
        with suppress(UsageError, OSError):
            self._inputs.read()
            self._inputs.cover()
        limit: float | None = DELAYS.afterthought
        while True:
            self._look()
            if not self._stdout.is_read:
                return
            # Look once more after a save, and at once if something may have happened unseen.
            is_news = self._inputs.cover() or self._inputs.have_changed()
            is_saved = self._wait(DELAYS.gone if is_news else limit)
            limit = DELAYS.afterthought if is_saved else None

    def _find(self) -> Files:
        self._options = self._followed.now()
        return files_of(self._options)

    def _look(self) -> None:
        try:
            seen = self._inputs.read()
            if seen.finding.is_unreadable or not all(seen.contents):
                time.sleep(DELAYS.gone)  # editors remove a file for a moment, or empty it
                seen = self._inputs.read()
        except (UsageError, OSError) as error:
            self._say_once(error, str(error))
            return
        if seen.finding.key == self._last:
            return
        self._last = seen.finding.key
        say("checking")  # a task of VS Code looks for it
        try:
            self._check(self._options, seen.files, self._stdout)
        except (UsageError, TreeCodeError) as error:
            self._say_once(error, self._last)

    def _say_once(self, error: Exception, key: object) -> None:
        """Say what is wrong with the inputs, unless the last look found the same."""
        if key != self._error:
            say(f"error: {error}")
        self._last = self._error = key

    def _wait(self, limit: float | None) -> bool:
        """Wait for a save, for so many seconds or (None) for any time; whether one came."""
        poll = DELAYS.poll if self._inputs.watching == "polling" else None
        while True:
            try:
                message = self._messages.get(poll if limit is None else limit)
            except queue.Empty:
                if limit is not None or self._inputs.have_changed():
                    return False
                continue
            if not isinstance(message, CommandEnded):
                self._settling.settle(message, self._inputs.git_locks)
                return True
