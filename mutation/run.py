"""`script/mutate [N]`: N mutants of the pure floors and N of the rest, against their tests.

Each core has a copy of the checkout and mutates there. A mutant meets the quick tests that reach
it, then the slow ones; of both, as many as there is time for, from those that concern it most.
The first that fails kills it, and so do tests that take several times as long as they should.
What tests reach is measured once for each file of tests, and kept until that file is edited.
"""

from __future__ import annotations

import argparse
import os
import queue
import random
import re
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from mutation.copies import Copy, Verdict
from mutation.measured import ROOT, met_by
from mutation.mutants import Mutant, mutants_of

SURVIVORS = Path(__file__).with_name("survivors.txt")
# The floors of values.
_PURE = re.compile(r"src/derivload/(schema|sources|cpp|native|derivatives|engine)/")
# How many of a hundred mutants have to be killed.
GOALS = {"the pure floors": 97.0, "elsewhere": 92.0}

Known = dict[tuple[str, str, str], str]
Result = TypeVar("Result")


def sample(count: int, seed: int, only: str) -> dict[str, list[Mutant]]:
    """For each part of the source, that many mutants, the same for the same seed."""
    found: dict[str, list[Mutant]] = {name: [] for name in GOALS}
    for path in sorted((ROOT / "src" / "derivload").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        part = "the pure floors" if _PURE.match(name) else "elsewhere"
        if re.search(only, name):
            found[part] += mutants_of(name, path.read_bytes())
    chosen = random.Random(seed)
    return {
        part: chosen.sample(mutants, min(count, len(mutants))) for part, mutants in found.items()
    }


def known_survivors() -> Known:
    """From the file, the line before and the line after of a mutant to why it survives."""
    known = {}
    for block in SURVIVORS.read_text("utf-8").split("\n\n"):
        lines = [line.strip() for line in block.splitlines() if not line.startswith("#")]
        if lines:
            path, before, after, *why = lines
            known[path, before[2:], after[2:]] = " ".join(why)
    return known


def main() -> int:
    """Print each survivor and the two scores; 1 where one is below its goal."""
    parser = argparse.ArgumentParser(prog="script/mutate", description=__doc__.split("\n")[0])
    parser.add_argument("count", nargs="?", type=int, default=100, metavar="N")
    parser.add_argument("--seed", type=int, default=random.randrange(10000))
    parser.add_argument("--only", default="", metavar="PATTERN", help="of the paths to mutate")
    parser.add_argument("--tests", default="", metavar="PATTERN", help="of the tests to run")
    options = parser.parse_args()
    print(f"script/mutate {options.count} --seed {options.seed}", flush=True)
    mutants = sample(options.count, options.seed, options.only)
    with tempfile.TemporaryDirectory(prefix="derivload-mutation-") as scratch:
        verdicts = _Workers(Path(scratch)).judge(mutants, options.tests)
    return max([_report(part, verdicts[part]) for part in GOALS if verdicts[part]], default=0)


class _Workers:
    """A copy of the checkout for each core."""

    def __init__(self, scratch: Path) -> None:
        cores = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(cores)
        self._copies: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        for number in range(cores):
            self._copies.put(Copy(scratch / str(number)))

    def judge(self, mutants: dict[str, list[Mutant]], only: str) -> dict[str, list[Verdict]]:
        """Measure what the tests reach where that is not known, then try each mutant."""
        files = sorted(ROOT.glob("tests/**/test_*.py"), key=lambda path: -path.stat().st_size)
        paths = [path.relative_to(ROOT).as_posix() for path in files]
        names = [path for path in paths if re.search(only, path)]
        measured = self._pool.map(lambda name: self._use(lambda copy: copy.measure(name)), names)
        reach = {test: found for part in measured for test, found in part.items()}
        known = known_survivors()

        def verdict(mutant: Mutant) -> Verdict:
            tests = met_by(mutant, reach)
            found = self._use(lambda copy: copy.judge(mutant, tests))
            _tell(found, known)
            return found

        return {part: list(self._pool.map(verdict, some)) for part, some in mutants.items()}

    def _use(self, task: Callable[[Copy], Result]) -> Result:
        copy = self._copies.get()
        try:
            return task(copy)
        finally:
            self._copies.put(copy)


def _lines(mutant: Mutant) -> tuple[str, str, str]:
    """A mutant by what it changes, wherever in the file that has moved to."""
    return (mutant.path, *mutant.difference((ROOT / mutant.path).read_bytes()))


def _tell(verdict: Verdict, known: Known) -> None:
    mutant, is_killed, note, seconds = verdict
    path, before, after = _lines(mutant)
    if is_killed:
        text = f"killed by {note}"
    elif reason := known.get((path, before, after)):
        text = f"survived, known: {reason}"
    else:
        text = f"SURVIVED{f' ({note})' if note else ''}\n    - {before}\n    + {after}"
    print(f"{mutant.path}:{mutant.line}: {text} [{seconds:.0f} s]", flush=True)


def _report(part: str, verdicts: list[Verdict]) -> int:
    """Print the score of a part of the source, and say whether it misses its goal.

    Survivors with a reason are no part of the score.
    """
    known = known_survivors()
    killed = sum(verdict.is_killed for verdict in verdicts)
    reasons = sum(not each.is_killed and _lines(each.mutant) in known for each in verdicts)
    score = 100 * killed / max(len(verdicts) - reasons, 1)
    print(
        f"{part}: {killed} of {len(verdicts)} killed, {reasons} survived with a reason and"
        f" {len(verdicts) - killed - reasons} without: {score:.1f} % of {GOALS[part]:.0f} %"
    )
    return int(score < GOALS[part])


if __name__ == "__main__":
    raise SystemExit(main())
