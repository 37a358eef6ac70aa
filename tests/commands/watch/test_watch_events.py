"""Which events of the file system become hints, and which folders are watched for them."""

from __future__ import annotations

import logging
import os
import queue
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from derivload.commands.watch.decisions import Hint
from derivload.commands.watch.events import Watches
from support.derivwatch import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


class Heard:
    """A file that is watched, and the hints of what happens to it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "inputs" / "d.yaml"
        self.path.parent.mkdir(parents=True)
        self.path.write_text("one", "utf-8")
        self.end = folder / "inputs" / "end"
        self.hints: queue.Queue[Hint] = queue.Queue()
        self.watches = Watches(self.hints.put)

    def cover(self) -> bool:
        return self.watches.cover([str(self.path), str(self.end)])

    def all(self) -> list[tuple[str, bool]]:
        """The hints of the file so far; another one tells where they end."""
        self.end.mkdir()
        heard = []
        while (hint := self.hints.get(timeout=PATIENCE)).path != str(self.end):
            assert hint.path == str(self.path)
            heard.append((hint.kind, hint.is_open))
        self.end.rmdir()
        while self.hints.get(timeout=PATIENCE).kind != "deleted":
            pass
        return [*dict.fromkeys(heard)]


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Heard]:
    heard = Heard(tmp_path)
    try:
        assert heard.cover()
        assert not heard.cover()
        yield heard
    finally:
        heard.watches.close()


def write(path: Path) -> None:
    path.write_text("two", "utf-8")


def move_away(path: Path) -> None:
    path.rename(path.with_name("other"))


def replace(path: Path) -> None:
    write(path.with_name("other"))
    path.with_name("other").replace(path)


def write_another(path: Path) -> None:
    write(path.with_name("other"))
    os.utime(path.parent)
    path.with_name("folder").mkdir()


@pytest.mark.parametrize(
    ("act", "hints"),
    [
        (write, [("modified", True), ("closed", False)]),
        (move_away, [("moved", False)]),
        (replace, [("moved", False)]),
        (Path.unlink, [("deleted", False)]),
        (write_another, []),
    ],
)
def test_what_happens_to_an_input_is_a_hint(
    heard: Heard, act: Callable[[Path], object], hints: list[tuple[str, bool]]
) -> None:
    act(heard.path)
    # watchdog 6 makes two events of a move.
    assert [hint for hint in heard.all() if hint != ("created", False)] == hints
    # The folder is the same.
    assert not heard.cover()


@pytest.mark.parametrize("move", [False, True])
def test_a_folder_that_was_made_anew_is_watched_anew(heard: Heard, move: bool) -> None:
    folder = heard.path.parent
    if move:
        folder.rename(folder.with_name("old"))
    else:
        shutil.rmtree(folder)
    while heard.hints.get(timeout=PATIENCE).path != str(folder):
        pass
    folder.mkdir()
    assert heard.cover()
    while not heard.hints.empty():
        heard.hints.get()
    write(heard.path)
    kinds = {kind for kind, _ in heard.all()}
    assert {"created", "closed"} <= kinds


def test_a_folder_that_went_and_came_while_nobody_looked_is_not_taken_for_the_same(
    heard: Heard,
) -> None:
    """The new one may have the number of the old one."""
    heard.watches._handler.has_lost = True
    assert heard.cover()
    assert not heard.cover()


def test_a_link_on_the_way_is_watched(tmp_path: Path) -> None:
    heard = Heard(tmp_path / "one")
    link = tmp_path / "link"
    link.symlink_to(heard.path.parent)
    try:
        heard.watches.cover([str(link / "d.yaml")])
        link.rename(tmp_path / "old")
        assert heard.hints.get(timeout=PATIENCE).path == str(link)
    finally:
        heard.watches.close()


def test_when_it_is_closed_nothing_is_left(tmp_path: Path) -> None:
    logger = logging.getLogger("watchdog")
    before, threads = (logger.propagate, [*logger.handlers]), {*threading.enumerate()}
    heard = Heard(tmp_path)
    heard.cover()
    assert not logger.propagate
    heard.watches.close()
    assert (logger.propagate, [*logger.handlers]) == before
    assert not {*threading.enumerate()} - threads
    write(heard.path)
    assert heard.hints.empty()


def test_names_that_come_to_a_listed_folder_or_leave_it_are_told(heard: Heard) -> None:
    folder = heard.path.parent / "listed"
    folder.mkdir()
    beside = heard.path.parent / "beside.txt"
    beside.touch()
    paths = [str(heard.path), str(heard.end)]
    assert heard.watches.cover(paths, [str(folder / "a*.txt"), str(folder / "*.in")])
    assert not heard.watches.cover(paths, [str(folder / "a*.txt"), str(folder / "*.in")])
    new, other = folder / "A1.txt", folder / "b.in"
    for name in (".a.txt", "b.txt", "a.txt~", "a.txt.new"):
        (folder / name).touch()
    new.touch()
    new.write_text("what is in it makes no difference", "utf-8")
    beside.rename(other)
    new.unlink()
    told = [("created", new), ("created", other), ("deleted", new)]
    assert [_next(heard) for _ in told] == told
    # Another folder of that name is watched too.
    folder.rename(heard.path.parent / "gone")
    assert _next(heard) == ("moved", folder)
    folder.mkdir()
    assert _next(heard) == ("created", folder)
    assert heard.watches.cover(paths, [str(folder / "a*.txt")])
    new.touch()
    assert _next(heard) == ("created", new)


def _next(heard: Heard) -> tuple[str, Path]:
    hint = heard.hints.get(timeout=PATIENCE)
    return hint.kind, Path(hint.path)
