"""Timing whole processes, two in turn."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

# A document is known, and not read again, when it has stood there for so many seconds.
AGE = 3.0

# Starts, times and reaps one command. In a process of its own that is small: what a process
# has used at its peak counts for those that it starts, too.
_RUNNER = """
import os, sys, time
null = os.open(os.devnull, os.O_WRONLY)
start = time.perf_counter()
pid = os.posix_spawn(
    sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)]
)
_, status, usage = os.wait4(pid, 0)
wall = time.perf_counter() - start
cpu = usage.ru_utime + usage.ru_stime
print(os.waitstatus_to_exitcode(status), wall, usage.ru_maxrss / 1024, cpu)
"""


_UPSTREAM = """
import sys
sys.path.insert(0, sys.argv[1])
from torchgen.packaged.autograd.load_derivatives import load_derivatives
packaged = sys.argv[1] + "/torchgen/packaged/"
native = packaged + "ATen/native/"
load_derivatives(
    packaged + "autograd/derivatives.yaml", native + "native_functions.yaml", native + "tags.yaml"
)
"""


class Run(NamedTuple):
    """One finished process: seconds of wall time, its peak memory in MiB, and the seconds of a
    processor that it took with those that it started; None where that is not measured.
    """

    wall: float
    peak: float
    cpu: float | None = None


class Command(NamedTuple):
    """A process that is timed: its name, its arguments, and what is done before each run.

    `folder` is where it runs. By default that is a folder without settings: those of our own
    checkout are no user's.
    """

    name: str
    argv: Sequence[str]
    prepare: Callable[[], object] = lambda: None
    folder: str | None = None

    def run(self) -> Run:
        """Run it to its end. Raises SystemExit when it fails."""
        self.prepare()
        runner = [sys.executable, "-I", "-S", "-c", _RUNNER, *self.argv]
        folder = self.folder or tempfile.gettempdir()
        done = subprocess.run(runner, capture_output=True, text=True, check=True, cwd=folder)
        status, wall, peak, cpu = done.stdout.split()
        if status != "0":
            raise SystemExit(f"{self.name} failed:\n{done.stderr}")
        return Run(float(wall), float(peak), float(cpu))

    def end(self) -> None:
        """Nothing is left of it."""


def load_upstream(release: Path, name: str = "upstream load_derivatives") -> Command:
    """A release's own loader, in a process of its own."""
    return Command(name, [sys.executable, "-c", _UPSTREAM, str(release)])


class SessionEdit:
    """An edit in a session, which lives in a process of its own from the first edit on."""

    def __init__(self, name: str, pytorch: Path, out: Path, *options: str) -> None:
        self.name = name
        self._argv = [sys.executable, "-m", "benchmarks.session", str(pytorch), str(out), *options]
        self._process: subprocess.Popen[str] | None = None

    def run(self) -> Run:
        """Edit once. Raises SystemExit when that fails."""
        if self._process is None:
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(self._argv, stdin=pipe, stdout=pipe, text=True)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().split()
        if not answer:
            raise SystemExit(f"{self.name} failed")
        return Run(float(answer[0]), float(answer[1]), float(answer[2]))

    def end(self) -> None:
        """End its process."""
        if self._process is not None:
            self._process.communicate()
        self._process = None


class Timed(Protocol):
    """Something that is timed again and again."""

    @property
    def name(self) -> str:
        """What it is called."""

    def run(self) -> Run:
        """Do it once. Raises SystemExit when that fails."""

    def end(self) -> None:
        """End what is left of it, which may hold gigabytes. It begins anew with the next run."""


class Comparison(NamedTuple):
    """Two things timed in turn; the goal is for the ratio first / second."""

    title: str
    first: Timed
    second: Timed
    goal: str


def compare(comparison: Comparison, rounds: int) -> dict[str, object]:
    """Time both commands in turn, after one round that does not count, and print what came."""
    print(f"\n{comparison.title}   (goal: {comparison.goal})")
    runs: dict[str, list[Run]] = {comparison.first.name: [], comparison.second.name: []}
    for number in range(rounds + 1):
        for command in (comparison.first, comparison.second):
            result = command.run()
            if number:
                runs[command.name].append(result)
    comparison.first.end()
    comparison.second.end()
    summary: dict[str, object] = {"title": comparison.title, "goal": comparison.goal}
    for name, results in runs.items():
        walls = [r.wall for r in results]
        peak = max(r.peak for r in results)
        digits = 1 if max(walls) < 0.1 else 0
        shown = " / ".join(f"{s * 1e3:.{digits}f}" for s in three(walls))
        in_memory = f"   peak {peak:.0f} MiB" if peak else ""
        print(f"  {name:<44} {shown:>20} ms{in_memory}")
        summary[name] = {"wall_s": walls, "peak_mib": peak, "cpu_s": [r.cpu for r in results]}
    first, second = ([r.wall for r in results] for results in runs.values())
    ratio = statistics.median(first) / statistics.median(second)
    pairs = sorted(a / b for a, b in zip(first, second, strict=True))
    summary["ratio"] = ratio
    print(f"  ratio of medians {ratio:.2f}   pair by pair {pairs[0]:.2f} to {pairs[-1]:.2f}")
    times = [[r.cpu for r in results if r.cpu is not None] for results in runs.values()]
    if all(times):
        # Other work on the machine changes this less.
        print(
            f"  by processor time {statistics.median(times[0]) / statistics.median(times[1]):.2f}"
        )
    return summary


def three(values: Sequence[float]) -> tuple[float, float, float]:
    return min(values), statistics.median(values), max(values)
