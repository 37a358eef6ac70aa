"""From a look to a report, and runs of the command: what becomes of each outcome."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue

import pytest

from derivload.commands.watch import exec as running
from derivload.commands.watch.decisions import DELAYS, OnBusy
from derivload.commands.watch.exec import CommandEnded, Runner
from derivload.commands.watch.report import LoadFailed, Reloaded, WatchStarted
from derivload.commands.watch.signals import Signals, Stopped
from derivload.commands.watch.sources import Seen, WatchedInputs
from derivload.commands.watch.updates import Refused, Updates
from derivload.diagnostics import Diagnostic
from derivload.loading.errors import InputError, TreeCodeError, UsageError
from derivload.loading.live import LiveDocuments, LiveOutputs, Prepared
from derivload.loading.paths import Files, find_files
from derivload.pytorch.errors import GeneratorError, SelectionError
from support.derivwatch import PATIENCE, Inputs
from support.out_dirs import posix

pytestmark = posix


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return Inputs(tmp_path / "inputs")


def look(inputs: Inputs) -> Seen:
    def find() -> Files:
        return find_files(str(inputs.derivatives), [str(inputs.natives)])

    return WatchedInputs(find, None, lambda hint: None, lambda text: None).read()


class Failing:
    """Outputs of which loading, or writing, fails."""

    lines: object = None

    def __init__(self, error: Exception, *, when: str) -> None:
        self.error = error
        self.when = when
        self.settled = 0

    def load(self, files: Files, contents: Sequence[bytes | OSError]) -> Prepared:
        if self.when == "load":
            raise self.error
        return self  # type: ignore[return-value]

    def write(self) -> None:
        raise self.error

    def settle(self) -> None:
        self.settled += 1


def updates_of(
    make_outputs: Callable[[], LiveOutputs],
    out: str = "out",
    claim: Callable[[], None] = lambda: None,
) -> Updates:
    return Updates(out, make_outputs, Signals(lambda: None), claim)


MISTAKE = Diagnostic("f.yaml", 3, 2, "DL410", "it is wrong")
TRACEBACK = "Traceback:\n  a line\nValueError: no\n  f.yaml:3"
UNSAID = "; nothing was written"


@pytest.mark.parametrize(
    ("error", "message", "printed"),
    [
        (InputError([MISTAKE]), f"1 error{UNSAID}", ()),
        (InputError([MISTAKE] * 2), f"2 errors{UNSAID}", ()),
        (
            GeneratorError(TRACEBACK),
            f"a generator of PyTorch failed: ValueError: no{UNSAID}",
            tuple(TRACEBACK.split("\n")),
        ),
        (GeneratorError(""), f"a generator of PyTorch failed{UNSAID}", ()),
        (
            GeneratorError("  indented\n\n"),
            f"a generator of PyTorch failed{UNSAID}",
            ("  indented",),
        ),
        (SelectionError("s", "no"), f"error: s does not select operators: no{UNSAID}", ()),
        (TreeCodeError("first\nsecond\nthird"), f"first{UNSAID}", ("second", "third")),
    ],
)
def test_what_is_refused_is_told_with_its_reason(
    inputs: Inputs, error: Exception, message: str, printed: tuple[str, ...]
) -> None:
    seen = look(inputs)
    diagnostics = error.diagnostics if isinstance(error, InputError) else ()
    expected = Refused(LoadFailed(message, diagnostics), printed)
    assert updates_of(lambda: Failing(error, when="load")).load(seen) == expected
    if isinstance(error, GeneratorError):
        updates = updates_of(lambda: Failing(error, when="write"))
        prepared = updates.load(seen)
        assert not isinstance(prepared, Refused)
        assert updates.write(prepared, seen, 0.0, None) == expected


@pytest.mark.parametrize("error", [UsageError("no"), OSError("no")])
def test_what_cannot_be_found_or_written_is_raised(inputs: Inputs, error: Exception) -> None:
    seen = look(inputs)
    with pytest.raises(type(error)):
        updates_of(lambda: Failing(error, when="load")).load(seen)
    if isinstance(error, OSError):
        updates = updates_of(lambda: Failing(error, when="write"))
        prepared = updates.load(seen)
        assert not isinstance(prepared, Refused)
        with pytest.raises(OSError, match="no"):
            updates.write(prepared, seen, 0.0, None)


def test_a_mistake_of_ours_is_told_and_what_was_in_memory_is_dropped(inputs: Inputs) -> None:
    seen = look(inputs)
    for when in ("load", "write"):
        made: list[Failing] = []

        def make(when: str = when, made: list[Failing] = made) -> LiveOutputs:
            made.append(Failing(ValueError("we\nfail"), when=when))
            return made[-1]

        updates = updates_of(make)
        outcome = updates.load(seen)
        if when == "write":
            assert not isinstance(outcome, Refused)
            outcome = updates.write(outcome, seen, 0.0, None)  # type: ignore[assignment]
        assert isinstance(outcome, Refused)
        assert outcome.failure == LoadFailed(f"derivload failed: fail{UNSAID}")
        assert outcome.printed[0] == "Traceback (most recent call last):"
        assert outcome.printed[-2:] == ("ValueError: we", "fail")
        assert len(made) == 2
        updates.settle()
        assert made[-1].settled == 0  # nothing was loaded yet
        assert not updates.has_started


def test_the_first_load_is_a_start_and_the_next_a_difference(
    inputs: Inputs, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    claims: list[str] = []
    updates = updates_of(lambda: LiveDocuments(out), out, lambda: claims.append("claimed"))

    def write(watching: str | None = None, **options: bool) -> WatchStarted | Reloaded:
        seen = look(inputs)
        prepared = updates.load(seen)
        assert not isinstance(prepared, Refused)
        report = updates.write(
            prepared, seen, time.monotonic() - 100, "events" if watching else None, **options
        )
        assert not isinstance(report, Refused)
        assert report.seconds >= 100
        return report

    started = write("events")
    assert isinstance(started, WatchStarted)
    assert (started.pid, started.out_dir, started.watching) == (os.getpid(), out, "events")
    assert started.inputs[:2] == (str(inputs.derivatives), str(inputs.natives))
    assert started.functions > started.differentiable > 0
    assert set(started.written) == {path.name for path in Path(out).glob("[!.]*")}
    assert (started.removed, started.warnings_count) == ((), len(started.warnings))
    assert updates.has_started
    inputs.save("grad * lustre")
    reloaded = write(is_mended=True)
    assert isinstance(reloaded, Reloaded)
    assert [function.name for function in reloaded.difference.changed] == ["gild"]
    assert reloaded.written == ("differentiability.json", "manifest.json")
    assert (reloaded.mended, reloaded.removed, reloaded.fixed) == (True, (), ())
    assert [found.code for found in reloaded.warnings] == ["DL602"]
    assert reloaded.warnings_count == 1
    updates.settle()
    inputs.save("grad * luster * 2")
    reloaded = write()
    assert isinstance(reloaded, Reloaded)
    assert (reloaded.mended, reloaded.fixed) == (False, ("DL602 of `gild`",))
    assert claims == ["claimed"] * 3


def test_what_cannot_be_done_beforehand_is_done_later(inputs: Inputs, tmp_path: Path) -> None:
    class Settling(LiveDocuments):
        def settle(self) -> None:
            settled.append(None)
            raise OSError("it is gone")

    settled: list[None] = []
    updates = updates_of(lambda: Settling(str(tmp_path / "out")))
    updates.settle()
    assert settled == []
    seen = look(inputs)
    prepared = updates.load(seen)
    assert not isinstance(prepared, Refused)
    updates.write(prepared, seen, 0.0, None)
    updates.settle()
    assert settled == [None]


# Signals


@pytest.fixture
def signals() -> Iterator[tuple[Signals, list[str]]]:
    woken: list[str] = []
    with Signals(lambda: woken.append("woken")) as signals:
        yield signals, woken


def test_the_first_signal_is_raised_and_later_ones_are_not(
    signals: tuple[Signals, list[str]],
) -> None:
    caught, woken = signals
    caught.check()
    with pytest.raises(Stopped) as raised:
        signal.raise_signal(signal.SIGTERM)
    assert raised.value.number == signal.SIGTERM
    signal.raise_signal(signal.SIGINT)
    assert woken == ["woken"]
    with pytest.raises(Stopped):
        caught.check()


def test_a_signal_within_a_set_of_files_waits_for_its_end(
    signals: tuple[Signals, list[str]],
) -> None:
    caught, woken = signals
    done = []
    with pytest.raises(Stopped) as raised, caught.held():
        signal.raise_signal(signal.SIGINT)
        done.append("rest")
    assert (raised.value.number, done, woken) == (signal.SIGINT, ["rest"], ["woken"])


def test_signals_are_as_they_were_behind_it() -> None:
    numbers = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    try:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        with Signals(lambda: None):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # as nohup has it
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN
            signal.raise_signal(signal.SIGTERM)
            with pytest.raises(Stopped):
                signal.raise_signal(signal.SIGINT)
        assert all(signal.getsignal(number) is signal.SIG_IGN for number in numbers)
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


# The command


class Runs:
    """A runner, with what it says."""

    def __init__(self, command: str, on_busy: OnBusy = "restart") -> None:
        self.said: list[str] = []
        self.ends: SimpleQueue[CommandEnded] = SimpleQueue()
        self.runner = Runner(
            command,
            on_busy,
            began=lambda: self.said.append("began"),
            say=self.said.append,
            over=self.ends.put,
        )

    def end(self) -> CommandEnded:
        return self.ends.get(timeout=PATIENCE)


def python(code: str) -> str:
    return f"{shlex.quote(sys.executable)} -S -c {shlex.quote(code)}"


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("printf 'one\\r\\n\\377two'; echo three >&2", 0, ["one", "\ufffdtwothree"]),
        ("exit 7", 7, []),
        ("kill -9 $$", 137, []),
        ("no-such-command-here 2>/dev/null", 127, []),
        ("cat; echo end", 0, ["end"]),
        ("a\0b", 126, ["cannot be run: embedded null byte"]),
    ],
)
def test_a_command_ends_as_a_shell_says(command: str, status: int, said: list[str]) -> None:
    runs = Runs(command)
    runs.runner.request()
    assert runs.runner.is_running
    ended = runs.end()
    assert (ended.exit_status, ended.stopped) == (status, False)
    assert runs.said == ["began", *said]
    runs.runner.go_on()
    assert not runs.runner.is_running
    runs.runner.close()


def test_a_long_line_comes_in_pieces() -> None:
    runs = Runs(python("print('x' * 65540)"))
    runs.runner.request()
    runs.end()
    assert [len(line) for line in runs.said] == [5, 65536, 4]


@pytest.mark.parametrize("on_busy", ["restart", "queue"])
def test_a_request_while_it_runs_has_it_run_again_once(on_busy: OnBusy, tmp_path: Path) -> None:
    go = tmp_path / "go"
    runs = Runs(f"until [ -e {go} ]; do sleep 0.01; done", on_busy)
    runs.runner.request()
    runs.runner.request()
    runs.runner.request()
    if on_busy == "queue":
        go.touch()
    ended = runs.end()
    assert ended.stopped == (on_busy == "restart")
    assert ended.exit_status == (143 if on_busy == "restart" else 0)
    go.touch()
    runs.runner.go_on()
    assert runs.runner.is_running
    assert not runs.end().stopped
    runs.runner.go_on()
    assert not runs.runner.is_running
    assert runs.said == ["began"] * 2
    # A thread that still waits, to kill what was stopped, keeps no process from ending.
    assert [one for one in threading.enumerate() if not one.daemon] == [threading.main_thread()]


def test_all_that_a_command_started_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command ends at once; what it started does not heed SIGTERM, and is killed."""
    monkeypatch.setattr(running, "DELAYS", DELAYS._replace(grace=0.2, last_lines=PATIENCE))
    told = tmp_path / "told"
    heedless = f"trap '' TERM; echo $$ >{told}; while :; do sleep 0.02; done"
    runs = Runs(f"(sh -c {shlex.quote(heedless)} &) ; while :; do sleep 0.02; done")
    runs.runner.request()
    deadline = time.monotonic() + PATIENCE
    while not (told.exists() and told.read_text("ascii")):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    runs.runner.close()
    ended = runs.end()
    assert (ended.exit_status, ended.stopped) == (143, True)
    # It is over no sooner than nobody is left, but for those whom nobody has asked how they ended.
    stat = Path(f"/proc/{told.read_text('ascii').strip()}/stat")
    assert not stat.exists() or stat.read_text("ascii").rpartition(")")[2].split()[0] in "XZ"
    assert not runs.runner.is_running
