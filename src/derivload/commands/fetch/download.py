"""How `derivload fetch` has pip get a wheel: which of its settings hold, what it complains of.

Two children of one shape: the first reads a part of the wheel (`part.py`), the second,
`pip download`, gets all of it where the first could not. Both take the options and the
environment below, so that they mean the same wheel.
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

if TYPE_CHECKING:
    from subprocess import Popen

OPTIONS = (
    *("--disable-pip-version-check", "--no-input", "--no-deps", "--only-binary=:all:"),
    *("--python-version", "3.11", "--implementation", "cp"),
)

# The user's settings say where the wheel comes from and who may serve it. Those that say which
# versions and files an installation may take, or that pip should do something else, are set
# back here. In the environment, for that comes after every section of every configuration
# file, and pip passes over a name that it does not know; on the command line a list would be
# added to the user's. An empty value would be passed over too, a space is a list of nothing.
_NOTHING = " "
SETTINGS = {
    "PIP_PLATFORM": "macosx_14_0_arm64 macosx_11_0_arm64",
    "PIP_ABI": "cp311",
    "PIP_CONSTRAINT": _NOTHING,
    "PIP_BUILD_CONSTRAINT": _NOTHING,
    "PIP_REQUIREMENT": _NOTHING,
    "PIP_REQUIREMENTS_FROM_SCRIPT": _NOTHING,
    "PIP_GLOBAL_OPTION": _NOTHING,  # would have an older pip refuse all wheels
    "PIP_ALL_RELEASES": ":none:",
    "PIP_ONLY_FINAL": ":none:",
    "PIP_PRE": "0",
    "PIP_PREFER_BINARY": "0",
    "PIP_ONLY_DEPS": "0",
    "PIP_IGNORE_REQUIRES_PYTHON": "0",
    "PIP_REQUIRE_HASHES": "0",
    "PIP_REQUIRE_VIRTUALENV": "0",
    # pip would hand over to the `python` of its configuration, a process that nobody could end.
    "_PIP_RUNNING_IN_SUBPROCESS": "1",
}

# Not the heading `ERROR: Exception:`, for there the traceback's last line says more.
_PIP_ERROR = re.compile(r"\u00d7 |ERROR: (?!Exception:)")
# In this order: a network that fails is a warning to pip, whose error then finds no release.
_ADVICE = (
    ("after connection broken by", "Check the network, and pip's index and proxy settings"),
    (
        "No matching distribution",
        "Check that this release exists, and that pip can reach its index",
    ),
    ("", "Once that is mended, try again"),
)
_POLL_SECONDS = 0.1
_GRACE_SECONDS = 5.0


class PipError(Exception):
    """Why pip got nothing, as a sentence; `advice` is a sentence of its own, and may be empty."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


def download(
    version: str, box: Path, say: Callable[[str], None], check: Callable[[], None]
) -> Path:
    """Have pip download `torchgen/`, or all of the wheel, into the new folder `box`.

    Returns the wheel's path. `check` is called while pip runs, and ends it by raising. `say`
    is told at the start, and when all of the wheel is downloaded.
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
        # Where stderr is closed it is None.
        terminal = sys.stderr if sys.stderr and sys.stderr.isatty() else None
        # A recent pip does not look at NO_COLOR, and one told FORCE_COLOR colours its errors too.
        plain = [] if terminal and not os.environ.get("NO_COLOR") else ["--no-color"]
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

    # PYTHONSAFEPATH: `-m` would otherwise import from the current folder before the library.
    own = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary)) | {"PYTHONSAFEPATH": "1"}
    # Its errors come through a pipe, for a file would be cut short where the disk is full.
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
    """Return what the child wrote to stderr until its end; end it first when `check` raises."""
    from subprocess import TimeoutExpired

    try:
        while True:
            check()
            with suppress(TimeoutExpired):
                _, complaints = child.communicate(timeout=_POLL_SECONDS)
                check()
                return complaints.decode("utf-8", errors="replace")
    finally:
        child.terminate()  # this and the rest do nothing to a child that has ended
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
