"""What the tests of watch_files share."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from support.derivwatch import FORMULA, Event, Inputs, Watch, changes, watching

BEFORE = FORMULA.removeprefix("self: ")


@pytest.fixture(params=["events", "polling"])
def either(inputs: Inputs, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Watch]:
    """By events, and without."""
    more = ["--poll"] if request.param == "polling" else []
    for watch in watching(inputs, tmp_path / "out", *more):
        assert watch.events[0]["watching"] == request.param
        yield watch


def assert_one_reload(watch: Watch, formula: str) -> Event:
    """That one save was seen, once, for what it was, and nothing else."""
    event = watch.only()
    assert event["event"] == "reloaded", event
    assert changes(event)["gild"][0] == ("backward", "self", BEFORE, formula)
    assert watch.formula() == formula
    return event


def assert_quick_save_is_reloaded(
    watch: Watch, limit: float, save: Callable[[str], None]
) -> list[Event]:
    """That nothing but reloads is said of a save with a formula, by what was said of it.

    Of one that took longer than `limit`, on a busy machine, nothing is known: it is tried again.
    """
    for number in range(100):
        formula = f"grad * {number + 2}"
        seen = len(watch.events)
        began = time.monotonic()
        save(formula)
        took = time.monotonic() - began
        watch.settle_on(formula)
        watch.rest()
        if took < limit:
            said = watch.events[seen:]
            assert {event["event"] for event in said} == {"reloaded"}
            return said
    pytest.fail("this machine is too busy to see it")


class Checkout:
    """The inputs as a repository, with a branch on which all three files differ."""

    def __init__(self, inputs: Inputs) -> None:
        self.folder = inputs.folder
        self.git("init", "--quiet", "--initial-branch", "main")
        self.commit("main")
        self.git("checkout", "--quiet", "-b", "other")
        for path in inputs.folder.glob("*.yaml"):
            text = path.read_text("utf-8")
            path.write_text(
                text.replace("burnish", "polish").replace("pointwise", "pointy"), "utf-8"
            )
        self.commit("other")
        self.git("checkout", "--quiet", "main")

    def git(self, *arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], cwd=self.folder, check=True, timeout=60)

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)


@pytest.fixture
def checkout(inputs: Inputs, unavailable: Callable[[str], NoReturn]) -> Checkout:
    if shutil.which("git") is None:
        unavailable("git is not there")
    return Checkout(inputs)
