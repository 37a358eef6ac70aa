"""Reads of whatever may stand in the place of an input."""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path

import pytest

from derivload.loading import reading
from derivload.loading.reading import read_path


def problem(path: Path | str) -> tuple[int | None, str | None]:
    found = read_path(str(path))
    assert isinstance(found, OSError)
    return found.errno, found.strerror


@pytest.mark.parametrize("data", [b"", b"one\n", b"x" * (1 << 20), b"x" * ((1 << 20) + 1)])
def test_a_file_is_what_it_holds(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(data)
    assert read_path(str(tmp_path / "file")) == data


def test_what_is_no_file() -> None:
    assert read_path("/dev/null") == b""
    assert problem("/dev/zero") == (errno.EFBIG, "it is larger than 16 MB")
    assert problem("none")[0] == errno.ENOENT
    assert problem("/")[0] == errno.EISDIR


def test_what_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for data, most, said in (
        (b"x", 16 << 20, "it is larger than 16 MB"),
        (b"\n", 1_000_000, "it has more than 1000000 lines"),
        (b"\r", 1_000_000, "it has more than 1000000 lines"),
        (b"\n- ", 50_000, "it has more than 50000 entries"),
        (b"\r- ", 50_000, "it has more than 50000 entries"),
    ):
        path.write_bytes(data * most + b" " * (1 << 20 if most < (16 << 20) else 0))
        assert isinstance(read_path(str(path)), bytes)
        path.write_bytes(data * (most + 1) + b" " * (1 << 20 if most < (16 << 20) else 0))
        assert problem(path) == (errno.EFBIG, said)


def test_a_pipe_is_read_until_its_writer_is_done(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    def write() -> None:
        with (tmp_path / "pipe").open("wb", buffering=0) as pipe:
            time.sleep(0.03)  # it is open, and nothing is written yet
            pipe.write(b"one ")
            time.sleep(0.03)
            pipe.write(b"two")

    writer = threading.Thread(target=write)
    writer.start()
    assert read_path(str(tmp_path / "pipe")) == b"one two"
    writer.join()


def test_a_pipe_that_nobody_writes_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_PATIENCE", 0.03)
    os.mkfifo(tmp_path / "pipe")
    assert problem(tmp_path / "pipe") == (errno.EPIPE, "it is a pipe that nothing writes to")
