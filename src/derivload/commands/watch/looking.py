"""The loop of everything that watches: it looks at the inputs when there is a hint.

One thread does all of this, from one queue. watchdog, the command and signals put messages into
the queue from other threads. What to do, and when, is decided in `decisions.py`; what is done with
inputs that count is up to a `Task`: derivwatch's is in `loop.py`, that of `check --watch` in
`commands/check/watching.py`.
"""

from __future__ import annotations

import contextlib
import queue
import time
from typing import Protocol

from derivload.commands.watch import decisions
from derivload.commands.watch.decisions import DELAYS, Burst, Look, WatchState
from derivload.commands.watch.exec import CommandEnded
from derivload.commands.watch.messages import Messages
from derivload.commands.watch.settle import Settling
from derivload.commands.watch.sources import Seen, WatchedInputs, has_read_more
from derivload.loading.errors import UsageError


class Task(Protocol):
    """What is done with the inputs. `act` and `lose` return the state that they lead to."""

    @property
    def is_read(self) -> bool:
        """Whether anybody reads what is said."""

    @property
    def has_learned(self) -> bool:
        """Whether the last `act` read more files than were found before."""

    def act(self, state: WatchState, seen: Seen, saved_at: float) -> WatchState:
        """Act on inputs that count."""

    def lose(self, state: WatchState, error: UsageError | OSError, look: Look) -> WatchState:
        """The inputs cannot be found: a folder was moved away, say, or names no version now."""

    def rest(self) -> None:
        """The first look is over: what comes now may take days."""

    def end(self, ended: CommandEnded) -> None:
        """The command of the task has ended."""


class Looking:
    """Looks at the inputs, and has the task act on them when they count.

    `debounce` is how many seconds without an event end a save.
    """

    def __init__(
        self, inputs: WatchedInputs, messages: Messages, debounce: float, task: Task
    ) -> None:
        self._inputs = inputs
        self._messages = messages
        self._debounce = debounce
        self._task = task
        self._settling = Settling(messages, debounce)
        self._state = WatchState()

    def run(self) -> None:
        """Watch until nobody reads what is said, or a signal comes, which is raised."""
        # Watch before the first look: then the look finds what happened before.
        with contextlib.suppress(UsageError, OSError):
            self._inputs.read()
            self._inputs.cover()
        self._look(None)
        self._task.rest()
        while self._task.is_read:
            now = time.monotonic()
            wait = decisions.wait_for_hint(self._state, self._inputs.watching, now)
            try:
                message = self._messages.get(wait)
            except queue.Empty:
                self._look_without_hint()
                continue
            if isinstance(message, CommandEnded):
                self._task.end(message)
                continue
            settled = self._settling.settle(message, self._inputs.git_locks)
            now = time.monotonic()
            self._state = decisions.look_within(self._state, now, DELAYS.afterthought)
            self._look(settled.save)
            for ended in settled.others:
                self._task.end(ended)

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
            look = Look(began, time.monotonic())
            self._state = self._task.lose(self._state, error, look)
            return
        step = decisions.find(self._state, seen.finding, save)
        self._state = step.state
        if step.action == "load":
            self._state = self._task.act(self._state, seen, step.saved_at)
        if step.action != "pass" and save is not None:
            self._state = self._state._replace(answered_at=time.monotonic())
        # After the report, because it takes as long as reading.
        has_learned = self._task.has_learned or has_read_more(seen.files)
        is_news = self._inputs.cover() or self._inputs.have_changed() or has_learned
        self._state = decisions.watch_again(
            self._state,
            time.monotonic(),
            self._debounce,
            is_news=is_news,
            has_failed=self._inputs.is_uncovered,
        )
