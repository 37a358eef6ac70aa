"""One formula edited in catalogues of several sizes: in a session, a worker and derivwatch."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from benchmarks.codegen import FORMULA
from benchmarks.timing import AGE, Comparison, Run, SessionEdit
from benchmarks.watch import Watch
from derivload.loading.paths import find_files

_SHARDS = ("--shards", "64")


class WatchEdit:
    """A save under derivwatch, from the save to the last write."""

    def __init__(self, name: str, pytorch: Path, out: Path) -> None:
        self.name = name
        self._start = partial(Watch, pytorch, out, *_SHARDS, "--no-cache")
        self._watch: Watch | None = None

    def run(self) -> Run:
        """Save once."""
        if self._watch is None:
            self._watch = self._start()
            time.sleep(AGE)
        return Run(self._watch.edit(), 0)

    def end(self) -> None:
        """End derivwatch."""
        if self._watch is not None:
            self._watch.end()
        self._watch = None


class WorkerEdit:
    """A request to a worker, from the request to the answer."""

    def __init__(self, name: str, pytorch: Path, out: Path) -> None:
        self.name = name
        files = find_files(pytorch=str(pytorch))
        self._path = Path(files.derivatives)
        self._arguments = ["--pytorch", str(pytorch), "--out-dir", str(out), *_SHARDS]
        self._process: subprocess.Popen[str] | None = None
        self._edits = 0

    def run(self) -> Run:
        """Edit once, and ask."""
        if self._process is None:
            command = [sys.executable, "-m", "derivload", "emit", "--persistent_worker"]
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
            )
            self._ask(self._process)
            time.sleep(AGE)
        self._edits += 1
        text = self._path.read_text("utf-8")
        text = FORMULA.sub(rf"\g<1>{self._edits + 1000} * \2", text, count=1)
        self._path.write_text(text, "utf-8")
        start = time.perf_counter()
        self._ask(self._process)
        return Run(time.perf_counter() - start, 0)

    def end(self) -> None:
        """End the worker."""
        if self._process is not None:
            self._process.communicate()
        self._process = None

    def _ask(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"arguments": self._arguments}) + "\n")
        process.stdin.flush()
        if json.loads(process.stdout.readline())["exitCode"]:
            raise SystemExit(f"{self.name} failed")


def scale_comparisons(release: Path, scratch: Path) -> list[Comparison]:
    """What is measured. The last one takes three gigabytes."""
    one, ten, hundred = (scratch / f"times-{n}" for n in (1, 10, 100))
    for factor, folder in ((1, one), (10, ten), (100, hundred)):
        # In a process of its own: what this one has used at its peak counts for those it starts.
        command = ["-m", "benchmarks.enlarge", str(factor), str(release), str(folder)]
        subprocess.run([sys.executable, *command], check=True)

    def edit(what: str, pytorch: Path, *options: str) -> SessionEdit:
        out = scratch / f"out-{pytorch.name}{'-'.join(options)}"
        return SessionEdit(what, pytorch, out, *options)

    return [
        Comparison(
            "a formula edited in a session, 64 shards, 10 times the catalogue",
            edit("10 times", ten, *_SHARDS),
            edit("once", one, *_SHARDS),
            "at most 2.5",
        ),
        Comparison(
            "the same in a worker",
            WorkerEdit("10 times", ten, scratch / "worker-10"),
            WorkerEdit("once", one, scratch / "worker-1"),
            "at most 2.5",
        ),
        Comparison(
            "the same under derivwatch",
            WatchEdit("10 times", ten, scratch / "watch-10"),
            WatchEdit("once", one, scratch / "watch-1"),
            "at most 2.5",
        ),
        Comparison(
            "a formula edited in a session, one document, 10 times the catalogue",
            edit("10 times", ten),
            edit("its bytes alone", ten, "--floor"),
            "at most 1.5",
        ),
        Comparison(
            "a formula edited in a session, 64 shards, 100 times the catalogue, in memory",
            edit("100 times", hundred, *_SHARDS, "--in-memory"),
            edit("once", one, *_SHARDS, "--in-memory"),
            "at most 12",
        ),
    ]
