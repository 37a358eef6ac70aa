"""Runs the batches of a plan in several processes.

Each process takes the next batch when it has done one. If a process is killed, its batch is done
here, and the others go on. If a generator raises an exception, all processes end, and the exception
counts as if it had been raised here.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from queue import SimpleQueue
from typing import Final

import msgspec

from derivload.pytorch.codegen.batches import BatchRunner, Pieces, Plan
from derivload.pytorch.codegen.cores import default_jobs
from derivload.pytorch.codegen.processes import (
    Child,
    ChildEndedError,
    answer_all,
    can_fork,
    fork,
    own_pipes,
    receive,
    spawn,
)
from derivload.pytorch.codegen.running import Learned, Running
from derivload.pytorch.codegen.stand_ins import StandIns
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


# The index of a batch and the answer; None for each thread that ends.
_Answers = SimpleQueue[tuple[int, bytes] | None]


class WorkerError(Exception):
    """A generator raised an exception in another process. `kind` is the name of its class."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class _Answer(msgspec.Struct, array_like=True):
    """What a process says of a batch: the pieces, or the exception; neither if it cannot tell.

    `learned` is what it read.
    """

    pieces: Pieces | None
    learned: Learned
    kind: str = ""
    text: str = ""
    errno: int | None = None


class _Beginning(msgspec.Struct, array_like=True):
    """What a spawned process begins with. A forked one has it in memory."""

    plan: Plan
    known: frozenset[str]
    began: int


_ENCODER: Final = msgspec.msgpack.Encoder()
_ANSWER: Final = msgspec.msgpack.Decoder(_Answer)
_BEGINNING: Final = msgspec.msgpack.Decoder(_Beginning)


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


def run_batches(plan: Plan, runner: BatchRunner, running: Running, jobs: int) -> list[Pieces]:
    """What the generators make for each batch of a plan, in so many processes.

    `runner` is for this plan, and `running` is the context that we are in. Raises
    UnexpectedTorchgenError, OSError, WorkerError, and any exception that a generator raises here.
    """
    found: dict[int, Pieces] = {}
    if jobs > 1:
        found = _in_processes(plan, runner, running, min(jobs, len(plan.batches)))
    every = {i: found.get(i) or runner.run(i) for i in plan.order}
    return [every[i] for i in range(len(plan.batches))]


def _in_processes(
    plan: Plan, runner: BatchRunner, running: Running, jobs: int
) -> dict[int, Pieces]:
    """What the processes made, by index."""
    children: list[Child] = []
    threads: list[threading.Thread] = []
    answers: _Answers = SimpleQueue()
    try:
        _start(plan, runner, running, jobs, children)
        waiting = deque(plan.order)
        with suppress(RuntimeError):  # the system allows no more threads
            for child in children:
                thread = threading.Thread(target=_feed, args=(child, waiting, answers))
                thread.start()
                threads.append(thread)
        found = _collect(plan, answers, running, len(threads))
    except BaseException:
        for child in children:
            child.kill()
        raise
    finally:
        for thread in threads:
            thread.join()
        for child in children:
            child.close()
    for status in {child.status for child in children if child.status}:
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        say(f"note: a process that generated ended {how}; derivload went on without it")
    return found


def _collect(plan: Plan, answers: _Answers, running: Running, threads: int) -> dict[int, Pieces]:
    found: dict[int, Pieces] = {}
    what = f"generating in {threads} processes"
    while threads:
        tell(what, len(found), len(plan.batches))
        told = answers.get()
        if told is None:
            threads -= 1
            continue
        index, data = told
        answer = _ANSWER.decode(data)
        running.take(answer.learned)
        if answer.pieces is not None:
            found[index] = answer.pieces
        elif answer.kind:
            raise _error_of(answer)
    return found


def _feed(child: Child, waiting: deque[int], answers: _Answers) -> None:
    """In a thread for each child: give it the next batch when it has done one."""
    with suppress(ChildEndedError, IndexError):  # it ended, or no batch is left
        while True:
            index = waiting.popleft()
            answers.put((index, child.ask(b"%d" % index)))
    answers.put(None)


def _start(
    plan: Plan, runner: BatchRunner, running: Running, jobs: int, children: list[Child]
) -> None:
    """Start processes, and add them to `children`: as many as there can be."""

    def answer(message: bytes) -> bytes:
        return _answered(runner, running, int(message))

    is_copy = can_fork()
    beginning = b"" if is_copy else _ENCODER.encode(_Beginning(plan, running.known, running.began))
    if not is_copy and _BEGINNING.decode(beginning).plan != plan:
        return  # YAML has values that this form has not
    try:
        while len(children) < jobs:
            children.append(fork(answer, children) if is_copy else spawn(_MODULE, beginning))
    except OSError as error:
        say(f"note: only {len(children)} processes could be started: {error.strerror}")


def serve() -> None:
    """In a spawned process: answer for batches until there are no more."""
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
        answer_all(read, write, lambda message: _answered(runner, running, int(message)))


def _answered(runner: BatchRunner, running: Running, index: int) -> bytes:
    """In a process: the answer for a batch."""
    pieces = None
    kind, text, errno = "", "", None
    try:
        pieces = runner.run(index)
    except MemoryError:
        raise  # this process ends, and the others may have enough
    except OSError as error:
        kind, text, errno = type(error).__name__, error.strerror or "", error.errno
    except RAISED as error:
        kind, text = type(error).__name__, str(error)
    learned = running.learn()
    try:
        return _ENCODER.encode(_Answer(pieces, learned, kind, text, errno))
    except (TypeError, ValueError, OverflowError):  # pieces that are no plain data
        return _ENCODER.encode(_Answer(None, learned))


def _error_of(answer: _Answer) -> Exception:
    if answer.errno is not None:
        return OSError(answer.errno, answer.text)
    if answer.kind == UnexpectedTorchgenError.__name__:
        return UnexpectedTorchgenError(answer.text)
    return WorkerError(answer.kind, answer.text)
