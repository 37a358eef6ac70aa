"""Starts the process in which a tree's own torchgen runs. Imports little, so that it starts early:
torchgen is imported there while we import what we need ourselves.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress

from derivload.modules import forget_compiled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from derivload.loading.paths import Files
    from derivload.loading.rules_of_tree import Rules

_CHECKOUT = "tools.autograd.load_derivatives"
_PACKAGED = "torchgen.packaged.autograd.load_derivatives"
_CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "child.py")
# Run in this way, it is compiled once. It is not in a package, and leaves no folder on the path.
# Ctrl-C, which the terminal sends to it too, ends it without a traceback.
_RUN = f"""
from _signal import SIG_DFL, SIGINT, default_int_handler, getsignal, signal
if getsignal(SIGINT) is default_int_handler:
    signal(SIGINT, SIG_DFL)
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("derivload_child", {_CHILD!r})
child = module_from_spec(spec)
spec.loader.exec_module(child)
child.main()
"""


def start_process(files: Files, rules: Rules) -> subprocess.Popen[str]:
    """Start the process for the tree that files are of, and have it import that torchgen.

    It answers the job, as `child.py` says. Raises OSError.
    """
    place = files.tree
    assert place is not None
    assert files.may_run_tree
    # torchgen opens its files in the encoding of the locale.
    options = ["-X", "utf8"]
    if not forget_compiled(rules.paths):
        options += ["-X", f"pycache_prefix={os.devnull}"]
    process = subprocess.Popen(
        [sys.executable, *options, "-c", _RUN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Sets have the same order each time, so that the same comes of the same.
        env={**os.environ, "PYTHONHASHSEED": "0"},
        encoding="utf-8",
    )
    is_checkout = os.path.basename(os.path.dirname(place.autograd)) == "tools"
    loader = _CHECKOUT if is_checkout else _PACKAGED
    torchgen = os.path.abspath(place.torchgen)
    keys = " ".join(files.additions.dispatch_keys)
    job = {"root": place.root, "torchgen": torchgen, "loader": loader, "dispatch_keys": keys}
    send(process, job)
    return process


def send(process: subprocess.Popen[str], job: dict[str, str]) -> None:
    """Send a job."""
    assert process.stdin is not None
    # If it has ended, that shows when it is to answer.
    with suppress(OSError):
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()


def end_process(process: subprocess.Popen[str]) -> None:
    """End it."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(OSError):
        process.stdin.close()
    process.stdout.close()
    process.wait()
