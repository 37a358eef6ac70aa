"""Runs the batches of a plan in several processes: this one and its children.

Each process takes the next batch when it has done one. A child sends what it made when no batch is
left. If it is killed, its batches are done here. If a generator raises an exception, all processes
end, and the exception counts as if it had been raised here.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

import msgspec

from derivload.pytorch.codegen.batches import BatchRunner, Pieces, Plan
from derivload.pytorch.codegen.cores import default_jobs
from derivload.pytorch.codegen.processes import (
    Child,
    ChildEndedError,
    can_fork,
    flush,
    fork,
    own_pipes,
    receive,
    send,
    spawn,
)
from derivload.pytorch.codegen.running import Learned, Running
from derivload.pytorch.codegen.stand_ins import StandIns
from derivload.pytorch.codegen.turns import Turns
from derivload.pytorch.codegen.upstream import Modules
from derivload.pytorch.errors import RAISED, UnexpectedTorchgenError
from derivload.terminal.progress import tell
from derivload.terminal.stderr import say

_MODULE: Final = __name__
# For fewer functions there are no batches that are worth it.
_LEAST: Final = 100
# Processes pay off for so many functions.
_WORTH_FORKING: Final = 300
_WORTH_SPAWNING: Final = 1000


class WorkerError(Exception):
    """A generator raised an exception in another process. `kind` is the name of its class."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class _Answer(msgspec.Struct, array_like=True):
    """What a child says of a batch: the pieces, or the exception; neither if it cannot tell.

    `learned` is what it read.
    """

    index: int
    pieces: Pieces | None
    learned: Learned
    kind: str = ""
    text: str = ""
    errno: int | None = None


class _Beginning(msgspec.Struct, array_like=True):
    """What a spawned child begins with. A forked one has it in memory.

    `turns` are the batches for it: it cannot take turns with others.
    """

    plan: Plan
    known: frozenset[str]
    began: int
    turns: list[int]


_ENCODER: Final = msgspec.msgpack.Encoder()
_ANSWER: Final = msgspec.msgpack.Decoder(_Answer)
_BEGINNING: Final = msgspec.msgpack.Decoder(_Beginning)
_PLAN: Final = msgspec.msgpack.Decoder(Plan)


def processes_for(jobs: int | None, functions: int, *, is_running: bool) -> int:
    """How many processes to run for so many functions; 1 means this one alone.

    `jobs` is how many were asked for; None: as many as there are cores and memory for, where they
    pay off. With `is_running`, only a copy of this process has the generators.
    """
    if functions < _LEAST or jobs == 1 or (is_running and not can_fork()):
        return 1
    if jobs is not None:
        return jobs
    worth = _WORTH_FORKING if can_fork() else _WORTH_SPAWNING
    return default_jobs() if functions >= worth else 1


class Ahead:
    """A child that has begun before there is a plan (`head_start.py`).

    `child` is set once it is started, and `turns` are those that it takes from.
    """

    child: Child

    def __init__(self) -> None:
        """Raises OSError."""
        # A pipe would make us wait until the child reads it.
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self.turns = Turns()
        self._is_free = True

    def go_on(self, plan: Plan) -> None:
        """Give the child the plan, but for the entries, which it has. It is the caller's now."""
        self._is_free = False
        try:
            self._file.write(_ENCODER.encode(msgspec.structs.replace(plan, entries={})))
            self._file.flush()
            send(self.child.ends[0], b"")
        except (OSError, ValueError):  # it has ended, the disk is full, or a text is no Unicode
            self.child.kill()

    def plan(self, read: int) -> Plan | None:
        """In the child: wait for the plan. None if there will be none."""
        if receive(read) is None:
            return None
        self._file.seek(0)
        return _PLAN.decode(self._file.read())

    def close(self) -> None:
        """Close everything but the child."""
        with suppress(OSError):  # what could not be written is written once more
            self._file.close()
        self.turns.close()

    def end(self) -> None:
        """End the child at once, if it has no plan."""
        if self._is_free:
            self._is_free = False
            self.child.kill()
            self.child.close()
            self.close()


def run_batches(
    plan: Plan, runner: BatchRunner, running: Running, jobs: int, ahead: Ahead | None = None
) -> list[Pieces]:
    """What the generators make for each batch of a plan, in so many processes.

    `runner` is for this plan, and `running` is the context that we are in. `ahead` is a child that
    has begun, if there is one: it does the batch of everything. Raises UnexpectedTorchgenError,
    OSError, WorkerError, and any exception that a generator raises here.
    """
    jobs = min(jobs, len(plan.batches))
    found = _Team(plan, runner, running, jobs, ahead).run() if jobs > 1 else {}
    every = {i: found.get(i) or runner.run(i) for i in plan.order}
    return [every[i] for i in range(len(plan.batches))]


class _Team:
    """This process and its children, for one plan."""

    def __init__(
        self, plan: Plan, runner: BatchRunner, running: Running, jobs: int, ahead: Ahead | None
    ) -> None:
        self._plan = plan
        self._order = plan.order if ahead is None else [i for i in plan.order if i != plan.whole]
        self._runner = runner
        self._running = running
        self._jobs = jobs
        self._ahead = ahead
        self._found: dict[int, Pieces] = {}

    def run(self) -> dict[int, Pieces]:
        """The pieces for each batch that was done, by index."""
        children: list[Child] = []
        with _ended(children), self._begun(children) as turns:
            what = f"generating in {1 + len(children)} processes"
            for index in turns:
                tell(what, self._order.index(index), len(self._order))
                self._found[index] = self._runner.run(index)
            for child in children:
                self._receive(child)
        for status in {child.status for child in children if child.status}:
            how = f"by signal {-status}" if status < 0 else f"with status {status}"
            say(f"note: a process that generated ended {how}; derivload went on without it")
        return self._found

    @contextmanager
    def _begun(self, children: list[Child]) -> Iterator[Iterable[int]]:
        """Start children, and add them to `children`: as many as there can be.

        Yields the turns of this process.
        """
        if self._ahead is None and not can_fork():
            yield self._spawn(children)
            return
        turns = Turns() if self._ahead is None else self._ahead.turns
        try:
            turns.put(self._order)
            if self._ahead is not None:
                children.append(self._ahead.child)
                self._ahead.go_on(self._plan)
            if can_fork():
                self._fork(turns, children)
            yield turns
        finally:
            (self._ahead or turns).close()

    def _fork(self, turns: Turns, children: list[Child]) -> None:
        def work(_: int, write: int) -> None:
            answers = Answers(self._running, write)
            answers.work(self._runner, turns)
            answers.send()

        try:
            while 1 + len(children) < self._jobs:
                children.append(fork(work, children))
        except OSError as error:
            _say_missing(children, error)

    def _spawn(self, children: list[Child]) -> list[int]:
        """Start new Pythons. Returns the turns of this process."""
        jobs, running = self._jobs, self._running
        shares = [self._order[number::jobs] for number in range(jobs)]
        try:
            for share in shares[1:]:
                beginning = _Beginning(self._plan, running.known, running.began, share)
                data = _ENCODER.encode(beginning)
                if not children and _BEGINNING.decode(data).plan != self._plan:
                    return self._order  # YAML has values that this form has not
                children.append(spawn(_MODULE, data))
        except OSError as error:
            _say_missing(children, error)
        return shares[0]

    def _receive(self, child: Child) -> None:
        """Take everything that a child made."""
        while True:
            try:
                answer = _ANSWER.decode(child.answer())
            except ChildEndedError:
                return
            self._running.take(answer.learned)
            if answer.pieces is not None:
                self._found[answer.index] = answer.pieces
            elif answer.kind:
                raise _error_of(answer)


@contextmanager
def _ended(children: Sequence[Child]) -> Iterator[None]:
    """At the end of it, all children have ended. On an exception, they are killed."""
    try:
        yield
    except BaseException:
        for child in children:
            child.kill()
        raise
    finally:
        for child in children:
            child.close()


def _say_missing(children: Sequence[Child], error: OSError) -> None:
    count = 1 + len(children)
    processes = "one process" if count == 1 else f"{count} processes"
    say(f"note: no more than {processes} could be started: {error.strerror}")


def serve() -> None:
    """In a spawned child: do its batches."""
    read, write = own_pipes()
    data = receive(read)
    if data is None:
        return
    beginning = _BEGINNING.decode(data)
    plan = beginning.plan
    running = Running(plan.upstream.root, plan.upstream.templates)
    running.known = beginning.known
    with running:
        running.began = beginning.began
        runner = BatchRunner(plan, Modules(plan.upstream), StandIns(plan.upstream))
        answers = Answers(running, write)
        answers.work(runner, beginning.turns)
        answers.send()


class Answers:
    """In a child: what it made. It is sent at the end, because nobody reads it before."""

    def __init__(self, running: Running, write: int) -> None:
        """`running` is the context that we are in. Messages are sent to `write`."""
        self._running = running
        self._write = write
        self._parent = os.getppid()
        self._encoded: list[bytes] = []

    def work(self, runner: BatchRunner, turns: Iterable[int]) -> None:
        """Do the batches whose turn it is."""
        for index in turns:
            if os.getppid() != self._parent:
                return  # nobody waits for it
            if not self.add(index, runner.run):
                break
        for _ in turns:  # after an exception, no process does any more
            pass

    def add(self, index: int, run: Callable[[int], Pieces]) -> bool:
        """Do a batch. Returns whether no exception was raised."""
        pieces = None
        kind, text, errno = "", "", None
        try:
            pieces = run(index)
        except MemoryError:
            raise  # this process ends, and the others may have enough
        except OSError as error:
            kind, text, errno = type(error).__name__, error.strerror or "", error.errno
        except RAISED as error:
            kind, text = type(error).__name__, str(error)
        learned = self._running.learn()
        try:
            data = _ENCODER.encode(_Answer(index, pieces, learned, kind, text, errno))
        except (TypeError, ValueError, OverflowError):  # pieces that are no plain data
            data = _ENCODER.encode(_Answer(index, None, learned))
        self._encoded.append(data)
        return not kind

    def send(self) -> None:
        """Send everything."""
        flush()
        for data in self._encoded:
            send(self._write, data)


def _error_of(answer: _Answer) -> Exception:
    if answer.errno is not None:
        return OSError(answer.errno, answer.text)
    if answer.kind == UnexpectedTorchgenError.__name__:
        return UnexpectedTorchgenError(answer.text)
    return WorkerError(answer.kind, answer.text)
