"""Where the bytes of an output go: into a file, through a link, into what takes bytes."""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from derivload.outputs.places import find_place, find_place_inside, open_stream
from derivload.outputs.staging import (
    Staging,
    Waiting,
)
from support.out_dirs import posix, sha256_of

# Where an output goes


def waiting(own: Staging | None, path: Path, data: bytes) -> Waiting:
    return Waiting(own, find_place(str(path)), path.name, data, sha256_of(data))


@contextmanager
def reader(pipe: Path, most: int = -1) -> Iterator[list[bytes]]:
    """Somebody who reads a pipe, all of it or so many bytes."""
    read: list[bytes] = []

    def run() -> None:
        with pipe.open("rb", buffering=0) as file:
            while data := file.read(most if most > 0 else 1 << 16):
                read.append(data)
                if most > 0:
                    break

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield read
    thread.join(timeout=10)


@posix
def test_a_pipe_takes_all_at_each_run_or_its_reader_has_gone(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    data = os.urandom(1 << 18)
    with reader(pipe) as read:
        output = waiting(None, pipe, data)
        output.move()
        output.close()
    assert b"".join(read) == data
    with reader(pipe, 1):
        output = waiting(None, pipe, data)
        with pytest.raises(OSError, match="is a pipe whose reader has gone") as raised:
            output.move()
        output.close()
    assert (raised.value.errno, raised.value.filename) == (errno.EIO, str(pipe))


@posix
def test_a_pipe_that_is_our_own_stream_breaks_as_stdout_does() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    output = waiting(None, Path(f"/dev/fd/{theirs}"), b"text")
    with pytest.raises(BrokenPipeError):
        output.move()
    output.close()
    os.close(theirs)


@posix
def test_somebody_who_is_to_read_a_pipe_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    readers: list[int] = []
    slept: list[float] = []

    def come(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            readers.append(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))

    monkeypatch.setattr(time, "sleep", come)
    with open_stream(find_place(str(pipe))) as stream:
        assert os.get_blocking(stream.fileno())
    assert len(slept) == 3
    os.close(readers[0])
    times = iter([0.0, 1.0, 2.0, 2.5])
    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: next(times))
        with pytest.raises(OSError, match="is a pipe that nobody reads") as raised:
            open_stream(find_place(str(pipe)))
    assert (raised.value.errno, raised.value.filename) == (errno.ENXIO, str(pipe))
    assert len(slept) == 5
    place = find_place(os.devnull)
    place.path = str(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        open_stream(place)


@posix
def test_what_is_open_already_is_written_to_by_any_of_its_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Path("file").open("wb") as file:
        number = file.fileno()
        Path("one").symlink_to(f"/dev/fd/{number}")
        Path("two").symlink_to("one")
        Path("own").symlink_to(f"/proc/{os.getpid()}/fd/{number}")
        for name in (f"/dev/fd/{number}", "one", "two", "own"):
            place = find_place(name)
            assert (place.descriptor, place.target, place.is_stream) == (number, name, True)
            assert place.differs(b"")
        with open_stream(place) as stream:
            stream.write(b"text")
    assert Path("file").read_text() == "text"
    # Names like these that are no descriptors.
    Path("7").write_text("text")
    Path("fd").mkdir()
    Path("fd/1").write_text("text")
    for target in ("7", "fd/1", f"/proc/{os.getpid()}/task", "/dev/null", "none", "l0"):
        Path("link").symlink_to(target)
        if Path(target).is_dir():
            with pytest.raises(IsADirectoryError, match="is a folder, but must be a file"):
                find_place("link")
        else:
            for number in range(50) if target == "l0" else ():
                Path(f"l{number}").symlink_to(f"l{number + 1}")
            if target == "l0":
                with pytest.raises(OSError, match="Too many levels"):
                    find_place("link")
            else:
                assert find_place("link").descriptor is None
        Path("link").unlink()


@posix
def test_what_takes_nothing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
    with pytest.raises(OSError, match="is a socket, but must be a file") as raised:
        find_place("socket")
    assert (raised.value.errno, raised.value.filename) == (errno.EINVAL, "socket")
    monkeypatch.setattr(stat, "S_ISBLK", lambda mode: True)
    Path("disk").touch()
    with pytest.raises(OSError, match="is a disk, but must be a file"):
        find_place("disk")


def test_a_file_differs_if_its_bytes_do(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"text")
    place = find_place(str(tmp_path / "a"))
    assert not place.is_stream
    assert [place.differs(data) for data in (b"text", b"TEXT", b"text ")] == [False, True, True]
    assert find_place(str(tmp_path / "none")).differs(b"")


@posix
def test_a_link_that_leads_out_of_the_folder_leads_to_what_is_ours(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "inside").mkdir(parents=True)
    mine = tmp_path / "mine"
    (out / "link").symlink_to(mine)
    (out / "inner").symlink_to(out / "inside" / "file")
    (out / "beside").symlink_to(tmp_path / "out-of")
    (tmp_path / "out-of").write_text("mine")
    (out / "folder").symlink_to(tmp_path)

    def target(name: str, written: set[str] = set()) -> str:  # noqa: B006
        return find_place_inside(str(out), name, written).target

    assert target("link") == str(mine)  # nothing is there yet
    assert target("inner") == str(out / "inside" / "file")
    for text in (b"", b'{"format":"derivload.x', b"as written"):
        mine.write_bytes(text)
        for name in ("link", "folder/mine"):
            assert target(name, {sha256_of(b"as written")}) == str(mine)
    mine.write_text("mine")
    for name in ("link", "folder/mine"):
        with pytest.raises(PermissionError, match="not written by derivload") as raised:
            target(name)
        assert (raised.value.errno, raised.value.filename) == (errno.EPERM, str(out / name))
        assert raised.value.strerror == (
            f"leads to {mine}, which is outside of the folder and not written by derivload"
        )
    with pytest.raises(PermissionError):
        target("beside")
    assert target("plain") == str(out / "plain")
    assert target("inside/file") == str(out / "inside" / "file")
    (out / "inside" / "file").write_text("mine")  # in the folder, a link is no trap
    for name in ("inner", "inside/file"):
        assert target(name) == str(out / "inside" / "file")
