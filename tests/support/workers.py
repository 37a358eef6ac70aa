"""What the tests of worker share."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from support.child import child_environment
from support.paths import CATALOGUE, DERIVATIVES, FILES
from support.project import call, replace_in

FORMULA = "self: grad * luster"


class Worker:
    """A worker process, as Bazel would have it."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.log = folder / "worker.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "derivload", "emit", "--persistent_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env=environment,
            )

    def send(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def response(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        response = json.loads(self.process.stdout.readline())
        assert response.keys() == {"exitCode", "output", "requestId"}
        assert isinstance(response, dict)
        return response

    def ask(self, *arguments: str, request_id: int = 0, end: bytes = b"\n") -> dict[str, Any]:
        """Send a request, as Bazel writes it, and take the response."""
        inputs = [{"path": "some/file", "digest": "0123"}]
        request = {"arguments": arguments, "inputs": inputs, "requestId": request_id}
        self.send(json.dumps(request, separators=(",", ":")).encode() + end)
        response = self.response()
        assert response["requestId"] == request_id
        return response

    def lines(self) -> list[str]:
        """What it has written to its log."""
        return self.log.read_text("utf-8").splitlines()

    def memory(self) -> int:
        """How much memory it holds, in kilobytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
        (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
        return int(line.split()[1])

    def close(self) -> None:
        """See that it is gone."""
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        try:
            self.process.wait(timeout=30)
        finally:
            self.process.kill()

    def end(self) -> int:
        """Close its stdin; its exit status. Nothing may be left on its stdout."""
        out, _ = self.process.communicate(timeout=30)
        assert out == b""
        return self.process.returncode


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    started = Worker(tmp_path, child_environment())
    yield started
    started.close()


class Target:
    """A folder of inputs, with paths that are relative as Bazel's are, and one of outputs."""

    def __init__(self, folder: Path, name: str, *options: str, source: Path = CATALOGUE) -> None:
        self.folder = folder
        self.inputs = folder / name
        self.out = folder / "bin" / name
        self.name = name
        self.options = options
        shutil.copytree(source, self.inputs)

    def arguments(self, out: str | None = None) -> list[str]:
        derivatives, natives, tags = (f"{self.name}/{name}" for name in FILES)
        return [
            *("--no-cache", "--quiet", f"--derivatives={derivatives}"),
            *(f"--native-functions={natives}", f"--tags={tags}", *self.options),
            f"--out-dir={out or f'bin/{self.name}'}",
        ]

    def edit(self, old: str, new: str, name: str = DERIVATIVES) -> None:
        replace_in(self.inputs / name, old, new)

    def documents(self) -> dict[str, bytes]:
        return documents_in(self.out)


def documents_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*"))}


class Cold:
    """Runs of the command that know nothing of any before."""

    def run(self, target: Target) -> tuple[int, str, dict[str, bytes]]:
        """The status, what it says, and the documents."""
        shutil.rmtree(target.folder / "cold", ignore_errors=True)
        ran = call(["emit", *target.arguments(out="cold")], target.folder)
        assert not ran.out
        return ran.status, ran.err, documents_in(target.folder / "cold")


@pytest.fixture
def cold() -> Cold:
    return Cold()


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return Target(tmp_path, "one", "--shards=4")
