"""Waits from the first hint of a save until the save is over; `decisions.py` says how long."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Iterable
from typing import NamedTuple

from derivload.commands.watch.decisions import (
    DELAYS,
    Burst,
    Hint,
    burst_wait,
    hear,
    is_stale,
)
from derivload.commands.watch.exec import CommandEnded
from derivload.commands.watch.messages import Messages


class Settled(NamedTuple):
    """A save that is over, and the messages about the command that came meanwhile."""

    save: Burst
    others: tuple[CommandEnded, ...] = ()


class Settling:
    """Waits for saves to be over. `debounce` is how long no event may have come, in seconds."""

    def __init__(self, messages: Messages, debounce: float) -> None:
        self._messages = messages
        self._debounce = debounce
        self._stale: set[tuple[str, int]] = set()

    def settle(self, first: Hint, git_locks: Iterable[str]) -> Settled:
        """Wait until the save is over that began with a hint."""
        others: list[CommandEnded] = []
        burst = self._gather(_heard(None, first), others)
        began = time.monotonic()
        while held := self._held(git_locks):
            if is_stale(began, time.monotonic()):
                self._stale |= held
                break
            time.sleep(DELAYS.git_step)
            burst = self._gather(burst, others)
        return Settled(burst, tuple(others))

    def _gather(self, burst: Burst, others: list[CommandEnded]) -> Burst:
        began = now = time.monotonic()
        while (wait := burst_wait(burst, self._debounce, began, now)) is not None:
            try:
                message = self._messages.get(wait)
            except queue.Empty:
                break
            if isinstance(message, CommandEnded):
                others.append(message)
            else:
                burst = _heard(burst, message)
            now = time.monotonic()
        return burst

    def _held(self, git_locks: Iterable[str]) -> set[tuple[str, int]]:
        """The locks that exist, except stale ones."""
        found = set()
        for path in git_locks:
            try:
                found.add((path, os.stat(path).st_ino))
            except OSError:
                continue
        return found - self._stale


def _heard(burst: Burst | None, hint: Hint) -> Burst:
    return hear(burst, hint, os.path.isdir(hint.path))
