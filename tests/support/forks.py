"""Processes that run derivload, and are forks of one that has its modules.

To start Python and to import derivload takes longer than most of what a test has it do. One process
for each process of the test run, the mother, did both. What she forks has a process id, a folder,
an environment, streams and a status of its own, and does what `python -m derivload` does.

What only a start shows, it does not show: what is imported, and what Python makes of its options,
of variables and of streams that are closed. Tests of that start Python.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.child import child_environment

# As it is before a test changes it.
_ENVIRONMENT = child_environment()
_COMMAND = [sys.executable, "-m", "derivload"]
# What Python or the library of C looks at when they start.
_AT_START = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_", "TZ", "SSL_", "OPENSSL_")


class Forked(subprocess.Popen[Any]):
    """As `Popen` with the command `python -m derivload`, and these arguments."""

    _waitpid_lock: Any
    returncode: Any  # None while it runs

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | Path | None = None,
        **streams: Any,
    ) -> None:
        self._call = [[*arguments], str(Path.cwd() / (cwd or "")), dict(env)]
        super().__init__([*_COMMAND, *arguments], **streams)

    def _execute_child(self, *given: Any) -> None:
        """Have the mother fork, in the place of a start."""
        pipes = given[10:16]  # of stdin, stdout, stderr: which the child reads or writes, and ours
        theirs = [fd if fd != -1 else own for own, fd in enumerate((pipes[0], *pipes[3:6:2]))]
        self._told, told = socket.socketpair()
        call = json.dumps(self._call).encode()
        with told:
            _mother().call(call, [*theirs, told.fileno()])
        self.pid = self._read_number()
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]

    def _read_number(self) -> int:
        data = self._told.recv(4)
        assert data, "the mother has ended"
        return int.from_bytes(data, "little")

    def _try_wait(self, flags: int) -> tuple[int, int]:
        """As `os.waitpid`, which only a parent can call."""
        if flags and not select.select([self._told], [], [], 0)[0]:
            return 0, 0
        status = self._read_number()
        self._told.close()
        return self.pid, status

    def _internal_poll(self, *_: Any, **__: Any) -> Any:
        if self._waitpid_lock.acquire(blocking=False):
            try:
                ended = self.returncode is not None  # another thread may have waited
                process, status = (0, 0) if ended else self._try_wait(os.WNOHANG)
                if process:
                    self.returncode = os.waitstatus_to_exitcode(status)
            finally:
                self._waitpid_lock.release()
        return self.returncode


def popen(
    arguments: Sequence[str], *, env: Mapping[str, str], **more: Any
) -> subprocess.Popen[Any]:
    """`Popen` with derivload and these arguments; what it takes besides is as there."""
    if _is_as_at_start(env):
        return Forked(arguments, env=env, **more)
    return subprocess.Popen([*_COMMAND, *arguments], env=env, **more)


def run(
    arguments: Sequence[str],
    *,
    env: Mapping[str, str],
    stdin: bytes | str | None = None,
    timeout: float | None = None,
    **more: Any,
) -> subprocess.CompletedProcess[Any]:
    """`subprocess.run` with derivload and these arguments; both outputs are captured."""
    pipe = subprocess.PIPE
    streams = {"stdin": None if stdin is None else pipe, "stdout": pipe, "stderr": pipe}
    with popen(arguments, env=env, **streams, **more) as process:
        try:
            out, err = process.communicate(stdin, timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def _is_as_at_start(env: Mapping[str, str]) -> bool:
    """Whether a Python that is started with this environment would be as the mother is.

    While tests are traced, one that starts is traced for its test (`mutation/tracer.py`).
    """
    if sys.platform != "linux" or sys.gettrace() is not None:
        return False
    return _seen_at_start(env) == _seen_at_start(_ENVIRONMENT)


def _seen_at_start(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(_AT_START)}


class Mother:
    """She runs from the first call until the end of this process."""

    def __init__(self) -> None:
        self._calls, hers = socket.socketpair()
        self._one_at_a_time = threading.Lock()
        with hers:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("mother.py")), str(hers.fileno())],
                pass_fds=[hers.fileno()],
                env=_ENVIRONMENT,
                cwd=Path(__file__).parent,  # whatever folder the test is in that comes first
                stdin=subprocess.DEVNULL,
            )
        atexit.register(self._end)

    def call(self, call: bytes, descriptors: list[int]) -> None:
        """Have her fork; some tests have threads that start processes."""
        with self._one_at_a_time:
            socket.send_fds(self._calls, [len(call).to_bytes(8, "little")], descriptors)
            self._calls.sendall(call)

    def _end(self) -> None:
        self._calls.close()
        self._process.wait()


@functools.cache
def _mother() -> Mother:
    return Mother()
