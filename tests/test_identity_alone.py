"""Whether derivload was edited while it ran, asked by a process that did all the work itself."""

from __future__ import annotations

import sys
import time
import types
from pathlib import Path

import pytest

from derivload import identity
from derivload.identity import PACKAGE, _Scan, is_as_it_began


@pytest.fixture
def scan(monkeypatch: pytest.MonkeyPatch) -> _Scan:
    """What this process knows of derivload, as if it had begun just now."""
    monkeypatch.setattr(identity, "_UNTIL", time.time_ns())
    scan = _Scan()
    scan.is_certain = True
    monkeypatch.setattr(identity, "_scans", [scan])
    return scan


def test_nothing_was_edited(scan: _Scan) -> None:
    assert is_as_it_began(is_alone=True)
    assert is_as_it_began()


def test_what_is_uncertain_stays_so(scan: _Scan) -> None:
    scan.is_certain = False
    assert not is_as_it_began(is_alone=True)
    assert not is_as_it_began()


def test_an_edit_counts_if_this_process_has_the_module(
    scan: _Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []
    edited = str(Path(PACKAGE, "identity.py"))
    monkeypatch.setattr(identity, "recompile", looked_at.append)
    monkeypatch.setattr(identity, "_is_edited", lambda path: path == edited)
    assert not is_as_it_began(is_alone=True)
    assert looked_at == [edited]
    monkeypatch.delitem(sys.modules, "derivload.identity")
    assert is_as_it_began(is_alone=True)
    assert not is_as_it_began(), "another process may have it"


def test_an_edit_to_the_data_counts(scan: _Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_is_edited", lambda path: path.endswith("known.json"))
    monkeypatch.setattr(identity, "recompile", lambda _: None)
    assert not is_as_it_began(is_alone=True)


@pytest.mark.parametrize("place", ["commands/added.py", "commands/emit/__init__.py"])
def test_a_module_that_was_added_counts(
    scan: _Scan, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a folder that Python prefers to the module of its name."""
    added = types.ModuleType("derivload.added")
    added.__file__ = str(Path(PACKAGE, place))
    monkeypatch.setitem(sys.modules, "derivload.added", added)
    monkeypatch.setattr(identity, "_is_edited", lambda _: False)
    assert not is_as_it_began(is_alone=True)


@pytest.mark.parametrize("file", [None, "/elsewhere/derivload/added.py"])
def test_a_module_from_elsewhere_has_all_looked_at(
    scan: _Scan, file: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = types.ModuleType("derivload.added")
    added.__file__ = file
    monkeypatch.setitem(sys.modules, "derivload.added", added)
    assert identity._imported() is None
    assert is_as_it_began(is_alone=True)
    monkeypatch.setattr(identity, "_is_edited", lambda path: path.endswith("watch/loop.py"))
    monkeypatch.setattr(identity, "recompile", lambda _: None)
    assert not is_as_it_began(is_alone=True)
