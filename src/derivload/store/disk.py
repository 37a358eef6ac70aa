"""The writing side of the store: diskcache, limited to bytes, short waits and clean failures.

It is separate from `store.py` because importing diskcache (with pickle, tempfile and more) takes
longer than everything else that a run does if it only reads.

This file and `rows.py` use parts of diskcache that are private to it. pyproject.toml allows only
the versions that have them; `tests/store/test_diskcache.py` names each.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, contextmanager

import diskcache
from diskcache.core import DBNAME, ENOVAL, MODE_BINARY, MODE_RAW

from derivload.store.owned import remove_value, value_files, write_value
from derivload.store.rows import FILE_FROM, LOCK_SECONDS, fetch, verified

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Final

_LOCKED: Final = "database is locked"


class BytesDisk(diskcache.Disk):  # type: ignore[misc]
    """A diskcache Disk that stores and returns bytes, and nothing else: it cannot pickle."""

    def put(self, key: object) -> tuple[object, bool]:
        """The form of a key in the database. Raises TypeError for anything but bytes."""
        if type(key) is not bytes:
            raise TypeError("keys are bytes")
        return sqlite3.Binary(key), True

    def get(self, key: object, raw: object) -> bytes:
        """The key, from its form in the database. Raises ValueError if it is not one of ours."""
        if not raw or not isinstance(key, bytes | memoryview):
            raise ValueError("not a key of this store")
        return bytes(key)

    def store(
        self, value: object, read: bool, key: object = None
    ) -> tuple[int, int, str | None, object]:
        """Store bytes, in the row or, from `min_file_size` on, in a file of their own.

        Raises TypeError for anything but bytes.
        """
        if type(value) is not bytes or read:
            raise TypeError("values are bytes")
        if len(value) < self.min_file_size:
            return 0, MODE_RAW, None, sqlite3.Binary(value)
        return len(value), MODE_BINARY, write_value(self._directory, value), None

    def remove(self, file_path: object) -> None:
        """Remove the file of a value."""
        remove_value(self._directory, file_path)

    def fetch(self, mode: object, filename: object, value: object, read: object) -> bytes:
        """The value of a row. Raises OSError, which diskcache treats as a miss."""
        if read:
            raise OSError("values are bytes")
        return b"".join(fetch(self._directory, mode, filename, value))


class BytesCache(diskcache.Cache):  # type: ignore[misc]
    """diskcache's Cache, with three changes.

    It waits for a lock only briefly; diskcache would wait a minute. It leaves no file behind when
    a write fails. At opening it writes only the settings that differ from those in the database;
    diskcache would write all of them, in some thirty transactions.
    """

    def __init__(self, folder: str, **settings: Any) -> None:
        self._held = _held_settings(folder)
        try:
            super().__init__(folder, **settings)
        except BaseException:
            self.close()
            raise
        self._held = {}

    def reset(self, key: str, value: object = ENOVAL, update: bool = True) -> object:
        """Set a setting or read it again, as diskcache does.

        During opening, a value that the database holds already is not written.
        """
        return super().reset(key, value, update and self._held.get(key, ENOVAL) != value)

    def verify(self) -> int:
        """Read every value and remove the damaged ones. Returns how many were removed."""
        removed = 0
        for (row,) in self._sql("SELECT rowid FROM Cache").fetchall():
            if not self._is_sound(row):
                removed += self.remove(row)
        self._sql("VACUUM")
        self._remove_unnamed()
        self._count_anew()
        return removed

    def _is_sound(self, row: int) -> bool:
        # Not through lookup: that notes a use, and cannot find a key that is not one of ours.
        columns = "key, raw, size, mode, filename, value"
        found = self._sql(f"SELECT {columns} FROM Cache WHERE rowid = ?", (row,)).fetchone()
        if found is None:  # another process removed it meanwhile
            return True
        key, raw, size, *value = found
        try:
            key = self.disk.get(key, raw)
            kept = fetch(self.directory, *value)
        except (OSError, ValueError):
            return False
        right = sum(map(len, kept)) if value[0] == MODE_BINARY else 0
        if size != right:
            self._sql("UPDATE Cache SET size = ? WHERE rowid = ?", (right, row))
        return verified(key, kept) is not None

    def _remove_unnamed(self) -> None:
        """Remove the value files that no row names, which a killed process left behind.

        The files are listed before the rows. A file that another process is writing may be
        removed before its row exists: that makes a miss.
        """
        files = list(value_files(self.directory))
        named = {name for (name,) in self._sql("SELECT filename FROM Cache").fetchall()}
        for name in files:
            if name not in named:
                self.disk.remove(name)

    def _count_anew(self) -> None:
        """Recompute the count and the size. Triggers keep them, but damage may change them."""
        with self._transact() as (sql, _):
            for key, figure in (("count", "COUNT(*)"), ("size", "COALESCE(SUM(size), 0)")):
                figures = f"SELECT {figure} FROM Cache"
                sql(f"UPDATE Settings SET value = ({figures}) WHERE key = ?", (key,))

    def prune(self, older_than: float | None, max_size: int | None) -> int:
        """Remove values not used for `older_than` seconds, then the least recently used ones.

        The latter are removed until at most `max_size` bytes are left. None means no limit.
        Returns how many values were removed.
        """
        removed = 0
        by_use = self._sql("SELECT rowid, access_time FROM Cache ORDER BY access_time").fetchall()
        oldest = float("-inf") if older_than is None else time.time() - older_than
        for row, used in by_use:
            too_old = not isinstance(used, float) or used < oldest
            if not too_old and (max_size is None or self.volume() <= max_size):
                break
            removed += self.remove(row)
        return removed

    def remove(self, row: object) -> bool:
        """Remove a value by its row id: a damaged key would not find it.

        Returns whether it was there.
        """
        with self._transact() as (sql, cleanup):
            found = sql("SELECT filename FROM Cache WHERE rowid = ?", (row,)).fetchone()
            if found is None:
                return False
            sql("DELETE FROM Cache WHERE rowid = ?", (row,))
            cleanup(found[0])
        return True

    @property
    def _sql(self) -> Callable[..., sqlite3.Cursor]:
        execute = self._con.execute

        def patient(statement: str, *arguments: Any) -> sqlite3.Cursor:
            if self._held and statement.startswith("INSERT") and "Settings" in statement:
                key, value = arguments[0]
                counts = "IGNORE" in statement  # figures that the database counts itself
                if key in self._held and (counts or self._held[key] == value):
                    statement, arguments = "SELECT 1", ()
            # SQLite does not wait for some statements of the opening, whatever the timeout.
            deadline = time.monotonic() + LOCK_SECONDS
            while True:
                try:
                    cursor: sqlite3.Cursor = execute(statement, *arguments)
                    return cursor
                except sqlite3.OperationalError as error:
                    if str(error) != _LOCKED:
                        raise
                    if time.monotonic() >= deadline:
                        # Not with SQLite's message: diskcache would retry for a minute on that.
                        raise sqlite3.OperationalError("locked by another process") from error
                time.sleep(0.002)

        return patient

    @property
    def _sql_retry(self) -> Callable[..., sqlite3.Cursor]:
        return self._sql

    @contextmanager
    def _transact(self, retry: bool = False, filename: str | None = None) -> Iterator[Any]:
        try:
            with super()._transact(retry, filename) as transaction:
                yield transaction
        except BaseException:
            if filename is not None:
                self._disk.remove(filename)
            raise


def _held_settings(folder: str) -> dict[str, object]:
    """The settings in the database; empty if it does not exist or cannot be read."""
    path = os.path.join(folder, DBNAME)
    if not os.path.exists(path):
        return {}
    try:
        with closing(sqlite3.connect(path, timeout=LOCK_SECONDS)) as connection:
            return dict(connection.execute("SELECT key, value FROM Settings"))
    except sqlite3.Error:
        return {}


def open_cache(folder: str, size_limit: int) -> BytesCache:
    """Open the cache in a folder, or make it. `size_limit` is in bytes."""
    return BytesCache(
        folder,
        timeout=LOCK_SECONDS,
        disk=BytesDisk,
        size_limit=size_limit,
        eviction_policy="least-recently-used",
        cull_limit=2,  # values to evict at each put: they are few and large, and a put adds one
        disk_min_file_size=FILE_FROM,
        sqlite_mmap_size=0,
        sqlite_synchronous=0,  # damage is noticed, whatever it came from
    )
