"""Ends a run on a signal, after cleaning up half-written files."""

from __future__ import annotations

import contextlib

try:  # what signal is made of; importing signal itself makes enums of all its numbers
    import _signal as signal  # type: ignore[import-not-found]
except ImportError:  # a Python that has it elsewhere
    import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Ended(BaseException):
    """Raised when a signal asks the run to end. `status` is the exit status for that signal."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@contextlib.contextmanager
def cleaned_up_when_ended(is_own_process: bool) -> Iterator[None]:
    """Inside, SIGTERM raises Ended, so that no half-written file is left behind.

    If the process is not our own, nothing is done: the program that calls us handles signals.
    """
    if not is_own_process:
        yield
        return

    def end(number: int, _: object) -> None:
        raise Ended(128 + number)

    if signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:  # our parent process ignores it
        yield
        return
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
