"""Upstream's own way in a process of its own: its files, what it read, and its end."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from derivload.pytorch.codegen.beside import RunBeside
from derivload.pytorch.codegen.running import Running
from support.copies import children

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made, before = Running(str(tmp_path)), children()
    with made:
        yield made
    assert children() == before


def test_its_files_are_given_once(running: Running, tmp_path: Path) -> None:
    def run() -> dict[str, bytes]:
        (tmp_path / "none").exists()
        return {"a.h": b"\0", "process": str(os.getpid()).encode()}

    beside = RunBeside(run, running)
    files = beside.files()
    assert files is not None
    assert files["a.h"] == b"\0"
    assert int(files["process"]) != os.getpid()
    assert running.trace.files == {"./none"}
    assert beside.files() is None
    beside.end()


def test_a_run_that_fails_has_no_files(running: Running) -> None:
    def fail() -> dict[str, bytes]:
        raise ZeroDivisionError

    assert RunBeside(fail, running).files() is None


def test_it_is_ended(running: Running) -> None:
    def wait() -> dict[str, bytes]:
        time.sleep(60)
        return {}

    beside = RunBeside(wait, running)
    beside.end()
    beside.end()
    assert beside.files() is None
