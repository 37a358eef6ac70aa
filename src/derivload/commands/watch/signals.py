"""Signals that end derivwatch: at once, but never halfway through writing a set of files."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Final

# The terminal was closed, Ctrl-C, and a request to end. Not every system has all three.
_NUMBERS: Final = [
    signal.Signals[name]
    for name in ("SIGHUP", "SIGINT", "SIGTERM")
    if name in signal.Signals.__members__
]
# With nohup, SIGHUP is ignored, for us and for our command. SIGINT is never left ignored: shells
# start a script's background jobs so, and a derivwatch that ignores it would stay, with its lock.
_LEFT_IGNORED: Final = [
    signal.Signals[name] for name in ("SIGHUP",) if name in signal.Signals.__members__
]


class Stopped(BaseException):
    """A signal came: `number`."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Signals:
    """Inside `with`, the first signal raises Stopped in the main thread. Later signals, which come
    during the clean-up, do nothing.

    Python drops an exception that is raised while an object is finalized. So `wake` is called as
    well, and must lead to a `check`.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._before: dict[int, object] = {}
        self._came: int | None = None
        self._held = False

    def __enter__(self) -> Signals:
        for number in _NUMBERS:
            before = signal.getsignal(number)
            is_ignored = before is signal.SIG_IGN
            # None means: a handler that was not installed from Python.
            if before is None or (is_ignored and number in _LEFT_IGNORED):
                continue
            handle = _ignore if is_ignored and number == signal.SIGTERM else self._handle
            self._before[number] = signal.signal(number, handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Delay a signal that comes inside `with` until its end."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        self.check()

    def check(self) -> None:
        """Raise Stopped if a signal has come."""
        if self._came is not None:
            raise Stopped(self._came)

    def _handle(self, number: int, _: FrameType | None) -> None:
        if self._came is None:
            self._came = number
            self._wake()
            if not self._held:
                raise Stopped(number)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Do nothing. SIG_IGN would be inherited by the command, which then ignores our SIGTERM."""
