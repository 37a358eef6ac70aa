"""`check --watch`: checks again at each save, with derivwatch's loop and its decisions."""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable
from contextlib import closing
from typing import Final

from derivload.commands.parsed import files_of, say_files
from derivload.commands.watch import decisions
from derivload.commands.watch.decisions import Look, WatchState
from derivload.commands.watch.exec import CommandEnded
from derivload.commands.watch.followed import FollowedOptions
from derivload.commands.watch.looking import Looking
from derivload.commands.watch.messages import Messages
from derivload.commands.watch.signals import Stopped
from derivload.commands.watch.sources import Seen, WatchedInputs
from derivload.exit_status import BY_SIGNAL, DONE
from derivload.loading.errors import TreeCodeError, UsageError
from derivload.loading.paths import Files
from derivload.loading.rules_of_tree import find_rules
from derivload.terminal import progress
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
    task = _Checking(options, check)
    try:
        with messages.signals, closing(WatchedInputs(task.find, "events", messages.put, say)) as i:
            Looking(i, messages, _DEBOUNCE, task).run()
    except Stopped as stopped:
        return BY_SIGNAL + stopped.number
    return DONE


class _Checking:
    """Checks the inputs and prints their mistakes; it is the task of a `Looking`."""

    has_learned = False

    def __init__(
        self,
        options: argparse.Namespace,
        check: Callable[[argparse.Namespace, Files, Stdout], int],
    ) -> None:
        self._followed = FollowedOptions(options)
        self._options = options
        self._check = check
        self._stdout = Stdout()

    @property
    def is_read(self) -> bool:
        """Whether anybody reads the mistakes."""
        return self._stdout.is_read

    def find(self) -> Files:
        """Find the inputs, by the options as the settings have them now. Raises UsageError."""
        self._options = self._followed.now()
        files = files_of(self._options)
        find_rules(files, None)
        return files

    def act(self, state: WatchState, seen: Seen, saved_at: float) -> WatchState:
        """Check the inputs, unless they are those of the last check."""
        finding, before = seen.finding, state.counted
        if state.stands and before is not None and before.key == finding.key:
            return decisions.succeed(state, finding)
        say("checking")  # a task of VS Code looks for it
        try:
            self._check(self._options, seen.files, self._stdout)
        except (UsageError, TreeCodeError) as error:
            if str(error) != state.failure:
                say(f"error: {error}")
            return decisions.succeed(state, finding)._replace(failure=str(error))
        return decisions.succeed(state, finding)

    def lose(self, state: WatchState, error: UsageError | OSError, look: Look) -> WatchState:
        """The inputs cannot be found."""
        text = str(error)
        is_due, state = decisions.lose(state, text, look, time.monotonic(), text)
        if is_due:
            say(f"error: {text}")
        return state

    def rest(self) -> None:
        """The first look is over."""
        progress.end()

    def end(self, ended: CommandEnded) -> None:
        """There is no command."""
