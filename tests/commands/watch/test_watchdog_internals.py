"""The installed watchdog has what derivwatch takes from its internals."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import queue
import subprocess
import sys
from pathlib import Path

import pytest

from derivload.commands.watch.decisions import Hint
from derivload.commands.watch.events import Watches
from derivload.commands.watch.watchdog_internals import INTERNALS, gone
from support.derivwatch import PATIENCE
from support.paths import PACKAGE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


def test_the_installed_watchdog_has_them_all() -> None:
    """If this fails after watchdog was raised, the sentences say what broke."""
    assert gone() == []


def test_what_is_gone_is_said_with_what_that_breaks() -> None:
    moved, *_ = INTERNALS
    places = (("watchdog.observers.inotify_c", "NoSuchName.delay"), ("watchdog.no_module", "x"))
    (said,) = gone([moved._replace(places=places)])
    assert said.endswith("inotify_c.NoSuchName.delay and no watchdog.no_module.x: " + moved.without)


def test_a_move_is_told_however_long_watchdog_would_hold_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in INTERNALS[0].places:
        with contextlib.suppress(ImportError):
            grouper = getattr(importlib.import_module(module), name.partition(".")[0])
            monkeypatch.setattr(grouper, "delay", PATIENCE + 5)
    folder, other = tmp_path / "watched", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    path = folder / "file"
    path.touch()
    hints: queue.Queue[Hint] = queue.Queue()
    watches = Watches(hints.put)
    try:
        watches.cover([str(path)])
        path.rename(other / "file")
        assert hints.get(timeout=PATIENCE).kind == "deleted"
        (other / "file").rename(path)
        assert hints.get(timeout=PATIENCE).kind == "created"
    finally:
        watches.close()


def test_no_other_file_knows_them() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.name != "watchdog_internals.py":
            text = path.read_text("utf-8")
            assert "inotify_" not in text, path
            assert 'getLogger("watchdog' not in text, path


def hints_until(hints: queue.Queue[Hint], path: Path) -> list[Hint]:
    """The hints that come until one of a file's closing does."""
    came: list[Hint] = []
    while not came or (came[-1].path, came[-1].kind) != (str(path), "closed"):
        came.append(hints.get(timeout=PATIENCE))
    return came


def test_a_warning_of_watchdogs_is_a_hint_and_does_not_reach_the_screen(
    capfd: pytest.CaptureFixture[str],
) -> None:
    hints: queue.Queue[Hint] = queue.Queue()
    watches = Watches(hints.put)
    logging.getLogger("watchdog.observers.inotify_c").warning("events were lost")
    watches.close()
    assert hints.get_nowait().path == ""
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("folder", ["above", "beside"])
def test_a_file_that_is_moved_in_or_out_leaves_nothing_open(tmp_path: Path, folder: str) -> None:
    """Else the save would not be over before `DELAYS.closing`."""
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    other = {"above": tmp_path, "beside": tmp_path / "beside"}[folder]
    other.mkdir(exist_ok=True)
    path = inputs / "d.yaml"
    path.touch()
    hints: queue.Queue[Hint] = queue.Queue()
    watches = Watches(hints.put)
    try:
        while watches.cover([str(path)]):
            pass
        subprocess.run(["mv", path, other / "aside"], check=True)
        subprocess.run(["mv", other / "aside", path], check=True)
        os.utime(path)
        with path.open("a", encoding="utf-8"):
            pass
        came = hints_until(hints, path)
    finally:
        watches.close()
    assert {"deleted", "created"} <= {hint.kind for hint in came if hint.path == str(path)}
    assert not [hint for hint in came if hint.is_open and hint.path != str(path)]
