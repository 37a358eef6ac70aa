"""`derivload codegen` in several processes: measured as far as there are cores, and calculated.

What is calculated is from the processor time of each batch, run alone, and of what is done before,
between and after the batches: a process that is free takes the next batch, and no core does
anything else. One child begins before the load, the others after it; one renders beside us.
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
# prints processor times: when the first child would begin, when there is a plan, of each batch in a
# process that has all functions and in another, and of everything else.
_MEASURE = """
import json, sys, time
from derivload.cli import main
from derivload.pytorch.codegen import batches, generators, processes, update, workers

jobs, now = int(sys.argv.pop(1)), time.process_time
found = {"imports": 0.0, "rendering": 0.0}

def timed(name, function):
    def called(*arguments):
        start = now()
        try:
            return function(*arguments)
        finally:
            found[name] += now() - start
    return called

def begin_ahead(*_):
    found["ahead"] = now()
    raise OSError

def run_batches(plan, whole, running, *_):
    found["planned"] = now()
    children = []
    for _ in range(5):
        children.append(processes.fork(lambda *_: None, children))
    found["fork"] = (now() - found["planned"]) / 5
    for child in children:
        child.close()
    every, found["reading"] = {}, 0.0
    found["first"], found["others"] = [], []
    for index in plan.order:
        runner = batches.BatchRunner(plan, whole._modules, whole._stand_ins)
        for name, runner in (("others", runner), ("first", whole)):
            if name == "others" and (jobs == 1 or plan.batches[index].is_whole):
                continue
            answers = workers.Answers(running, 0)
            start = now()
            answers.add(index, runner.run)
            found[name].append(now() - start)
        start = now()
        every[index] = workers._ANSWER.decode(answers._encoded[0]).pieces
        found["reading"] += now() - start
    found["ended"] = now()
    return [every[index] for index in range(len(plan.batches))]

generators.begin_ahead = begin_ahead
update.Codegen.processes_for = lambda *_: jobs
update.Codegen.file = timed("rendering", update.Codegen.file)
update.Modules = timed("imports", update.Modules)
update.StandIns = timed("imports", update.StandIns)
update.run_batches = run_batches
generators.can_fork = lambda: jobs > 1
from derivload.pytorch.codegen import content
content.can_fork = lambda: False
status = main()
found["total"] = now()
print(json.dumps(found))
sys.exit(status)
"""


def elapsed(first: Sequence[float], others: Sequence[float], free: Sequence[float]) -> float:
    """When the last batch is done, if each process that is free takes the next one.

    `free` says from when on each process is. A batch takes the first of them another time.
    """
    waiting = [(when, number) for number, when in enumerate(free)]
    heapq.heapify(waiting)
    for own, other in zip(first, others, strict=True):
        when, number = waiting[0]
        heapq.heapreplace(waiting, (when + (own if number == 0 else other), number))
    return max(when for when, _ in waiting)


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
    first, others = found["first"], found["others"]
    after = found["total"] - found["ended"]
    if processes == 1:
        return float(found["planned"] + sum(first) + after)
    # The one that begins ahead does the first batch, which is that of everything.
    ahead = found["ahead"] + found["imports"] + first[0]
    starts = [found["planned"] + found["fork"] * number for number in range(processes - 1)]
    end = elapsed(first[1:], others, [ahead, *starts])
    return float(end + found["reading"] + after - found["rendering"] / 2)
