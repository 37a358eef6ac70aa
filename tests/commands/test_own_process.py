"""What derivload does to the process it runs in: to one that is not its own, nothing that lasts
or that another thread would feel.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.child import child_environment
from support.paths import CATALOGUE

# Looks at each call of any function at what other threads would meet.
_OBSERVED = """
import gc, os, signal, sys
met = set()

def look(frame, event, argument):
    if event not in ("call", "c_call"):
        return
    if sys.modules.get("typing_extensions", 0) is None:
        met.add("typing_extensions")
    if signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, []):
        met.add("SIGTERM is blocked")
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        met.add("SIGTERM is handled")

def state():
    stat = os.fstat(1)
    return sys.stdout, sys.path[:], gc.isenabled(), gc.get_freeze_count(), stat.st_ino

before = state()
sys.setprofile(look)
{code}
sys.setprofile(None)
assert state() == before
print(sorted(met), file=sys.stderr)
"""

# A thread that waits for the server is given up.
_WITH_A_SILENT_SERVER = """
import socket
from derivload.cli import main

server = socket.create_server(("127.0.0.1", 0))
url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
options = ["--catalogue", "--out-dir", "out", "--cache-dir", "cache", "--remote-cache", url]
assert main(["emit", *options]) == 0
"""


def observed(
    code: str, *arguments: str, folder: Path, paths: tuple[Path, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run code that uses derivload as a library; its stderr ends with what it met."""
    return subprocess.run(
        [sys.executable, "-c", _OBSERVED.format(code=textwrap.dedent(code)), *arguments],
        env=child_environment(*paths),
        input="",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=folder,
    )


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no masks of signals here")
@pytest.mark.parametrize(
    "code",
    [
        "import derivload; derivload.load(catalogue=True)",
        "from derivload.cli import main; main(['emit', '--catalogue', '--out-dir', 'out'])",
        "from derivload.cli import main; assert main(['emit', '--persistent_worker']) == 0",
        "from derivload.cli import main; assert main(['check', '--catalogue']) == 0",
        _WITH_A_SILENT_SERVER,
    ],
)
def test_library_leaves_the_process_alone(code: str, tmp_path: Path) -> None:
    done = observed(code, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "[]", done.stderr


@pytest.mark.thorough
@pytest.mark.release
@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no masks of signals here")
def test_drop_in_leaves_the_process_alone(
    release: Callable[[str], Path], newest: str, tmp_path: Path
) -> None:
    code = """
    from derivload.pytorch import load_derivatives
    load_derivatives(*sys.argv[1:])
    """
    names = ("derivatives.yaml", "native_functions.yaml", "tags.yaml")
    files = [str(CATALOGUE / name) for name in names]
    done = observed(code, *files, folder=tmp_path, paths=(release(newest),))
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "[]", done.stderr


# Our own process, and the signals that whoever starts it has decided about.

_IGNORING = ["sh", "-c", "trap '' TERM; exec \"$@\"", "sh"]


def start_emit(pipe: Path, out: Path, *before: str) -> subprocess.Popen[bytes]:
    """An emit that waits for its derivatives."""
    os.mkfifo(pipe)
    natives = CATALOGUE / "native_functions.yaml"
    return subprocess.Popen(
        [
            *before,
            *(sys.executable, "-m", "derivload", "emit", "--no-cache", "--out-dir", str(out)),
            *("--derivatives", str(pipe), "--native-functions", str(natives)),
        ],
        env=child_environment(),
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize(("before", "status"), [(_IGNORING, 0), ([], 143)])
def test_sigterm_that_is_ignored_stays_so(tmp_path: Path, before: list[str], status: int) -> None:
    pipe = tmp_path / "derivatives.yaml"
    process = start_emit(pipe, tmp_path / "out", *before)
    try:
        with pipe.open("wb") as writer:  # from here on it reads
            process.send_signal(signal.SIGTERM)
            time.sleep(0.1)
            if not status:
                writer.write((CATALOGUE / "derivatives.yaml").read_bytes())
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, b"Traceback" in said) == (status, False)
    assert (tmp_path / "out" / "manifest.json").exists() == (not status)
