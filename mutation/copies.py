"""A copy of the checkout that may be mutated, with a Python of its own, and its tests."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mutation.measured import ROOT, Reach, kept, read, write
from mutation.mutants import Mutant
from mutation.tracer import START

# In seconds: a test that is quick, and the most that those of one mutant may take together.
_QUICK = 0.25
_MOST = {"quick": 30.0, "slow": 90.0}
# Likewise: much longer than a run takes.
_PAST = 30 * 24 * 60 * 60


class Verdict(NamedTuple):
    """What the tests said of a mutant: which failed, or why none did."""

    mutant: Mutant
    is_killed: bool
    note: str
    seconds: float


class Copy:
    """A copy of the checkout, and a Python for which it is the installed derivload."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        names = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            check=True,
        ).stdout.decode()
        for name in names.split("\0"):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        environment = folder / ".venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
        others = [path for path in sys.path if Path(path).name == "site-packages"]
        lines = [f"{folder}/src", str(folder), *others]
        (installed,) = environment.glob("lib/*/site-packages")
        text = "\n".join([*lines, START, ""])
        (installed / "mutation.pth").write_text(text, "utf-8")
        self._python = environment / "bin" / "python"
        self._writes = 0

    def measure(self, file: str) -> Reach:
        """Run a file of tests, and say what each of them reaches."""
        place = kept(file)
        if not place.exists():
            shutil.rmtree(self.folder / "reach", ignore_errors=True)
            measured = self.folder / "measured"
            measured.unlink(missing_ok=True)
            self.test([file], None, MUTATION_REACH=str(measured))
            write(place, json.loads(measured.read_text("utf-8")))
        return read(place)

    def test(self, arguments: Sequence[str], timeout: float | None, **environment: str) -> str:
        """How the tests fail: "" where they pass."""
        plain = {name: value for name, value in os.environ.items() if name != "CI"}
        with subprocess.Popen(
            [
                *(self._python, "-m", "pytest", "-p", "mutation.reach", "-p", "no:cacheprovider"),
                *("-q", "--tb=no", "--offline", *arguments),
            ],
            cwd=self.folder,
            env={**plain, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as child:
            try:
                output, _ = child.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                return "takes too long"
            finally:
                _end_group(child.pid)
        failed = re.search(r"^FAILED (.+?)(?:: |$)", output.decode(errors="replace"), re.MULTILINE)
        return (failed[1] if failed else "cannot be run") if child.returncode else ""

    def judge(self, mutant: Mutant, tests: Reach) -> Verdict:
        """Run the tests of a mutant, the quick ones first."""
        started = time.monotonic()
        source = (ROOT / mutant.path).read_bytes()
        self._write(mutant.path, mutant.apply(source))
        try:
            how = self._killer(tests)
        finally:
            self._write(mutant.path, source)
        note = how or ("" if tests else "no test reaches it")
        return Verdict(mutant, bool(how), note, time.monotonic() - started)

    def _killer(self, tests: Reach) -> str:
        for is_quick, most in ((True, _MOST["quick"]), (False, _MOST["slow"])):
            chosen, total = [], 0.0
            for name, (seconds, _) in tests.items():  # from those that concern it most
                if (seconds < _QUICK) == is_quick and total + seconds <= most:
                    chosen.append(name)
                    total += seconds
            if not chosen:
                continue
            names = self.folder / "chosen"
            names.write_text("\n".join(chosen), "utf-8")
            files = dict.fromkeys(name.partition("::")[0] for name in chosen)
            how = self.test(["-x", *files], 60 + 5 * total, MUTATION_TESTS=str(names))
            if how:
                return how
        return ""

    def _write(self, path: str, source: bytes) -> None:
        """Python takes the bytecode of a file by its size and time: no two have the same.

        The time is past: with one to come, derivload would not trust what Python makes of it.
        """
        self._writes += 1
        (self.folder / path).write_bytes(source)
        moment = time.time() - _PAST + 2 * self._writes
        os.utime(self.folder / path, (moment, moment))


def _end_group(leader: int) -> None:
    with contextlib.suppress(OSError):  # nobody is left
        os.killpg(leader, signal.SIGKILL)
