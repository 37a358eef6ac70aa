"""From the first hint of a save to the moment at which it is over.

A save is several events: it is over when none has come for a moment, and when whoever wrote has
closed the file. What git changes is over when it says so.
"""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Iterable
from typing import Final, NamedTuple

from derivload.commands.watch.exec import Ended
from derivload.commands.watch.messages import Hint, Messages

# How long to wait for a file to be closed that is written to, and for git; and how long in all,
# where events never cease.
_CLOSING: Final = 0.3
_GIT: Final = 2.0
_LONGEST: Final = 1.0
_GIT_STEP: Final = 0.005


class Settled(NamedTuple):
    """A save that is over: when its last event came, and whether it was one of a file at all.

    `others` are messages that came meanwhile.
    """

    at: float
    is_save: bool
    others: tuple[Ended, ...] = ()


class Settling:
    """Waits for saves to be over. `debounce` is how long nothing may have happened, in seconds."""

    def __init__(self, messages: Messages, debounce: float) -> None:
        self._messages = messages
        self._debounce = debounce
        self._stale: set[tuple[str, int]] = set()

    def settle(self, first: Hint, git_locks: Iterable[str]) -> Settled:
        """Wait until the save is over that began with a hint."""
        others: list[Ended] = []
        burst = _Burst(first)
        self._gather(burst, others)
        deadline = time.monotonic() + _GIT
        while held := self._held(git_locks):
            if time.monotonic() > deadline:
                self._stale |= held
                break
            time.sleep(_GIT_STEP)
            self._gather(burst, others)
        return Settled(burst.at, burst.is_save, tuple(others))

    def _gather(self, burst: _Burst, others: list[Ended]) -> None:
        end = time.monotonic() + _LONGEST
        while True:
            now = time.monotonic()
            quiet = burst.at + (_CLOSING if burst.open else self._debounce)
            wait = min(quiet, end) - now
            try:
                # With nothing to wait for, what has come already is taken all the same.
                message = self._messages.get(max(0.0, wait))
            except queue.Empty:
                return
            if isinstance(message, Ended):
                others.append(message)
            else:
                burst.add(message)
            if now >= end:
                return

    def _held(self, git_locks: Iterable[str]) -> set[tuple[str, int]]:
        """The locks that are there, but for those that have been there for too long."""
        found = set()
        for path in git_locks:
            try:
                found.add((path, os.stat(path).st_ino))
            except OSError:
                continue
        return found - self._stale


class _Burst:
    """The hints of one save."""

    def __init__(self, first: Hint) -> None:
        self.at = first.at
        self.is_save = False
        self.open: set[str] = set()
        self.add(first)

    def add(self, hint: Hint) -> None:
        self.at = max(self.at, hint.at)
        if hint.kind != "deleted" and hint.path and not os.path.isdir(hint.path):
            self.is_save = True
        if hint.is_open:
            self.open.add(hint.path)
        else:
            self.open.discard(hint.path)
