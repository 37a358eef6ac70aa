"""Rows that are written without diskcache are those that diskcache writes."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from derivload.store.disk import BytesCache, open_cache
from derivload.store.owned import DATABASE, is_value_file
from derivload.store.rows import FILE_FROM, has_room, write_row
from derivload.store.store import Store
from support.stores import opened, value_files

SMALL, LARGE = b"small", bytes(FILE_FROM)
LIMIT = 10**7
_COLUMNS = "key, raw, expire_time, access_count, tag, size, mode, value"


def cache_in(folder: Path) -> Iterator[BytesCache]:
    folder.mkdir()
    with closing(open_cache(str(folder), LIMIT)) as cache:
        yield cache


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[BytesCache]:
    yield from cache_in(tmp_path / "theirs")


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[BytesCache]:
    yield from cache_in(tmp_path / "ours")


@pytest.fixture
def connection(ours: BytesCache) -> Iterator[sqlite3.Connection]:
    path = Path(ours.directory, DATABASE)
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        yield connection


def held(cache: BytesCache) -> tuple[object, ...]:
    """All that a database holds but times, row ids and what files are called."""
    with closing(sqlite3.connect(Path(cache.directory, DATABASE))) as connection:
        rows = connection.execute(f"SELECT {_COLUMNS} FROM Cache ORDER BY key").fetchall()
        times = connection.execute("SELECT store_time, access_time, filename FROM Cache").fetchall()
        figures = "SELECT key, value FROM Settings WHERE key IN ('count', 'size') ORDER BY key"
        return (
            rows,
            [(type(stored), stored == used, is_value_file(name)) for stored, used, name in times],
            connection.execute(figures).fetchall(),
            len([file for file in Path(cache.directory).rglob("*.val") if file.is_file()]),
        )


@pytest.mark.parametrize(
    "values",
    [
        [SMALL],
        [LARGE],
        [LARGE[1:]],
        [SMALL, LARGE],
        [LARGE, SMALL],
        [LARGE, LARGE],
        [SMALL, b""],
    ],
    ids=lambda values: "-".join(str(len(value)) for value in values),
)
def test_rows_and_figures_are_those_of_diskcache(
    theirs: BytesCache, ours: BytesCache, connection: sqlite3.Connection, values: list[bytes]
) -> None:
    for value in values:
        for key in (b"one", b"two"):
            assert theirs.set(key, value)
            write_row(connection, ours.directory, key, value)
    assert held(ours) == held(theirs)


def test_nothing_is_left_of_a_row_that_cannot_be_written(
    ours: BytesCache, connection: sqlite3.Connection
) -> None:
    write_row(connection, ours.directory, b"key", LARGE)
    before = held(ours)
    with ours._transact(), pytest.raises(sqlite3.OperationalError, match="locked"):
        write_row(connection, ours.directory, b"key", LARGE)
    ours._sql("CREATE TRIGGER no BEFORE UPDATE ON Cache BEGIN SELECT RAISE(FAIL, 'no'); END")
    with pytest.raises(sqlite3.IntegrityError, match="no"):
        write_row(connection, ours.directory, b"key", SMALL)
    assert held(ours) == before
    assert not connection.in_transaction, "it would keep the database locked"


def test_there_is_room_up_to_the_limit(ours: BytesCache, connection: sqlite3.Connection) -> None:
    write_row(connection, ours.directory, b"key", LARGE)
    volume = ours.volume()
    assert not has_room(connection, 10_000, volume + 10_000)
    assert has_room(connection, 10_000, volume + 10_000 + 100_000)
    connection.execute("UPDATE Settings SET value = 'much' WHERE key = 'size'")
    assert not has_room(connection, 0, volume + LIMIT)
    connection.execute("DELETE FROM Settings WHERE key = 'size'")
    assert not has_room(connection, 0, volume + LIMIT)


def test_diskcache_is_not_opened_for_what_there_is_room_for(tmp_path: Path) -> None:
    with opened(tmp_path):  # makes the database
        pass
    with opened(tmp_path) as store:
        assert store.put(b"key", LARGE)
        assert store._cache is None
    large = bytes(200_000)
    with closing(Store(str(tmp_path), size_limit=5 * len(large))) as store:
        for key in range(10):
            assert store.put(b"%d" % key, large)
        assert store._cache is not None, "only diskcache removes others for it"
        assert store.get(b"9") == large
        assert len(value_files(tmp_path)) <= 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_has_a_connection_of_its_own(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        assert store.put(b"key", SMALL)
        connection = store._read()
        child = os.fork()
        if not child:
            is_right = (
                store.get(b"key") == SMALL
                and store.put(b"child", LARGE)
                and store._read() is not connection
            )
            os._exit(not is_right)
        assert os.waitpid(child, 0)[1] == 0
        assert store._read() is connection
        assert store.get(b"child") == LARGE
        assert store.put(b"key", LARGE)
        assert store.verify() == 0
