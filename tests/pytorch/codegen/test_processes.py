"""Children, forked and spawned: what goes through their pipes, and how they end."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from derivload.pytorch.codegen import processes
from derivload.pytorch.codegen.processes import (
    Child,
    ChildEndedError,
    can_fork,
    copy_process,
    flush,
    fork,
    receive,
    send,
    spawn,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")

LARGE = bytes(range(256)) * 10_000  # more than a pipe holds, and than is read at once


def descriptors() -> int:
    """How many descriptors are open."""
    return len([*Path("/proc/self/fd").iterdir()])


def test_messages_are_received_as_they_were_sent() -> None:
    def work(read: int, write: int) -> None:
        while (message := receive(read)) is not None:
            send(write, message * 2)

    before = descriptors()
    child = fork(work, ())
    for message in (b"a", b"", LARGE, b"b" * 300):
        send(child.ends[0], message)
        assert child.answer() == message * 2
    child.kill()
    child.close()
    assert child.status == -signal.SIGKILL
    assert descriptors() == before
    assert gc.get_freeze_count() == 0


def test_a_message_that_is_cut_off_is_none() -> None:
    for data in (b"", b"\3\0\0", b"\3\0\0\0\0\0\0\0ab"):
        read, write = os.pipe()
        os.write(write, data)
        os.close(write)
        assert receive(read) is None
        os.close(read)
    read, write = os.pipe()
    os.write(write, b"\3\0\0\0\0\0\0\0abc\0")
    assert receive(read) == b"abc"
    os.close(read)
    os.close(write)


@pytest.mark.parametrize(
    ("code", "status"),
    [("pass", 0), ("1 / 0", 1), ("sys.exit(3)", 1), ("os.kill(os.getpid(), 15)", -15)],
)
def test_how_a_child_ended(code: str, status: int, capfd: pytest.CaptureFixture[str]) -> None:
    handler = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        child = fork(lambda *_: exec(code, {"os": os, "sys": sys}), ())
    finally:
        signal.signal(signal.SIGTERM, handler)
    with pytest.raises(ChildEndedError):
        child.answer()
    assert child.status is None
    child.close()
    assert child.status == status


def test_a_child_that_somebody_else_waited_for_has_no_status() -> None:
    child = fork(lambda *_: None, ())
    os.waitpid(child._pid, 0)
    child.close()
    assert child.status is None
    child.kill()  # nothing is there to be ended


def test_a_pipe_that_is_closed_has_no_answer() -> None:
    child = fork(lambda *_: None, ())
    keep = os.dup(child.ends[1])
    os.close(child.ends[1])
    with pytest.raises(ChildEndedError):
        child.answer()
    os.dup2(keep, child.ends[1])
    os.close(keep)
    child.close()


def test_a_signal_that_is_ignored_stays_so() -> None:
    def work(_: int, write: int) -> None:
        own = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        send(write, repr([value.name for value in own]).encode())  # type: ignore[union-attr]

    for handler, told in (
        (signal.SIG_IGN, ["SIG_IGN", "SIG_DFL"]),
        (signal.default_int_handler, ["SIG_DFL", "SIG_DFL"]),
    ):
        before = signal.signal(signal.SIGINT, handler)
        try:
            child = fork(work, ())
        finally:
            signal.signal(signal.SIGINT, before)
        assert child.answer() == repr(told).encode()
        child.close()


def test_the_pipes_of_another_child_are_not_for_it() -> None:
    def wait(read: int, _: int) -> None:
        receive(read)

    def tell(_: int, write: int) -> None:
        is_open = [Path(f"/proc/self/fd/{end}").exists() for end in first.ends]
        send(write, repr((is_open, gc.get_freeze_count() > 0)).encode())

    first = fork(wait, ())
    second = fork(tell, [first])
    assert second.answer() == b"([False, False], True)"
    second.close()
    first.close()
    assert first.status == 0


def test_a_copy_goes_on_by_itself() -> None:
    made = copy_process(())
    if not isinstance(made, Child):
        try:
            send(made[1], receive(made[0]) or b"none")
        finally:
            os._exit(5)
    send(made.ends[0], b"hello")
    assert made.answer() == b"hello"
    made.close()
    assert made.status == 5


def test_without_processes_nothing_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> int:
        raise BlockingIOError(11, "no more")

    before = descriptors()
    with monkeypatch.context() as patched:
        patched.setattr(os, "fork", none)
        with pytest.raises(BlockingIOError):
            fork(lambda *_: None, ())
    pipe = os.pipe
    made: list[tuple[int, int]] = []

    def one() -> tuple[int, int]:
        if made:
            raise OSError(24, "too many open files")
        made.append(pipe())
        return made[0]

    monkeypatch.setattr(os, "pipe", one)
    with pytest.raises(OSError, match="too many"):
        fork(lambda *_: None, ())
    assert descriptors() == before
    assert gc.get_freeze_count() == 0


def test_what_was_printed_is_printed_once(capfd: pytest.CaptureFixture[str]) -> None:
    stream = os.fdopen(os.dup(1), "w")
    before = sys.stdout
    sys.stdout = stream
    try:
        stream.write("said ")
        fork(lambda *_: stream.close(), ()).close()
    finally:
        sys.stdout = before
    stream.close()
    assert capfd.readouterr().out == "said "


def test_streams_that_are_closed_are_not_flushed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = os.fdopen(os.dup(1), "w")
    closed.close()
    for stream in (None, closed):
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(sys, "stderr", stream)
        flush()


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_process_with_threads_does_not_fork(
    platform: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(processes, "_TASKS", str(tmp_path))
    monkeypatch.setattr(sys, "platform", platform)
    found = [can_fork()]
    for number in (1, 2):
        (tmp_path / str(number)).touch()
        found.append(can_fork())
    assert found == [False, platform == "linux", False]
    monkeypatch.setattr(processes, "_TASKS", str(tmp_path / "none"))
    assert can_fork() is (platform == "linux")
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert not can_fork()


def test_without_fork_there_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(processes, "_TASKS", str(tmp_path / "none"))
    assert can_fork()
    monkeypatch.delattr(os, "fork")
    assert not can_fork()


SERVED = """
import os, sys
from derivload.pytorch.codegen.processes import own_pipes, receive, send

def serve():
    read, write = own_pipes()
    print("printed", os.read(0, 9), "" in sys.path, os.getsid(0) == os.getpid(), flush=True)
    while (message := receive(read)) is not None:
        send(write, message[::-1])
"""


def test_a_spawned_child_is_a_new_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "served.py").write_text(SERVED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    before = descriptors()
    child = spawn("served", b"\r\nfirst\0")
    assert child.answer() == b"\0tsrif\n\r"
    send(child.ends[0], LARGE)
    assert child.answer() == LARGE[::-1]
    child.kill()
    child.close()
    assert child.status == -signal.SIGKILL
    assert descriptors() == before
    assert capfd.readouterr().err == "printed b'' False True\n"


def test_a_spawned_child_that_ends_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "served.py").write_text("def serve(): raise SystemExit(7)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    child = spawn("served", LARGE)
    with pytest.raises(ChildEndedError):
        child.answer()
    child.close()
    assert child.status == 7
