"""Time derivload against upstream's load_derivatives, in one run, and print the ratios.

    script/bench [--release X.Y.Z] [--rounds N] [--json FILE]

Whole processes, one after the other (A B A B …), so that a machine whose speed drifts drifts
for both. Both run from compiled bytecode and from a warm file cache. Quote the ratios of
medians; single times say more of the machine than of the program.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import derivload
from benchmarks import enlarge
from derivload.commands.fetch import fetch

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
    """One finished process: seconds of wall time, and its peak memory in MiB."""

    wall: float
    peak: float


class Command(NamedTuple):
    """What is timed: its name, its arguments, and what is done before each run."""

    name: str
    argv: Sequence[str]
    prepare: Callable[[], object] = lambda: None


class Comparison(NamedTuple):
    """Two commands timed in turn; the goal is for the ratio first / second."""

    title: str
    first: Command
    second: Command
    goal: str


def run_once(command: Command) -> Run:
    """Run a command to its end. Raises SystemExit when it fails."""
    command.prepare()
    start = time.perf_counter()
    process = subprocess.Popen(command.argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command.name} failed:\n{errors.decode()}")
    return Run(wall, usage.ru_maxrss / 1024)


def compare(comparison: Comparison, rounds: int) -> dict[str, object]:
    """Time both commands in turn, after one round that does not count, and print what came."""
    print(f"\n{comparison.title}   (goal: {comparison.goal})")
    runs: dict[str, list[Run]] = {comparison.first.name: [], comparison.second.name: []}
    for number in range(rounds + 1):
        for command in (comparison.first, comparison.second):
            result = run_once(command)
            if number:
                runs[command.name].append(result)
    summary: dict[str, object] = {"title": comparison.title, "goal": comparison.goal}
    for name, results in runs.items():
        walls = [r.wall for r in results]
        peak = max(r.peak for r in results)
        shown = " / ".join(f"{s * 1e3:.0f}" for s in _three(walls))
        print(f"  {name:<44} {shown:>20} ms   peak {peak:.0f} MiB")
        summary[name] = {"wall_s": walls, "peak_mib": peak}
    first, second = ([r.wall for r in results] for results in runs.values())
    ratio = statistics.median(first) / statistics.median(second)
    pairs = sorted(a / b for a, b in zip(first, second, strict=True))
    summary["ratio"] = ratio
    print(f"  ratio of medians {ratio:.2f}   pair by pair {pairs[0]:.2f} to {pairs[-1]:.2f}")
    return summary


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    return min(values), statistics.median(values), max(values)


def prepare_release(version: str, cache: Path) -> Path:
    """A folder with the release's torchgen, compiled; fetched when it is not there yet."""
    folder = cache / version
    fetch(version, folder)
    compileall.compile_dir(folder / "torchgen", quiet=2)
    return folder


def comparisons(release: Path, large: Path, scratch: Path) -> list[Comparison]:
    """What is measured."""

    def emit(pytorch: Path, name: str) -> Command:
        out = scratch / "out"
        argv = [sys.executable, "-m", "derivload", "emit", "--no-cache", "--pytorch", str(pytorch)]
        return Command(
            name,
            [*argv, "--out-dir", str(out)],
            prepare=lambda: shutil.rmtree(out, ignore_errors=True),
        )

    upstream = Command("upstream load_derivatives", [sys.executable, "-c", _UPSTREAM, str(release)])
    return [
        Comparison(
            "cold emit, both documents written, no cache",
            upstream,
            emit(release, "derivload emit"),
            "at least 6",
        ),
        Comparison(
            "cold emit of 10 times the catalogue",
            emit(large, "derivload emit, 10 times"),
            emit(release, "derivload emit"),
            "at most 11",
        ),
    ]


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--release", default="2.15.0", metavar="X.Y.Z")
    parser.add_argument("--rounds", type=int, default=9, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()

    import platformdirs

    cache = Path(
        os.environ.get("DERIVLOAD_TEST_CACHE") or platformdirs.user_cache_path("derivload-tests")
    )
    release = prepare_release(options.release, cache / "releases")
    compileall.compile_dir(Path(derivload.__file__).parent, quiet=2)
    print(
        f"derivload {derivload.__version__} and torchgen {options.release}, "
        f"Python {platform.python_version()}, {os.cpu_count()} cores; "
        f"min / median / max of {options.rounds}"
    )
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        large = scratch / "large"
        enlarge.main(10, release, large)
        results = [compare(c, options.rounds) for c in comparisons(release, large, scratch)]
    if options.json is not None:
        options.json.write_text(json.dumps({"results": results}, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
