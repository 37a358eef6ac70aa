"""Interruptions of fetch, and its progress bar."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from derivload.commands.fetch.command import fetch
from support.child import child_environment
from support.fetching import SIGNALS, home, silent_index, start, wheels
from support.torch_index import TORCHGEN, make_wheel, served, without_ranges

__all__ = ["home", "wheels"]  # fixtures


# Interruptions


@SIGNALS
@pytest.mark.parametrize(
    ("number", "status", "exists"),
    [
        pytest.param(signal.SIGINT, 130, False, id="INT"),
        pytest.param(signal.SIGTERM, 143, True, id="TERM"),
        pytest.param(signal.SIGINT, 130, True, id="INT-exists", marks=pytest.mark.thorough),
        pytest.param(signal.SIGTERM, 143, False, id="TERM-new", marks=pytest.mark.thorough),
    ],
)
def test_a_signal_ends_pip_and_leaves_nothing(
    number: signal.Signals,
    status: int,
    exists: bool,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if exists:
        (home / "new").mkdir()
    before = sorted(home.rglob("*"))
    monkeypatch.delenv("PIP_NO_INDEX")
    with silent_index() as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/simple"
        child = subprocess.Popen(
            start(home / "new"),
            env=child_environment(PIP_INDEX_URL=url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        connection, _ = server.accept()
        with connection:
            assert any(path.name.startswith(".derivload-fetch-") for path in home.iterdir())
            child.send_signal(number)
            out, err = child.communicate(timeout=10)
            connection.settimeout(5)
            while connection.recv(65536):  # ends when nobody holds the other side: pip is gone
                pass
    assert child.returncode == status
    assert (out, err.count("\n")) == ("", 2)
    assert sorted(home.rglob("*")) == before


def test_the_callers_signal_handlers_come_back(wheels: Path, home: Path) -> None:
    make_wheel(wheels)
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        fetch("2.15.0", home)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


# The progress bar


def read_terminal(descriptor: int) -> str:
    seen = b""
    # Linux ends a terminal whose other side is closed with an error, others with nothing.
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:
            part = b""
        if not part:
            return seen.decode()
        seen += part


@SIGNALS
def test_on_a_terminal_pip_draws_its_bar_on_stderr(wheels: Path, home: Path) -> None:
    noise = os.urandom(1_000_000).hex()  # pip draws no bar for less than half a megabyte
    make_wheel(wheels, files={**TORCHGEN, "torch/library": noise})
    ours, theirs = os.openpty()
    with served(wheels, without_ranges) as index:
        child = subprocess.Popen(
            start(home / "new"),
            env=child_environment(PIP_FIND_LINKS=index.url, TERM="xterm", NO_COLOR="1"),
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
        )
        os.close(theirs)
        seen = read_terminal(ours)
        os.close(ours)
        out, _ = child.communicate(timeout=10)
    assert child.returncode == 0
    assert out == f"{home / 'new'}\n"
    assert re.search(r"\d\.\d/\d\.\d MB", seen)
    assert not re.search(r"\x1b\[[0-9;]*m", seen)


# Its cost to the other commands


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = ("subprocess", "zipfile", "tempfile", "signal", "shutil", "rich")
    loaded = f"[m for m in {heavy} if m in sys.modules]"
    code = f"import sys, derivload.commands.fetch.command; print({loaded})"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env=child_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
