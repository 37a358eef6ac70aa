"""Writes down which functions of derivload a process calls.

`reach.py` says where: the file `reach/current` of the copy names the file that takes them. Each
Python of the copy's environment looks there when it starts, so this imports next to nothing.
"""

from __future__ import annotations

import os
import sys
import threading
import types
from collections.abc import Callable
from contextlib import suppress
from typing import Any

COPY = os.path.dirname(sys.prefix)
FOLDER = f"{COPY}/reach"
_SOURCE = f"{COPY}/src/derivload/"
# A line of the environment's .pth file, which each Python of it runs.
START = (
    "import os, sys; os.path.exists(os.path.dirname(sys.prefix) + '/reach/current')"
    " and __import__('mutation.tracer').tracer.start()"
)


# Python does not trace what an audit hook calls, unless the hook says that it may.
_add_hook = sys.addaudithook


def _add_traced(hook: Callable[[str, tuple[Any, ...]], Any]) -> None:
    function: Any = getattr(hook, "__func__", hook)
    with suppress(AttributeError):  # what cannot be told so is not derivload's
        function.__cantrace__ = True
    _add_hook(hook)


sys.addaudithook = _add_traced


class Tracer:
    """Writes down each function that is called, once, and at once: a process may be killed."""

    def __init__(self, name: str) -> None:
        self._seen: set[types.CodeType] = set()
        self._file = os.open(f"{FOLDER}/{name}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def __call__(self, frame: types.FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if code not in self._seen:
            self._seen.add(code)
            if code.co_filename.startswith(_SOURCE):
                line = f"src/derivload/{code.co_filename[len(_SOURCE) :]}:{code.co_name}\n"
                os.write(self._file, line.encode())

    def close(self) -> None:
        """Let the file go."""
        os.close(self._file)


def start() -> None:
    """Trace this process for the test that runs."""
    with open(f"{FOLDER}/current", encoding="utf-8") as file:
        trace(Tracer(file.read()))


def trace(tracer: Tracer | None) -> None:
    """Have all threads traced, or none."""
    threading.settrace(tracer)
    sys.settrace(tracer)
