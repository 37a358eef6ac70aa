"""`derivload emit --persistent_worker`: the JSON worker protocol, spoken with a real process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from support.child import child_environment
from support.paths import CATALOGUE, FILES
from support.workers import FORMULA, Cold, Target, Worker, cold, target, worker

__all__ = ["cold", "target", "worker"]  # fixtures


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
        (FILES[0], FORMULA, "self: luster * grad"),
        (FILES[0], FORMULA, "self: grad * self.sizes()"),
        (FILES[0], FORMULA, "# A comment.\n  self: grad * luster * 2"),
        (FILES[1], "luster=0.5", "luster=0.25"),
        (FILES[2], "- tag: ", "- tag: another\n  desc: one more\n- tag: "),
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


def test_targets_of_the_same_files_with_other_options_are_kept_apart(
    worker: Worker, target: Target
) -> None:
    overlay = target.inputs / "overlay.yaml"
    text = "- func: gild(Tensor self, float luster=0.25) -> Tensor\n  variants: function, method\n"
    overlay.write_text(f"{text}  dispatch:\n    CPU, CUDA: gild\n", "utf-8")
    arguments = [*target.arguments(), f"--native-functions={overlay}"]
    assert worker.ask(*arguments, "--override")["exitCode"] == 0
    refused = worker.ask(*arguments)
    assert refused["exitCode"] == 1
    assert "DL304" in refused["output"]
    assert worker.ask(*arguments, "--override")["exitCode"] == 0
    assert [line.split(": ")[2].partition(",")[0] for line in worker.lines()] == [
        "cold",
        "incremental",
    ]


def test_note_is_shown_once(worker: Worker, tmp_path: Path) -> None:
    target = Target(tmp_path, "one", "--torch-version=9.9")
    response = worker.ask(*target.arguments())
    assert response["exitCode"] == 0
    assert response["output"].startswith("derivload: note: torch 9.9 is newer than ")
    assert worker.ask(*target.arguments())["output"] == ""


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
    (target.inputs / FILES[2]).unlink()
    response = worker.ask(*target.arguments())
    assert response["exitCode"] == 1
    assert "one/tags.yaml: error[DL001]: cannot read this file" in response["output"]


def test_folder_that_cannot_be_written(worker: Worker, target: Target) -> None:
    (target.folder / "bin").touch()
    response = worker.ask(*target.arguments())
    assert response["exitCode"] == 1
    assert response["output"].startswith("derivload: error: bin/one: ")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Worker, Target]]:
    """A worker that lives on whatever it is sent, and a target that it can serve."""
    folder = tmp_path_factory.mktemp("served")
    started = Worker(folder, child_environment())
    yield started, Target(folder, "one")
    started.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out-dir=out", "--no-such-option"], "there is no option --no-such-option"),
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
    served: tuple[Worker, Target], arguments: list[str], said: str
) -> None:
    worker, target = served
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
def test_what_is_no_request(served: tuple[Worker, Target], line: bytes, request_id: int) -> None:
    worker, target = served
    worker.send(line + b"\n")
    response = worker.response()
    assert response["exitCode"] == 1
    assert response["requestId"] == request_id
    assert response["output"].startswith("derivload: error: this is not a WorkRequest: ")
    assert worker.ask(*target.arguments())["exitCode"] == 0


def test_settings_are_read_if_they_are_named_and_never_looked_for(
    worker: Worker, target: Target
) -> None:
    (target.folder / "derivload.toml").write_text("shards = 0\n", "utf-8")
    assert worker.ask(*target.arguments())["exitCode"] == 0
    assert worker.ask("--out-dir=out")["output"].startswith(
        "derivload: error: nothing names the inputs, and none was looked for"
    )
    own = target.folder / "own.toml"
    own.write_text('catalogue = true\nshards = 2\nstats = "json"\ndepfile = "d"\n', "utf-8")
    command = ("--settings=own.toml", "--out-dir=set")
    assert worker.ask(*command) == {"exitCode": 0, "output": "", "requestId": 0}
    assert (target.folder / "set" / "differentiability_1.json").is_file()
    own.write_text("shard = 2\n", "utf-8")
    response = worker.ask(*command)
    assert response["exitCode"] == 1
    assert response["output"].startswith("own.toml:1: error: there is no setting `shard`")
