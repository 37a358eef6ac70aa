"""The processes that are forked, and not started, are as those that are started."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support import forks
from support.child import child_environment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each is started")

EMIT = ["emit", "--catalogue", "--out-dir", "out"]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--version"], 0),
        ([*EMIT, "--no-cache"], 0),
        (["check", "--stdin-filename", "no.yaml", "-", "--nonsense"], 2),
        (["show", "--catalogue", "no_such_operator"], 1),
        (["emit", "--catalogue", "--out-dir", "/dev/null/none"], 3),
    ],
)
def test_what_it_says_and_its_status(tmp_path: Path, arguments: list[str], status: int) -> None:
    kept: dict[str, Any] = {"cwd": tmp_path, "env": child_environment()}
    command = [sys.executable, "-m", "derivload", *arguments]
    started = subprocess.run(command, **kept, capture_output=True, check=False)
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    forked = forks.run(arguments, **kept)
    assert forked.returncode == started.returncode == status
    assert (forked.stdout, forked.stderr) == (started.stdout, started.stderr)


def test_its_folder_environment_and_cache_are_its_own(tmp_path: Path) -> None:
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        env = child_environment(DERIVLOAD_CACHE_DIR=str(folder / "cache"))
        assert forks.run(EMIT, env=env, cwd=folder).returncode == 0
        assert (folder / "out" / "functions.json").exists()
        assert (folder / "cache").exists()


def test_one_that_started_takes_what_one_that_was_forked_has_stored(tmp_path: Path) -> None:
    kept: dict[str, Any] = {"cwd": tmp_path, "env": child_environment()}
    assert forks.run(EMIT, **kept).returncode == 0
    command = [sys.executable, "-m", "derivload", *EMIT]
    again = subprocess.run(command, **kept, capture_output=True, check=True)
    assert again.stderr == b"derivload: out: up to date\n"
    more = [*command[:-1], "elsewhere", "--stats=json"]
    assert b'"exit":"stored"' in subprocess.check_output(more, **kept).replace(b" ", b"")


def test_a_signal_ends_it_and_its_parent_is_told() -> None:
    pipe = subprocess.PIPE
    with forks.popen(["lsp"], env=child_environment(), stdin=pipe, stdout=pipe) as server:
        assert server.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            server.wait(0.01)
        server.kill()
        assert server.wait() == server.poll() == -signal.SIGKILL


@pytest.mark.parametrize("name", ["PYTHONOPTIMIZE", "LC_ALL", "TZ"])
def test_what_python_looks_at_when_it_starts_has_it_started(name: str) -> None:
    env = child_environment()
    for is_forked in (True, False):
        with forks.popen(["--version"], env=env, stdout=subprocess.DEVNULL) as process:
            assert isinstance(process, forks.Forked) == is_forked
        env[name] = "2"
