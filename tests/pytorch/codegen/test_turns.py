"""The turns that processes take."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from derivload.pytorch.codegen.processes import ChildEndedError, fork, send
from derivload.pytorch.codegen.turns import Turns

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")


def test_each_index_is_taken_once() -> None:
    turns = Turns()

    def work(_: int, write: int) -> None:
        turns.end()
        for index in turns:
            send(write, b"%d" % index)

    children = [fork(work, ()), fork(work, ())]
    order = [300, 1, 2, 70_000, 4]
    turns.put(order)
    taken = [*turns]
    turns.close()
    for child in children:
        try:
            while True:
                taken.append(int(child.answer()))
        except ChildEndedError:
            child.close()
    assert sorted(taken) == sorted(order)
    assert [child.status for child in children] == [0, 0]


def test_turns_end_at_the_last_index() -> None:
    turns = Turns()
    turns.put([2, 1])
    assert [*turns, *turns] == [2, 1]
    turns.close()


def test_closed_turns_leave_nothing_open() -> None:
    before = len([*Path("/proc/self/fd").iterdir()])
    for has_some in (True, False):
        turns = Turns()
        if has_some:
            turns.put([1])
        turns.close()
        assert len([*Path("/proc/self/fd").iterdir()]) == before
