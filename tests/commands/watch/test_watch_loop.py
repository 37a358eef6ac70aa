"""What derivwatch loads and reports of each look at the inputs."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from derivload.commands.watch.decisions import DELAYS, WatchState
from derivload.commands.watch.exec import CommandEnded
from derivload.commands.watch.lock import OutDirLock
from derivload.commands.watch.loop import WatchLoop, WatchOptions
from derivload.commands.watch.messages import Messages
from derivload.commands.watch.report import Executed, LoadFailed, Reloaded, Report, WatchStarted
from derivload.commands.watch.sources import Seen, WatchedInputs
from derivload.exit_status import BAD_INPUT, DONE
from derivload.loading.errors import UsageError
from derivload.loading.live import LiveDocuments, Prepared, Updated
from derivload.loading.paths import Files, find_files
from derivload.pytorch.errors import GeneratorError
from support.derivwatch import PATIENCE, Inputs
from support.out_dirs import posix

pytestmark = posix


class Watched:
    """derivwatch of the catalogue, which looks when it is told to, with its loads and reports.

    Loading and writing fail with `load_error` and `write_error`.
    """

    is_read = True

    def __init__(self, folder: Path, **options: Any) -> None:
        self.inputs = Inputs(folder / "inputs")
        self.reports: list[Report] = []
        self.said: list[str] = []
        self.loads = 0
        self.settled = 0
        self.load_error: Exception | None = None
        self.write_error: Exception | None = None
        self.messages = Messages()
        self.out = folder / "out"
        self.state = WatchState()
        self.loop = WatchLoop(
            WatchOptions(
                find=self.find,
                out_dir=str(self.out),
                make_outputs=lambda: Counted(str(self.out), self),
                on_busy="restart",
                debounce=0.0,
                json=False,
                quiet=False,
                **{"command": None, "poll": False, "once": True, "is_own_process": False} | options,
            ),
            self,
            self.messages,
            OutDirLock(str(self.out)),
        )

    def find(self) -> Files:
        return find_files(str(self.inputs.derivatives), [str(self.inputs.natives)])

    def look(self, later: float = 0.0) -> None:
        """Look at the inputs, as if so many seconds had gone by."""
        seen = WatchedInputs(self.find, None, lambda hint: None, lambda text: None).read()
        began, ended = (moment + later for moment in seen.finding.look)
        finding = seen.finding._replace(look=seen.finding.look._replace(began=began, ended=ended))
        seen = Seen(seen.files, seen.contents, finding)
        self.state = self.loop.act(self.state, seen, time.monotonic())

    @property
    def told(self) -> list[type[Report]]:
        """The kinds of the reports."""
        return [type(report) for report in self.reports]

    def report(self, report: Report) -> None:
        self.reports.append(report)

    def say(self, line: str) -> None:
        self.said.append(line)

    def note(self, text: str) -> None:
        pass


class Counted:
    """Documents of which the loads are counted, and fail with the errors of `watched`."""

    def __init__(self, out: str, watched: Watched) -> None:
        self._documents = LiveDocuments(out)
        self._watched = watched

    def load(self, files: Files, contents: Sequence[bytes | OSError]) -> Prepared:
        self._watched.loads += 1
        if self._watched.load_error is not None:
            raise self._watched.load_error
        return Failing(self._documents.load(files, contents), self._watched)

    def settle(self) -> None:
        self._watched.settled += 1


class Failing:
    """What was loaded, and can be written unless `watched` has an error for that."""

    def __init__(self, prepared: Prepared, watched: Watched) -> None:
        self._prepared = prepared
        self._watched = watched
        self.lines = prepared.lines

    def write(self) -> Updated:
        if self._watched.write_error is not None:
            raise self._watched.write_error
        return self._prepared.write()


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


@pytest.fixture
def mistaken(watched: Watched) -> Watched:
    """A derivwatch that has started, and has seen a mistake."""
    watched.look()
    watched.inputs.save("grads[9]")
    watched.look()
    assert watched.told == [WatchStarted]
    assert watched.loads == 2
    return watched


def test_a_mistake_that_stays_is_told_and_was_loaded_once(mistaken: Watched) -> None:
    mistaken.look(later=2 * DELAYS.wrong)
    assert mistaken.told == [WatchStarted, LoadFailed]
    assert mistaken.loads == 2


def test_a_mistake_that_was_there_for_a_moment_is_forgotten(mistaken: Watched) -> None:
    mistaken.inputs.save("grad * luster * 2")
    mistaken.look(later=2 * DELAYS.wrong)
    assert mistaken.told == [WatchStarted, Reloaded]


def test_what_is_written_after_a_mistake_is_a_repair(mistaken: Watched) -> None:
    mistaken.look(later=2 * DELAYS.wrong)
    mistaken.inputs.save("grad * luster * 2")
    mistaken.look()
    mistaken.inputs.save("grad * luster * 3")
    mistaken.look()
    reloaded = [report for report in mistaken.reports if isinstance(report, Reloaded)]
    assert [report.mended for report in reloaded] == [True, False]
    assert mistaken.settled == 3  # after each that was written


GONE = LoadFailed("it is gone; nothing was written")
FULL = LoadFailed("out/x.json: no space left; not everything was written")


def test_inputs_that_are_lost_while_they_are_loaded_are_told(watched: Watched) -> None:
    watched.look()
    for error in (UsageError("it is gone"), OSError("it is gone")):
        watched.load_error = error
        watched.inputs.save("grad")
        watched.look()
        assert watched.told == [WatchStarted]
        watched.look(later=2 * DELAYS.gone)
        assert watched.reports[1:] == [GONE]
        assert not watched.state.stands
        watched.load_error = None
        watched.look()
        del watched.reports[1:]


def test_outputs_that_cannot_be_written_are_told_once(watched: Watched) -> None:
    watched.look()
    watched.write_error = OSError(28, "no space left", "out/x.json")
    watched.inputs.save("grad")
    for _ in range(2):
        watched.look()
        assert watched.reports[1:] == [FULL]
        assert not watched.state.stands
    watched.write_error = None
    watched.look()
    assert watched.told[2:] == [Reloaded]


def test_what_fails_at_the_start_ends_it(watched: Watched) -> None:
    watched.load_error = UsageError("it is gone")
    with pytest.raises(UsageError):
        watched.look()
    watched.load_error = OSError("it is gone")
    watched.look()  # that may be for a moment
    watched.load_error, watched.write_error = None, OSError("it is full")
    with pytest.raises(OSError, match="it is full"):
        watched.look()
    assert watched.reports == []


def test_a_generator_that_fails_is_told_in_its_own_words(
    watched: Watched, capsys: pytest.CaptureFixture[str]
) -> None:
    watched.look()
    watched.write_error = GeneratorError("Traceback:\nValueError: no")
    watched.inputs.save("grad")
    watched.look()
    watched.look(later=2 * DELAYS.wrong)
    assert watched.told == [WatchStarted, LoadFailed]
    assert capsys.readouterr().err == "Traceback:\nValueError: no\n"


@pytest.mark.parametrize(
    ("options", "watching"),
    [
        ({"once": True}, None),
        ({"once": False}, "events"),
        ({"once": False, "poll": True}, "polling"),
    ],
)
def test_the_start_says_what_tells_of_saves(
    tmp_path: Path, options: dict[str, bool], watching: str | None
) -> None:
    watched = Watched(tmp_path, **options)
    watched.look()
    watched.loop.close()
    (started,) = watched.reports
    assert isinstance(started, WatchStarted)
    assert started.watching == watching


def test_the_loop_asks_its_view_and_its_loads(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    assert watched.loop.is_read
    watched.is_read = False
    assert not watched.loop.is_read
    assert not watched.loop.has_learned
    assert Watched(tmp_path / "other", has_learned=lambda: True).loop.has_learned


@pytest.mark.parametrize("is_own_process", [True, False])
def test_what_is_there_after_the_first_look_is_left_alone_by_the_collector(
    tmp_path: Path, is_own_process: bool
) -> None:
    watched = Watched(tmp_path, is_own_process=is_own_process)
    before = gc.get_freeze_count()
    watched.loop.rest()
    assert (gc.get_freeze_count() > before) == is_own_process


def test_it_watches_until_nobody_reads_and_no_thread_is_left(tmp_path: Path) -> None:
    before = {*threading.enumerate()}
    watched = Watched(tmp_path, once=False)
    watched.is_read = False
    assert watched.loop.run() == DONE
    assert watched.told == [WatchStarted]
    assert {*threading.enumerate()} - before
    watched.loop.close()
    assert not {*threading.enumerate()} - before


# Once, and the command


def test_once_ends_with_what_became_of_the_inputs(
    watched: Watched, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watched.loop.once() == DONE
    (started,) = watched.reports
    assert isinstance(started, WatchStarted)
    assert started.seconds < PATIENCE
    watched.inputs.save("grads[9]")
    assert watched.loop.once() == BAD_INPUT
    watched.inputs.save("grad")
    watched.write_error = GeneratorError("ValueError: no")
    assert watched.loop.once() == BAD_INPUT
    assert watched.told == [WatchStarted, LoadFailed, LoadFailed]
    assert capsys.readouterr().err == "ValueError: no\n"


def test_once_ends_as_the_command_does_that_runs_when_something_was_written(
    tmp_path: Path,
) -> None:
    watched = Watched(tmp_path, command="echo built; exit 7")
    assert watched.loop.once() == 7
    started, began, ended = watched.reports
    assert isinstance(started, WatchStarted)
    assert began == Executed("started", "echo built; exit 7")
    assert isinstance(ended, Executed)
    assert (ended.state, ended.exit_status) == ("ended", 7)
    assert watched.said == ["built"]
    assert watched.loop.once() == DONE
    assert watched.told[3:] == [Reloaded]
    watched.loop.close()


def test_a_command_that_is_stopped_is_told_and_started_again(tmp_path: Path) -> None:
    watched = Watched(tmp_path, command="sleep 30")
    watched.look()
    watched.inputs.save("grad")
    watched.look()
    ended = watched.messages.get(PATIENCE)
    assert isinstance(ended, CommandEnded)
    watched.loop.end(ended)
    states = [report.state for report in watched.reports if isinstance(report, Executed)]
    assert states == ["started", "stopped", "started"]
    watched.loop.close()
    stopped = watched.messages.get(PATIENCE)
    assert isinstance(stopped, CommandEnded)
    assert stopped.stopped
