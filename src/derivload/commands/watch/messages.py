"""What derivwatch hears, from whichever thread it comes, in one queue."""

from __future__ import annotations

import queue
from typing import NamedTuple

from derivload.commands.watch.exec import Ended
from derivload.commands.watch.signals import Signals


class Hint(NamedTuple):
    """Something happened to a name that leads to an input, at a moment of the monotonic clock.

    `path` is "" when it is not known where; `kind` is watchdog's event type: "modified",
    "closed", "created", "moved" or "deleted". `is_open` tells that whoever wrote has not closed
    the file, which will be told when it happens.
    """

    kind: str
    path: str
    at: float
    is_open: bool = False


class Messages:
    """The queue. Signals come through it as well: each `get` raises Stopped after one."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Hint | Ended | None] = queue.SimpleQueue()
        # The one kind of queue that a signal may put something in while it is taken from.
        self.signals = Signals(lambda: self._queue.put(None))

    def put(self, message: Hint | Ended) -> None:
        """Put in a message."""
        self._queue.put(message)

    def get(self, timeout: float | None = None) -> Hint | Ended:
        """The next message, waited for that many seconds, or forever.

        Raises queue.Empty, and Stopped.
        """
        try:
            message = self._queue.get(timeout=timeout)
        finally:
            self.signals.check()
        assert message is not None  # it is put in by a signal alone
        return message
