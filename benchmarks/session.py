"""A session that is edited: one formula each time it is asked, and the seconds until it is written.

    python -m benchmarks.session PYTORCH_DIR OUT_DIR

For each line on stdin, derivatives.yaml is edited, and then its documents are brought up to
date: the seconds of the second, from reading the inputs to the last file, and the peak memory in
MiB go to stdout.
"""

from __future__ import annotations

import gc
import re
import resource
import sys
import time
from pathlib import Path

from derivload.loading.live import LiveDocuments
from derivload.loading.paths import find_files

# In the middle of the file, and without a forward formula that would follow it.
_FORMULA = re.compile(r"(?m)^(  self: )(?:\d+ \* )?(index_select_backward_symint)")


def main() -> None:
    """Load, and edit as often as there are lines on stdin."""
    files = find_files(pytorch=sys.argv[1])
    live = LiveDocuments(sys.argv[2])
    live.load(files).write()
    gc.freeze()
    path = Path(files.derivatives)
    text = path.read_text("utf-8")
    for number, _ in enumerate(sys.stdin):
        path.write_text(_FORMULA.sub(rf"\g<1>{number + 1000} * \2", text, count=1), "utf-8")
        start = time.perf_counter()
        updated = live.load(files).write()
        seconds = time.perf_counter() - start
        if updated.exit != "incremental" or len(updated.written.written) != 2:
            raise SystemExit("this was to change one document and the manifest, incrementally")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(seconds, peak, flush=True)


if __name__ == "__main__":
    main()
