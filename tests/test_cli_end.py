"""How the process of a command line ends: at once, unless something waits for its end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.child import child_environment

# Runs before derivload does. What it leaves in `sys` is taken apart when Python itself ends.
_LEFT = """
import sys, os
class Left:
    def __del__(self, write=os.write):
        write(2, b"taken apart\\n")
sys.left = Left()
"""


def ended(
    tmp_path: Path, *arguments: str, site: str = "", flags: tuple[str, ...] = (), **variables: str
) -> subprocess.CompletedProcess[str]:
    """derivload, with a site that leaves something to be taken apart, and does this besides."""
    (tmp_path / "sitecustomize.py").write_text(_LEFT + site, "utf-8")
    return subprocess.run(
        [sys.executable, *flags, "-m", "derivload", *arguments],
        env=child_environment(tmp_path, **variables),
        cwd=tmp_path,
        input="",
        capture_output=True,
        text=True,
        check=False,
    )


EMIT = ("emit", "--catalogue", "--out-dir", "out")


def test_a_process_ends_without_being_taken_apart(tmp_path: Path) -> None:
    ended(tmp_path, *EMIT)  # diskcache makes the cache, and imports what may have threads
    stored = ("emit", "--catalogue", "--out-dir", "other")
    for arguments, status in ((EMIT, 0), (stored, 0), (("--version",), 0), (("nothing",), 2)):
        done = ended(tmp_path, *arguments)
        assert done.returncode == status
        assert "taken apart" not in done.stderr


def test_what_is_printed_is_there(tmp_path: Path) -> None:
    done = ended(tmp_path, "schema", "functions")
    assert done.stdout.endswith("}\n")
    assert "taken apart" not in done.stderr


WAITING = {
    "a function at the end": (
        "import atexit\natexit.register(os.write, 2, b'at the end\\n')\n",
        "at the end\n",
    ),
    "a thread": (
        (
            "import threading, time\n"
            "def late():\n    time.sleep(0.3)\n    os.write(2, b'late\\n')\n"
            "threading.Thread(target=late).start()\n"
        ),
        "late\n",
    ),
    "a profiler": ("sys.setprofile(lambda *_: None)\n", ""),
    "a debugger": ("sys.settrace(lambda *_: None)\n", ""),
}


@pytest.mark.parametrize("waiting", WAITING)
def test_what_waits_for_the_end_gets_it(tmp_path: Path, waiting: str) -> None:
    site, said = WAITING[waiting]
    done = ended(tmp_path, "--version", site=site)
    assert done.returncode == 0
    assert said in done.stderr
    assert "taken apart" in done.stderr


@pytest.mark.parametrize(("flags", "variables"), [(("-i",), {}), ((), {"PYTHONINSPECT": "1"})])
def test_who_asked_for_a_prompt_can_get_it(
    tmp_path: Path, flags: tuple[str, ...], variables: dict[str, str]
) -> None:
    assert "taken apart" in ended(tmp_path, "--version", flags=flags, **variables).stderr


def test_a_closed_stdout_is_said_as_before(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "derivload", "schema", "functions"],
            env=child_environment(),
            cwd=tmp_path,
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
