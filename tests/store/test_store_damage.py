"""Values of the store that are damaged: each is a miss, and none is executed."""

from __future__ import annotations

import hashlib
import os
import pickle
import random
import shutil
from pathlib import Path

import pytest

from derivload.store.owned import LAYOUT
from support.stores import (
    assert_right_or_absent,
    database,
    exercise,
    fill,
    key_of,
    opened,
    run_python,
    value_files,
    value_of,
)

# --- damage


def test_a_value_changed_in_the_database_is_a_miss(tmp_path: Path) -> None:
    fill(tmp_path, 2)
    with database(tmp_path) as connection:
        ((kept,),) = connection.execute("SELECT value FROM Cache WHERE rowid = 2")
        changed = kept[:-1] + bytes([kept[-1] ^ 1])
        connection.execute("UPDATE Cache SET value = ? WHERE rowid = 2", (changed,))
    with opened(tmp_path) as store:
        assert store.get(key_of(1)) is None
        assert store.get(key_of(0)) == value_of(0)


def test_a_value_changed_in_its_file_is_a_miss(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.put(b"key", bytes(50_000))
        (file,) = value_files(tmp_path)
        file.write_bytes(file.read_bytes()[:-1] + b"\1")
        assert store.get(b"key") is None


@pytest.mark.parametrize("size", [10, 50_000])
def test_a_damaged_value_is_removed_so_that_it_can_be_put_again(tmp_path: Path, size: int) -> None:
    with opened(tmp_path) as store:
        store.put(b"key", bytes(size))
    for file in value_files(tmp_path):
        file.write_bytes(b"")
    with database(tmp_path) as connection:
        connection.execute("UPDATE Cache SET value = x'00' WHERE value IS NOT NULL")
    with opened(tmp_path) as store:
        assert b"key" in store
        assert store.get(b"key") is None
        assert b"key" not in store
        assert store.put(b"key", bytes(size))
        assert store.get(b"key") == bytes(size)


def test_the_sound_value_of_another_key_is_a_miss(tmp_path: Path) -> None:
    fill(tmp_path, 7)
    with database(tmp_path) as connection:
        keys = dict(connection.execute("SELECT rowid, key FROM Cache"))
        connection.execute("UPDATE Cache SET key = CAST(rowid AS BLOB)")
        for row, key in keys.items():
            connection.execute("UPDATE Cache SET key = ? WHERE rowid = ?", (key, row % 7 + 1))
    assert assert_right_or_absent(tmp_path, 7) == 0


def test_a_value_whose_file_is_gone_is_a_miss(tmp_path: Path) -> None:
    fill(tmp_path, 14)
    files = value_files(tmp_path)
    assert len(files) == 4
    for file in files:
        file.unlink()
    assert assert_right_or_absent(tmp_path, 14) == 10
    with opened(tmp_path) as store:
        assert store.put(key_of(5), value_of(5))
        assert store.get(key_of(5)) == value_of(5)


def test_a_row_cannot_name_a_file_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    with opened(folder) as store:
        store.put(b"key", bytes(50_000))
    (file,) = value_files(folder)
    outside = tmp_path / "outside"
    for name in ("../../outside", str(outside)):
        outside.write_bytes(file.read_bytes())
        with database(folder) as connection:
            connection.execute("UPDATE Cache SET filename = ?", (name,))
        with opened(folder) as store:
            assert store.get(b"key") is None
            store.clear()
            assert outside.exists()
            store.put(b"key", bytes(50_000))


def test_rows_deleted_are_misses(tmp_path: Path) -> None:
    fill(tmp_path)
    with database(tmp_path) as connection:
        connection.execute("DELETE FROM Cache WHERE rowid % 2")
    assert assert_right_or_absent(tmp_path) == 15


@pytest.mark.parametrize("table", ["Cache", "Settings"])
def test_a_table_dropped_is_made_again_or_refused(tmp_path: Path, table: str) -> None:
    fill(tmp_path)
    with database(tmp_path) as connection:
        connection.execute(f"DROP TABLE {table}")
    assert_right_or_absent(tmp_path)


@pytest.mark.parametrize("part", [0, 1, 50, 99, 100, 512, 4096, 5000, 20_000, -1, -4096])
def test_a_truncated_database_is_right_or_refused(tmp_path: Path, part: int) -> None:
    fill(tmp_path)
    file = tmp_path / LAYOUT / "cache.db"
    file.write_bytes(file.read_bytes()[:part])
    assert_right_or_absent(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="Windows does not truncate a file in use")
def test_a_database_truncated_while_open_does_not_end_the_process(tmp_path: Path) -> None:
    fill(tmp_path)
    script = f"""
        import os, sys
        store = Store({str(tmp_path)!r})
        store.get({key_of(3)!r})
        os.truncate({str(tmp_path / LAYOUT / "cache.db")!r}, 4096)
        for number in range(30):
            value = store.get(hashlib.sha256(b"%d" % number).digest())
            print("miss" if value is None else hashlib.sha256(value).hexdigest())
    """
    right = {hashlib.sha256(value_of(number)).hexdigest() for number in range(30)}
    assert set(run_python(script).split()) <= right | {"miss"}


def test_garbage_for_a_database_is_refused_or_fixed(tmp_path: Path) -> None:
    fill(tmp_path)
    file = tmp_path / LAYOUT / "cache.db"
    for garbage in (b"garbage" * 5000, random.Random(1).randbytes(50_000), b"\0" * 8192):
        file.write_bytes(garbage)
        assert not assert_right_or_absent(tmp_path)
    file.write_bytes(b"SQLite format 3\0" + b"\xff" * 20_000)
    assert not assert_right_or_absent(tmp_path)


def test_a_folder_for_a_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / LAYOUT / "cache.db").mkdir(parents=True)
    assert assert_right_or_absent(tmp_path) is None


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("size", "many"),
        ("count", -5),
        ("size_limit", "none"),
        ("cull_limit", "x"),
        ("eviction_policy", "random"),
        ("directory", "elsewhere"),
        ("sqlite_journal_mode", "vam"),
        ("disk_unknown", 1),
        (7, 1),
        (b"key", 1),
    ],
)
def test_damaged_settings_harm_nothing(tmp_path: Path, setting: object, value: object) -> None:
    fill(tmp_path)
    with database(tmp_path) as connection:
        connection.execute("DELETE FROM Settings WHERE key = ?", (setting,))
        connection.execute("INSERT INTO Settings VALUES (?, ?)", (setting, value))
    assert_right_or_absent(tmp_path)
    exercise(tmp_path)
    assert_right_or_absent(tmp_path)


def test_no_flipped_bit_ever_gives_wrong_bytes(tmp_path: Path, seed: int) -> None:
    """500 bits in some 80 copies of a store: of its database, its write-ahead log, its values."""
    rng = random.Random(seed)
    original = tmp_path / "original"
    fill(original, 20)
    with database(original) as connection:  # waiting for the disk is not what is tested
        connection.execute("UPDATE Settings SET value = 0 WHERE key = 'sqlite_synchronous'")
    with opened(original) as store:
        for number in range(20, 30):
            assert store.put(key_of(number), value_of(number))
        # The log is there only as long as somebody has the database open.
        snapshots = [copied(original, tmp_path / "log")]
    snapshots.append(copied(original, tmp_path / "plain"))
    assert (snapshots[0] / LAYOUT / "cache.db-wal").stat().st_size > 50_000
    assert [assert_right_or_absent(copied(s, tmp_path / "check")) for s in snapshots] == [30, 30]
    flipped = damaged = 0
    while flipped < 500:
        folder = copied(rng.choice(snapshots), tmp_path / "copy")
        for _ in range(rng.choice([1, 1, 2, 8, 20])):
            flip(folder, rng)
            flipped += 1
        damaged += assert_right_or_absent(folder) != 30
        exercise(folder)
        assert_right_or_absent(folder)
    assert damaged > 10


def test_no_flipped_bit_of_an_open_store_gives_wrong_bytes(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    fill(tmp_path)
    with opened(tmp_path) as store:
        for _ in range(200):
            flip(tmp_path, rng)
            number = rng.randrange(30)
            assert store.get(key_of(number)) in (None, value_of(number))
            store.put(key_of(number), value_of(number))
    assert_right_or_absent(tmp_path)


def copied(folder: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns("*-shm"))
    to.chmod(0o700)
    return to


def flip(folder: Path, rng: random.Random) -> None:
    databases = [
        file
        for name in ("cache.db", "cache.db-wal")
        if (file := folder / LAYOUT / name).is_file() and file.stat().st_size
    ]
    # The values are most of the bytes and the least of the risk.
    file = rng.choice(value_files(folder) if rng.random() < 0.2 else databases)
    size = file.stat().st_size
    place = rng.randrange(min(size, 4096) if rng.random() < 0.2 else size)
    with file.open("r+b") as stream:
        stream.seek(place)
        byte = stream.read(1)[0]
        stream.seek(place)
        stream.write(bytes([byte ^ 1 << rng.randrange(8)]))


# --- nothing is executed


class Trap:
    """What makes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (str(self.file),))


def assert_harmless(folder: Path, trap: Path) -> None:
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    with opened(copy) as store:
        assert store.verify() == 1
        assert store.verify() == 0
    with opened(folder) as store:
        assert store.get(b"key") is None
        assert store.figures() is not None
        assert store.get(b"other") == b"value"
        assert store.prune(older_than=1000) == 0
        store.verify()
        assert store.clear() == 1
    assert not trap.exists()


def test_the_trap_works(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Trap(tmp_path / "trap")))
    assert (tmp_path / "trap").exists()


def test_a_pickled_value_is_a_miss(tmp_path: Path) -> None:
    folder, trap = tmp_path / "cache", tmp_path / "trap"
    with opened(folder) as store:
        store.put(b"key", b"value")
        store.put(b"other", b"value")
    with database(folder) as connection:
        connection.execute(
            "UPDATE Cache SET mode = 4, value = ? WHERE rowid = 1", (pickle.dumps(Trap(trap)),)
        )
    assert_harmless(folder, trap)


@pytest.mark.parametrize("mode", [3, 4])
def test_a_pickled_value_in_a_file_is_a_miss(tmp_path: Path, mode: int) -> None:
    folder, trap = tmp_path / "cache", tmp_path / "trap"
    with opened(folder) as store:
        store.put(b"key", bytes(50_000))
        store.put(b"other", b"value")
    (file,) = value_files(folder)
    file.write_bytes(pickle.dumps(Trap(trap)))
    with database(folder) as connection:
        connection.execute("UPDATE Cache SET mode = ? WHERE rowid = 1", (mode,))
    assert_harmless(folder, trap)


def test_a_pickled_key_is_a_miss(tmp_path: Path) -> None:
    folder, trap = tmp_path / "cache", tmp_path / "trap"
    with opened(folder) as store:
        store.put(b"key", b"value")
        store.put(b"other", b"value")
    with database(folder) as connection:
        connection.execute(
            "UPDATE Cache SET raw = 0, key = ? WHERE rowid = 1", (pickle.dumps(Trap(trap)),)
        )
    assert_harmless(folder, trap)
