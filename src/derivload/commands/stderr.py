"""What is said beside the result: on stderr, and with no bearing on the exit status."""

from __future__ import annotations

import os
import sys


def say(message: str) -> None:
    """Print a line to stderr, unless nobody can read it."""
    if sys.stderr is None:  # closed by who started us; print would take stdout
        return
    try:
        print(f"derivload: {message}", file=sys.stderr, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
