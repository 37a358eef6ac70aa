"""A session that is edited: one formula each time it is asked, and the seconds until it is written.

    python -m benchmarks.session PYTORCH_DIR OUT_DIR [--shards N] [--in-memory] [--floor]

For each line on stdin, derivatives.yaml is edited, and then its documents are brought up to
date: the seconds of the second, from reading the inputs to the last file, and the peak memory in
MiB go to stdout.

With --in-memory, the inputs are not on the disk: derivload refuses to read files that are so large.
With --floor, it is not derivload that is timed, but what nothing that writes one document can do
without: reading the inputs, hashing differentiability.json from the edit on, and writing it and the
manifest, which has its digest.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import os
import re
import resource
import sys
import time
from pathlib import Path

from benchmarks.timing import AGE
from derivload.loading.live import LiveDocuments
from derivload.loading.paths import Files, find_files

# In the middle of the file, and without a forward formula that would follow it.
_FORMULA = re.compile(rb"(?m)^(  self: )(?:\d+ \* )?(index_select_backward_symint)")


class Session:
    """The documents of a catalogue, which stay in memory."""

    def __init__(self, files: Files, out: Path, *, shards: int | None, in_memory: bool) -> None:
        self._files = files
        self._paths = [Path(path) for path in files.paths]
        self._contents = [path.read_bytes() for path in self._paths]
        self._in_memory = in_memory
        self._live = LiveDocuments(str(out), shards)
        self._live.load(files, [*self._contents]).write()
        self._live.settle()
        gc.freeze()
        time.sleep(AGE)

    def edit(self, number: int) -> None:
        """Edit one formula."""
        text = _FORMULA.sub(rb"\g<1>%d * \2" % (number + 1000), self._contents[0], count=1)
        self._contents[0] = text
        if not self._in_memory:
            self._paths[0].write_bytes(text)

    def update(self) -> None:
        """Bring the documents up to date. Raises SystemExit if it took too much."""
        contents = [*self._contents] if self._in_memory else None
        updated = self._live.load(self._files, contents).write()
        if updated.exit != "incremental" or len(updated.written.written) != 2:
            raise SystemExit("this was to change one document and the manifest, incrementally")


class Floor(Session):
    """The bytes of such an update, and nothing else."""

    def __init__(self, files: Files, out: Path) -> None:
        super().__init__(files, out, shards=None, in_memory=False)
        self._document = out / "differentiability.json"
        data = self._document.read_bytes()
        at = data.index(b"index_select_backward_symint")
        self._before, self._behind = hashlib.sha256(data[:at]), data[at:]
        self._data = data
        self._manifest = out / "manifest.json"
        self._listing = self._manifest.read_bytes()

    def update(self) -> None:
        """Read, hash and write."""
        for path in self._paths:
            path.read_bytes()
        hashed = self._before.copy()
        hashed.update(self._behind)
        hashed.hexdigest()
        for path, data in ((self._document, self._data), (self._manifest, self._listing)):
            staged = path.with_suffix(".new")
            with staged.open("xb") as file:
                os.posix_fallocate(file.fileno(), 0, len(data))
                file.write(data)
            staged.replace(path)


def main() -> None:
    """Load, and edit as often as there are lines on stdin."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pytorch", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--shards", type=int)
    parser.add_argument("--in-memory", action="store_true")
    parser.add_argument("--floor", action="store_true")
    options = parser.parse_args()
    files = find_files(pytorch=str(options.pytorch))
    session = (
        Floor(files, options.out)
        if options.floor
        else Session(files, options.out, shards=options.shards, in_memory=options.in_memory)
    )
    for number, _ in enumerate(sys.stdin):
        session.edit(number)
        start, cpu = time.perf_counter(), time.process_time()
        session.update()
        seconds, taken = time.perf_counter() - start, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(seconds, peak, taken, flush=True)


if __name__ == "__main__":
    main()
