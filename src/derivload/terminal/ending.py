"""Ending on a signal: what is half-way done is taken back first."""

from __future__ import annotations

import contextlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Ended(BaseException):
    """A signal asked the run to end; `status` is the exit status that says so."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@contextlib.contextmanager
def cleaned_up_when_ended(is_own_process: bool) -> Iterator[None]:
    """Have SIGTERM raise Ended, so that no half-written file is left behind.

    In a process that is not ours, whoever runs us there looks after signals.
    """
    if not is_own_process:
        yield
        return
    import signal

    def end(number: int, _: object) -> None:
        raise Ended(128 + number)

    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:  # ignored by who started us
        yield
        return
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
