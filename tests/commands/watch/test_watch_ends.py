"""How derivwatch ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.child import child_environment
from support.derivwatch import PATIENCE, Inputs, Watch, watching
from support.watch_runs import inputs, run, watch

__all__ = ["inputs", "watch"]  # fixtures


# How it ends.


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_signal_ends_it_cleanly(watch: Watch, number: int, status: int) -> None:
    assert watch.end(number) == status
    assert watch.errors == ""
    assert not [path for path in watch.out.iterdir() if path.suffix != ".json"]


def test_signals_at_any_moment_leave_whole_outputs(inputs: Inputs, tmp_path: Path) -> None:
    for delay in (0.0, 0.008):
        for watch in watching(inputs, tmp_path / "out"):
            inputs.save(f"grad * {delay}")
            time.sleep(delay)
            assert watch.end(signal.SIGINT) == 130
            assert watch.errors == ""
            manifest = json.loads((watch.out / "manifest.json").read_bytes())
            assert {file["name"] for file in manifest["files"]} | {"manifest.json"} == {
                path.name for path in watch.out.iterdir()
            }


# Python drops what is raised while an object is finalized: what a signal raises, too.
_FINALIZED = """
import os, signal
from derivload.commands.watch.messages import Messages
from derivload.commands.watch.signals import Stopped

class Finalized:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(100):
            pass

messages = Messages()
with messages.signals:
    Finalized()
    print("dropped")
    try:
        messages.get()
    except Stopped as stopped:
        print(stopped.number)
"""


def test_signal_that_python_drops_ends_it_all_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FINALIZED],
        env=child_environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    assert done.stdout == f"dropped\n{int(signal.SIGTERM)}\n"


def test_second_one_on_the_same_out_dir_is_refused(watch: Watch, inputs: Inputs) -> None:
    done = run(inputs, watch.out, "--once")
    assert done.returncode == 3
    assert f"pid {watch.process.pid} " in done.stderr
    assert watch.end(signal.SIGKILL) == -signal.SIGKILL
    # What was killed has left its file there, and stands in nobody's way.
    assert (watch.out / ".derivwatch.lock").exists()
    assert run(inputs, watch.out, "--once").returncode == 0


# Lines for scripts.


def test_every_line_of_json_is_an_object_with_its_event(inputs: Inputs, tmp_path: Path) -> None:
    keys = {
        "started": {"pid", "torch_version", "inputs", "out_dir", "watching", "functions"},
        "reloaded": {"difference", "written", "removed", "seconds", "mended"},
        "error": {"message", "diagnostics"},
        "exec": {"state", "command", "exit_status", "seconds"},
    }
    for watch in watching(inputs, tmp_path / "out", "--exec", "echo not JSON"):
        inputs.save("grads[7]")
        watch.until(lambda event: event["event"] == "error")
        inputs.save("grad * 2")
        watch.until(lambda event: event["event"] == "reloaded")
        watch.until(lambda event: event["event"] == "exec" and event["state"] == "ended")
        watch.end()
        assert {event["event"] for event in watch.events} == set(keys)
        for event in watch.events:
            assert keys[event["event"]] <= event.keys()
        assert watch.errors == "not JSON\n" * 2
