"""The folder and the file system that a store is in."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from derivload.store.owned import LAYOUT, StoreError
from derivload.store.store import Store
from support.stores import (
    assert_right_or_absent,
    exercise,
    fill,
    key_of,
    opened,
    value_files,
    value_of,
)

POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no modes and owners to set")


IS_ROOT = os.name != "nt" and os.geteuid() == 0


# --- the folder


@POSIX
def test_the_folder_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "missing" / "parent" / "cache"
    mask = os.umask(0)
    try:
        fill(folder, 7)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / LAYOUT).stat().st_mode) == 0o700


@POSIX
@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777])
@pytest.mark.parametrize("inner", [False, True])
def test_a_folder_that_others_may_write_to_is_refused(
    tmp_path: Path, mode: int, inner: bool
) -> None:
    fill(tmp_path, 1)
    (tmp_path / LAYOUT if inner else tmp_path).chmod(mode)
    with pytest.raises(StoreError, match="may be written to by others"):
        Store(str(tmp_path))


@POSIX
def test_a_folder_that_others_may_read_will_do(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    fill(tmp_path, 1)


@pytest.mark.skipif(not IS_ROOT, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, -1)
    with pytest.raises(StoreError, match="belongs to somebody else"):
        Store(str(tmp_path))
    assert not (tmp_path / LAYOUT).exists()


def test_a_file_for_a_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "cache"
    file.write_bytes(b"")
    for folder in (file, file / "under"):
        with pytest.raises(StoreError):
            Store(str(folder))


def test_a_name_that_no_folder_can_have_is_refused(tmp_path: Path) -> None:
    for name in ("nul\0", "x" * 5000):
        with pytest.raises(StoreError):
            Store(str(tmp_path / name))


# --- the file system


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", str(folder)]
    if not (sys.platform == "linux" and IS_ROOT) or subprocess.run(mount, check=False).returncode:
        if os.environ.get("CI"):
            pytest.fail("cannot mount a small file system")
        pytest.skip("only root on Linux can mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_keeps_what_it_has(small_disk: Path) -> None:
    with opened(small_disk) as store:
        kept = dict(enumerate(store.put(key_of(n), value_of(n)) for n in range(200)))
        assert kept[0]
        assert not all(kept.values())
        # Nothing is left of what failed.
        named = len(value_files(small_disk))
        for _ in range(20):
            assert not store.put(b"large", bytes(600_000))
        assert len(value_files(small_disk)) == named
        for number, is_kept in kept.items():
            assert store.get(key_of(number)) in ((value_of(number),) if is_kept else (None,))
    assert_right_or_absent(small_disk, 200)
    for file in value_files(small_disk):
        file.unlink()
    with opened(small_disk) as store:
        assert store.clear()
        assert store.put(key_of(6), value_of(6))
        assert store.get(key_of(6)) == value_of(6)


def test_a_disk_without_one_free_byte_is_refused_or_a_miss(small_disk: Path) -> None:
    fill(small_disk, 7)
    blocked = small_disk / "filler"
    with blocked.open("wb", buffering=0) as stream, pytest.raises(OSError, match="No space"):
        while True:
            stream.write(bytes(4096))
    assert_right_or_absent(small_disk, 7)
    exercise(small_disk)
    blocked.unlink()
    assert assert_right_or_absent(small_disk, 7) == 7


def test_a_full_disk_holds_no_lock(small_disk: Path) -> None:
    """A COMMIT that failed must not keep its transaction open: others would wait for it."""
    with opened(small_disk) as store:
        for number in range(300):
            if not store.put(key_of(number), bytes(20_000)):
                break
        else:
            pytest.fail("the disk did not fill")
        with closing(sqlite3.connect(small_disk / LAYOUT / "cache.db", timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.rollback()


def test_a_read_only_file_system_is_refused_or_read(small_disk: Path) -> None:
    fill(small_disk, 7)
    remount = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(remount, check=True)
    assert assert_right_or_absent(small_disk, 7) in (None, 7)
    with pytest.raises(StoreError):
        Store(str(small_disk / "new"))


def test_a_file_system_that_turns_read_only_is_a_miss(small_disk: Path) -> None:
    with opened(small_disk) as store:
        store.put(key_of(1), value_of(1))
        store.close()
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
        assert not store.put(key_of(2), value_of(2))
        assert store.get(key_of(1)) in (None, value_of(1))
        subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
        assert store.put(key_of(2), value_of(2))
        assert store.get(key_of(1)) == value_of(1)


def test_a_folder_that_goes_away_is_a_miss(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    with opened(folder) as store:
        store.put(b"key", b"value")
        store.close()
        shutil.rmtree(folder)
        assert store.get(b"key") is None
        assert not store.put(b"key", b"value")
        assert store.figures() is None
        assert store.verify() is None
        assert store.prune(max_size=0) is None
        assert store.clear() is None
