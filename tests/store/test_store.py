"""The store, with real files, file systems and processes: right or absent, whatever happens."""

from __future__ import annotations

import hashlib
import os
import pickle
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from derivload.store.disk import BytesDisk
from derivload.store.owned import LAYOUT, StoreError
from derivload.store.store import DEFAULT_SIZE_LIMIT, Store
from support.paths import SOURCE

ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])]),
}
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no modes and owners to set")
IS_ROOT = os.name != "nt" and os.geteuid() == 0
# Below and above the size from which values are files of their own.
SIZES = (0, 1, 100, 3000, 20_000, 33_000, 70_000)
# How long a process that finds the store locked may take, starting Python included.
PATIENCE = 20.0


def value_of(number: int) -> bytes:
    size = SIZES[number % len(SIZES)]
    return random.Random(number).randbytes(size)


def key_of(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def fill(folder: Path, count: int = 30) -> None:
    with opened(folder) as store:
        for number in range(count):
            assert store.put(key_of(number), value_of(number))


@contextmanager
def opened(folder: Path, size_limit: int = DEFAULT_SIZE_LIMIT) -> Iterator[Store]:
    store = Store(str(folder), size_limit)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def database(folder: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(folder / LAYOUT / "cache.db")) as connection:
        yield connection
        connection.commit()


def value_files(folder: Path) -> list[Path]:
    return sorted((folder / LAYOUT).rglob("*.val"))


def assert_right_or_absent(folder: Path, count: int = 30) -> int | None:
    """How many of the values are there; None when the store cannot be opened."""
    try:
        store = Store(str(folder))
    except StoreError:
        return None
    found = 0
    with closing(store):
        for number in range(count):
            value = store.get(key_of(number))
            assert value is None or value == value_of(number), number
            found += value is not None
    return found


# --- what it keeps


def test_a_value_comes_back(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        assert store.put(b"key", b"value")
        assert store.get(b"key") == b"value"
    with opened(tmp_path) as store:
        assert store.get(b"key") == b"value"


def test_a_missing_key_is_none(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        assert store.get(b"key") is None


def test_a_later_value_takes_the_place_of_an_earlier(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        assert store.put(b"key", bytes(50_000))
        assert store.put(b"key", b"new")
        assert store.get(b"key") == b"new"
        assert value_files(tmp_path) == []


@pytest.mark.parametrize("size", [0, 32 * 1024 - 33, 32 * 1024 - 32, 32 * 1024, 5_000_000])
def test_values_of_any_size_come_back(tmp_path: Path, size: int) -> None:
    value = random.Random(size).randbytes(size)
    with opened(tmp_path) as store:
        assert store.put(b"key", value)
        assert store.get(b"key") == value
    assert len(value_files(tmp_path)) == (size >= 32 * 1024 - 32)


@pytest.mark.parametrize("value", ["text", 1, None, bytearray(b"x"), memoryview(b"x"), [b"x"]])
def test_nothing_but_bytes_is_stored(tmp_path: Path, value: object) -> None:
    with opened(tmp_path) as store:
        with pytest.raises(TypeError):
            store.put(b"key", value)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            store.put(value, b"value")  # type: ignore[arg-type]
        assert store.get(b"key") is None
    with pytest.raises(TypeError):
        BytesDisk(str(tmp_path)).store(value, read=False)


def test_a_file_is_not_stored(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        BytesDisk(str(tmp_path)).store(b"value", read=True)


def test_a_name_that_would_be_a_variable_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELSEWHERE", "other")
    with pytest.raises(StoreError):
        Store(str(tmp_path / "$ELSEWHERE"))
    assert not (tmp_path / "other").exists()


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


def exercise(folder: Path) -> None:
    """Every call there is; none may raise, but the opening."""
    try:
        store = Store(str(folder))
    except StoreError:
        return
    with closing(store):
        store.figures()
        store.put(key_of(1), value_of(1))
        store.put(key_of(6), value_of(6))
        store.verify()
        store.prune(older_than=1e6, max_size=10**9)


def test_no_flipped_bit_ever_gives_wrong_bytes(tmp_path: Path) -> None:
    """500 bits in some 80 copies of a store: of its database, its write-ahead log, its values."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
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


def test_no_flipped_bit_of_an_open_store_gives_wrong_bytes(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
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


# --- many processes

PREAMBLE = """
import hashlib, sys, time
from derivload.store.owned import StoreError
from derivload.store.store import Store
"""
USE = """
try:
    store = Store({folder!r})
except StoreError as error:
    print("refused")
else:
    print("value" if store.get(b"key") == b"value" else "miss", store.put(b"new", b"value"))
    store.close()
"""
HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect({file!r}, isolation_level=None)
for statement in {statements!r}:
    connection.execute(statement)
print("held", flush=True)
time.sleep(600)
"""


def python_of(script: str) -> list[str]:
    import textwrap

    return [sys.executable, "-c", PREAMBLE + textwrap.dedent(script)]


def run_python(script: str) -> str:
    return subprocess.run(
        python_of(script),
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=PATIENCE,
    ).stdout


@contextmanager
def held(folder: Path, *statements: str) -> Iterator[None]:
    """Another process that has run these statements on the database, and hangs."""
    (folder / LAYOUT).mkdir(parents=True, exist_ok=True, mode=0o700)
    script = HOLD.format(file=str(folder / LAYOUT / "cache.db"), statements=statements)
    with subprocess.Popen(python_of(script), stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            yield
        finally:
            holder.kill()


@pytest.mark.parametrize(
    "statements",
    [
        ("BEGIN EXCLUSIVE",),
        ("PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE"),
        ("PRAGMA journal_mode = DELETE", "BEGIN EXCLUSIVE"),
    ],
)
@pytest.mark.parametrize("filled", [False, True])
def test_a_store_locked_by_a_hung_process_is_done_without(
    tmp_path: Path, statements: tuple[str, ...], filled: bool
) -> None:
    folder = tmp_path / "cache"
    folder.mkdir(0o700)
    if filled:
        with opened(folder) as store:
            store.put(b"key", b"value")
    with held(folder, *statements):
        said = run_python(USE.format(folder=str(folder)))
        # Under SQLite's write-ahead log, who holds the lock may leave the others to read.
        assert said in ("refused\n", "miss False\n", *(["value False\n"] if filled else []))
    expected = "value True\n" if filled else "miss True\n"
    assert run_python(USE.format(folder=str(folder))) == expected


def test_an_open_store_that_gets_locked_can_still_be_read(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.put(b"key", b"value")
        with held(tmp_path, "BEGIN EXCLUSIVE"):
            start = time.monotonic()
            assert [store.get(b"key") for _ in range(100)] == [b"value"] * 100
            assert time.monotonic() - start < PATIENCE / 2  # it does not wait each time
            assert store.get(b"key") == b"value"
            assert store.get(b"new") is None
            assert not store.put(b"new", bytes(50_000))
            assert store.figures() is not None
            assert store.verify() is None
            assert store.clear() is None
            assert time.monotonic() - start < PATIENCE
            assert value_files(tmp_path) == []
        assert store.get(b"key") == b"value"
        assert store.put(b"new", bytes(50_000))


WORKER = """
for line in sys.stdin:
    number, start, folder = line.rstrip("\\n").split(" ", 2)
    while time.time() < float(start):
        pass
    try:
        store = Store(folder)
        kept = 0
        for item in range(4):
            own, shared = b"%d-%d" % (int(number), item), b"shared-%d" % item
            kept += store.put(own, own * 100) + store.put(shared, shared * 8000)
            for key, times in ((own, 100), (shared, 8000)):
                value = store.get(key)
                assert value is None or value == key * times, key
        store.close()
        print("ok", kept, flush=True)
    except StoreError as error:
        print("refused", error, flush=True)
    except BaseException as error:
        print("failed", repr(error), flush=True)
"""


def test_many_processes_open_and_write_one_fresh_folder(tmp_path: Path) -> None:
    with workers(8) as processes:
        kept = 0
        for turn in range(20):
            folder = tmp_path / f"cache {turn}"
            start = time.time() + 0.02
            for number, process in enumerate(processes):
                print(number, start, folder, file=process.stdin, flush=True)
            answers = [process.stdout.readline() for process in processes if process.stdout]
            assert all(answer.startswith(("ok", "refused")) for answer in answers), answers
            kept += sum(int(answer.split()[1]) for answer in answers if answer.startswith("ok"))
            assert_what_workers_wrote(folder)
    assert kept > 200


@contextmanager
def workers(count: int) -> Iterator[list[subprocess.Popen[str]]]:
    processes = [
        subprocess.Popen(
            python_of(WORKER),
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def assert_what_workers_wrote(folder: Path) -> None:
    with opened(folder) as store:
        for item in range(4):
            shared = b"shared-%d" % item
            assert store.get(shared) in (None, shared * 8000)
            for number in range(8):
                own = b"%d-%d" % (number, item)
                assert store.get(own) in (None, own * 100)
        assert store.verify() == 0
        assert store.put(b"new", b"value")
        assert store.get(b"new") == b"value"


# --- upkeep


def test_the_least_recently_used_make_room(tmp_path: Path) -> None:
    with opened(tmp_path, size_limit=1_000_000) as store:
        for number in range(100):
            assert store.put(key_of(number), bytes(40_000))
            assert store.get(key_of(0)) == bytes(40_000)
        figures = store.figures()
        assert figures is not None
        assert figures.size < 1_100_000
        assert figures.values == len(value_files(tmp_path)) < 30
        assert store.get(key_of(99)) is not None
        assert store.get(key_of(1)) is None


def test_verify_removes_what_is_corrupt_and_says_how_many(tmp_path: Path) -> None:
    fill(tmp_path)
    first, second, *_ = value_files(tmp_path)
    first.write_bytes(b"x")
    second.unlink()
    with database(tmp_path) as connection:
        connection.execute("UPDATE Cache SET value = x'00' WHERE rowid = 2")
        connection.execute("UPDATE Cache SET key = 10000000000000 WHERE rowid = 3")
        connection.execute("UPDATE Cache SET key = 'text' WHERE rowid = 4")
    orphan = tmp_path / LAYOUT / "ab" / "cd" / f"{'0' * 28}.val"
    orphan.parent.mkdir(parents=True, exist_ok=True)
    orphan.write_bytes(b"left by a process that was killed")
    with opened(tmp_path) as store:
        assert store.verify() == 5
        assert store.verify() == 0
        figures = store.figures()
        assert figures is not None
        assert figures.values == 25
    assert not orphan.exists()
    assert not first.exists()
    assert assert_right_or_absent(tmp_path) == 25


def test_verify_is_no_use(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    with opened(tmp_path) as store:
        store.get(key_of(0))
        store.verify()
        with database(tmp_path) as connection:
            by_use = connection.execute("SELECT key FROM Cache ORDER BY access_time").fetchall()
    assert by_use == [(key_of(1),), (key_of(2),), (key_of(0),)]


def test_prune_by_age(tmp_path: Path) -> None:
    fill(tmp_path, 10)
    with database(tmp_path) as connection:
        connection.execute("UPDATE Cache SET access_time = access_time - 100 WHERE rowid <= 4")
    with opened(tmp_path) as store:
        assert store.prune(older_than=200) == 0
        assert store.prune(older_than=50) == 4
        assert store.prune(older_than=50) == 0
    assert assert_right_or_absent(tmp_path, 10) == 6


def test_prune_by_size_keeps_what_was_used_last(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        for number in range(20):
            store.put(key_of(number), bytes(40_000))
        store.get(key_of(0))
        removed = store.prune(max_size=400_000)
        figures = store.figures()
        assert figures is not None
        assert figures.size <= 400_000
        assert removed == 20 - figures.values
        assert figures.values > 5
        assert store.get(key_of(0)) == bytes(40_000)
        assert store.prune(max_size=0) == figures.values
        assert value_files(tmp_path) == []


def test_prune_removes_rows_whose_key_is_damaged(tmp_path: Path) -> None:
    fill(tmp_path, 7)
    with database(tmp_path) as connection:
        connection.execute("UPDATE Cache SET key = 1000000000000 + rowid, access_time = 'x'")
    with opened(tmp_path) as store:
        assert store.prune(older_than=1000) == 7


def test_clear_removes_all(tmp_path: Path) -> None:
    fill(tmp_path)
    with opened(tmp_path) as store:
        assert store.clear() == 30
        assert store.clear() == 0
        figures = store.figures()
        assert figures is not None
        assert figures.values == 0
    assert value_files(tmp_path) == []
    assert assert_right_or_absent(tmp_path) == 0
