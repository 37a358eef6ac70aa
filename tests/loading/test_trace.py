"""The names of what generators read, as they are stored and compared."""

from __future__ import annotations

import os

import pytest

from derivload.loading.trace import NOTHING, Trace, read_trace, with_root, without_root

FULL = Trace(frozenset({"./b", "./a", "/c"}), frozenset({"./d/*"}), frozenset({"X", "Y\udcff"}))


def test_a_trace_is_read_as_it_was_written() -> None:
    assert FULL.render() == b"f./a\0f./b\0f/c\0d./d/*\0vX\0vY\xff"
    for trace in (FULL, NOTHING, Trace(folders=frozenset({"a"})), Trace(variables=frozenset("a"))):
        assert read_trace(trace.render()) == trace
    assert NOTHING.render() == b""


@pytest.mark.parametrize("data", [None, b"", b"x./a", b"f", b"f./a\0v", b"f./a\0x./b"])
def test_what_is_no_trace_is_an_empty_one(data: bytes | None) -> None:
    assert read_trace(data) == NOTHING


def test_traces_are_put_together() -> None:
    one, other = Trace(frozenset("a")), Trace(frozenset("b"), frozenset("c"), frozenset("d"))
    both = one.with_other(other)
    assert both == other.with_other(one)
    assert both == Trace(frozenset("ab"), frozenset("c"), frozenset("d"))
    assert one.is_within(both)
    assert other.is_within(both)
    assert NOTHING.is_within(one)
    assert not both.is_within(one)
    assert not other.is_within(one)


@pytest.mark.parametrize(
    ("path", "told"),
    [("/r/a/b", "./a/b"), ("/rest/a", "/rest/a"), ("/r", "/r"), ("/x/r/a", "/x/r/a")],
)
def test_paths_below_the_root_are_relative_to_it(path: str, told: str) -> None:
    assert without_root(path, "/r") == told.replace("/", os.sep)
    assert with_root(told, "/r") == path


def test_a_tree_may_be_moved() -> None:
    assert with_root(without_root("/r/a", "/r"), "/elsewhere") == "/elsewhere/a"
    assert with_root(without_root("/x/a", "/r"), "/elsewhere") == "/x/a"
