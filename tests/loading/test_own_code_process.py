"""How the process of a tree's own torchgen ends, if it is not asked for anything more."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from derivload.loading.own_code import starting
from support.child import FROM_A_TERMINAL, child_environment
from support.out_dirs import posix

pytestmark = posix


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """It has been told of a tree that has no torchgen."""
    with subprocess.Popen(
        [*FROM_A_TERMINAL, sys.executable, "-c", starting._RUN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=child_environment(),
    ) as made:
        job = {"root": str(tmp_path), "torchgen": str(tmp_path), "loader": "", "dispatch_keys": ""}
        assert made.stdin is not None
        made.stdin.write(json.dumps(job).encode() + b"\n")
        yield made


def test_ctrl_c_ends_it_and_shows_no_traceback(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.flush()
    assert process.stdout.readline()  # its answer: it has begun
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate()
    assert (process.returncode, err) == (-signal.SIGINT, b"")


def test_an_answer_that_nobody_reads_is_no_error(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
