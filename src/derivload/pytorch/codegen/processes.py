"""Child processes that send what they make: forked where that is safe, else spawned.

Two pipes lead to each child, and nothing else is needed: no semaphore, no shared memory. A signal
from the terminal ends it at once.

A forked child has all that we have in memory. Fork is not safe in a process with threads, and not
on macOS, whose own libraries do not survive it. There a child is a new Python, which imports
`module` and calls its `serve`.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from derivload.identity import PACKAGE

try:  # for the reason in terminal/ending.py
    import _signal as signal  # type: ignore[import-not-found]
except ImportError:
    import signal

if TYPE_CHECKING:
    import subprocess

# What a forked child does. It gets its ends of the pipes: from which it reads, to which it sends.
Work = Callable[[int, int], None]

_LENGTH: Final = 8
_CHUNK: Final = 1 << 20
_MACOS: Final = "darwin"
_TASKS: Final = "/proc/self/task"
_SPAWNED: Final = """
import sys
sys.path[:] = filter(None, sys.path)
sys.path.append({parent!r})
from {module} import serve
serve()
"""


class ChildEndedError(Exception):
    """A child ended, and sent nothing more."""


class Child:
    """A child process, and our ends of the pipes to it."""

    def __init__(
        self, pid: int, write: int, read: int, process: subprocess.Popen[bytes] | None = None
    ) -> None:
        """`process` is the child if it was spawned."""
        self._pid = pid
        self._write = write
        self._read = read
        self._process = process
        self.status: int | None = None

    @property
    def ends(self) -> tuple[int, int]:
        """Our ends of its pipes."""
        return self._write, self._read

    def answer(self) -> bytes:
        """Wait for the next message that it sends. Raises ChildEndedError if there is none."""
        try:
            answer = receive(self._read)
        except OSError as error:
            raise ChildEndedError from error
        if answer is None:
            raise ChildEndedError
        return answer

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
        else:
            with suppress(OSError):
                os.kill(self._pid, signal.SIGKILL)

    def close(self) -> None:
        """Wait until it has ended, which it does when it has sent everything. Sets `status`."""
        _close(*self.ends)
        if self._process is not None:
            self.status = self._process.wait()
            return
        with suppress(OSError):  # somebody else waited for it
            self.status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


def can_fork() -> bool:
    """Whether this process may fork now."""
    if not hasattr(os, "fork") or sys.platform == _MACOS or threading.active_count() > 1:
        return False
    try:
        return len(os.listdir(_TASKS)) == 1
    except OSError:  # no Linux
        return True


def fork(work: Work, others: Sequence[Child]) -> Child:
    """A child that is a copy of this process, does some work, and ends.

    `others` are the children so far, whose pipes are not for this one. Raises OSError.
    """
    made = copy_process(others)
    if isinstance(made, Child):
        return made
    status = 1
    try:
        work(*made)
        status = 0
    finally:
        # Nothing of what our process does at its end is for a copy of it.
        os._exit(status)


def copy_process(others: Sequence[Child]) -> Child | tuple[int, int]:
    """Go on as two processes: ours gets the child, and the child its ends of the pipes.

    The child has to end by `os._exit`. `others` are as for `fork`. Raises OSError.
    """
    flush()
    (theirs_read, write), (read, theirs_write) = _pipes()
    gc.freeze()  # so that the collector does not touch, and thereby copy, what we share
    try:
        pid = os.fork()
    except OSError:
        _close(theirs_read, write, read, theirs_write)
        raise
    finally:
        gc.unfreeze()
    if pid:
        _close(theirs_read, theirs_write)
        return Child(pid, write, read)
    is_begun = False
    try:
        gc.freeze()
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) != signal.SIG_IGN:  # as in a script's background
                signal.signal(number, signal.SIG_DFL)
        _close(write, read, *(end for other in others for end in other.ends))
        is_begun = True
    finally:
        if not is_begun:
            os._exit(1)
    return theirs_read, theirs_write


def _pipes() -> tuple[tuple[int, int], tuple[int, int]]:
    """The pipe to a child, and the one from it, which holds as much as may be."""
    one = os.pipe()
    try:
        other = os.pipe()
    except OSError:
        _close(*one)
        raise
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):  # there is a limit for all pipes of a user
            fcntl.fcntl(other[1], fcntl.F_SETPIPE_SZ, _CHUNK)
    return one, other


def _close(*ends: int) -> None:
    for end in ends:
        os.close(end)


def spawn(module: str, beginning: bytes) -> Child:
    """A child that is a new Python, which calls `serve` of a module of ours. Raises OSError.

    `beginning` is its first message, which it does not answer.
    """
    import subprocess  # takes long to import, and where there is fork, nobody needs it

    code = _SPAWNED.format(parent=os.path.dirname(PACKAGE), module=module)
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    process = subprocess.Popen(
        [sys.executable, *flags, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # a signal from the terminal is for us: we end it
    )
    assert process.stdin is not None
    assert process.stdout is not None
    ends = _dup(process.stdin.fileno()), _dup(process.stdout.fileno())
    process.stdin.close()
    process.stdout.close()
    child = Child(process.pid, *ends, process)
    with suppress(OSError):  # it has ended: that shows when it is to answer
        send(child.ends[0], beginning)
    return child


def _dup(end: int) -> int:
    """Another number for the end of a pipe, through which bytes go as they are."""
    other = os.dup(end)
    if sys.platform == "win32":  # which would change the ends of lines
        import msvcrt

        msvcrt.setmode(other, os.O_BINARY)
    return other


def own_pipes() -> tuple[int, int]:
    """In a spawned child: the ends of its pipes. What the code prints then goes to stderr."""
    read, write = _dup(0), _dup(1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return read, write


def flush() -> None:
    """Write what was printed."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()


def send(write: int, message: bytes) -> None:
    """Write a message, after its length. Raises OSError."""
    for part in (len(message).to_bytes(_LENGTH, "little"), message):
        data = memoryview(part)
        while data:
            data = data[os.write(write, data) :]


def receive(read: int) -> bytes | None:
    """Read a message; None if there are no more. Raises OSError."""
    head = _read(read, _LENGTH)
    return None if head is None else _read(read, int.from_bytes(head, "little"))


def _read(read: int, size: int) -> bytes | None:
    pieces = []
    while size:
        piece = os.read(read, min(size, _CHUNK))
        if not piece:
            return None
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
