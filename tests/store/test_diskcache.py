"""What the store relies on inside diskcache, name by name.

diskcache promises little of this, so pyproject.toml allows only versions that these tests have
seen. Run them before the limit is raised: each failure says what is gone, and where in
`src/derivload/store` it was used.
"""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib import metadata
from pathlib import Path

import diskcache
import pytest
from diskcache import core
from packaging.requirements import Requirement

from derivload.store import owned, rows
from derivload.store.disk import BytesCache, open_cache

VERSION = metadata.version("diskcache")
SMALL, LARGE = b"small", bytes(50_000)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[BytesCache]:
    """A cache with a small value, which is in its row, and a large one, which is a file."""
    with closing(open_cache(str(tmp_path), 10**6)) as cache:
        assert cache.set(b"small", SMALL)
        assert cache.set(b"large", LARGE)
        yield cache


@pytest.fixture
def database(cache: BytesCache) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(Path(cache.directory, owned.DATABASE))) as connection:
        yield connection


def no_longer(what: str, used: str) -> str:
    return f"diskcache {VERSION} no longer has {what}; {used}"


# --- the database


COLUMNS = {
    ("Cache", "rowid"): "disk.py removes by it, store.py notes uses by it",
    ("Cache", "key"): "store.py looks for it, disk.py checks it in verify",
    ("Cache", "raw"): "store.py looks for keys with raw = 1, disk.py checks it in verify",
    ("Cache", "store_time"): "rows.py writes it",
    ("Cache", "expire_time"): "rows.py writes it",
    ("Cache", "access_count"): "rows.py writes it",
    ("Cache", "tag"): "rows.py writes it",
    ("Cache", "access_time"): "store.py notes uses in it, disk.py prunes by it",
    ("Cache", "size"): "disk.py mends it in verify, and adds it up",
    ("Cache", "mode"): "rows.py reads values by it",
    ("Cache", "filename"): "rows.py reads the file of this name, disk.py removes it",
    ("Cache", "value"): "rows.py reads it",
    ("Settings", "key"): "disk.py reads the settings, and mends the figures in verify",
    ("Settings", "value"): "disk.py reads the settings, and mends the figures in verify",
}


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_the_columns_are_there(database: sqlite3.Connection, table: str, column: str) -> None:
    found = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
    message = no_longer(f"the column `{column}` of the table `{table}`", COLUMNS[table, column])
    assert column in found, message


def test_a_key_is_found_by_its_bytes(database: sqlite3.Connection) -> None:
    query = "SELECT COUNT(*) FROM Cache WHERE key = ? AND raw = 1"
    found = [database.execute(query, (key,)).fetchone()[0] for key in (b"small", b"large")]
    assert found == [1, 1], no_longer("bytes as they are for keys", "store.py looks for them")


def test_each_key_is_there_once(database: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        database.execute("INSERT INTO Cache (key, raw) VALUES (?, 1)", (b"small",))
        pytest.fail(no_longer("unique keys", "store.py takes the first row"))


def test_a_row_holds_what_the_disk_gave_for_it(database: sqlite3.Connection) -> None:
    found = database.execute("SELECT size, mode, filename, value FROM Cache ORDER BY size")
    (size, mode, filename, value), (file_size, file_mode, file, no_value) = found
    used = "rows.py reads values so, and disk.py checks the size in verify"
    assert (size, mode, filename) == (0, rows._IN_ROW, None), no_longer("values in rows", used)
    assert value.endswith(SMALL), no_longer("small values as they are", used)
    assert (file_mode, no_value) == (rows._IN_FILE, None), no_longer("values in files", used)
    assert owned.is_value_file(file), no_longer("the file's name as `Disk.store` gave it", used)
    assert file_size == len(LARGE), no_longer("the size as `Disk.store` gave it", used)


def test_the_time_of_use_is_a_number(database: sqlite3.Connection) -> None:
    found = [type(used) for (used,) in database.execute("SELECT access_time FROM Cache")]
    assert found == [float, float], no_longer(
        "seconds in `access_time`", "disk.py takes all else for damage, and prunes it"
    )


FIGURES = {"count": 2, "size": len(LARGE)}


@pytest.mark.parametrize("name", FIGURES)
def test_triggers_keep_the_figures(database: sqlite3.Connection, name: str) -> None:
    row = database.execute("SELECT value FROM Settings WHERE key = ?", (name,)).fetchone()
    message = no_longer(f"the figure `{name}` in `Settings`", "disk.py recomputes it in verify")
    assert row == (FIGURES[name],), message


def test_all_files_are_ones_that_the_store_knows(cache: BytesCache) -> None:
    folder = Path(cache.directory)
    files = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    unknown = {file for file in files if not owned.is_value_file(file)} - {*owned._DATABASE_FILES}
    assert unknown == set(), f"diskcache {VERSION} makes other files, which owned.py does not check"
    assert f"{owned.DATABASE}-wal" in files, no_longer("journals beside it", "owned.py checks them")


# --- names in Python


CONSTANTS = {
    "DBNAME": (owned.DATABASE, "owned.py makes and checks the file of this name"),
    "MODE_RAW": (rows._IN_ROW, "rows.py has the number"),
    "MODE_BINARY": (rows._IN_FILE, "rows.py has the number"),
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_have_the_values_that_the_store_reads_by(name: str) -> None:
    value, used = CONSTANTS[name]
    assert getattr(core, name, None) == value, no_longer(f"`{name} = {value!r}`", used)


SETTINGS = ["cull_limit", "disk_min_file_size", "eviction_policy", "size_limit", "sqlite_mmap_size"]


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_are_there(name: str) -> None:
    message = no_longer(f"the setting `{name}`", "open_cache of disk.py sets it")
    assert name in core.DEFAULT_SETTINGS, message


def test_the_policy_goes_by_the_time_of_use() -> None:
    policy = core.EVICTION_POLICY.get("least-recently-used", {})
    message = no_longer("eviction by `access_time`", "open_cache of disk.py asks for it")
    assert "ORDER BY access_time" in (policy.get("cull") or ""), message


DISK, CACHE = "BytesDisk of disk.py replaces it", "BytesCache of disk.py replaces it"
METHODS = {
    (diskcache.Disk, "put"): ("self key", DISK),
    (diskcache.Disk, "get"): ("self key raw", DISK),
    (diskcache.Disk, "store"): ("self value read key", DISK),
    (diskcache.Disk, "fetch"): ("self mode filename value read", DISK),
    (diskcache.Disk, "remove"): ("self file_path", DISK),
    (diskcache.Cache, "reset"): ("self key value update", CACHE),
    (diskcache.Cache, "_transact"): ("self retry filename", CACHE),
    (diskcache.Cache, "set"): ("self key value expire read tag retry", "store.py puts by it"),
    (diskcache.Cache, "clear"): ("self retry", "store.py calls it"),
    (diskcache.Cache, "volume"): ("self", "store.py and prune of disk.py ask it"),
    (diskcache.Cache, "close"): ("self", "store.py calls it"),
    (diskcache.Cache, "__len__"): ("self", "store.py asks it"),
}


@pytest.mark.parametrize(("owner", "name"), METHODS)
def test_methods_have_the_parameters_that_the_store_gives_them(owner: type, name: str) -> None:
    parameters, used = METHODS[owner, name]
    method = getattr(owner, name, None)
    what = f"`{owner.__name__}.{name}` with the parameters `{parameters}`"
    assert method is not None, no_longer(what, used)
    found = " ".join(inspect.signature(method).parameters)
    assert found == parameters, no_longer(what, used)


@pytest.mark.parametrize("name", ["_con", "_sql", "_sql_retry", "disk", "directory"])
def test_properties_are_there(name: str) -> None:
    found = getattr(diskcache.Cache, name, None)
    message = no_longer(f"the property `Cache.{name}`", "BytesCache of disk.py uses or replaces it")
    assert isinstance(found, property), message


@pytest.mark.parametrize("name", ["_directory", "min_file_size"])
def test_a_disk_knows_its_folder_and_its_limit(tmp_path: Path, name: str) -> None:
    message = no_longer(f"`Disk.{name}`", "BytesDisk of disk.py uses it")
    assert hasattr(diskcache.Disk(str(tmp_path), min_file_size=1), name), message


# --- behaviour


def test_opening_again_writes_no_setting(cache: BytesCache, database: sqlite3.Connection) -> None:
    """BytesCache tells the statements of the opening by their text."""
    for event in ("INSERT", "UPDATE"):
        database.execute(
            f"CREATE TRIGGER on_{event} BEFORE {event} ON Settings"
            " WHEN NEW.key NOT IN ('count', 'size') BEGIN SELECT RAISE(FAIL, 'written'); END"
        )
    database.commit()
    cache.close()
    try:
        open_cache(cache.directory, 10**6).close()
    except sqlite3.Error as error:
        if "written" not in str(error):
            raise
        pytest.fail(no_longer("the statements of opening", "BytesCache._sql of disk.py skips them"))


def test_no_write_waits_for_the_disk(tmp_path: Path) -> None:
    with closing(diskcache.Cache(str(tmp_path))):  # made with diskcache's own settings
        pass
    with closing(open_cache(str(tmp_path), 10**6)) as cache:
        assert cache._con.execute("PRAGMA synchronous").fetchone() == (0,)


def test_the_limit_allows_no_version_that_was_not_tested() -> None:
    (needed,) = [
        requirement
        for requirement in map(Requirement, metadata.requires("derivload") or [])
        if requirement.name == "diskcache"
    ]
    major, minor, *_ = map(int, VERSION.split("."))
    assert needed.specifier.contains(VERSION)
    assert not needed.specifier.contains(f"{major}.{minor + 1}")
    assert not needed.specifier.contains(f"{major + 1}.0")
