"""The environment of a child process in which this checkout's derivload can be imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from support.paths import SOURCE

# Before a command: it gets the signals as a terminal's shell has them, whoever runs the tests. Some
# are ignored under nohup and in shells of scripts.
FROM_A_TERMINAL = (
    sys.executable,
    "-c",
    """
import os, signal, sys
for name in ("SIGHUP", "SIGINT", "SIGTERM"):
    if hasattr(signal, name):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])
""",
)


def child_environment(*folders: Path, **variables: str) -> dict[str, str]:
    """That of the test, which has a cache of its own; what is in `folders` is imported first."""
    paths = os.pathsep.join(map(str, (*folders, SOURCE)))
    return {**os.environ, "PYTHONPATH": paths, **variables}


def without_derivload(**variables: str) -> dict[str, str]:
    """That of the test, with nothing that would lead to a derivload."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**kept, **variables}
