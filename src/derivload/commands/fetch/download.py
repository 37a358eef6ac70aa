"""Runs pip to get a wheel for `derivload fetch`: pip's settings, and how its errors are reported.

Up to two child processes run. The first reads only a part of the wheel (`part.py`). If it fails,
the second, `pip download`, gets the whole wheel. Both get the options and the environment below, so
that they choose the same wheel.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from derivload.commands.fetch.part import HOPELESS, LOCAL
from derivload.terminal import colour

if TYPE_CHECKING:
    from subprocess import Popen

OPTIONS = (
    *("--disable-pip-version-check", "--no-input", "--no-deps", "--only-binary=:all:"),
    *("--python-version", "3.11", "--implementation", "cp"),
)

# The user's settings for where the wheel comes from and who may serve it still hold. Settings that
# limit which versions and files may be installed, or have pip do something else, are reset here.
# They are reset in the environment, which overrides every section of every configuration file, and
# where pip ignores a name that it does not know. On the command line, a list would be added to the
# user's list. pip ignores an empty value; a space is an empty list.
_NOTHING = " "
SETTINGS = {
    "PIP_PLATFORM": "macosx_14_0_arm64 macosx_11_0_arm64",
    "PIP_ABI": "cp311",
    "PIP_CONSTRAINT": _NOTHING,
    "PIP_BUILD_CONSTRAINT": _NOTHING,
    "PIP_REQUIREMENT": _NOTHING,
    "PIP_REQUIREMENTS_FROM_SCRIPT": _NOTHING,
    "PIP_GLOBAL_OPTION": _NOTHING,  # would make an older pip refuse all wheels
    "PIP_ALL_RELEASES": ":none:",
    "PIP_ONLY_FINAL": ":none:",
    "PIP_PRE": "0",
    "PIP_PREFER_BINARY": "0",
    "PIP_ONLY_DEPS": "0",
    "PIP_IGNORE_REQUIRES_PYTHON": "0",
    "PIP_REQUIRE_HASHES": "0",
    "PIP_REQUIRE_VIRTUALENV": "0",
    # Otherwise pip would start the `python` of its configuration, a process that we could not end.
    "_PIP_RUNNING_IN_SUBPROCESS": "1",
}

# The heading `ERROR: Exception:` is left out: the last line of its traceback says more.
_PIP_ERROR = re.compile(r"\u00d7 |ERROR: (?!Exception:)")
# The order matters: if the network fails, pip only warns; its error then says that it found no
# release.
_ADVICE = (
    ("after connection broken by", "Check the network, and pip's index and proxy settings"),
    (
        "No matching distribution",
        "Check that this release exists, and that pip can reach its index",
    ),
    ("", "Fix that, and try again"),
)
_POLL_SECONDS = 0.1
_GRACE_SECONDS = 5.0


class PipError(Exception):
    """pip got nothing. `message` says why; `advice` is a separate sentence and may be empty."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


def download(
    version: str, box: Path, say: Callable[[str], None], check: Callable[[], None]
) -> Path:
    """Have pip download `torchgen/`, or the whole wheel, into the new folder `box`.

    Returns the path of the wheel. `check` is called while pip runs; if it raises, pip is ended.
    `say` is called with a line at the start, and with another before the whole wheel is downloaded.
    Raises PipError if pip gets nothing, and whatever `check` raises.
    """
    wheels, temporary = box / "wheels", box / "temporary"
    wheels.mkdir(parents=True)
    temporary.mkdir()
    exact = version.count(".") == 2
    arguments = [*OPTIONS, "-d", str(wheels), f"torch=={version}{'' if exact else '.*'}"]
    say(f"downloading torch {version}'s torchgen (2 MB) with pip")
    script = str(Path(__file__).with_name("part.py"))
    status, complaints = _run([script, *arguments], temporary, None, check)
    if status not in (0, HOPELESS):
        if status != LOCAL:
            say(f"downloading all of torch {version} (60 to 140 MB) with pip")
        # sys.stderr is None if it is closed.
        terminal = sys.stderr if sys.stderr and sys.stderr.isatty() else None
        # A recent pip ignores NO_COLOR, and with FORCE_COLOR it colours its errors too.
        plain = [] if terminal and colour.is_wanted(terminal) else ["--no-color"]
        command = ["-m", "pip", "download", *plain, *arguments]
        status, complaints = _run(command, temporary, terminal, check)
    found = next(wheels.glob("torch-*.whl"), None)
    if status != 0 or found is None:
        raise _error_of_pip(version, status, complaints)
    return found


def _run(
    arguments: list[str], temporary: Path, stdout: TextIO | None, check: Callable[[], None]
) -> tuple[int, str]:
    """Run this Python with `arguments`; return its exit status and what it wrote to stderr."""
    import subprocess

    # Without PYTHONSAFEPATH, `-m` would import from the current folder before the library.
    own = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary)) | {"PYTHONSAFEPATH": "1"}
    # stderr goes through a pipe: a file would be cut short if the disk is full.
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout or subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, **SETTINGS, **own},
    ) as child:
        complaints = _wait(child, check)
    return child.returncode, complaints


def _wait(child: Popen[bytes], check: Callable[[], None]) -> str:
    """Wait for the child to end and return what it wrote to stderr.

    If `check` raises, end the child first.
    """
    from subprocess import TimeoutExpired

    try:
        while True:
            check()
            with suppress(TimeoutExpired):
                _, complaints = child.communicate(timeout=_POLL_SECONDS)
                check()
                return complaints.decode("utf-8", errors="replace")
    finally:
        child.terminate()  # this and the following do nothing if the child has ended
        with suppress(TimeoutExpired):
            child.wait(_GRACE_SECONDS)
        child.kill()


def _error_of_pip(version: str, status: int, complaints: str) -> PipError:
    if "No module named pip" in complaints:
        how = (
            f"run `{sys.executable} -m ensurepip --upgrade`, or install your system's package of it"
        )
        return PipError(f"this Python has no pip: {how}")
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    errors = [line for line in lines if _PIP_ERROR.match(line)]
    last = (errors or lines or [f"it ended with status {status}"])[-1]
    advice = next(advice for sign, advice in _ADVICE if sign in complaints)
    return PipError(f"pip could not download torch {version}: {last}", f"{advice}.")
