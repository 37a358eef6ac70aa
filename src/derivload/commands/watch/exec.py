"""The command of `--exec`: one run at a time, each a process group of its own.

A run that is in progress when the next is asked for is ended first, or waited for. It is ended
as a whole: everybody in its group is asked to, and what is still there after a moment is killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final, Literal, NamedTuple

OnBusy = Literal["restart", "queue"]

# What a run is left between being asked to end and being killed.
GRACE: Final = 2.0
# A line without an end is one all the same.
_LONGEST_LINE: Final = 1 << 16
# What shells say of a command that cannot be run.
_NOT_RUN: Final = 126
# How long the last words of a run may take, where something that it started holds on to its pipe.
_LAST_WORDS: Final = 0.5


class Ended(NamedTuple):
    """A run is over: its exit status as shells give it, how long it took, whether we ended it."""

    exit_status: int
    seconds: float
    stopped: bool


class Runner:
    """Runs a command whenever asked to.

    `began` is called before each run, `say` with each line that it prints, and `over` when it
    has ended; the last two from threads of the run. The methods are for one thread alone.
    """

    def __init__(
        self,
        command: str,
        on_busy: OnBusy,
        *,
        began: Callable[[], None],
        say: Callable[[str], None],
        over: Callable[[Ended], None],
    ) -> None:
        self.command = command
        self._on_busy = on_busy
        self._began = began
        self._say = say
        self._over = over
        self._run: _Run | _NotStarted | None = None
        self._again = False

    @property
    def is_running(self) -> bool:
        """Whether a run is in progress."""
        return self._run is not None

    def request(self) -> None:
        """Run the command: now, or when the run in progress has ended."""
        if self._run is None:
            self._began()
            self._run = self._start()
            return
        self._again = True
        if self._on_busy == "restart":
            self._run.stop()

    def _start(self) -> _Run | _NotStarted:
        try:
            return _Run(self.command, self._say, self._over)
        except (OSError, RuntimeError, ValueError) as error:  # no process, no thread, no command
            self._say(f"cannot be run: {error}")
            self._over(Ended(_NOT_RUN, 0.0, stopped=False))
            return _NotStarted()

    def go_on(self) -> None:
        """Hear that the run has ended, and begin the one that was asked for meanwhile."""
        self._run = None
        again, self._again = self._again, False
        if again:
            self.request()

    def close(self) -> None:
        """End the run in progress, if there is one, and wait until it has ended."""
        self._again = False
        if self._run is not None:
            self._run.stop()
            self._run.wait()
            self._run = None


class _NotStarted:
    """A run that could not begin, until it is heard that it is over."""

    def stop(self) -> None:
        pass

    def wait(self) -> None:
        pass


class _Run:
    def __init__(
        self, command: str, say: Callable[[str], None], over: Callable[[Ended], None]
    ) -> None:
        self._began = time.monotonic()
        self._process = _start(command)
        self._stopped = False
        self._over = over
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=_read, args=(self._process.stdout, say), daemon=True)
        self._waiter = threading.Thread(target=self._wait, daemon=True)
        try:
            self._reader.start()
            self._waiter.start()
        except RuntimeError:
            _kill_group(self._process)
            raise

    def stop(self) -> None:
        if self._stopped:
            return
        self._stopped = True
        _end_group(self._process)
        killer = threading.Timer(GRACE, _kill_group, [self._process])
        killer.daemon = True
        killer.start()

    def wait(self) -> None:
        self._waiter.join(GRACE + 2 * _LAST_WORDS)

    def _wait(self) -> None:
        status = self._process.wait()
        patience = time.monotonic() + GRACE + _LAST_WORDS
        while self._stopped and _group_lives(self._process) and time.monotonic() < patience:
            time.sleep(0.02)
        self._reader.join(_LAST_WORDS)
        seconds = time.monotonic() - self._began
        self._over(Ended(status if status >= 0 else 128 - status, seconds, self._stopped))


def _read(pipe: IO[bytes], say: Callable[[str], None]) -> None:
    with pipe:
        while line := pipe.readline(_LONGEST_LINE):
            say(line.decode("utf-8", "replace").rstrip("\r\n"))


# The one place where systems differ.
if sys.platform == "win32":

    def _start(command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,
        )

    def _end_group(process: subprocess.Popen[bytes]) -> None:
        _kill_group(process)

    def _kill_group(process: subprocess.Popen[bytes]) -> None:
        taskkill = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
        subprocess.run(taskkill, capture_output=True, check=False)

    def _group_lives(process: subprocess.Popen[bytes]) -> bool:
        return process.poll() is None

else:

    def _start(command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _end_group(process: subprocess.Popen[bytes]) -> None:
        _signal_group(process, signal.SIGTERM)

    def _kill_group(process: subprocess.Popen[bytes]) -> None:
        _signal_group(process, signal.SIGKILL)

    def _group_lives(process: subprocess.Popen[bytes]) -> bool:
        return _signal_group(process, 0) and _is_anybody_alive(process.pid)

    def _is_anybody_alive(group: int) -> bool:
        """Whether anybody in a group still runs, where that can be told.

        In a container, where nobody may wait for orphans, the dead stay in their group.
        """
        stats = list(Path("/proc").glob("[0-9]*/stat"))
        states = [_state(path) for path in stats]
        return not stats or any(g == group and state not in "XZ" for state, g in states)

    def _state(path: Path) -> tuple[str, int]:
        """State and group of a process, by its file in /proc."""
        try:
            state, _, group = path.read_text("ascii", "replace").rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            return "X", 0
        return state, int(group)

    def _signal_group(process: subprocess.Popen[bytes], number: int) -> bool:
        try:
            os.killpg(process.pid, number)
        except OSError:
            return False
        return True
