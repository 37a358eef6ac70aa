"""Saves that a look may fall into the middle of: of half a save, derivwatch says nothing."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from derivload.commands.watch.decisions import DELAYS
from support.derivwatch import Event, Inputs, Watch, watching
from support.paths import NATIVES
from support.watch_runs import inputs, watch

__all__ = ["inputs", "watch"]  # fixtures


@pytest.fixture(params=["events", "polling"])
def either(inputs: Inputs, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Watch]:
    """By events, and without."""
    more = ["--poll"] if request.param == "polling" else []
    yield from watching(inputs, tmp_path / "out", *more)


def false_events(watch: Watch) -> list[Event]:
    """What was said of saves that changed a comment: anything but that nothing has changed."""
    return [
        event
        for event in watch.events[1:]
        if event["event"] != "reloaded" or any(event["difference"].values()) or event["written"]
    ]


class Pauses:
    """Sleeps a little, and knows the longest of its sleeps: a busy machine makes them longer."""

    def __init__(self) -> None:
        self.longest = 0.0

    def sleep(self, seconds: float) -> None:
        began = time.monotonic()
        time.sleep(seconds)
        self.longest = max(self.longest, time.monotonic() - began)


def save_in_pieces(path: Path, data: bytes, pauses: Pauses, *, truncated: bool = True) -> None:
    """Save, with another process's open and close between the pieces."""
    half = len(data) // 2
    with path.open("wb" if truncated else "r+b") as file:
        for piece in (data[:half], data[half:]):
            pauses.sleep(0.03)
            with path.open("ab"):
                pass  # opened for writing, and closed: the event of a save that is over
            pauses.sleep(0.03)
            file.write(piece)
            file.flush()
        file.truncate()


@pytest.mark.parametrize("truncated", [True, pytest.param(False, marks=pytest.mark.thorough)])
def test_close_by_another_process_is_no_end_of_a_save(
    either: Watch, inputs: Inputs, truncated: bool
) -> None:
    path = inputs.folder / NATIVES
    text = path.read_bytes()
    for number in range(8):
        before = len(either.events)
        pauses = Pauses()
        save_in_pieces(path, b"# Comment %d.\n%s" % (number, text), pauses, truncated=truncated)
        either.rest()
        if pauses.longest > DELAYS.wrong / 2:
            del either.events[before:]
    assert not false_events(either)


def test_last_entry_that_is_not_written_yet_is_not_taken_for_removed(
    watch: Watch, inputs: Inputs
) -> None:
    """Half a file may load well, where it ends between two entries."""
    path = inputs.folder / NATIVES
    text = path.read_text("utf-8")
    more = "\n- func: newcomer(Tensor self) -> Tensor\n"
    path.write_text(text + more, "utf-8")
    watch.expect("reloaded")
    for number in range(5):
        before = len(watch.events)
        with path.open("w", encoding="utf-8") as file:
            file.write(f"# {number}\n{text}")
            file.flush()
            with path.open("a", encoding="utf-8"):
                pass
            began = time.monotonic()
            time.sleep(0.05)
            file.write(more)
        took = time.monotonic() - began
        watch.rest()
        if took < DELAYS.cut / 2:
            assert not [e for e in watch.events[before:] if any(e["difference"].values())]


def test_entry_that_was_removed_at_the_end_is_told(watch: Watch, inputs: Inputs) -> None:
    path = inputs.folder / NATIVES
    text = path.read_text("utf-8")
    path.write_text(f"{text}\n- func: newcomer(Tensor self) -> Tensor\n", "utf-8")
    watch.expect("reloaded")
    path.write_text(text, "utf-8")
    (gone,) = watch.expect("reloaded")["difference"]["removed"]
    assert gone["name"] == "newcomer"


@pytest.fixture
def vim(unavailable: Callable[[str], NoReturn]) -> str:
    found = shutil.which("vim") or shutil.which("vim.tiny")
    return found or unavailable("vim is not there")


@pytest.mark.parametrize("saves", [5, pytest.param(100, marks=pytest.mark.thorough)])
def test_saves_by_vim_in_place(
    watch: Watch, inputs: Inputs, vim: str, saves: int, longer: bool
) -> None:
    """With `backupcopy=yes`, which empties the file and writes it anew."""
    saves *= 3 if longer else 1
    path = inputs.folder / NATIVES
    # Vim writes 8 KB at a time: large enough for many pieces, and entries to the end.
    many = [
        f"\n- func: newcomer{i}(Tensor self) -> Tensor\n" for i in range(min(60 * saves, 20_000))
    ]
    path.write_text(path.read_text("utf-8") + "".join(many), "utf-8")
    watch.expect("reloaded")
    chance = random.Random(0)
    # Where a look that no event causes, one second after the last, meets the next save.
    pauses = [0.0, 0.02, 0.3, 0.9, 0.98, 1.0, 1.01, 1.02, 1.03]
    process = subprocess.Popen(
        [vim, "-u", "NONE", "-N", "-e", "-s", str(path)], stdin=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    with process.stdin as commands:
        commands.write("set backupcopy=yes writebackup noswapfile\n")
        for number in range(saves):
            commands.write(f"1s/.*/# Comment {number}./\nw\n")
            commands.flush()
            time.sleep(chance.choice(pauses))
        commands.write("q!\n")
    assert process.wait() == 0
    watch.rest()
    assert len(watch.events) > saves / 2
    assert not [event for event in false_events(watch) if event is not watch.events[1]]
