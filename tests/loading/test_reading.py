"""Reads of whatever may stand in the place of an input."""

from __future__ import annotations

import errno
import io
import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from derivload.loading import reading
from derivload.loading.reading import KnownContents, read_path, read_stream


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


@pytest.mark.parametrize("size", [(1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_what_is_not_large_is_not_counted(size: int, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\n" * size)
    found = read_path(str(tmp_path / "file"))
    assert isinstance(found, OSError) == (size > 1 << 20)
    for known in (KnownContents(), KnownContents()):
        assert repr(known.take(str(tmp_path / "file"), b"\n" * size)) == repr(found)


def test_a_stream_is_read_to_its_end() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(errno.EIO, "broken")

    assert read_stream(io.BytesIO(b"one")) == b"one"
    large = read_stream(io.BytesIO(b"x" * ((16 << 20) + 2)))
    assert isinstance(large, OSError)
    assert (large.errno, large.strerror) == (errno.EFBIG, "it is larger than 16 MB")
    assert read_stream(io.BytesIO(b"x" * (16 << 20))) == b"x" * (16 << 20)
    broken = read_stream(Broken())
    assert isinstance(broken, OSError) and broken.errno == errno.EIO


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


def test_what_is_still_the_same_is_the_same_object(tmp_path: Path) -> None:
    path, other = tmp_path / "file", tmp_path / "other"
    data = b"one\n" * (1 << 15)
    path.write_bytes(data)
    known = KnownContents()
    first, missing = known.read([str(path), str(other)])
    assert first == data
    assert isinstance(missing, OSError)
    path.write_bytes(data)
    other.write_bytes(b"")
    again = known.read([str(path), str(other)])
    assert again[0] is first
    assert again[1] == b""


@pytest.mark.parametrize("at", [0, 1 << 16, (1 << 17) - 1, (1 << 17) - 2])
@pytest.mark.parametrize("size", [(1 << 17) - 1, 1 << 17, 5 << 18])
def test_a_byte_that_changed_is_read(at: int, size: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    before = b"a" * size
    known = KnownContents()
    for data in (before, before[:at] + b"b" + before[at + 1 :], before, before[:-1], before + b"b"):
        path.write_bytes(data)
        assert known.read([str(path)]) == [data]


def test_a_pipe_in_the_place_of_a_known_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    known = KnownContents()
    known.read([str(path)])
    path.unlink()
    os.mkfifo(path)
    writing = threading.Thread(target=path.write_bytes, args=[b"two"])
    writing.start()
    assert known.read([str(path)]) == [b"two"]
    writing.join()


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a machine with much else to do
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 9), st.text("\n\r- a", max_size=9)), max_size=9
    )
)
@example([(0, 0, "\n- \n- \n- "), (1, 1, ""), (1, 0, "-"), (2, 1, "")])
def test_of_what_has_changed_as_much_is_too_much_as_of_what_is_new(
    edits: list[tuple[int, int, str]],
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        for name, most in (("LARGE", 5), ("MAX_SIZE", 40), ("MAX_LINES", 9), ("MAX_ENTRIES", 2)):
            patched.setattr(reading, f"_{name}", most)
        known = KnownContents()
        text = ""
        for at, length, typed in edits:
            text = text[:at] + typed + text[at + length :]
            taken, anew = (one.take("a", text.encode()) for one in (known, KnownContents()))
            assert repr(taken) == repr(anew), text
