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
- What others may have written is not used. They could not run code, but could put another text in
  place of ours: what is checked at every read tells damage, not a forgery. See `owned.py`.
- No memory-mapped reads: a database that somebody cuts short would end the process (SIGBUS).
- Few large rows. Opening a row costs some 0.1 ms, so a load is a handful of segments, and
  segments from 32 KiB on are files of their own beside the database.

The folder belongs to one layout of rows (`LAYOUT`); another layout is another folder.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from contextlib import suppress

from derivload.store.owned import (
    DATABASE,
    make_database,
    make_folder,
    trouble,
    trouble_with_database,
)
from derivload.store.rows import LOCK_SECONDS, fetch, seal, verified

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final, TypeVar

    from derivload.store.disk import BytesCache

    T = TypeVar("T")

LAYOUT: Final = "2"
DEFAULT_SIZE_LIMIT: Final = 512 * 1024 * 1024


class StoreError(Exception):
    """The store cannot be used; the text says why, for the one warning that is given."""


class FolderError(StoreError):
    """The folder cannot be made, or is not ours alone: nothing in it is to be touched."""


class Figures:
    """How many values a store holds, and their bytes on disk."""

    __slots__ = ("size", "values")

    def __init__(self, values: int, size: int) -> None:
        self.values = values
        self.size = size


class Store:
    """Serialized values by key. Only opening raises: what fails afterwards is a miss.

    Values are read with SQLite alone, past diskcache: its `get` is a write transaction under our
    eviction policy, for which a full disk or another process's lock would make a miss of what is
    there to read. diskcache is opened when something is written.
    """

    def __init__(self, folder: str, size_limit: int | None = None) -> None:
        """Open or make the store in `folder`, of at most `size_limit` bytes, 512 MiB when left
        out. Raises StoreError.
        """
        outer = os.path.abspath(folder)
        self._layout = os.path.join(outer, LAYOUT)
        _prepare(folder, outer)
        if os.path.islink(self._layout):
            raise FolderError(f"{os.path.join(folder, LAYOUT)} is a link")
        _prepare(os.path.join(folder, LAYOUT), self._layout)
        # diskcache would take the value of a variable that the name seems to hold.
        if os.path.expandvars(self._layout) != self._layout:
            raise FolderError(f"{folder} has the name of a variable in its own")
        self.folder = folder
        self.size_limit = DEFAULT_SIZE_LIMIT if size_limit is None else size_limit
        self._reader: sqlite3.Connection | None = None
        self._cache: BytesCache | None = None
        try:
            self._open()
        except Exception as error:  # for the reason in _attempt
            raise StoreError(f"{folder}: {error}") from error

    def get(self, key: bytes, sha256: bytes | None = None) -> bytes | None:
        """The value kept under `key`, if it is there and is what was put there.

        `sha256` is the value's, where it is known. A value that is not right is removed, so that
        it can be put again.
        """
        row = self._attempt(lambda: self._row(key))
        if row is None:
            return None
        value = None
        with suppress(OSError):
            value = verified(key, fetch(self._layout, *row[1:]), sha256)
        if value is None:
            self._attempt(lambda: self._written().remove(row[0]))
        return value

    def __contains__(self, key: bytes) -> bool:
        """Whether something is kept under `key`, sound or not. That counts as a use."""
        return self._attempt(lambda: self._row(key)) is not None

    def put(self, key: bytes, value: bytes, sha256: bytes | None = None) -> bool:
        """Keep `value` under `key`; whether that went well. Raises TypeError for no bytes.

        `sha256` is the value's, where it is known.
        """
        if type(key) is not bytes or type(value) is not bytes:
            raise TypeError("keys and values are bytes")
        kept = seal(key, sha256 or hashlib.sha256(value).digest()) + value
        return bool(self._attempt(lambda: self._written().set(key, kept)))

    def figures(self) -> Figures | None:
        """How much the store holds, or None when it does not answer."""
        return self._attempt(lambda: Figures(len(self._written()), self._written().volume()))

    def verify(self) -> int | None:
        """Read every value and remove those that are not what was put there; how many these were.

        None when the store does not answer.
        """
        return self._attempt(lambda: self._written().verify())

    def prune(self, older_than: float | None = None, max_size: int | None = None) -> int | None:
        """Remove values not used for `older_than` seconds, and the least recently used down to
        `max_size` bytes; how many these were. None when the store does not answer.
        """
        return self._attempt(lambda: self._written().prune(older_than, max_size))

    def clear(self) -> int | None:
        """Remove all values; how many these were. None when the store does not answer."""
        return self._attempt(lambda: int(self._written().clear()))

    def close(self) -> None:
        """Let go of the database, until the next use."""
        with suppress(Exception):
            if self._reader is not None:
                self._reader.close()
        self._reader = None
        with suppress(Exception):
            if self._cache is not None:
                self._cache.close()

    def __del__(self) -> None:
        # Most stores are open to the end of a command; Python would warn of that.
        self.close()

    def _attempt(self, action: Callable[[], T]) -> T | None:
        try:
            return action()
        except Exception:  # what damaged rows and settings raise inside diskcache has no end
            # A COMMIT that failed leaves its transaction open, and with it the lock.
            self.close()
            return None

    def _open(self) -> None:
        with suppress(sqlite3.Error):
            self._read().execute("SELECT rowid FROM Cache LIMIT 1").fetchone()
            return
        # There is none yet, or one that has to be mended, or none at all to be had.
        self.close()
        self._written()

    def _read(self) -> sqlite3.Connection:
        if self._reader is None:
            try:
                self._check_database()
            except FileNotFoundError:  # SQLite would make it
                raise sqlite3.OperationalError("there is no database") from None
            path = os.path.join(self._layout, DATABASE)
            self._reader = sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)
            self._reader.execute("PRAGMA mmap_size = 0")
        return self._reader

    def _written(self) -> BytesCache:
        if self._cache is None:
            from derivload.store.disk import open_cache

            make_database(self._layout)
            self._check_database()
            self._cache = open_cache(self._layout, self.size_limit)
        return self._cache

    def _check_database(self) -> None:
        """Raises PermissionError when it may be another's, FileNotFoundError when there is none."""
        found = trouble_with_database(self._layout)
        if found is not None:
            raise PermissionError(found)

    def _row(self, key: bytes) -> tuple[object, ...] | None:
        columns = "rowid, mode, filename, value"
        query = f"SELECT {columns} FROM Cache WHERE key = ? AND raw = 1"
        row: tuple[object, ...] | None = self._read().execute(query, (key,)).fetchone()
        if row is not None:
            self._note_use(row[0])
        return row

    def _note_use(self, row: object) -> None:
        execute = self._read().execute
        execute("PRAGMA busy_timeout = 0")
        # A use that cannot be noted at once is not: it costs a miss later, at most.
        with suppress(sqlite3.Error):
            execute("UPDATE Cache SET access_time = ? WHERE rowid = ?", (time.time(), row))
        execute(f"PRAGMA busy_timeout = {int(LOCK_SECONDS * 1000)}")


def _prepare(name: str, folder: str) -> None:
    """Make the folder, called `name`, for its owner alone. Raises FolderError when it is not."""
    try:
        make_folder(folder)
        found = trouble(os.stat(folder))
    except OSError as error:
        raise FolderError(f"{name}: {error.strerror or error}") from error
    except ValueError as error:  # a NUL in the name
        raise FolderError(f"{name!r}: {error}") from error
    if found is not None:
        raise FolderError(f"{name} {found}")
