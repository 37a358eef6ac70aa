"""What `check --watch` does at each look, within the process of the test."""

from __future__ import annotations

import gc
import signal
from argparse import Namespace
from pathlib import Path

import pytest

from derivload.commands.check import watching
from derivload.commands.options.command_line import make_parser
from derivload.commands.parsed import files_of
from derivload.commands.settings.apply import parse_options
from derivload.commands.watch.decisions import Finding, Look, WatchState
from derivload.commands.watch.sources import Seen
from derivload.loading.errors import TreeCodeError, UsageError
from derivload.loading.paths import Files
from derivload.terminal import progress
from derivload.terminal.stdout import Stdout
from support.out_dirs import posix

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Namespace:
    monkeypatch.chdir(tmp_path)
    found = parse_options(make_parser("check"), ["check", "--catalogue", "--watch", "--quiet"])
    found.is_own_process = False
    return found


class Check:
    """In the place of `check_once`: notes what it was asked, and fails as it is told."""

    def __init__(self) -> None:
        self.asked: list[Files] = []
        self.error: Exception | None = None

    def __call__(self, options: Namespace, files: Files, stdout: Stdout) -> int:
        self.asked.append(files)
        if self.error is not None:
            raise self.error
        return 0


def seen(options: Namespace, key: str) -> Seen:
    finding = Finding(key, (), {}, False, False, Look(1.0, 2.0))
    return Seen(files_of(options), (), finding)


def test_what_was_checked_is_not_checked_again(options: Namespace, capsys: Captured) -> None:
    check = Check()
    task = watching._Checking(options, check)
    state = WatchState()
    for key, count in (("a", 1), ("a", 1), ("b", 2), ("a", 3)):
        found = seen(options, key)
        state = task.act(state, found, 0.0)
        assert len(check.asked) == count
        assert (state.stands, state.failure) == (True, None)
        assert state.counted is not None
        assert state.counted.key == key
        assert capsys.readouterr().err.count("derivload: checking\n") == (
            check.asked[-1] is found.files
        )
    # Where the outcome is to be done again, it is.
    task.act(state._replace(stands=False), seen(options, "a"), 0.0)
    assert len(check.asked) == 4


@pytest.mark.parametrize("error", [UsageError("it is odd"), TreeCodeError("it is odd")])
def test_what_is_wrong_is_said_once(error: Exception, options: Namespace, capsys: Captured) -> None:
    check = Check()
    check.error = error
    task = watching._Checking(options, check)
    said = "derivload: checking\nderivload: error: it is odd\n"
    state = task.act(WatchState(), seen(options, "a"), 0.0)
    assert (capsys.readouterr().err, state.failure) == (said, "it is odd")
    state = task.act(state, seen(options, "b"), 0.0)
    assert (capsys.readouterr().err, state.failure) == ("derivload: checking\n", "it is odd")
    check.error = None
    state = task.act(state, seen(options, "c"), 0.0)
    assert state.failure is None


def test_inputs_that_are_gone_are_said_once(options: Namespace, capsys: Captured) -> None:
    task = watching._Checking(options, Check())
    state = WatchState()
    error = UsageError("they are gone")
    for at in range(100):
        state = task.lose(state, error, Look(float(at), float(at)))
    assert capsys.readouterr().err == "derivload: error: they are gone\n"
    assert not state.stands
    assert state.look_at is not None


def test_the_options_are_those_of_the_settings_of_now(options: Namespace) -> None:
    task = watching._Checking(options, Check())
    assert "catalog" in task.find().paths[0]
    assert task.is_read
    task._stdout.is_read = False
    assert not task.is_read


def test_there_is_no_progress_between_two_looks(
    options: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[bool] = []
    monkeypatch.setattr(progress, "end", lambda: ended.append(True))
    watching._Checking(options, Check()).rest()
    assert ended == [True]


@posix
@pytest.mark.parametrize("is_own", [False, True])
def test_a_signal_ends_it_with_its_number(options: Namespace, is_own: bool) -> None:
    def check(options: Namespace, files: Files, stdout: Stdout) -> int:
        signal.raise_signal(signal.SIGTERM)
        return 0

    options.is_own_process = is_own
    before = gc.isenabled()
    gc.disable()
    try:
        assert watching.watch(options, check) == 128 + signal.SIGTERM
        assert gc.isenabled() == is_own
    finally:
        (gc.enable if before else gc.disable)()
    assert signal.getsignal(signal.SIGTERM) in (signal.SIG_DFL, signal.SIG_IGN)


def test_it_ends_when_nobody_reads_any_more(options: Namespace) -> None:
    def check(options: Namespace, files: Files, stdout: Stdout) -> int:
        stdout.is_read = False
        return 0

    assert watching.watch(options, check) == 0
