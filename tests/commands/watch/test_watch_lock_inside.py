"""The lock of an out-dir, within one process: whose it is, and what is no lock."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from derivload.commands.watch import lock
from derivload.commands.watch.lock import HeldError, OutDirLock
from support.out_dirs import posix

pytestmark = posix


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a" / "out" / ".derivwatch.lock"


def of(path: Path) -> OutDirLock:
    return OutDirLock(str(path.parent))


def test_it_has_the_pid_of_its_holder_and_goes_with_it(path: Path) -> None:
    with of(path) as held:
        assert path.read_text() == f"{os.getpid()}\n"
        assert stat.S_IMODE(path.stat().st_mode) & 0o700 == 0o600
        number = path.stat().st_ino
        held.hold()
        assert path.stat().st_ino == number
        with pytest.raises(HeldError) as raised:
            of(path).hold()
        assert raised.value.pid == os.getpid()
    assert not path.exists()
    held.__exit__(None, None, None)


@pytest.mark.parametrize("text", [b"", b"7", b"1234567\n", b"9" * 31 + b"\n"])
def test_what_a_killed_holder_left_is_taken_over(path: Path, text: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(text)
    with of(path):
        assert path.read_text() == f"{os.getpid()}\n"


def test_one_that_has_not_said_its_pid_yet_is_nobody_by_name(path: Path) -> None:
    with of(path):
        path.write_bytes(b"")
        with pytest.raises(HeldError) as raised:
            of(path).hold()
    assert raised.value.pid is None


def test_when_its_file_is_gone_it_is_taken_again(path: Path) -> None:
    with of(path) as held:
        path.unlink()
        held.hold()
        assert path.read_text() == f"{os.getpid()}\n"
        # Somebody else has it now, and keeps it.
        path.unlink()
        other = of(path)
        other.hold()
        with pytest.raises(HeldError):
            held.hold()
    assert path.exists()
    other.__exit__(None, None, None)
    assert not path.exists()


NO_LOCKS: list[Callable[[Path], object]] = [
    lambda path: path.write_bytes(b"mine\n"),
    lambda path: path.write_bytes(b"1\n\n"),
    lambda path: path.write_bytes(b"-1\n"),
    lambda path: path.write_bytes(b"9" * 33),
    lambda path: path.write_bytes(b"9" * 32 + b"\n"),
    lambda path: path.symlink_to(path.with_name("mine")),
    os.mkfifo,
    lambda path: os.link(path.with_name("mine"), path),
]


@pytest.mark.parametrize("make", NO_LOCKS)
def test_what_is_no_lock_is_left_alone(path: Path, make: Callable[[Path], object]) -> None:
    path.parent.mkdir(parents=True)
    path.with_name("mine").touch()
    make(path)
    before = path.lstat()
    with pytest.raises(OSError, match="this is not derivwatch's lock; move it away") as raised:
        of(path).hold()
    assert raised.value.filename == str(path)
    is_link = stat.S_ISLNK(before.st_mode)
    assert raised.value.errno == (errno.ELOOP if is_link else errno.EEXIST)
    after = path.lstat()
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size)
    assert path.with_name("mine").read_bytes() == b""


def test_a_file_that_went_before_it_was_locked_is_made_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = lock._lock
    went: list[int] = []

    def go(descriptor: int) -> bool:
        if not went:
            went.append(descriptor)
            path.unlink()
        return original(descriptor)

    monkeypatch.setattr(lock, "_lock", go)
    with of(path):
        assert path.read_text() == f"{os.getpid()}\n"


def test_without_locks_everybody_gets_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, flags: int) -> None:
        raise OSError(errno.ENOLCK, "no locks here")

    monkeypatch.setattr("fcntl.flock", refuse)
    with of(path), of(path):
        assert path.exists()


def test_no_descriptor_is_left(path: Path) -> None:
    def count() -> int:
        return len([*Path("/dev/fd").iterdir()])

    before = count()
    with of(path):
        assert count() == before + 1
        with pytest.raises(HeldError):
            of(path).hold()
        assert count() == before + 1
    assert count() == before
