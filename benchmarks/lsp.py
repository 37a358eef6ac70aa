"""`derivload lsp` from outside: how long from a change to its diagnostics, and to answers.

    python -m benchmarks.lsp PYTORCH_DIR CACHE_DIR [EDITS]

The client writes messages and reads them, and does nothing else. A change is one character that
is typed or taken away in a formula: half of the texts have a mistake. Times are from before the
message is written until its answer is read.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from random import Random
from threading import Thread
from typing import Any, NamedTuple

from benchmarks.timing import Command, three
from derivload.loading.paths import find_files

_FORMULA = re.compile(r"(?m)^  \w+: (?=[a-z])")
_BATCH = 50
_OPENINGS = 5

Message = dict[str, Any]


class Served(NamedTuple):
    """Seconds: from opening a document to its diagnostics without and with a cache; from a change
    to its diagnostics; of hovers and completions. The memory in MiB after the first changes, and
    after all; and the seconds of a processor that a change took.
    """

    cold: list[float]
    warm: list[float]
    changes: list[float]
    hovers: list[float]
    completions: list[float]
    memory: tuple[float, float]
    cpu: float


class LanguageServer:
    """A server for a tree, whose derivatives.yaml is open."""

    def __init__(self, pytorch: Path, *options: str) -> None:
        self._path = Path(find_files(pytorch=str(pytorch)).derivatives)
        self.text = self._path.read_text("utf-8")
        self._uri = self._path.as_uri()
        self._version = 0
        self._numbers = itertools.count(1)
        argv = [sys.executable, "-m", "derivload", "lsp", "--pytorch", str(pytorch), *options]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, cwd=pytorch)
        # Read beside, as editors do: else both could wait for the other one to read.
        self._answers: SimpleQueue[Message | None] = SimpleQueue()
        Thread(target=self._read_all, daemon=True).start()
        root: Message = {"processId": None, "rootUri": pytorch.as_uri(), "capabilities": {}}
        self._ask("initialize", root)
        start = time.perf_counter()
        self._send({"method": "initialized", "params": {}})
        item = {"uri": self._uri, "languageId": "yaml", "version": 0, "text": self.text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": item}})
        self._until_told()
        self.opened = time.perf_counter() - start

    def change(self, line: int, start: int, end: int, text: str) -> float:
        """Change a part of a line: the seconds until its diagnostics."""
        self._version += 1
        at = {
            "start": {"line": line, "character": start},
            "end": {"line": line, "character": end},
        }
        document = {"uri": self._uri, "version": self._version}
        params = {"textDocument": document, "contentChanges": [{"range": at, "text": text}]}
        began = time.perf_counter()
        self._send({"method": "textDocument/didChange", "params": params})
        self._until_told()
        return time.perf_counter() - began

    def ask(self, what: str, line: int, character: int) -> float:
        """Ask about a place: the seconds until the answer."""
        at = {"line": line, "character": character}
        began = time.perf_counter()
        self._ask(f"textDocument/{what}", {"textDocument": {"uri": self._uri}, "position": at})
        return time.perf_counter() - began

    def memory(self) -> float:
        """The memory that it has now, in MiB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text("ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def cpu(self) -> float:
        """The seconds of a processor that it has taken."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text("ascii").rpartition(")")[2]
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        """End it."""
        self._ask("shutdown", None)
        self._send({"method": "exit", "params": None})
        self._process.wait()

    def _ask(self, method: str, params: object) -> None:
        number = next(self._numbers)
        self._send({"id": number, "method": method, "params": params})
        while self._read().get("id") != number:
            pass

    def _until_told(self) -> None:
        wanted = (self._uri, self._version)
        while True:
            told = self._read().get("params") or {}
            if (told.get("uri"), told.get("version")) == wanted:
                return

    def _send(self, message: Message) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _read(self) -> Message:
        answer = self._answers.get()
        if answer is None:
            raise SystemExit("derivload lsp has ended")
        return answer

    def _read_all(self) -> None:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            elif line == b"\r\n":
                self._answers.put(json.loads(self._process.stdout.read(length)))
        self._answers.put(None)


def measure(
    pytorch: Path, cache: Path, edits: int, between: Callable[[], object] = lambda: None
) -> Served:
    """So many changes, in pairs that undo each other, with `between` before each batch of them."""
    cold: list[float] = []
    warm: list[float] = []
    for _ in range(_OPENINGS):
        between()
        for opened, options in (
            (cold, ["--no-cache"]),
            (warm, ["--cache-dir", str(cache)]),
        ):
            server = LanguageServer(pytorch, *options)
            opened.append(server.opened)
            server.end()
    server = LanguageServer(pytorch, "--no-cache")
    places = [
        (server.text.count("\n", 0, found.start()), found.end() - found.start())
        for found in _FORMULA.finditer(server.text)
    ]
    random = Random(15)
    changes: list[float] = []
    hovers: list[float] = []
    completions: list[float] = []
    early = server.memory()
    began = server.cpu()
    for number in range(edits // 2):
        if number % _BATCH == 0:
            between()
        line, at = random.choice(places)
        changes.append(server.change(line, at, at, random.choice("abgs(")))
        hovers.append(server.ask("hover", line, at + 1))
        completions.append(server.ask("completion", line, at + 1))
        changes.append(server.change(line, at, at + 1, ""))
        if number == edits // 20:
            early = server.memory()
    spent = (server.cpu() - began) / max(1, edits)
    late = server.memory()
    server.end()
    return Served(cold, warm, changes, hovers, completions, (early, late), spent)


def compare_lsp(
    title: str, pytorch: Path, cache: Path, upstream: Command, edits: int
) -> dict[str, object]:
    """Time the language server, with upstream in between, and print what came."""
    goal = "a change 25 ms, 99 % 60 ms; answers 15 ms; opening 600 ms, with a cache 300 ms; 150 MiB"
    print(f"\nderivload {title}   (goal: {goal})")
    upstream.run()
    cold: list[float] = []
    emit = [sys.executable, "-m", "derivload", "emit", "--pytorch", str(pytorch)]
    emit += ["--out-dir", str(cache.parent / "lsp-out"), "--cache-dir", str(cache)]
    Command("derivload emit", emit).run()
    served = measure(pytorch, cache, edits, lambda: cold.append(upstream.run().wall))
    slow = statistics.median(cold)
    shown = " / ".join(f"{s * 1e3:.0f}" for s in three(cold))
    print(f"  {upstream.name:<44} {shown:>20} ms")
    late = {}
    for name, seconds in (
        ("opening, without a cache", served.cold),
        ("opening, with a cache", served.warm),
        (f"{edits} changes until their diagnostics", served.changes),
        ("hover", served.hovers),
        ("completion", served.completions),
    ):
        middle = statistics.median(seconds)
        late[name] = sorted(seconds)[math.ceil(0.99 * len(seconds)) - 1]
        print(
            f"  {name:<44} {middle * 1e3:>9.1f} ms   99 % {late[name] * 1e3:.1f} ms   "
            f"ratio {slow / middle:.1f}"
        )
    print(f"  memory {served.memory[0]:.0f} MiB, at the end {served.memory[1]:.0f} MiB")
    print(f"  {served.cpu * 1e3:.1f} ms of a processor for a change and an answer")
    return {"title": title, "goal": goal, upstream.name: {"wall_s": cold}, **served._asdict()}


if __name__ == "__main__":
    found = measure(Path(sys.argv[1]), Path(sys.argv[2]), int("".join(sys.argv[3:]) or 200))
    print(json.dumps(found._asdict(), indent=2))
