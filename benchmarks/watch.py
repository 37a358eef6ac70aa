"""derivwatch from outside: how long from a save to the last write, and what it costs to wait.

    python -m benchmarks.watch PYTORCH_DIR OUT_DIR [EDITS]

With --codegen behind, what is written are the files of PyTorch's generators, of which that
formula changes one.

Edits one formula of derivatives.yaml, time after time, in the way an editor does that writes in
place. The seconds of each, from the moment the file is closed to the moment manifest.json, the
last output, has been replaced, go to stdout, a line each; and then the share of one processor
that derivwatch took while nothing happened.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from derivload.loading.paths import find_files

# In the middle of the file, and without a forward formula that would follow it.
_FORMULA = re.compile(r"(?m)^(  self: )(?:\d+ \* )?(index_select_backward_symint)")
# Its first run, which does everything, is among what it waits for.
_PATIENCE = 300.0
_IDLE = 10.0
_BATCH = 20


class Watched(NamedTuple):
    """Seconds from save to last write, for each edit, and the share of a processor when idle."""

    seconds: list[float]
    idle: float


class Watch:
    """A derivwatch, from start to end."""

    def __init__(self, pytorch: Path, out: Path, *options: str, codegen: bool = False) -> None:
        self._path = Path(find_files(pytorch=str(pytorch)).derivatives)
        self._text = self._path.read_text("utf-8")
        self._last = out / ("Functions.cpp" if codegen else "manifest.json")
        self._edits = 0
        command = [sys.executable, "-m", "derivload", "watch", "--json", "--pytorch", str(pytorch)]
        command += ["--out-dir", str(out), *options]
        if codegen:
            command += ["--codegen", "--no-cache"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=out.parent)
        self._answer()
        time.sleep(1)  # nobody saves in the same moment

    def edit(self) -> float:
        """Edit once: the seconds from the save to the last write."""
        self._edits += 1
        text = _FORMULA.sub(rf"\g<1>{self._edits + 1000} * \2", self._text, count=1)
        before = self._last.stat().st_ino
        with self._path.open("w", encoding="utf-8") as file:
            file.write(text)
        start = time.perf_counter()
        while self._last.stat().st_ino == before:
            if time.perf_counter() - start > _PATIENCE:
                raise SystemExit("derivwatch does not see the edit")
            time.sleep(0.0002)
        seconds = time.perf_counter() - start
        self._answer()
        return seconds

    def idle(self, seconds: float = _IDLE) -> float:
        """The share of a processor that it takes while nothing happens."""
        time.sleep(2)  # for its afterthoughts
        before = self.processor_time()
        time.sleep(seconds)
        return (self.processor_time() - before) / seconds

    def end(self) -> None:
        """End it, and leave the file as it was."""
        self._process.terminate()
        self._process.wait()
        self._path.write_text(self._text, "utf-8")

    def _answer(self) -> None:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], _PATIENCE)
        if not ready or not self._process.stdout.readline():
            raise SystemExit("derivwatch does not answer")

    def processor_time(self) -> float:
        """The seconds of a processor that it has taken so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text("ascii").rpartition(")")[2]
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def measure(
    pytorch: Path,
    out: Path,
    edits: int,
    between: Callable[[], object] = lambda: None,
    *,
    codegen: bool = False,
) -> Watched:
    """So many edits, with `between` before each batch of them, and then nothing for a while."""
    watch = Watch(pytorch, out, codegen=codegen)
    seconds = []
    try:
        for number in range(edits):
            if number % _BATCH == 0:
                between()
            seconds.append(watch.edit())
        return Watched(seconds, watch.idle())
    finally:
        watch.end()


def main() -> None:
    """Measure, and print."""
    pytorch, out, *rest = sys.argv[1:]
    edits = [int(number) for number in rest if number.isdigit()] or [200]
    watched = measure(Path(pytorch), Path(out), edits[0], codegen="--codegen" in rest)
    print("\n".join(str(seconds) for seconds in watched.seconds))
    print(watched.idle)


if __name__ == "__main__":
    main()
