"""`derivload codegen` in several processes: measured as far as there are cores, and calculated.

What is calculated is from the processor time of each batch, run alone, and of what is done before,
between and after the batches: a process that is free takes the next batch, and no core does
anything else.
"""

from __future__ import annotations

import heapq
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.codegen import Codegen
from benchmarks.timing import Command, three
from derivload.pytorch.codegen.cores import default_jobs

CORES = (1, 2, 4, 8, 16, 64)

# Runs codegen with the batches that it makes for so many processes, all of them in one process, and
# prints the processor time of each, and of forking, of reading one batch's answer, and of the rest.
_MEASURE = """
import json, os, sys, time
from derivload.cli import main
from derivload.pytorch.codegen import batches, processes, update, workers

jobs, now = int(sys.argv.pop(1)), time.process_time
found = {}

def processes_for(*_, **how):
    return jobs

def run_batches(plan, whole, running, _):
    began = now()
    children = []
    for _ in range(5):
        children.append(processes.fork(lambda message: message, children))
    found["fork"] = (now() - began) / 5
    for child in children:
        child.close()
    every, took, reading = {}, [], 0.0
    for index in plan.order:
        # The process that has run everything for one generator has all functions. Others do not.
        is_same = jobs == 1 or plan.batches[index].is_whole
        runner = whole if is_same else batches.BatchRunner(plan, whole._modules, whole._stand_ins)
        start = now()
        data = workers._answered(runner, running, index)
        took.append(now() - start)
        start = now()
        every[index] = workers._ANSWER.decode(data).pieces
        reading += now() - start
    found["batches"] = took
    found["reading"] = reading
    found["away"] = now() - began
    return [every[index] for index in range(len(plan.batches))]

update.processes_for, update.run_batches = processes_for, run_batches
status = main()
found["rest"] = now() - found.pop("away")
print(json.dumps(found))
sys.exit(status)
"""


def elapsed(batches: Sequence[float], processes: int, starts: float) -> float:
    """When the last batch is done, if each process that is free takes the next one.

    Processes start one after the other, each `starts` seconds after the one before it.
    """
    free = [starts * (number + 1) for number in range(processes)]
    for batch in batches:
        heapq.heapreplace(free, free[0] + batch)
    return max(free)


def measure(release: Path, scratch: Path, rounds: int) -> list[dict[str, object]]:
    """Print the times for each number of processes."""
    runs = Codegen(release, scratch)
    argv, prepare = runs.cold()
    upstream = Command("upstream", *runs.upstream_cold())
    print("\ncodegen, cold, by the number of processes")
    cpus: list[float] = []
    results: list[dict[str, object]] = []
    for cores in CORES:
        walls = []
        calculated = []
        for _ in range(rounds):
            cpus.append(upstream.run().cpu or 0.0)
            prepare()
            calculated.append(_calculate(argv[3:], cores))
            if cores <= default_jobs():
                command = Command(f"{cores}", [*argv, "--jobs", str(cores)], prepare)
                walls.append(command.run().wall)
        seconds = statistics.median(calculated)
        shown = " / ".join(f"{s * 1e3:.0f}" for s in three(walls)) + " ms" if walls else ""
        ratio = statistics.median(cpus) / seconds
        print(
            f"  {cores:>2} processes   calculated {seconds * 1e3:>5.0f} ms"
            f"   upstream / derivload {ratio:.2f}   measured {shown or '-'}"
        )
        results.append({"jobs": cores, "calculated_s": calculated, "wall_s": walls})
    return [{"title": "jobs", "upstream_cpu_s": cpus, "by_jobs": results}]


def _calculate(arguments: Sequence[str], processes: int) -> float:
    command = [sys.executable, "-c", _MEASURE, str(processes), *arguments, "--quiet"]
    folder = tempfile.gettempdir()
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if done.returncode:
        raise SystemExit(f"codegen failed:\n{done.stderr}")
    found = json.loads(done.stdout)
    rest, batches = float(found["rest"]), [float(took) for took in found["batches"]]
    if processes == 1:
        return rest + sum(batches)
    end = elapsed(batches, processes, float(found["fork"]))
    # We read answers while the others go on, but one after the other.
    return rest + max(end, float(found["reading"]))
