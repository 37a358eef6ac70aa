"""The store: serialized values by content hash, on disk, shared by all processes of a user.

It stands on diskcache, which stands on SQLite.

Constraints, and what follows from them:

- A value read is either right or absent. Each is kept behind a sha256 of its key and its bytes,
  which is checked at every read; whatever else goes wrong is a miss. A miss costs time, never a
  build. The key is part of it because SQLite trusts its index: one flipped bit there, and a key
  leads to another key's value, whole and sound.
- Nothing read is executed. diskcache pickles what is no plain bytes, text or number (and
  unpickles what it finds marked so: CVE-2025-69872), so the Disk here knows bytes alone.
- Nobody waits. SQLite's lock is asked for briefly; who holds it longer makes this run go on
  without the store. No lock is held while anything is computed.
- A folder that others may write to is done without: they could not run code, but could fill it.
- No memory-mapped reads: a database that somebody cuts short would end the process (SIGBUS).
- Few large rows. Opening a row costs some 0.1 ms, so a load is a handful of segments, and
  segments from 32 KiB on are files of their own beside the database.

The folder belongs to one layout of rows (`LAYOUT`); another layout is another folder.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import stat
import time
import warnings
from contextlib import closing, contextmanager, suppress

import diskcache
from diskcache.core import DBNAME, ENOVAL, MODE_BINARY, MODE_RAW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Final, TypeVar

    T = TypeVar("T")

LAYOUT: Final = "1"
DEFAULT_SIZE_LIMIT: Final = 512 * 1024 * 1024
_LOCK_SECONDS: Final = 0.5
_DIGEST_SIZE: Final = 32
_FILE_FROM: Final = 32 * 1024
_LOCKED: Final = "database is locked"
# The names diskcache gives its files. A row that names another is no row of ours, and what it
# names is neither read nor removed.
_VALUE_FILE: Final = re.compile(r"[0-9a-f]{2}[/\\][0-9a-f]{2}[/\\][0-9a-f]{28}\.val")


class StoreError(Exception):
    """The store cannot be used; the text says why, for the one warning that is given."""


class FolderError(StoreError):
    """The folder cannot be made, or is not ours alone: nothing in it is to be touched."""


class BytesDisk(diskcache.Disk):  # type: ignore[misc]
    """A Disk that stores and returns bytes, and has no way to do anything else."""

    def put(self, key: object) -> tuple[object, bool]:
        """The database's form of a key."""
        if type(key) is not bytes:
            raise TypeError("keys are bytes")
        return sqlite3.Binary(key), True

    def get(self, key: object, raw: object) -> bytes:
        """The key that the database's form stands for."""
        if not raw or not isinstance(key, bytes | memoryview):
            raise ValueError("not a key of this store")
        return bytes(key)

    def store(
        self, value: object, read: bool, key: object = None
    ) -> tuple[int, int, str | None, object]:
        """Keep bytes, in the row or in a file of their own."""
        if type(value) is not bytes or read:
            raise TypeError("values are bytes")
        row: tuple[int, int, str | None, object] = super().store(value, read, key)
        return row

    def _write(self, full_path: str, *arguments: Any, **options: Any) -> int:
        try:
            size: int = super()._write(full_path, *arguments, **options)
        except OSError:
            # On a full disk the half that was written would stay, and nothing would know of it.
            self.remove(os.path.relpath(full_path, self._directory))
            raise
        return size

    def remove(self, file_path: object) -> None:
        """Remove a value's file."""
        if isinstance(file_path, str) and _VALUE_FILE.fullmatch(file_path):
            super().remove(file_path)

    def fetch(self, mode: object, filename: object, value: object, read: object) -> bytes:
        """The bytes that a row stands for. Raises OSError, which diskcache takes for a miss."""
        if mode == MODE_RAW and filename is None and isinstance(value, bytes | memoryview):
            return bytes(value)
        if mode == MODE_BINARY and isinstance(filename, str) and not read:
            if not _VALUE_FILE.fullmatch(filename):
                raise OSError("not a file of this store")
            with open(os.path.join(self._directory, filename), "rb") as file:
                return file.read()
        raise OSError("not a value of this store")


class Figures:
    """How many values a store holds, and their bytes on disk."""

    __slots__ = ("size", "values")

    def __init__(self, values: int, size: int) -> None:
        self.values = values
        self.size = size


class Store:
    """Serialized values by key. Only opening raises: what fails afterwards is a miss."""

    def __init__(self, folder: str, size_limit: int = DEFAULT_SIZE_LIMIT) -> None:
        """Open or make the store in `folder`, of at most `size_limit` bytes. Raises StoreError."""
        layout = os.path.join(os.path.abspath(folder), LAYOUT)
        _prepare(folder)
        _prepare(layout)
        # diskcache would take the value of a variable that the name seems to hold.
        if os.path.expandvars(layout) != layout:
            raise FolderError(f"{folder} has the name of a variable in its own")
        self.folder = folder
        try:
            self._cache = _open(layout, size_limit)
        except Exception as error:  # for the reason in _attempt
            raise StoreError(f"{folder}: {error}") from error

    def get(self, key: bytes) -> bytes | None:
        """The value kept under `key`, if it is there and is what was put there."""
        kept = self._attempt(lambda: self._cache.lookup(key))
        return _verified(key, kept) if isinstance(kept, bytes) else None

    def __contains__(self, key: bytes) -> bool:
        """Whether something is kept under `key`, sound or not."""
        return bool(self._attempt(lambda: self._cache.holds(key)))

    def put(self, key: bytes, value: bytes) -> bool:
        """Keep `value` under `key`; whether that went well. Raises TypeError for no bytes."""
        if type(key) is not bytes or type(value) is not bytes:
            raise TypeError("keys and values are bytes")
        kept = _digest(key, value) + value
        return bool(self._attempt(lambda: self._cache.set(key, kept)))

    def figures(self) -> Figures | None:
        """How much the store holds, or None when it does not answer."""
        return self._attempt(lambda: Figures(len(self._cache), self._cache.volume()))

    def verify(self) -> int | None:
        """Read every value and remove those that are not what was put there; how many these were.

        None when the store does not answer.
        """
        return self._attempt(self._verify)

    def prune(self, older_than: float | None = None, max_size: int | None = None) -> int | None:
        """Remove values not used for `older_than` seconds, and the least recently used down to
        `max_size` bytes; how many these were. None when the store does not answer.
        """
        return self._attempt(lambda: self._prune(older_than, max_size))

    def clear(self) -> int | None:
        """Remove all values; how many these were. None when the store does not answer."""
        return self._attempt(lambda: int(self._cache.clear()))

    def close(self) -> None:
        """Let go of the database."""
        self._attempt(self._cache.close)

    def _verify(self) -> int:
        removed = 0
        for (row,) in self._cache._sql("SELECT rowid FROM Cache").fetchall():
            if not self._is_sound(row):
                removed += self._remove(row)
        # What no row names any more, and wrong sums, diskcache itself can mend.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._cache.check(fix=True)
        return removed

    def _is_sound(self, row: int) -> bool:
        # Not through lookup: that notes a use, and does not find a key that is none of ours.
        columns = "key, raw, mode, filename, value"
        found = self._cache._sql(f"SELECT {columns} FROM Cache WHERE rowid = ?", (row,)).fetchone()
        if found is None:  # another process removed it meanwhile
            return True
        key, raw, *value = found
        try:
            key = self._cache.disk.get(key, raw)
            return _verified(key, self._cache.disk.fetch(*value, read=False)) is not None
        except (OSError, ValueError):
            return False

    def _prune(self, older_than: float | None, max_size: int | None) -> int:
        removed = 0
        by_use = self._cache._sql(
            "SELECT rowid, access_time FROM Cache ORDER BY access_time"
        ).fetchall()
        oldest = float("-inf") if older_than is None else time.time() - older_than
        for row, used in by_use:
            too_old = not isinstance(used, float) or used < oldest
            if not too_old and (max_size is None or self._cache.volume() <= max_size):
                break
            removed += self._remove(row)
        return removed

    def _remove(self, row: int) -> bool:
        # By row, for a damaged key finds nothing.
        with self._cache._transact() as (sql, cleanup):
            found = sql("SELECT filename FROM Cache WHERE rowid = ?", (row,)).fetchone()
            if found is None:
                return False
            sql("DELETE FROM Cache WHERE rowid = ?", (row,))
            cleanup(found[0])
        return True

    def _attempt(self, action: Callable[[], T]) -> T | None:
        try:
            return action()
        except Exception:  # what damaged rows and settings raise inside diskcache has no end
            # A COMMIT that failed leaves its transaction open, and with it the lock.
            with suppress(Exception):
                self._cache.close()
            return None


class _Cache(diskcache.Cache):  # type: ignore[misc]
    """diskcache's Cache, which for a lock would wait a minute, and left files behind on failure.

    At each opening it would write all of its settings anew, in some thirty transactions; those
    that the database holds already are left out.
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
        """Set a setting, or read it anew, as diskcache does."""
        return super().reset(key, value, update and self._held.get(key, ENOVAL) != value)

    def lookup(self, key: bytes) -> bytes | None:
        """What is kept under `key`, unverified.

        Not diskcache's get: under our eviction policy that is a write transaction, for which a
        full disk or another process's lock would make a miss of what is there to read.
        """
        columns = "rowid, mode, filename, value"
        found = self._sql(
            f"SELECT {columns} FROM Cache WHERE key = ? AND raw = 1", (key,)
        ).fetchone()
        if found is None:
            return None
        row, *value = found
        kept: bytes = self._disk.fetch(*value, read=False)
        self._note_use(row)
        return kept

    def holds(self, key: bytes) -> bool:
        """Whether there is a row for `key`; that counts as a use of it."""
        found = self._sql("SELECT rowid FROM Cache WHERE key = ? AND raw = 1", (key,)).fetchone()
        if found is not None:
            self._note_use(found[0])
        return found is not None

    def _note_use(self, row: int) -> None:
        execute = self._con.execute
        execute("PRAGMA busy_timeout = 0")
        # A use that cannot be noted at once is not: it costs a miss later, at most.
        with suppress(sqlite3.Error):
            execute("UPDATE Cache SET access_time = ? WHERE rowid = ?", (time.time(), row))
        execute(f"PRAGMA busy_timeout = {int(_LOCK_SECONDS * 1000)}")

    @property
    def _sql(self) -> Callable[..., sqlite3.Cursor]:
        execute = self._con.execute

        def patient(statement: str, *arguments: Any) -> sqlite3.Cursor:
            if self._held and statement.startswith("INSERT") and "Settings" in statement:
                key, value = arguments[0]
                counts = "IGNORE" in statement  # what the database counts itself
                if key in self._held and (counts or self._held[key] == value):
                    statement, arguments = "SELECT 1", ()
            # Some statements of the opening get no time from SQLite, whatever its timeout.
            deadline = time.monotonic() + _LOCK_SECONDS
            while True:
                try:
                    cursor: sqlite3.Cursor = execute(statement, *arguments)
                    return cursor
                except sqlite3.OperationalError as error:
                    if str(error) != _LOCKED:
                        raise
                    if time.monotonic() >= deadline:
                        # Not in SQLite's words: diskcache would try those again for a minute.
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
    """The settings that a database holds; none where there is none, or none that can be read."""
    path = os.path.join(folder, DBNAME)
    if not os.path.exists(path):
        return {}
    try:
        with closing(sqlite3.connect(path, timeout=_LOCK_SECONDS)) as connection:
            return dict(connection.execute("SELECT key, value FROM Settings"))
    except sqlite3.Error:
        return {}


def _open(folder: str, size_limit: int) -> _Cache:
    return _Cache(
        folder,
        timeout=_LOCK_SECONDS,
        disk=BytesDisk,
        size_limit=size_limit,
        eviction_policy="least-recently-used",
        disk_min_file_size=_FILE_FROM,
        sqlite_mmap_size=0,
    )


def _digest(key: bytes, value: bytes) -> bytes:
    digest = hashlib.sha256(hashlib.sha256(key).digest())
    digest.update(value)
    return digest.digest()


def _verified(key: bytes, kept: bytes) -> bytes | None:
    value = kept[_DIGEST_SIZE:]
    return value if _digest(key, value) == kept[:_DIGEST_SIZE] else None


def _prepare(folder: str) -> None:
    """Make the folder for its owner alone. Raises FolderError when it is not ours alone."""
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
        status = os.stat(folder)
    except OSError as error:
        raise FolderError(f"{folder}: {error.strerror or error}") from error
    except ValueError as error:  # a NUL in the name
        raise FolderError(f"{folder!r}: {error}") from error
    if os.name == "nt":
        return
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise FolderError(f"{folder} may be written to by others")
    if status.st_uid not in (os.geteuid(), 0):
        raise FolderError(f"{folder} belongs to somebody else")
