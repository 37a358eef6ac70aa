"""The stream that a worker reads, its memory, and arguments in a file."""

from __future__ import annotations

import functools
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from derivload.cli import main
from derivload.commands.worker import _requests
from support.child import child_environment
from support.paths import CATALOGUE, FILES
from support.workers import FORMULA, Cold, Target, Worker, cold, documents_in, target, worker

__all__ = ["cold", "target", "worker"]  # fixtures


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


@functools.cache
def large_request(arguments: tuple[str, ...]) -> bytes:
    request = {"arguments": arguments, "inputs": inputs_of(520_000), "requestId": 3}
    return json.dumps(request, separators=(",", ":")).encode()


@pytest.mark.parametrize("end", [b"\n", pytest.param(b"", marks=pytest.mark.thorough)])
def test_request_of_forty_megabytes_is_served(worker: Worker, target: Target, end: bytes) -> None:
    data = large_request(tuple(target.arguments()))
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


@pytest.mark.parametrize(
    "option",
    [
        "{}",
        *(
            pytest.param(option, marks=pytest.mark.thorough)
            for option in ("--quiet", "--native-functions=a{}", "--tags=a{}")
        ),
    ],
)
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


def test_nothing_but_responses_goes_to_stdout(tmp_path: Path, target: Target) -> None:
    """Not even what a package prints when it is imported: PyYAML is, for the first mistake."""
    noisy = tmp_path / "noisy" / "yaml"
    noisy.mkdir(parents=True)
    noise = "import os, sys; print('noise', flush=True); os.write(1, b'more noise\\n')"
    real = f"sys.path.remove({str(noisy.parent)!r}); del sys.modules['yaml']; import yaml"
    (noisy / "__init__.py").write_text(f"{noise}; {real}\n", "utf-8")
    target.edit(FORMULA, "self: grad * self.sizes()")
    worker = Worker(tmp_path, child_environment(noisy.parent))
    try:
        response = worker.ask(*target.arguments())
        assert "error[DL420]" in response["output"]
        assert worker.end() == 0
    finally:
        worker.close()
    assert worker.lines()[:2] == ["noise", "more noise"]


# ---------------------------------------------------------------------------------------- memory


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_stays_flat(worker: Worker, tmp_path: Path, thinning: int) -> None:
    half = 60 // min(thinning, 2)
    targets = [Target(tmp_path, f"target{i}", "--shards=4") for i in range(10)]

    def serve(requests: range) -> int:
        for i in requests:
            target = targets[i % 10 if i % 5 else 0]
            text = (CATALOGUE / FILES[0]).read_text("utf-8")
            new = "self: grads[7]" if i % 7 == 0 else f"self: grad * luster * {i}"
            (target.inputs / FILES[0]).write_text(text.replace(FORMULA, new, 1), "utf-8")
            assert worker.ask(*target.arguments())["exitCode"] == (i % 7 == 0)
            worker.send(b"{\n")
            worker.response()
        return worker.memory()

    first = serve(range(half))
    assert serve(range(half, 2 * half)) < first * 1.1


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
        Path("flags").write_text(f"--catalogue\n--out-dir=out\n--shards={shards}\n", "utf-8")
        assert main(["emit", "@flags"]) == 0
        assert len(list(Path("out").glob("differentiability_*.json"))) == shards


def test_file_of_arguments_that_is_not_there_is_wrong_usage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["emit", "@no-such-file"]) == 2
    assert "error: no-such-file: No such file or directory" in capsys.readouterr().err


def test_too_many_arguments_in_a_file_are_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "flags"
    file.write_text("--quiet\n" * 10_000, "utf-8")
    assert main(["emit", f"@{file}"]) == 2
    said = "derivload: error: 10001 arguments are too many: give 10000 at most\n"
    assert capsys.readouterr().err == said


def test_quiet_run_says_what_is_wrong(target: Target, cold: Cold) -> None:
    target.edit(FORMULA, "self: grad * self.sizes()")
    assert "--quiet" in target.arguments()
    status, said, documents = cold.run(target)
    assert (status, documents) == (1, {})
    assert said.endswith("derivload: 1 error; nothing was written\n")
