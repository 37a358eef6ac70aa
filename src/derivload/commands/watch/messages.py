"""What other threads tell derivwatch's one thread, in one queue."""

from __future__ import annotations

import queue

from derivload.commands.watch.decisions import Hint
from derivload.commands.watch.exec import CommandEnded
from derivload.commands.watch.signals import Signals


class Messages:
    """The queue. Signals wake it too: after one, each `get` raises Stopped."""

    def __init__(self) -> None:
        # A signal handler may interrupt a `get` and put something in. Only this queue allows that.
        self._queue: queue.SimpleQueue[Hint | CommandEnded | None] = queue.SimpleQueue()
        self.signals = Signals(lambda: self._queue.put(None))

    def put(self, message: Hint | CommandEnded) -> None:
        """Add a message."""
        self._queue.put(message)

    def get(self, timeout: float | None = None) -> Hint | CommandEnded:
        """Wait for the next message, for so many seconds or (None) forever.

        Raises queue.Empty, and Stopped.
        """
        try:
            message = self._queue.get(timeout=timeout)
        finally:
            self.signals.check()
        assert message is not None  # only a signal puts in None, and `check` has raised for it
        return message
