"""A command of a page that goes on until it is ended, while files are edited beside it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

# Seconds until a line has to come; a page that is right waits for none so long.
_PATIENCE = 60.0


def run_session(
    command: str,
    edits: Sequence[tuple[int, str]],
    lines: int,
    folder: Path,
    environment: Mapping[str, str],
) -> str:
    """What a command prints until that are so many lines, or nothing more comes.

    Each edit is a shell command, and is run when so many lines were printed.
    """
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            ["sh", "-c", command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            for count, edit in edits:
                _wait_for_lines(count, output.fileno(), process)
                subprocess.run(["sh", "-e", "-c", edit], cwd=folder, env=environment, check=True)
            _wait_for_lines(lines, output.fileno(), process)
        finally:
            _end(process)
        return _printed(output.fileno()).decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command with all that it started.

    Not as Ctrl-C does: a run of the tests in the background ignores that, and so do its children.
    """
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for_lines(count: int, output: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _PATIENCE
    while _printed(output).count(b"\n") < count:
        if process.poll() is not None or time.monotonic() > end:
            return
        time.sleep(0.02)


def _printed(output: int) -> bytes:
    return os.pread(output, os.fstat(output).st_size, 0)
