"""The digest of derivload's own source, kept by the state of its files."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from derivload import identity
from derivload.identity import _Scan, tool_digest
from derivload.store.tool import find_tool, keep_tool
from support.stores import opened

STATE, OTHER = "of the files", b"o" * 32


@pytest.fixture
def scan(monkeypatch: pytest.MonkeyPatch) -> _Scan:
    """What this process knows of derivload: its files and their state, and no digest yet."""
    scan = _Scan()
    scan.is_certain, scan._state = True, STATE
    monkeypatch.setattr(identity, "_scans", [scan])
    monkeypatch.setattr(sys, "platform", "linux")
    # Whoever edits derivload meanwhile fails no test.
    monkeypatch.setattr(identity, "_UNTIL", time.time_ns())
    return scan


def test_the_digest_that_is_kept_for_the_state_is_not_computed(scan: _Scan, tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        scan._digest = OTHER
        keep_tool(store)
        scan._digest = b""
        find_tool(store)
        assert tool_digest() == OTHER
        scan._digest, scan._state = b"", "another"
        find_tool(store)
        assert tool_digest() == _Scan().digest()


def test_nothing_is_kept_or_found_without_a_state(scan: _Scan, tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        scan._state, scan._digest = "", OTHER
        keep_tool(store)
        figures = store.figures()
        assert figures is not None
        assert figures.values == 0
        scan._state, scan.is_certain = STATE, False
        keep_tool(store)
        scan.is_certain = True
        keep_tool(store)
        scan._digest, scan.is_certain = b"", False
        find_tool(store)
        assert tool_digest() not in (OTHER, _Scan().digest())


@pytest.mark.parametrize("found", [None, b"", OTHER[1:], OTHER + b"o"])
def test_what_is_no_digest_is_not_taken(scan: _Scan, found: bytes | None) -> None:
    scan.learn(lambda _: found)
    assert tool_digest() == _Scan().digest()


def test_files_without_a_state_have_no_kept_digest(scan: _Scan) -> None:
    scan._state = ""
    scan.learn(lambda _: OTHER)
    assert tool_digest() == _Scan().digest()


def test_a_digest_that_is_known_stays(scan: _Scan) -> None:
    known = tool_digest()
    scan.learn(lambda _: OTHER)
    assert tool_digest() == known


def test_times_that_somebody_may_have_chosen_make_no_state() -> None:
    """The maker of an image of a disk chooses them, and two images may have the same."""
    status = Path(os.__file__).stat()
    at = 10**18
    for nanoseconds, is_state in ((at, False), (at + 1, True)):
        scan = _Scan()
        looks = {"st_ctime_ns": nanoseconds, "st_dev": os.makedev(8, 1)}
        scan._files = [("os.py", os.__file__, _Status(status, looks))]  # type: ignore[list-item]
        assert bool(scan._digest_of_looks()) is is_state


class _Status:
    """The status of a file, with some of its fields another."""

    def __init__(self, status: os.stat_result, other: dict[str, int]) -> None:
        self._status = status
        self._other = other

    def __getattr__(self, name: str) -> object:
        return self._other.get(name, getattr(self._status, name))
