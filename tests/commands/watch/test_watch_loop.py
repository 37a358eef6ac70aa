"""What derivwatch loads and reports of each look at the inputs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from derivload.commands.watch.decisions import DELAYS, WatchState
from derivload.commands.watch.lock import OutDirLock
from derivload.commands.watch.loop import WatchLoop, WatchOptions
from derivload.commands.watch.messages import Messages
from derivload.commands.watch.report import LoadFailed, Reloaded, Report, WatchStarted
from derivload.commands.watch.sources import Seen, WatchedInputs
from derivload.loading.live import LiveDocuments, PreparedDocuments
from derivload.loading.paths import Files, find_files
from support.derivwatch import Inputs
from support.out_dirs import posix

pytestmark = posix


class Watched:
    """derivwatch of the catalogue, which looks when it is told to, with its loads and reports."""

    is_read = True

    def __init__(self, folder: Path) -> None:
        self.inputs = Inputs(folder / "inputs")
        self.reports: list[Report] = []
        self.loads = 0
        out = str(folder / "out")
        self._state = WatchState()
        self._loop = WatchLoop(
            WatchOptions(
                find=self.find,
                out_dir=out,
                make_outputs=lambda: Counted(out, self),
                command=None,
                on_busy="restart",
                poll=False,
                debounce=0.0,
                json=False,
                once=True,
                quiet=False,
                is_own_process=False,
            ),
            self,
            Messages(),
            OutDirLock(out),
        )

    def find(self) -> Files:
        return find_files(str(self.inputs.derivatives), [str(self.inputs.natives)])

    def look(self, later: float = 0.0) -> None:
        """Look at the inputs, as if so many seconds had gone by."""
        seen = WatchedInputs(self.find, None, lambda hint: None, lambda text: None).read()
        began, ended = (moment + later for moment in seen.finding.look)
        finding = seen.finding._replace(look=seen.finding.look._replace(began=began, ended=ended))
        seen = Seen(seen.files, seen.contents, finding)
        self._state = self._loop.act(self._state, seen, time.monotonic())

    def report(self, report: Report) -> None:
        self.reports.append(report)

    def say(self, line: str) -> None:
        pass

    def note(self, text: str) -> None:
        pass


class Counted(LiveDocuments):
    def __init__(self, out: str, watched: Watched) -> None:
        super().__init__(out)
        self._watched = watched

    def load(
        self, files: Files, contents: Sequence[bytes | OSError] | None = None
    ) -> PreparedDocuments:
        self._watched.loads += 1
        return super().load(files, contents)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    made = Watched(tmp_path)
    made.look()
    made.inputs.save("grads[9]")
    made.look()
    assert [type(report) for report in made.reports] == [WatchStarted]
    assert made.loads == 2
    return made


def test_a_mistake_that_stays_is_told_and_was_loaded_once(watched: Watched) -> None:
    watched.look(later=2 * DELAYS.wrong)
    assert [type(report) for report in watched.reports] == [WatchStarted, LoadFailed]
    assert watched.loads == 2


def test_a_mistake_that_was_there_for_a_moment_is_forgotten(watched: Watched) -> None:
    watched.inputs.save("grad * luster * 2")
    watched.look(later=2 * DELAYS.wrong)
    assert [type(report) for report in watched.reports] == [WatchStarted, Reloaded]
