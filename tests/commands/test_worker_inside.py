"""What a worker answers, and where a request ends, without a process of its own."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from derivload.commands import worker as working
from derivload.commands.worker import WorkResponse, _requests, _Worker
from derivload.loading.errors import TreeCodeError
from derivload.loading.live import LiveDocuments
from support.paths import DERIVATIVES, NATIVES
from support.project import Project

OUT = ["--out-dir=out", f"--derivatives={DERIVATIVES}", f"--native-functions={NATIVES}"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(Path())


def ask(worker: _Worker, *arguments: str, number: int = 0) -> WorkResponse:
    request = {"arguments": arguments, "requestId": number}
    response = worker.answer(json.dumps(request).encode())
    assert response is not None
    return response


def said(*arguments: str) -> str:
    response = ask(_Worker(), *arguments, number=3)
    assert (response.exit_code, response.request_id) == (1, 3)
    return response.output


# What is answered


def test_what_was_done_is_answered_by_nothing_and_logged(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = _Worker()
    assert ask(worker, *OUT, number=7) == WorkResponse(0, "", 7)
    project.edit("self: grad * luster", "self: luster * grad")
    assert ask(worker, *OUT) == WorkResponse(0, "", 0)
    assert ask(worker, *OUT, "--shards=2") == WorkResponse(0, "", 0)
    lines = [line.rpartition(", ")[0] for line in capsys.readouterr().err.splitlines()]
    first, second, third = lines
    assert first.startswith("derivload: out: cold, ")
    assert first.endswith(" read, 0 reused, 3 written")
    assert second.startswith("derivload: out: incremental, 3 read, ")
    assert second.endswith(" reused, 2 written")
    assert third.startswith("derivload: out: cold, ")


def test_a_warning_is_told_by_the_run_that_brings_it(project: Project) -> None:
    worker = _Worker()
    project.edit("self: grad * luster", "self: grad * lustre")
    first = ask(worker, *OUT)
    assert first.exit_code == 0
    assert "warning[DL602]" in first.output
    assert first.output.endswith("derivload: 1 warning\n")
    assert ask(worker, *OUT).output == ""
    assert ask(worker, *OUT, "--ignore=DL602").output == ""


def test_a_note_that_lasts_is_told_once(project: Project) -> None:
    worker = _Worker()
    first = ask(worker, *OUT, "--torch-version=9.9").output
    assert first.startswith("derivload: note: torch 9.9 is newer than derivload knows; following")
    assert ask(worker, *OUT, "--torch-version=9.9").output == ""
    assert "torch 9.8" in ask(worker, *OUT, "--torch-version=9.8").output


def test_errors_are_counted(project: Project) -> None:
    worker = _Worker()
    project.edit("self: grad * luster", "self: grads[7]")
    response = ask(worker, *OUT)
    assert response.exit_code == 1
    first, *_, last = response.output.splitlines()
    assert first.startswith(f"{DERIVATIVES}:14:9: error[DL410]: ")
    assert last == "derivload: 1 error; nothing was written"
    assert "\\n" not in response.output
    project.append(DERIVATIVES, "\n- name: x\n")
    assert ask(worker, *OUT).output.endswith("\nderivload: 2 errors; nothing was written\n")


@pytest.mark.parametrize(
    ("error", "output"),
    [
        (OSError(5, "no", "a"), "derivload: error: a: no\n"),
        (OSError(5, "no"), "derivload: error: no\n"),
        (OSError("it is odd"), "derivload: error: it is odd\n"),
        (TreeCodeError("one\ntwo"), "derivload: error: one\ntwo\n"),
    ],
)
def test_what_goes_wrong_is_said_as_the_command_says_it(
    project: Project, monkeypatch: pytest.MonkeyPatch, error: Exception, output: str
) -> None:
    def fail(self: object, files: object) -> None:
        raise error

    monkeypatch.setattr(LiveDocuments, "load", fail)
    assert said(*OUT) == output


def test_a_mistake_of_ours_is_shown_and_nothing_is_kept(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = _Worker()
    assert ask(worker, *OUT).exit_code == 0

    def fail(self: object, files: object) -> None:
        raise ValueError("we\nfail")

    with monkeypatch.context() as patch:
        patch.setattr(LiveDocuments, "load", fail)
        response = ask(worker, *OUT)
    assert response.exit_code == 1
    assert response.output.startswith("Traceback (most recent call last):\n")
    assert response.output.endswith("ValueError: we\nfail\n")
    assert ask(worker, *OUT).exit_code == 0
    assert [line.split()[2] for line in capsys.readouterr().err.splitlines()] == ["cold,"] * 2


def test_sessions_that_were_not_used_for_long_are_dropped(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(working, "_MAX_SESSIONS", 2)
    worker = _Worker()
    for shards in (1, 2, 1, 3, 1, 2):
        assert ask(worker, *OUT, f"--shards={shards}").exit_code == 0
    ways = [line.split()[2] for line in capsys.readouterr().err.splitlines()]
    assert ways == ["cold,", "cold,", "incremental,", "cold,", "incremental,", "cold,"]


# What is wrong with a request


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        ([*OUT, "--tags=a\0b"], "derivload: error: an argument contains a NUL\n"),
        *(
            ([*OUT, f"--{name}={value}"], f"derivload: error: --{name} is not for a worker\n")
            for name, value in (("cache-dir", "a"), ("depfile", "a"), ("stats", "json"))
        ),
        ([*OUT, "--torch-version=2.0"], "derivload: error: torch 2.0 is older than 2.1, the first"),
        ([*OUT, "--shards=0"], "usage: "),
        (["@none"], "derivload: error: none: No such file or directory\n"),
        (["--settings=none", "--out-dir=a"], "none: error: cannot read this file: No such fi"),
    ],
)
def test_arguments_that_are_not_for_a_worker(
    project: Project, arguments: list[str], output: str
) -> None:
    assert said(*arguments).startswith(output)


@pytest.mark.parametrize(
    ("line", "number"),
    [(b"{", 0), (b'{"arguments":[1],"requestId":7}', 7), (b'{"requestId":"7"}', 0)],
)
def test_what_is_no_request_is_answered_by_its_number(line: bytes, number: int) -> None:
    response = _Worker().answer(line)
    assert response is not None
    assert (response.exit_code, response.request_id) == (1, number)
    assert response.output.startswith("derivload: error: this is not a WorkRequest: ")


def test_a_request_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "_LARGEST", 3 << 20)
    line = b'{"cancel":true}'
    assert _Worker().answer(line.ljust(3 << 20)) is None
    response = _Worker().answer(line.ljust((3 << 20) + 1))
    assert response == WorkResponse(1, "derivload: error: the request is larger than 3 MB\n", 0)


# Where a request ends


def read(*pieces: bytes) -> Iterator[bytes]:
    """What is read of a stream that comes in these pieces."""
    reader, writer = os.pipe()

    def write() -> None:
        with os.fdopen(writer, "wb", buffering=0) as stream:
            for piece in pieces:
                stream.write(piece)

    thread = Thread(target=write)
    thread.start()
    yield from _requests(reader)
    thread.join()
    os.close(reader)


@pytest.mark.parametrize(
    ("text", "requests"),
    [
        (b'{"a":1}', [b'{"a":1}']),
        (b'{"a":1}\n', [b'{"a":1}']),
        (b'{"a":1}\n\n \n{"a":2}\n', [b'{"a":1}', b'{"a":2}']),
        (b'{"a":"}"}\n{"a":"\\"}"}\n', [b'{"a":"}"}', b'{"a":"\\"}"}']),
        (b'{"a":"\\\\"}\n{}', [b'{"a":"\\\\"}', b"{}"]),
        (b'{"a":{"b":{}}}\nx\n', [b'{"a":{"b":{}}}', b"x"]),
        (b'{"a":\n{"a":1}\n', [b'{"a":', b'{"a":1}']),
        (b"} }\n", [b"} }"]),
        (b"", []),
    ],
)
def test_a_request_ends_with_its_line_or_when_it_is_whole(
    text: bytes, requests: list[bytes]
) -> None:
    assert [*read(text)] == requests
    assert [*read(*(text[i : i + 1] for i in range(len(text))))] == requests


def test_what_is_whole_and_no_json_goes_on_to_the_end_of_its_line() -> None:
    reader, writer = os.pipe()
    requests = _requests(reader)
    os.write(writer, b"{x}")
    os.write(writer, b"{}")
    os.write(writer, b"\n{}")
    assert [next(requests), next(requests)] == [b"{x}{}", b"{}"]
    os.close(writer)
    assert [*requests] == []
    os.close(reader)


def test_of_what_is_too_large_no_more_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "_LARGEST", 10)
    monkeypatch.setattr(working, "_CHUNK", 4)
    first, second = read(b"{" * 50 + b"}" * 50 + b"\n{}\n")
    assert (first, second) == (b"{" * 12, b"{}")
    assert [*read(b'{"a":"12"}')] == [b'{"a":"12"}']


# The streams


def test_what_is_printed_while_it_serves_does_not_disturb_the_protocol(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    good = {"arguments": ["--catalogue", "--out-dir", "o"], "requestId": 7}
    lines = [json.dumps(request) for request in (good, {"requestId": 8, "cancel": True})]
    Path("requests").write_text("\n\n".join([*lines, "no request"]))
    collecting = gc.isenabled()
    gc.disable()
    try:
        for is_own in (False, True):
            with Path("requests").open() as stream:
                monkeypatch.setattr(sys, "stdin", stream)
                assert working.serve(is_own) == 0
            assert gc.isenabled() == is_own
            out, err = capfd.readouterr()
            first, second = map(json.loads, out.splitlines())
            assert first == {"exitCode": 0, "output": "", "requestId": 7}
            assert (second["exitCode"], second["requestId"]) == (1, 0)
            assert err.startswith("derivload: o: ")
    finally:
        (gc.enable if collecting else gc.disable)()
    print("printed")
    os.write(1, b"written\n")
    assert sorted(capfd.readouterr().out.split()) == ["printed", "written"]


def test_a_reader_that_is_gone_ends_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("requests").write_text("no request\n" * 3)
    kept = os.dup(1)
    reader, writer = os.pipe()
    os.close(reader)
    try:
        os.dup2(writer, 1)
        os.close(writer)
        with Path("requests").open() as stream:
            monkeypatch.setattr(sys, "stdin", stream)
            assert working.serve(False) == 0
    finally:
        os.dup2(kept, 1)
        os.close(kept)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":"}{"}',
        b'{"a":"\\"}","b":{"c":"\\\\"}}',
        b'{"\\\\\\"":"{{","d":["}","{"]}',
        b'{"a":"\\u007d","b":{}}',
    ],
)
def test_a_request_is_whole_with_its_last_brace_however_it_comes(text: bytes) -> None:
    for size in range(1, len(text)):
        pending = working._Pending()
        for at in range(0, len(text), size):
            assert not pending.is_whole()
            pending.add(text[at : at + size])
        assert pending.is_whole()
        assert [*pending.take()] == [text]
        assert not pending.is_whole()
        assert [*pending.take()] == []


def test_what_is_no_json_is_not_whole_whatever_follows() -> None:
    pending = working._Pending()
    for piece in (b"{x}", b"{}", b'"}', b'"{}'):
        pending.add(piece)
        assert not pending.is_whole()
    assert [*pending.take()] == [b'{x}{}"}"{}']
    pending.add(b"{}")
    assert pending.is_whole()
