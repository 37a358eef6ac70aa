"""`derivload emit --persistent_worker`: the JSON worker protocol, spoken with a real process."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

import pytest

from derivload.cli import main
from derivload.commands.worker import _requests
from support.paths import CATALOGUE

NAMES = ("derivatives.yaml", "native_functions.yaml", "tags.yaml")
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
def worker(tmp_path: Path, child_environment: dict[str, str]) -> Iterator[Worker]:
    started = Worker(tmp_path, child_environment)
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
        derivatives, natives, tags = (f"{self.name}/{name}" for name in NAMES)
        return [
            *("--no-cache", "--quiet", f"--derivatives={derivatives}"),
            *(f"--native-functions={natives}", f"--tags={tags}", *self.options),
            f"--out-dir={out or f'bin/{self.name}'}",
        ]

    def edit(self, old: str, new: str, name: str = NAMES[0]) -> None:
        path = self.inputs / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    def documents(self) -> dict[str, bytes]:
        return documents_in(self.out)


def documents_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*"))}


class Cold:
    """Runs of the command, each in a process of its own."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment

    def run(self, target: Target) -> tuple[int, str, dict[str, bytes]]:
        """The status, what it says, and the documents."""
        shutil.rmtree(target.folder / "cold", ignore_errors=True)
        arguments = target.arguments(out="cold")
        done = subprocess.run(
            [sys.executable, "-m", "derivload", "emit", *arguments],
            cwd=target.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.stdout
        return done.returncode, done.stderr, documents_in(target.folder / "cold")


@pytest.fixture
def cold(child_environment: dict[str, str]) -> Cold:
    return Cold(child_environment)


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return Target(tmp_path, "one", "--shards=4")


# ------------------------------------------------------------------------------ what is answered


def test_request_writes_what_the_command_writes(worker: Worker, target: Target, cold: Cold) -> None:
    assert worker.ask(*target.arguments()) == {"exitCode": 0, "output": "", "requestId": 0}
    assert (0, "", target.documents()) == cold.run(target)


def test_second_request_is_incremental(worker: Worker, target: Target, cold: Cold) -> None:
    worker.ask(*target.arguments())
    target.edit(FORMULA, "self: luster * grad")
    # Bazel deletes an action's outputs before it runs it again.
    shutil.rmtree(target.out)
    assert worker.ask(*target.arguments())["exitCode"] == 0
    first, second = worker.lines()
    assert first.startswith("derivload: bin/one: cold, ")
    assert second.startswith("derivload: bin/one: incremental, 3 read, ")
    assert (0, "", target.documents()) == cold.run(target)


def test_many_targets_with_interleaved_edits_equal_cold_runs(
    worker: Worker, tmp_path: Path, cold: Cold
) -> None:
    random = Random(4)
    options = [[], ["--shards=3"], ["--torch-version=2.14"], ["--shards=16"]]
    targets = [Target(tmp_path, f"target{i}", *options[i % 4]) for i in range(10)]
    edits = [
        (NAMES[0], FORMULA, "self: luster * grad"),
        (NAMES[0], FORMULA, "self: grad * self.sizes()"),
        (NAMES[0], FORMULA, "# A comment.\n  self: grad * luster * 2"),
        (NAMES[1], "luster=0.5", "luster=0.25"),
        (NAMES[2], "- tag: ", "- tag: another\n  desc: one more\n- tag: "),
    ]
    for step in range(20):
        target = random.choice(targets)
        name, old, new = random.choice(edits)
        if old in (target.inputs / name).read_text("utf-8") and random.random() < 0.7:
            target.edit(old, new, name)
        else:
            shutil.copyfile(CATALOGUE / name, target.inputs / name)
        shutil.rmtree(target.out, ignore_errors=True)
        response = worker.ask(*target.arguments(), request_id=step)
        status, said, documents = cold.run(target)
        assert (response["exitCode"], response["output"]) == (status, said)
        assert target.documents() == documents
    assert any(": incremental, " in line for line in worker.lines())


def test_targets_that_were_served_last_are_the_ones_that_are_kept(
    worker: Worker, tmp_path: Path
) -> None:
    targets = [Target(tmp_path, f"target{i}") for i in range(9)]
    for target in [*targets, targets[8], targets[0]]:
        worker.ask(*target.arguments())
    ways = [line.split(": ")[2].partition(",")[0] for line in worker.lines()]
    assert ways == ["cold"] * 9 + ["incremental", "cold"]


def test_note_is_shown(worker: Worker, tmp_path: Path) -> None:
    target = Target(tmp_path, "one", "--torch-version=9.9")
    response = worker.ask(*target.arguments())
    assert response["exitCode"] == 0
    assert response["output"].startswith("derivload: note: torch 9.9 is newer than ")


def test_file_of_arguments_stands_for_them(worker: Worker, target: Target, cold: Cold) -> None:
    arguments = "".join(f"{argument}\n" for argument in target.arguments())
    (target.folder / "flags").write_text(arguments, "utf-8")
    assert worker.ask("@flags")["exitCode"] == 0
    assert (0, "", target.documents()) == cold.run(target)


def test_paths_may_have_any_letters(worker: Worker, tmp_path: Path) -> None:
    target = Target(tmp_path, "größe 大きさ")
    assert worker.ask(*target.arguments()) == {"exitCode": 0, "output": "", "requestId": 0}
    assert "manifest.json" in target.documents()


# ------------------------------------------------------------------------- what cannot be answered


def test_mistakes_are_what_the_command_says_of_them(
    worker: Worker, target: Target, cold: Cold
) -> None:
    worker.ask(*target.arguments())
    before = target.documents()
    target.edit(FORMULA, "self: grad * self.sizes()")
    response = worker.ask(*target.arguments())
    assert "one/derivatives.yaml:" in response["output"]
    assert "error[DL420]" in response["output"]
    assert (response["exitCode"], response["output"]) == cold.run(target)[:2]
    assert target.documents() == before
    target.edit("self: grad * self.sizes()", "self: luster * grad")
    assert worker.ask(*target.arguments())["exitCode"] == 0
    assert ": incremental, 3 read, " in worker.lines()[-1]
    assert (0, "", target.documents()) == cold.run(target)


def test_file_that_cannot_be_read(worker: Worker, target: Target) -> None:
    (target.inputs / NAMES[2]).unlink()
    response = worker.ask(*target.arguments())
    assert response["exitCode"] == 1
    assert "one/tags.yaml: error[DL001]: cannot read this file" in response["output"]


def test_folder_that_cannot_be_written(worker: Worker, target: Target) -> None:
    (target.folder / "bin").touch()
    response = worker.ask(*target.arguments())
    assert response["exitCode"] == 1
    assert response["output"].startswith("derivload: error: bin/one: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out-dir=out", "--no-such-option"], "unrecognized arguments: --no-such-option"),
        ([], "arguments are required: --out-dir"),
        (["--out-dir=out", "--shards=0"], "'0' is not a number from 1 to 10000"),
        (["--out-dir=out", "--torch-version=1.0"], "derivload: error: "),
        (["--out-dir=out", "--derivatives=a"], "--native-functions is missing"),
        (["--out-dir=out", "--depfile=d"], "--depfile is not for a worker"),
        (["--out-dir=out", "--stats"], "--stats is not for a worker"),
        (["--out-dir=out", "--cache-dir=c"], "--cache-dir is not for a worker"),
        (["--out-dir=out", "--tags=a\0b"], "an argument contains a NUL"),
        (["--help"], "usage: derivload emit"),
        (["@no-such-file"], "no-such-file: No such file or directory"),
    ],
)
def test_arguments_that_emit_does_not_take(
    worker: Worker, target: Target, arguments: list[str], said: str
) -> None:
    response = worker.ask(*arguments, request_id=3)
    assert response["exitCode"] == 1
    assert said in response["output"]
    assert "Traceback" not in response["output"]
    assert worker.ask(*target.arguments())["exitCode"] == 0


@pytest.mark.parametrize(
    ("line", "request_id"),
    [
        (b"no JSON", 0),
        (b"{", 0),
        (b"[]", 0),
        (b'{"arguments":[1],"requestId":7}', 7),
        (b'{"arguments":"--out-dir=a","requestId":8}', 8),
        (b'{"arguments":[],"requestId":"9"}', 0),
        (b'{"arguments":["\xff"]}', 0),
        (b'{"arguments":["\\ud800"]}', 0),
        (b"[" * 100_000, 0),
    ],
)
def test_what_is_no_request(worker: Worker, target: Target, line: bytes, request_id: int) -> None:
    worker.send(line + b"\n")
    response = worker.response()
    assert response["exitCode"] == 1
    assert response["requestId"] == request_id
    assert response["output"].startswith("derivload: error: this is not a WorkRequest: ")
    assert worker.ask(*target.arguments())["exitCode"] == 0


# ------------------------------------------------------------------------------------ the stream


def test_request_without_an_end_of_line_is_served(worker: Worker, target: Target) -> None:
    """Bazel 4 writes no ends of lines."""
    for number in range(3):
        assert worker.ask(*target.arguments(), request_id=number, end=b"")["exitCode"] == 0


def test_requests_may_come_in_pieces_and_together(worker: Worker, target: Target) -> None:
    lines = [
        json.dumps({"arguments": target.arguments(), "requestId": i, "verbosity": 1}).encode()
        for i in range(1, 4)
    ]
    data = b"\n\r\n".join(lines)
    worker.send(data[:100])
    worker.send(data[100:])
    assert [worker.response()["requestId"] for _ in lines] == [1, 2, 3]


def inputs_of(count: int) -> list[dict[str, str]]:
    """What a request says of so many inputs, in braces, quotes and backslashes."""
    return [{"path": f'a/b{{\\"}}/{number:08}.yaml', "digest": "0" * 32} for number in range(count)]


@pytest.mark.parametrize("end", [b"\n", b""])
def test_request_of_forty_megabytes_is_served(worker: Worker, target: Target, end: bytes) -> None:
    request = {"arguments": target.arguments(), "inputs": inputs_of(520_000), "requestId": 3}
    data = json.dumps(request, separators=(",", ":")).encode()
    assert len(data) > 40_000_000
    worker.send(data + end)
    assert worker.response() == {"exitCode": 0, "output": "", "requestId": 3}


def test_each_byte_of_a_request_is_looked_at_once() -> None:
    """However it comes in pieces, JSON is read when all of its braces are closed, and no sooner."""
    request = json.dumps({"arguments": ["}", '"}', "\\"], "inputs": inputs_of(20)}).encode()
    for size in (1, 2, 3, 7, len(request)):
        reader, writer = os.pipe()
        read: list[bytes] = []
        thread = Thread(target=lambda: read.extend(_requests(reader)))  # noqa: B023
        thread.start()
        with os.fdopen(writer, "wb", buffering=0) as stream:
            for number in range(2):
                for start in range(0, len(request), size):
                    stream.write(request[start : start + size])
                while len(read) <= number:
                    time.sleep(0.001)
        thread.join()
        os.close(reader)
        assert read == [request] * 2


def test_request_that_is_too_large_is_refused(worker: Worker, target: Target) -> None:
    for _ in range(140):
        worker.send(b"{" * 1_000_000)
    worker.send(b"\n")
    assert "the request is larger than 128 MB" in worker.response()["output"]
    assert worker.ask(*target.arguments())["exitCode"] == 0


@pytest.mark.parametrize("option", ["--quiet", "--native-functions=a{}", "{}", "--tags=a{}"])
def test_too_many_arguments_are_refused(worker: Worker, target: Target, option: str) -> None:
    many = [option.format(number) for number in range(200_000)]
    said = " arguments are too many: give 10000 at most\n"
    response = worker.ask("--out-dir=out", *many)
    assert (response["exitCode"], response["output"]) == (1, f"derivload: error: 200001{said}")
    (target.folder / "flags").write_text("\n".join(many), "utf-8")
    response = worker.ask("--out-dir=out", "@flags")
    assert (response["exitCode"], response["output"]) == (1, f"derivload: error: 200001{said}")
    assert worker.ask(*target.arguments())["exitCode"] == 0


def test_file_of_arguments_that_has_no_end_is_refused(worker: Worker, target: Target) -> None:
    (target.folder / "flags").write_bytes(b"--tags=a\0b\n")
    os.mkfifo(target.folder / "pipe")
    for name, said in (
        ("/dev/zero", "/dev/zero: it is larger than 16 MB"),
        ("pipe", "pipe: it is a pipe that nothing writes to"),
        ("flags", "flags: it contains a NUL"),
        (".", ".: Is a directory"),
    ):
        response = worker.ask("--out-dir=out", f"@{name}")
        assert (response["exitCode"], response["output"]) == (1, f"derivload: error: {said}\n")
    assert worker.ask(*target.arguments())["exitCode"] == 0


def test_request_to_cancel_has_no_answer(worker: Worker, target: Target) -> None:
    worker.send(b'{"requestId":5,"cancel":true}\n')
    assert worker.ask(*target.arguments(), request_id=6)["exitCode"] == 0


def test_worker_ends_with_its_input(worker: Worker, target: Target) -> None:
    worker.ask(*target.arguments())
    assert worker.end() == 0


def test_worker_ends_when_nobody_reads_its_responses(worker: Worker, target: Target) -> None:
    assert worker.process.stdout is not None
    worker.process.stdout.close()
    request = {"arguments": target.arguments()}
    worker.send(json.dumps(request).encode() + b"\n")
    assert worker.process.wait(timeout=30) == 0
    assert "Traceback" not in worker.log.read_text("utf-8")


def test_nothing_but_responses_goes_to_stdout(
    tmp_path: Path, target: Target, child_environment: dict[str, str]
) -> None:
    """Not even what a package prints when it is imported: PyYAML is, for the first mistake."""
    noisy = tmp_path / "noisy" / "yaml"
    noisy.mkdir(parents=True)
    noise = "import os, sys; print('noise', flush=True); os.write(1, b'more noise\\n')"
    real = f"sys.path.remove({str(noisy.parent)!r}); del sys.modules['yaml']; import yaml"
    (noisy / "__init__.py").write_text(f"{noise}; {real}\n", "utf-8")
    target.edit(FORMULA, "self: grad * self.sizes()")
    paths = f"{noisy.parent}{os.pathsep}{child_environment['PYTHONPATH']}"
    worker = Worker(tmp_path, {**child_environment, "PYTHONPATH": paths})
    try:
        response = worker.ask(*target.arguments())
        assert "error[DL420]" in response["output"]
        assert worker.end() == 0
    finally:
        worker.close()
    assert worker.lines()[:2] == ["noise", "more noise"]


# ---------------------------------------------------------------------------------------- memory


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_stays_flat(worker: Worker, tmp_path: Path) -> None:
    targets = [Target(tmp_path, f"target{i}", "--shards=4") for i in range(10)]

    def serve(requests: range) -> int:
        for i in requests:
            target = targets[i % 10 if i % 5 else 0]
            text = (CATALOGUE / NAMES[0]).read_text("utf-8")
            new = "self: grads[7]" if i % 7 == 0 else f"self: grad * luster * {i}"
            (target.inputs / NAMES[0]).write_text(text.replace(FORMULA, new, 1), "utf-8")
            assert worker.ask(*target.arguments())["exitCode"] == (i % 7 == 0)
            worker.send(b"{\n")
            worker.response()
        return worker.memory()

    first = serve(range(100))
    assert serve(range(100, 200)) < first * 1.1


@pytest.mark.release
def test_release_is_loaded_incrementally(
    worker: Worker, tmp_path: Path, cold: Cold, release: Callable[[str], Path], newest: str
) -> None:
    packaged = release(newest) / "torchgen" / "packaged"
    source = tmp_path / "source"
    source.mkdir()
    for path in ("autograd/derivatives.yaml", "ATen/native/native_functions.yaml"):
        shutil.copy(packaged / path, source)
    shutil.copy(packaged / "ATen/native/tags.yaml", source)
    target = Target(tmp_path, "release", "--shards=16", source=source)
    worker.ask(*target.arguments())
    target.edit("self: grad * self.sgn()\n", "self: self.sgn() * grad\n")
    assert worker.ask(*target.arguments())["exitCode"] == 0
    assert ": incremental, " in worker.lines()[-1]
    assert (0, "", target.documents()) == cold.run(target)


# ------------------------------------------------- arguments in a file, for the command by itself


def test_command_takes_arguments_from_files(
    target: Target, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(target.folder)
    Path("inputs.txt").write_text("\n".join(target.arguments()[2:-1]), "utf-8")
    Path("größe.txt").write_bytes(b"--out-dir=with space/out\r\n--quiet\r\n")
    assert main(["emit", "@inputs.txt", "--no-cache", "@größe.txt"]) == 0
    assert len(documents_in(Path("with space", "out"))) == 6
    assert capfd.readouterr() == ("", "")


def test_arguments_in_a_file_that_changed_are_other_arguments(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stamp is of what they are, not of the file's name."""
    monkeypatch.chdir(target.folder)
    for shards in (2, 3):
        Path("flags").write_text(f"--out-dir=out\n--shards={shards}\n", "utf-8")
        assert main(["emit", "@flags"]) == 0
        assert len(list(Path("out").glob("differentiability_*.json"))) == shards


def test_file_of_arguments_that_is_not_there_is_wrong_usage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["emit", "@no-such-file"]) == 2
    assert "error: no-such-file: No such file or directory" in capsys.readouterr().err


def test_quiet_run_says_what_is_wrong(target: Target, cold: Cold) -> None:
    target.edit(FORMULA, "self: grad * self.sizes()")
    assert "--quiet" in target.arguments()
    status, said, documents = cold.run(target)
    assert (status, documents) == (1, {})
    assert said.endswith("derivload: 1 error; nothing was written\n")
