"""`derivload diff` of two releases, for the first time after they were fetched, and once more."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from benchmarks.timing import Command, Comparison

# The release before those that are measured.
BEFORE = "2.14.0"
# As the command itself, but for its exit status: 1 is success here, for something differs.
_DIFF = """
import sys
from derivload.cli import _main
sys.exit(_main(sys.argv[1:], is_own_process=True) != 1)
"""


def diff_comparisons(
    before: Path, release: Path, scratch: Path, upstream: Command
) -> list[Comparison]:
    """What is measured. The goals are 1.0 and 0.3 s, where upstream loads one release in two."""
    cache = scratch / "cache"
    argv = [sys.executable, "-c", _DIFF, "diff", str(before), str(release), f"--cache-dir={cache}"]
    cold = Command("derivload diff, cold", argv, lambda: shutil.rmtree(cache, ignore_errors=True))
    warm = Command("derivload diff, warm", argv)
    return [
        Comparison("two releases compared for the first time", upstream, cold, "at least 2"),
        Comparison("two releases compared once more", upstream, warm, "at least 7"),
    ]
