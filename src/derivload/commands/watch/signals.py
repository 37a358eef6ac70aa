"""Signals that end derivwatch: at once, but never between two files of one set."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Final

# The terminal was closed, Ctrl-C, and what asks a process to end; not all systems have all.
_NUMBERS: Final = [
    signal.Signals[name]
    for name in ("SIGHUP", "SIGINT", "SIGTERM")
    if name in signal.Signals.__members__
]
# With nohup, the end of the terminal is not ours, nor our command's. Shells have scripts'
# background jobs ignore Ctrl-C too, which would leave one that watches behind, and its lock.
_LEFT_IGNORED: Final = [
    signal.Signals[name] for name in ("SIGHUP",) if name in signal.Signals.__members__
]


class Stopped(BaseException):
    """A signal came; its number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Signals:
    """While it is entered, the first signal raises Stopped in the main thread; later ones, which
    come while all is put away, do nothing.

    Python drops what is raised while an object is finalized. So `wake` is called too, which is
    to lead to a `check`.
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
            # None is the handler of somebody who is not Python.
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
        """Hold a signal that comes until this is left."""
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
    """Do nothing, as SIG_IGN does. But that a command would inherit, and not heed our SIGTERM."""
