"""The command of `--exec`: one run at a time, each in a process group of its own.

If a run is in progress when the next one is due, it is stopped first, or waited for. Stopping
means the whole group: it gets SIGTERM, and after a while SIGKILL.
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
from typing import IO, Final, NamedTuple

from derivload.commands.watch.decisions import DELAYS, OnBusy, on_request

# A longer line is cut here.
_LONGEST_LINE: Final = 1 << 16
# The exit status that shells give for a command that cannot be run.
_NOT_RUN: Final = 126


class CommandEnded(NamedTuple):
    """A run is over: its exit status as a shell gives it, its time, and whether we stopped it."""

    exit_status: int
    seconds: float
    stopped: bool


class Runner:
    """Runs a command on request.

    `began` is called before each run, `say` with each line that it prints, and `over` when it
    has ended. `say` and `over` are called from other threads. Call the methods from one thread.
    """

    def __init__(
        self,
        command: str,
        on_busy: OnBusy,
        *,
        began: Callable[[], None],
        say: Callable[[str], None],
        over: Callable[[CommandEnded], None],
    ) -> None:
        self.command = command
        self._on_busy = on_busy
        self._began = began
        self._say = say
        self._over = over
        self._run: _CommandRun | _NotStarted | None = None
        self._again = False

    @property
    def is_running(self) -> bool:
        """Whether a run is in progress."""
        return self._run is not None

    def request(self) -> None:
        """Run the command: now, or when the run in progress has ended."""
        step = on_request(self._run is not None, self._on_busy)
        if step == "start":
            self._began()
            self._run = self._start()
            return
        self._again = True
        if step == "stop" and self._run is not None:
            self._run.stop()

    def _start(self) -> _CommandRun | _NotStarted:
        try:
            return _CommandRun(self.command, self._say, self._over)
        except (OSError, RuntimeError, ValueError) as error:  # no process, no thread, no command
            self._say(f"cannot be run: {error}")
            self._over(CommandEnded(_NOT_RUN, 0.0, stopped=False))
            return _NotStarted()

    def go_on(self) -> None:
        """The run has ended: start the next one if it was requested meanwhile."""
        self._run = None
        again, self._again = self._again, False
        if again:
            self.request()

    def close(self) -> None:
        """Stop the run in progress, if there is one, and wait for its end."""
        self._again = False
        if self._run is not None:
            self._run.stop()
            self._run.wait()
            self._run = None


class _NotStarted:
    """A run that could not start. It stands in until the message that it is over arrives."""

    def stop(self) -> None:
        pass

    def wait(self) -> None:
        pass


class _CommandRun:
    def __init__(
        self, command: str, say: Callable[[str], None], over: Callable[[CommandEnded], None]
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
        killer = threading.Timer(DELAYS.grace, _kill_group, [self._process])
        killer.daemon = True
        killer.start()

    def wait(self) -> None:
        self._waiter.join(DELAYS.grace + 2 * DELAYS.last_lines)

    def _wait(self) -> None:
        status = self._process.wait()
        patience = time.monotonic() + DELAYS.grace + DELAYS.last_lines
        while self._stopped and _group_lives(self._process) and time.monotonic() < patience:
            time.sleep(DELAYS.group_step)
        self._reader.join(DELAYS.last_lines)
        seconds = time.monotonic() - self._began
        self._over(CommandEnded(status if status >= 0 else 128 - status, seconds, self._stopped))


def _read(pipe: IO[bytes], say: Callable[[str], None]) -> None:
    with pipe:
        while line := pipe.readline(_LONGEST_LINE):
            say(line.decode("utf-8", "replace").rstrip("\r\n"))


# Operating systems differ only here.
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
        """Whether a process of a group still runs; True if that is not known.

        In a container without an init process, dead orphans stay in their group.
        """
        stats = list(Path("/proc").glob("[0-9]*/stat"))
        states = [_state(path) for path in stats]
        return not stats or any(g == group and state not in "XZ" for state, g in states)

    def _state(path: Path) -> tuple[str, int]:
        """The state and the group of a process, from its file in /proc."""
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
