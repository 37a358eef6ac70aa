"""What the tests of fetch share."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from derivload.commands.fetch import download as downloading
from derivload.commands.fetch.download import PipError
from support.torch_index import look_only_in

SIGNALS = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send")


@pytest.fixture(autouse=True)
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where pip looks."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    look_only_in(str(folder), monkeypatch)
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder beside whose content nothing may be left behind."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def at_once(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have wheels downloaded at once, without pip."""

    def download(version: str, box: Path, say: object, check: object) -> Path:
        found = next(wheels.glob(f"torch-{version}*.whl"), None)
        if found is None:
            raise PipError("it is not there", "Look elsewhere.")
        return found

    monkeypatch.setattr(downloading, "download", download)


def start(to: Path, version: str = "2.15.0", python: str = sys.executable) -> list[str]:
    # A test runner in the background has SIGINT ignored, and its children inherit that.
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from derivload.commands.fetch.command import fetch_and_say; "
        "sys.exit(fetch_and_say(*sys.argv[1:]))"
    )
    return [python, "-c", code, version, str(to)]


@contextmanager
def silent_index() -> Iterator[socket.socket]:
    """A package index that accepts a connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(15)
        yield server
