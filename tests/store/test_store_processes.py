"""Many processes on one store, and how it is looked after."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from derivload.store.owned import LAYOUT
from support.child import child_environment
from support.sampling import one_in
from support.stores import (
    PATIENCE,
    assert_right_or_absent,
    database,
    fill,
    key_of,
    opened,
    python_of,
    run_python,
    value_files,
)

# --- many processes


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
@pytest.mark.parametrize("filled", one_in(2, [True, False]))
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


def test_many_processes_open_and_write_one_fresh_folder(tmp_path: Path, thinning: int) -> None:
    turns = 20 // min(thinning, 2)
    with workers(8) as processes:
        kept = 0
        for turn in range(turns):
            folder = tmp_path / f"cache {turn}"
            start = time.time() + 0.02
            for number, process in enumerate(processes):
                print(number, start, folder, file=process.stdin, flush=True)
            answers = [process.stdout.readline() for process in processes if process.stdout]
            assert all(answer.startswith(("ok", "refused")) for answer in answers), answers
            kept += sum(int(answer.split()[1]) for answer in answers if answer.startswith("ok"))
            assert_what_workers_wrote(folder)
    assert kept > 10 * turns


@contextmanager
def workers(count: int) -> Iterator[list[subprocess.Popen[str]]]:
    processes = [
        subprocess.Popen(
            python_of(WORKER),
            env=child_environment(),
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


def make_uses_old(folder: Path) -> None:
    """Have the last use of each value be an hour earlier than it was."""
    with database(folder) as connection:
        connection.execute("UPDATE Cache SET access_time = access_time - 3600")


def test_the_least_recently_used_make_room(tmp_path: Path) -> None:
    with opened(tmp_path, size_limit=1_000_000) as store:
        for number in range(100):
            assert store.put(key_of(number), bytes(40_000))
            make_uses_old(tmp_path)
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


def times_of_use(folder: Path) -> list[object]:
    with database(folder) as connection:
        return [time for (time,) in connection.execute("SELECT access_time FROM Cache")]


@pytest.mark.parametrize("change", ["- 3600", "+ 3600", "|| 'x'"], ids=["old", "future", "damaged"])
def test_a_use_is_noted_unless_one_was_a_short_time_ago(change: str, tmp_path: Path) -> None:
    fill(tmp_path, 1)
    with database(tmp_path) as connection:
        connection.execute(f"UPDATE Cache SET access_time = access_time {change}")
    before = times_of_use(tmp_path)
    with opened(tmp_path) as store:
        assert store.get(key_of(0)) is not None
        noted = times_of_use(tmp_path)
        assert noted != before
        assert store.get(key_of(0)) is not None
        assert times_of_use(tmp_path) == noted


def test_verify_is_no_use(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    make_uses_old(tmp_path)
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
        make_uses_old(tmp_path)
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
