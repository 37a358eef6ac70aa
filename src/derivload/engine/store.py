"""The store: serialized values by content hash, on disk, shared by all processes of a user.

It stands on diskcache, which stands on SQLite.

Constraints, and what follows from them:

- A value read is either right or absent. Each is kept behind the sha256 of its bytes, which is
  checked at every read; whatever else goes wrong is a miss. A miss costs time, never a build.
- Nothing read is executed. diskcache pickles what is no plain bytes, text or number (and
  unpickles what it finds marked so: CVE-2025-69872), so the Disk here knows bytes alone.
- Nobody waits. SQLite's lock is asked for briefly; who holds it longer makes this run go on
  without the store. No lock is held while anything is computed.
- A folder that others may write to is done without: they could not run code, but could fill it.
- Few large rows. Opening a row costs some 0.1 ms, so a load is a handful of segments, and
  segments from 32 KiB on are files of their own beside the database.

The folder belongs to one layout of rows (`LAYOUT`); another layout is another folder.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import time
import warnings
from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

import diskcache
from diskcache.core import MODE_BINARY, MODE_RAW

LAYOUT: Final = "1"
DEFAULT_SIZE_LIMIT: Final = 512 * 1024 * 1024
_LOCK_SECONDS: Final = 0.5
_DIGEST_SIZE: Final = 32
_FILE_FROM: Final = 32 * 1024

T = TypeVar("T")
# What a store that is full, locked, damaged or gone makes of any call.
_FAILURES: Final = (
    *(sqlite3.Error, diskcache.Timeout, OSError, ValueError, TypeError, AssertionError),
)


class StoreError(Exception):
    """The store cannot be used; the text says why, for the one warning that is given."""


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

    def fetch(self, mode: object, filename: object, value: object, read: object) -> bytes:
        """The bytes that a row stands for. Raises OSError, which diskcache takes for a miss."""
        if mode == MODE_RAW and isinstance(value, bytes | memoryview):
            return bytes(value)
        if mode == MODE_BINARY and isinstance(filename, str) and not read:
            with open(os.path.join(self._directory, filename), "rb") as file:
                return file.read()
        raise OSError("not a value of this store")


class Figures(NamedTuple):
    """How many values a store holds, and their bytes on disk."""

    values: int
    size: int


class Store:
    """Serialized values by key. Only opening raises: what fails afterwards is a miss."""

    def __init__(self, folder: str, size_limit: int = DEFAULT_SIZE_LIMIT) -> None:
        """Open or make the store in `folder`, of at most `size_limit` bytes. Raises StoreError."""
        _prepare(folder)
        self.folder = folder
        try:
            self._cache = _open(os.path.join(folder, LAYOUT), size_limit)
        except _FAILURES as error:
            raise StoreError(f"{folder}: {error}") from error

    def get(self, key: bytes) -> bytes | None:
        """The value kept under `key`, if it is there and is what was put there."""
        kept = self._attempt(lambda: self._cache.get(key))
        return _verified(kept) if isinstance(kept, bytes) else None

    def put(self, key: bytes, value: bytes) -> bool:
        """Keep `value` under `key`; whether that went well."""
        kept = hashlib.sha256(value).digest() + value
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
        damaged = [key for key in list(self._cache) if self.get(key) is None]
        for key in damaged:
            removed += bool(self._cache.delete(key))
        # What no row names any more, or no file stands behind, diskcache itself can tell.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            removed += len(self._cache.check(fix=True))
        return removed

    def _prune(self, older_than: float | None, max_size: int | None) -> int:
        removed = 0
        by_use = self._cache._sql(
            "SELECT key, access_time FROM Cache ORDER BY access_time"
        ).fetchall()
        oldest = float("-inf") if older_than is None else time.time() - older_than
        for key, used in by_use:
            too_large = max_size is not None and self._cache.volume() > max_size
            if used >= oldest and not too_large:
                break
            removed += bool(self._cache.delete(bytes(key)))
        return removed

    def _attempt(self, action: Callable[[], T]) -> T | None:
        try:
            return action()
        except _FAILURES:
            return None


class _Cache(diskcache.Cache):  # type: ignore[misc]
    """diskcache's Cache, which while it opens would wait a minute for a lock."""

    @property
    def _sql_retry(self) -> Callable[..., sqlite3.Cursor]:
        connection = self._con
        connection.execute(f"PRAGMA busy_timeout = {int(_LOCK_SECONDS * 1000)}")
        execute: Callable[..., sqlite3.Cursor] = connection.execute
        return execute


def _open(folder: str, size_limit: int) -> _Cache:
    return _Cache(
        folder,
        timeout=_LOCK_SECONDS,
        disk=BytesDisk,
        size_limit=size_limit,
        eviction_policy="least-recently-used",
        disk_min_file_size=_FILE_FROM,
    )


def _verified(kept: bytes) -> bytes | None:
    value = kept[_DIGEST_SIZE:]
    return value if hashlib.sha256(value).digest() == kept[:_DIGEST_SIZE] else None


def _prepare(folder: str) -> None:
    """Make the folder for its owner alone. Raises StoreError when it is not ours alone."""
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
        status = os.stat(folder)
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror or error}") from error
    if os.name == "nt":
        return
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise StoreError(f"{folder} may be written to by others")
    if status.st_uid not in (os.geteuid(), 0):
        raise StoreError(f"{folder} belongs to somebody else")
