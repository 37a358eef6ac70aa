"""The loop of what watches, within one process: what it looks at when, and how a save settles."""

from __future__ import annotations

import errno
import os
import queue
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from derivload.commands.watch import decisions, looking, settle, sources
from derivload.commands.watch.decisions import (
    DELAYS,
    Burst,
    Delays,
    Hint,
    Look,
    Watching,
    WatchState,
)
from derivload.commands.watch.exec import CommandEnded
from derivload.commands.watch.looking import Looking
from derivload.commands.watch.messages import Messages
from derivload.commands.watch.settle import Settling
from derivload.commands.watch.signals import Stopped
from derivload.commands.watch.sources import Seen, WatchedInputs
from derivload.loading.errors import UsageError
from derivload.loading.paths import Files, find_files
from derivload.loading.rules_of_tree import Rules
from derivload.loading.trace import Trace
from derivload.loading.tree_reads import TreeReads
from support.derivwatch import PATIENCE, Inputs
from support.out_dirs import posix

pytestmark = posix

ENDED = CommandEnded(0, 1.0, stopped=False)


class Impatient(Messages):
    """Messages for which nobody waits in vain."""

    def get(self, timeout: float | None = None) -> Hint | CommandEnded:
        try:
            return super().get(PATIENCE if timeout is None else timeout)
        except queue.Empty:
            assert timeout is not None, "it would wait for ever"
            raise


class Watched:
    """Inputs that are looked at. Between two turns of the loop, the next of `steps` is taken."""

    def __init__(self, folder: Path, watching: Watching | None = None) -> None:
        self.inputs = Inputs(folder)
        self.steps: list[Callable[[], object]] = []
        self.did: list[object] = []
        self.saved_at: list[float] = []
        self.has_learned = False
        self.rules: Rules | None = None
        self.looks = 0
        self.error: UsageError | None = None
        self.while_acting: Callable[[], object] = lambda: None
        self.messages = Impatient()
        self._sources = WatchedInputs(self._find, watching, self.messages.put, self.did.append)

    def run(self, *steps: Callable[[], object]) -> list[object]:
        """Watch until all steps are taken; what was done."""
        self.steps = [*steps]
        try:
            Looking(self._sources, self.messages, 0.0, self).run()
        finally:
            self._sources.close()
        return self.did

    def save(self, formula: str, at: float | None = None) -> None:
        self.inputs.save(formula)
        now = time.monotonic() if at is None else at
        self.messages.put(Hint("closed", str(self.inputs.derivatives), now))

    def touch(self, modified: int) -> None:
        """Save the same bytes, at a time of the clock."""
        os.utime(self.inputs.derivatives, (modified, modified))

    def hint(self) -> None:
        self.messages.put(Hint("closed", str(self.inputs.derivatives), time.monotonic()))

    def _find(self) -> Files:
        self.looks += 1
        if self.error is not None:
            raise self.error
        files = find_files(str(self.inputs.derivatives), [str(self.inputs.natives)])
        files.rules = self.rules
        return files

    @property
    def is_read(self) -> bool:
        if not self.steps:
            return False
        self.steps.pop(0)()
        return True

    def act(self, state: WatchState, seen: Seen, saved_at: float) -> WatchState:
        self.did.append("act")
        self.while_acting()
        self.saved_at.append(saved_at)
        return decisions.succeed(state, seen.finding)

    def lose(self, state: WatchState, error: UsageError | OSError, look: Look) -> WatchState:
        assert look.began <= look.ended
        self.did.append(str(error))
        return decisions.lose(state, str(error), look, look.ended, str(error))[1]

    def rest(self) -> None:
        self.did.append("rest")

    def end(self, ended: CommandEnded) -> None:
        self.did.append(ended)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "inputs")


@pytest.fixture
def delays(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set delays to others, so that no test waits for them."""

    def change(**seconds: float) -> None:
        changed: Delays = DELAYS._replace(**seconds)
        for module in (decisions, looking, settle):
            monkeypatch.setattr(module, "DELAYS", changed)

    return change


def test_it_acts_on_what_is_there_rests_and_acts_on_each_save(watched: Watched) -> None:
    at = time.monotonic()
    assert watched.run(lambda: watched.save("grad", at)) == ["act", "rest", "act"]
    assert watched.saved_at[1] == at


def test_ends_of_the_command_are_passed_on_at_once_or_after_the_save(watched: Watched) -> None:
    def save() -> None:
        watched.save("grad")
        watched.messages.put(ENDED)

    did = watched.run(lambda: watched.messages.put(ENDED), save)
    assert did == ["act", "rest", ENDED, "act", ENDED]


def test_a_second_hint_of_an_answered_save_is_an_echo(
    watched: Watched, delays: Callable[..., None]
) -> None:
    delays(echo=PATIENCE)

    def touch(modified: int) -> None:
        watched.touch(modified)
        watched.hint()

    # The first look answered no save, and the hint at which there was nothing new is none, so the
    # touch after it is no echo.
    did = watched.run(watched.hint, lambda: touch(1), lambda: touch(2))
    assert did == ["act", "rest", "act"]


def test_there_is_one_more_look_after_the_last_hint(
    watched: Watched, delays: Callable[..., None]
) -> None:
    delays(afterthought=0.01)
    looks: list[int] = []
    watched.hint()

    def hear_nothing() -> None:
        looks.append(watched.looks)

    watched.run(hear_nothing, hear_nothing)
    assert looks[1] == looks[0] + 1
    assert watched.looks == looks[1] + 1


def test_without_events_it_looks_when_a_file_has_changed(
    tmp_path: Path, delays: Callable[..., None]
) -> None:
    delays(poll=0.01)
    watched = Watched(tmp_path / "inputs", "polling")
    looks: list[int] = []

    def wait() -> None:
        looks.append(watched.looks)

    did = watched.run(wait, wait, lambda: watched.inputs.save("grad"), wait, wait)
    assert did == ["act", "rest", "act"]
    assert looks[0] == looks[1]


def test_without_events_a_save_of_the_same_bytes_is_one(
    tmp_path: Path, delays: Callable[..., None]
) -> None:
    delays(poll=0.01)
    watched = Watched(tmp_path / "inputs", "polling")
    assert watched.run(lambda: watched.touch(1)) == ["act", "rest", "act"]


def test_it_is_known_whether_there_are_events_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(paths: list[str]) -> list[str]:
        raise OSError(errno.ENOSPC, "no more watches")

    monkeypatch.setattr(sources, "git_locks", fail)
    note, *did = Watched(tmp_path / "inputs", "events").run()
    assert str(note).startswith("no events (no more watches)")
    assert did == ["act", "rest"]


def test_with_events_it_waits_for_one(tmp_path: Path) -> None:
    watched = Watched(tmp_path / "inputs", "events")
    looks: list[int] = []

    def wait() -> None:
        looks.append(watched.looks)
        watched.messages.put(ENDED)

    assert watched.run(wait) == ["act", "rest", ENDED]
    # Once to know what to watch, and once when that is watched.
    assert looks == [watched.looks] == [2]


def test_what_changes_while_it_acts_is_found(watched: Watched, delays: Callable[..., None]) -> None:
    delays(unannounced=0.001)

    def save() -> None:
        watched.while_acting = lambda: None
        watched.inputs.save("grad")

    watched.while_acting = save
    assert watched.run(*[lambda: None] * 2) == ["act", "rest", "act"]


def test_inputs_that_are_lost_are_told_and_found_again(
    watched: Watched, delays: Callable[..., None]
) -> None:
    delays(come_back=0.001, gone=0.0, read_again=0.001)

    def lose() -> None:
        watched.error = UsageError("they are gone")
        watched.messages.put(Hint("deleted", str(watched.inputs.derivatives), time.monotonic()))

    def find() -> None:
        watched.error = None

    lost = ["they are gone"] * 2
    assert watched.run(lose, lambda: None, find) == ["act", "rest", *lost, "act"]


def test_it_starts_with_inputs_that_are_lost(watched: Watched) -> None:
    watched.error = UsageError("they are gone")
    assert watched.run() == ["they are gone", "rest"]


def test_files_that_a_load_has_learned_of_call_for_a_look(watched: Watched) -> None:
    watched.has_learned = True
    looks: list[int] = []

    def forget() -> None:
        looks.append(watched.looks)
        watched.has_learned = False

    assert watched.run(forget) == ["act", "rest"]
    assert watched.looks == looks[0] + 1


def test_names_that_the_trees_own_code_has_read_call_for_a_look(watched: Watched) -> None:
    def rules_by(key: str) -> Rules:
        rules = Rules(key, "2.15", "the test says so")
        rules.reads = TreeReads(str(watched.inputs.derivatives), [], "", None)
        return rules

    first, then = rules_by("source x"), rules_by("source x with what it reads")

    def learn() -> None:
        watched.rules = then
        assert first.reads is not None
        first.reads.learn(Trace(frozenset({"./a.txt"})))

    watched.rules, watched.while_acting = first, learn
    assert watched.run(lambda: None, lambda: None) == ["act", "rest", "act"]


# A save settles


def hint(path: str, *, is_open: bool = False) -> Hint:
    return Hint("modified", path, time.monotonic(), is_open)


def test_all_hints_of_a_save_are_one_burst() -> None:
    messages = Impatient()
    second = hint("two", is_open=True)
    messages.put(ENDED)
    messages.put(second)
    messages.put(Hint("closed", "two", second.at + 0.01))
    settled = Settling(messages, 0.0).settle(hint("one"), [])
    assert settled.save == Burst(second.at + 0.01, is_save=True)
    assert settled.others == (ENDED,)
    with pytest.raises(queue.Empty):
        messages.get(0)


def test_a_folder_is_no_save(tmp_path: Path) -> None:
    assert not Settling(Impatient(), 0.0).settle(hint(str(tmp_path)), []).save.is_save


class Git:
    """A lock of git's, which is away after so many looks; None for never."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self.waits = 0
        self.goes_at: int | None = 3
        clock = SimpleNamespace(monotonic=time.monotonic, sleep=self._sleep)
        monkeypatch.setattr(settle, "time", clock)

    def _sleep(self, seconds: float) -> None:
        assert seconds == DELAYS.git_step
        self.waits += 1
        if self.waits == self.goes_at:
            self.path.unlink()


def test_git_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = Git(tmp_path / "index.lock", monkeypatch)
    git.path.touch()
    messages = Impatient()
    settling = Settling(messages, 0.0)
    messages.put(ENDED)
    settled = settling.settle(hint("one"), [str(tmp_path / "none"), str(git.path)])
    assert (git.waits, git.path.exists()) == (3, False)
    assert settled.others == (ENDED,)


def test_a_lock_that_git_left_behind_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, delays: Callable[..., None]
) -> None:
    git = Git(tmp_path / "index.lock", monkeypatch)
    git.path.touch()
    git.goes_at = None
    settling = Settling(Impatient(), 0.0)
    delays(git=0.0)
    settling.settle(hint("one"), [str(git.path)])
    delays()
    waits = git.waits
    settling.settle(hint("one"), [str(git.path)])
    assert git.waits == waits
    # Another one of that name is no leftover.
    git.path.rename(tmp_path / "old")
    git.path.touch()
    git.goes_at = waits + 2
    settling.settle(hint("one"), [str(git.path)])
    assert git.waits == waits + 2


# Messages


def test_messages_come_in_their_order_and_a_signal_ends_the_waiting() -> None:
    messages = Messages()
    with messages.signals:
        messages.put(ENDED)
        messages.put(first := hint("one"))
        assert [messages.get(), messages.get(0)] == [ENDED, first]
        with pytest.raises(queue.Empty):
            messages.get(0)
        with pytest.raises(Stopped), messages.signals.held():
            signal.raise_signal(signal.SIGTERM)
        for _ in range(2):
            with pytest.raises(Stopped):
                messages.get(0)
