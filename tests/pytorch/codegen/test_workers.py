"""Batches that run in several processes, whatever befalls these; the generators are a function."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from derivload.pytorch.codegen import workers
from derivload.pytorch.codegen.batches import Batch, Pieces, Plan
from derivload.pytorch.codegen.processes import fork, receive
from derivload.pytorch.codegen.running import Running
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.upstream import Upstream
from derivload.pytorch.codegen.workers import (
    Ahead,
    Answers,
    WorkerError,
    processes_for,
    run_batches,
)
from derivload.pytorch.errors import UnexpectedTorchgenError
from support.copies import children

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")

# The process of the test.
MAIN_OF = [0]


def plan_of(count: int, whole: int | None = None, root: str = "") -> Plan:
    batches = [Batch(i == whole, [i], [], []) for i in range(count)]
    upstream = Upstream(root, "tools.autograd", root)
    return Plan(upstream, Selection(), ["core"], "n.yaml", ["Default"], {0: {"func": "a"}}, batches)


class Runner:
    """Runs batches by a function, and notes which ones ran in this process."""

    def __init__(self, do: Callable[[int], object] = lambda _: None) -> None:
        self._do = do
        self.ran: list[int] = []

    def run(self, index: int) -> Pieces:
        self._do(index)
        self.ran.append(index)
        return Pieces({index: (str(os.getpid()), ())}, {}, {}, index)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(str(tmp_path))
    with made:
        yield made


@pytest.fixture(autouse=True)
def forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of pytest's may have threads, which wait."""
    monkeypatch.setattr(workers, "can_fork", lambda: True)


def run(
    running: Running, plan: Plan, jobs: int, do: Callable[[int], object] = lambda _: None
) -> tuple[list[int], Runner]:
    """The processes that did each batch, of which all were done."""
    runner: Any = Runner(do)
    every = run_batches(plan, runner, running, jobs)
    assert [pieces.count for pieces in every] == [*range(len(plan.batches))]
    return [int(pieces.schemas[i][0]) for i, pieces in enumerate(every)], runner


def wait_for(path: Path) -> None:
    until = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < until


@pytest.fixture(autouse=True)
def main() -> None:
    MAIN_OF[0] = os.getpid()


@pytest.mark.parametrize("forkable", [True, False])
@pytest.mark.parametrize(
    ("jobs", "functions", "is_running", "expected"),
    [
        (None, 0, False, (1, 1)),
        (None, 299, False, (1, 1)),
        (None, 300, False, (7, 1)),
        (None, 999, False, (7, 1)),
        (None, 1000, False, (7, 7)),
        (None, 1000, True, (7, 1)),
        (1, 5000, False, (1, 1)),
        (3, 99, False, (1, 1)),
        (3, 100, False, (3, 3)),
        (3, 100, True, (3, 1)),
    ],
)
def test_how_many_processes_are_worth_it(
    jobs: int | None,
    functions: int,
    is_running: bool,
    expected: tuple[int, int],
    forkable: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "default_jobs", lambda: 7)
    monkeypatch.setattr(workers, "can_fork", lambda: forkable)
    assert processes_for(jobs, functions, is_running=is_running) == expected[not forkable]


def test_one_process_does_all_in_the_order_of_the_plan(running: Running) -> None:
    for jobs, count in ((1, 3), (5, 1)):
        done, runner = run(running, plan_of(count, whole=count - 1), jobs)
        assert {*done} == {os.getpid()}
        assert runner.ran == [count - 1, *range(count - 1)]


def test_children_do_a_part(running: Running, tmp_path: Path) -> None:
    def wait_for_other(_: int) -> None:
        own = os.getpid() == MAIN_OF[0]
        (tmp_path / str(own)).touch()
        wait_for(tmp_path / str(not own))

    done, runner = run(running, plan_of(6), 2, wait_for_other)
    assert len({*done}) == 2
    assert runner.ran == [i for i, process in enumerate(done) if process == os.getpid()]


@pytest.mark.parametrize(
    ("befall", "how"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "by signal 9"),
        (lambda: _raise(MemoryError()), "with status 1"),
    ],
)
def test_batches_of_a_child_that_ended_are_done_here(
    befall: Callable[[], object],
    how: str,
    running: Running,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def do(_: int) -> None:
        if os.getpid() != MAIN_OF[0]:
            (tmp_path / "begun").touch()
            befall()
        wait_for(tmp_path / "begun")

    done, _ = run(running, plan_of(6), 2, do)
    assert {*done} == {os.getpid()}
    said = [line for line in capfd.readouterr().err.splitlines() if "derivload: " in line]
    told = f"derivload: note: a process that generated ended {how}; derivload went on without it"
    assert said == [told]


def _raise(error: BaseException) -> None:
    raise error


class UnreadableError(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UnexpectedTorchgenError("other"), UnexpectedTorchgenError("other")),
        (OSError(28, "full"), OSError(28, "full")),
        (OSError("no number"), WorkerError("OSError", "")),
        (UnreadableError("x y"), WorkerError("UnreadableError", "x y")),
        (SystemExit(3), WorkerError("SystemExit", "3")),
    ],
)
def test_what_a_generator_raises_in_a_child_is_raised_here(
    error: BaseException, expected: Exception, running: Running, tmp_path: Path
) -> None:
    def fail(index: int) -> None:
        if os.getpid() != MAIN_OF[0]:
            (tmp_path / "failed").touch()
            raise error
        wait_for(tmp_path / "failed")

    with pytest.raises(type(expected)) as raised:
        run(running, plan_of(8), 2, fail)
    assert raised.value.args == expected.args
    assert getattr(raised.value, "kind", None) == getattr(expected, "kind", None)


def test_what_a_generator_raises_here_ends_the_children(running: Running) -> None:
    def fail(_: int) -> None:
        if os.getpid() == MAIN_OF[0]:
            raise UnreadableError
        signal.pause()

    before = children()
    with pytest.raises(UnreadableError):
        run(running, plan_of(4), 3, fail)
    assert children() == before


def test_pieces_that_are_no_plain_data_are_made_here(running: Running) -> None:
    class Odd(Runner):
        def run(self, index: int) -> Pieces:
            made = super().run(index)
            if os.getpid() != MAIN_OF[0]:
                made.items = {"a": [object()]}  # type: ignore[list-item]
            return made

    runner: Any = Odd()
    every = run_batches(plan_of(5), runner, running, 2)
    assert {pieces.schemas[i][0] for i, pieces in enumerate(every)} == {str(os.getpid())}


def test_what_children_read_is_known(running: Running, tmp_path: Path) -> None:
    def read(_: int) -> None:
        if os.getpid() != MAIN_OF[0]:
            (tmp_path / "none").exists()
            (tmp_path / "done").mkdir(exist_ok=True)  # a child may do both
        wait_for(tmp_path / "done")

    run(running, plan_of(2), 2, read)
    assert "./none" in running.trace.files


def test_as_many_processes_as_can_be_started(
    running: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left = [True, False, False]

    def some(*arguments: Any) -> Any:
        if not left.pop(0):
            raise BlockingIOError(11, "not now")
        return fork(*arguments)

    monkeypatch.setattr(workers, "fork", some)
    for count in ("2 processes", "one process"):
        run(running, plan_of(5), 4)
        said = f"derivload: note: no more than {count} could be started: not now\n"
        assert said in capsys.readouterr().err


def begun(running: Running, plan: Plan) -> Ahead:
    """A child that does the batch of everything, and takes turns."""
    ahead = Ahead()

    def work(read: int, write: int) -> None:
        ahead.turns.end()
        given = ahead.plan(read)
        if given is None:
            return
        assert given == msgspec.structs.replace(plan, entries={})
        answers, runner = Answers(running, write), Runner()
        assert given.whole is not None
        assert answers.add(given.whole, runner.run)
        answers.work(runner, ahead.turns)  # type: ignore[arg-type]
        answers.send()

    ahead.child = fork(work, ())
    return ahead


def test_a_child_that_began_ahead_does_the_batch_of_everything(running: Running) -> None:
    plan = plan_of(4, whole=2)
    before = len([*Path("/proc/self/fd").iterdir()])
    for jobs in (2, 3):
        ahead = begun(running, plan)
        runner: Any = Runner()
        every = run_batches(plan, runner, running, jobs, ahead)
        assert int(every[2].schemas[2][0]) not in (os.getpid(), 0)
        assert runner.ran == sorted({*runner.ran} - {2})
        ahead.end()  # it is the caller's no more
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_a_child_that_began_ahead_ends_without_a_plan(running: Running) -> None:
    before = len([*Path("/proc/self/fd").iterdir()])
    for is_killed in (True, False):
        ahead = begun(running, plan_of(2, whole=0))
        if is_killed:
            ahead.end()
            ahead.end()
        else:
            ahead.child.close()
            ahead.close()
        assert ahead.child.status == (-signal.SIGKILL if is_killed else 0)
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_a_plan_that_cannot_be_given_ends_the_child(running: Running) -> None:
    plan = msgspec.structs.replace(plan_of(2, whole=0), path="\udcff")
    ahead = begun(running, plan)
    runner: Any = Runner()
    every = run_batches(plan, runner, running, 2, ahead)
    assert len(every) == 2
    assert ahead.child.status == -signal.SIGKILL
    assert sorted(runner.ran) == [0, 1]


def test_a_spawned_child_gets_all_that_it_needs(
    running: Running,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    told: list[tuple[str, Any]] = []

    def spawn(module: str, beginning: bytes) -> Any:
        told.append((module, msgspec.msgpack.decode(beginning)))
        return fork(lambda *_: None, ())

    monkeypatch.setattr(workers, "can_fork", lambda: False)
    monkeypatch.setattr(workers, "spawn", spawn)
    running.known = frozenset({"known"})
    plan = plan_of(5, whole=3, root=str(tmp_path))
    _, runner = run(running, plan, 3)
    assert [module for module, _ in told] == ["derivload.pytorch.codegen.workers"] * 2
    given = [begun for _, begun in told]
    assert [each[1:] for each in given] == [[["known"], running.began, t] for t in ([0, 4], [1])]
    assert given[0][0] == msgspec.msgpack.decode(msgspec.msgpack.encode(plan))
    assert runner.ran[:2] == [3, 2]  # its own share comes first
    told.clear()
    none = BlockingIOError(11, "not now")
    monkeypatch.setattr(workers, "spawn", lambda *_: _raise(none))
    run(running, plan, 3)
    said = "derivload: note: no more than one process could be started: not now\n"
    assert said in capsys.readouterr().err
    monkeypatch.setattr(workers, "spawn", spawn)
    plan.entries[0] = {"func": (1,)}  # a list, when it is read again
    _, runner = run(running, plan, 3)
    assert (told, runner.ran) == ([], [3, 0, 1, 2, 4])


def test_answers_come_to_an_end(running: Running) -> None:
    def fail(index: int) -> None:
        if index == 1:
            raise UnreadableError("wrong")

    read, write = os.pipe()
    runner: Any = Runner(fail)
    turns = iter([0, 1, 2])
    answers = Answers(running, write)
    answers.work(runner, turns)
    assert (runner.ran, [*turns]) == ([0], [])  # no process does any more
    answers.send()
    os.close(write)
    said = [msgspec.msgpack.decode(receive(read) or b"") for _ in range(2)]
    assert [(each[0], each[1] is None, *each[3:]) for each in said] == [
        (0, False, "", "", None),
        (1, True, "UnreadableError", "wrong", None),
    ]
    assert receive(read) is None
    os.close(read)


def test_nothing_is_done_for_a_parent_that_has_ended(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = Answers(running, -1)
    monkeypatch.setattr(os, "getppid", lambda: -1)
    runner: Any = Runner()
    answers.work(runner, [0, 1])
    assert runner.ran == []
    answers.send()
