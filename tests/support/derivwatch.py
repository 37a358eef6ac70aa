"""A derivwatch in a process of its own, on a copy of the catalogue, for the tests of it."""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from support import forks
from support.child import FROM_A_TERMINAL, child_environment
from support.fitting import read_fitting
from support.paths import CATALOGUE, DERIVATIVES
from support.project import Project

FORMULA = "self: grad * luster"

# A machine that does other things too may take long; a test that fails waits so long once.
PATIENCE = 30.0
# After so long with nothing, nothing more comes: longer than files may be gone unsaid.
QUIET = 0.25

Event = dict[str, Any]


def _signals_are_as_from_a_terminal() -> bool:
    ends = [getattr(signal, name) for name in ("SIGHUP", "SIGINT", "SIGTERM")]
    return signal.SIG_IGN not in map(signal.getsignal, ends)


class Inputs(Project):
    """A project of which one formula is saved again and again."""

    def edited(self, formula: str) -> str:
        """derivatives.yaml with another formula for `gild`."""
        text = (CATALOGUE / DERIVATIVES).read_text("utf-8")
        assert FORMULA in text
        return text.replace(FORMULA, f"self: {formula}", 1)

    def save(self, formula: str) -> None:
        """Save derivatives.yaml, in place, with another formula for `gild`."""
        self.derivatives.write_text(self.edited(formula), "utf-8")


class Watch:
    """A derivwatch --json that runs, with what it has said."""

    def __init__(
        self,
        arguments: Sequence[str],
        out: Path,
        environment: dict[str, str] | None = None,
        before: Sequence[str] = (),
        folder: Path | None = None,
    ) -> None:
        self.out = out
        self.events: list[Event] = []
        self.errors = ""
        self._lines: queue.Queue[str] = queue.Queue()
        command = ["watch", "--json", *arguments, "--out-dir", str(out)]
        streams: dict[str, Any] = {
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
        }
        env = child_environment(**(environment or {}))
        if before or not _signals_are_as_from_a_terminal():
            start = [*FROM_A_TERMINAL, *before, sys.executable]
            self.process = subprocess.Popen(
                [*start, "-m", "derivload", *command], env=env, cwd=folder, **streams
            )
        else:
            self.process = forks.popen(command, env=env, cwd=folder, **streams)
        self._readers = [
            threading.Thread(target=self._read_lines, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read_lines(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.errors += line

    def next(self, patience: float = PATIENCE) -> Event:
        """The next event. Raises queue.Empty when none comes."""
        try:
            event: Event = read_fitting(self._lines.get(timeout=patience), "watch")
        except queue.Empty:
            raise queue.Empty(self.events, self.errors) from None
        self.events.append(event)
        return event

    def until(self, is_it: Callable[[Event], bool]) -> Event:
        """The next event of that kind, past others."""
        while not is_it(event := self.next()):
            pass
        return event

    def expect(self, kind: str) -> Event:
        """The next event, which is of a kind."""
        event = self.next()
        assert event["event"] == kind, (event, self.errors)
        return event

    def rest(self) -> list[Event]:
        """What still comes, until nothing more does: it sleeps, and has said nothing for long."""
        came = []
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            worked = self._work()
            try:
                came.append(self.next(QUIET))
            except queue.Empty:
                if not self._is_busy() and self._work() == worked:
                    break
        return came

    def _is_busy(self) -> bool:
        """Whether it runs, or would if the machine had nothing else to do; where that is known."""
        return any(state in "RD" for state, *_ in self._threads())

    def _work(self) -> int:
        """How long it has run, in ticks of the system's clock."""
        return sum(int(fields[11]) + int(fields[12]) for fields in self._threads())

    def _threads(self) -> Iterator[list[str]]:
        """What Linux tells of its threads."""
        for task in Path(f"/proc/{self.process.pid}/task").glob("*/stat"):
            with contextlib.suppress(OSError):
                yield task.read_text("ascii", "replace").rpartition(")")[2].split()

    def only(self) -> Event:
        """The next event, after which no other comes."""
        event = self.next()
        assert not (more := self.rest()), (event, more)
        return event

    def formula(self) -> str:
        """The backward formula of `gild` in the documents."""
        document = json.loads((self.out / "differentiability.json").read_bytes())
        (record,) = [r for r in document["functions"] if r["schema"].startswith("gild(")]
        formula: str = record["dispatch"]["Default"]["derivatives"][0]["original_formula"]
        return formula

    def settle_on(self, formula: str) -> None:
        """Wait until that is the formula of `gild` in the documents."""
        deadline = time.monotonic() + PATIENCE
        while self.formula() != formula:
            assert time.monotonic() < deadline, (self.formula(), self.events, self.errors)
            time.sleep(0.01)

    def end(self, number: int = signal.SIGTERM) -> int:
        """End it with a signal; its exit status."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        status = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        return status

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        assert "Traceback" not in self.errors, self.errors


def changes(event: Event) -> dict[str, list[tuple[str, str, str | None, str | None]]]:
    """What changed of which function."""
    return {
        function["name"]: [
            (c["what"], c["of"], c["before"], c["after"]) for c in function["changes"]
        ]
        for function in event["difference"]["changed"]
    }


def watching(inputs: Inputs, out: Path, *more: str, before: Sequence[str] = ()) -> Iterator[Watch]:
    """A derivwatch that has started; ended and closed in the end."""
    watch = Watch([*inputs.options, *more], out, before=before)
    try:
        watch.expect("started")
        yield watch
    finally:
        watch.close()
