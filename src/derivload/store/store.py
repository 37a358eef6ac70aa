"""The store: serialized values by content hash, on disk, shared by all processes of a user.

It is built on diskcache, which is built on SQLite.

Constraints, and what follows from them:

- A value that is read is either right or absent. A sha256 of its key and its bytes is stored in
  front of it and checked at every read. Everything else that goes wrong is a miss, too. A miss
  costs time, but never fails a build. The sha256 covers the key because SQLite trusts its index:
  after one flipped bit there, a key can lead to the undamaged value of another key.
- Nothing that is read is executed. diskcache pickles every value that is not plain bytes, text or
  a number, and unpickles what is marked as pickled (CVE-2025-69872). So the Disk here handles
  bytes only.
- No process waits long. We wait only briefly for SQLite's lock; if another process holds it
  longer, the run goes on without the store. No lock is held while anything is computed. Nobody
  waits until the disk has what was written: after a power failure, values may be missing or wrong.
- Files that others may have written are not used. Others could not run code, but they could
  replace our text: the check at every read detects damage, not forgery. See `owned.py`.
- No memory-mapped reads: if the database is truncated meanwhile, they would end the process
  (SIGBUS).
- Few large rows. Opening a row costs about 0.1 ms, so a load is a handful of segments. Segments
  from 32 KiB on are files of their own beside the database.

The folder belongs to one layout of rows (`LAYOUT` in `owned.py`).
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress

try:  # what sqlite3 is made of; importing sqlite3 itself loads more than reading needs
    from _sqlite3 import DatabaseError, Error, OperationalError, connect
except ImportError:  # a Python that has it elsewhere
    from sqlite3 import DatabaseError, Error, OperationalError, connect

from derivload.store.owned import (
    DATABASE,
    LAYOUT,
    DamagedError,
    FolderError,
    StoreError,
    make_database,
    make_folder,
    trouble,
    trouble_with_database,
)
from derivload.store.rows import LOCK_SECONDS, fetch, has_room, seal, verified, write_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping
    from typing import Final, TypeVar

    from derivload.store.disk import BytesCache
    from derivload.store.remote.remote import Remote

    T = TypeVar("T")

DEFAULT_SIZE_LIMIT: Final = 512 * 1024 * 1024
# Before the name of a pack of the remote cache. Other keys begin otherwise.
_PACK: Final = b"pack "
# Noting a use is a write to the disk. This is exact enough for what is removed first.
_NOTED_SECONDS: Final = 600


class Figures:
    """The number of values in a store, and their size on disk in bytes."""

    __slots__ = ("size", "values")

    def __init__(self, values: int, size: int) -> None:
        self.values = values
        self.size = size


class Store:
    """Serialized values by key. Only opening raises; a failure after that is a miss.

    Values are read with SQLite alone, without diskcache. Under our eviction policy, diskcache's
    `get` is a write transaction: on a full disk, or while another process holds the lock, it would
    miss values that could be read. Values are written without it too, unless others have to go.
    """

    def __init__(self, folder: str, size_limit: int | None = None) -> None:
        """Open the store in `folder`, or make it. Raises StoreError.

        It holds at most `size_limit` bytes, by default 512 MiB.
        """
        outer = os.path.abspath(folder)
        self._layout = os.path.join(outer, LAYOUT)
        _prepare(folder, outer)
        if os.path.islink(self._layout):
            raise FolderError(f"{os.path.join(folder, LAYOUT)} is a link")
        _prepare(os.path.join(folder, LAYOUT), self._layout)
        # diskcache would expand environment variables in the name.
        if os.path.expandvars(self._layout) != self._layout:
            raise FolderError(f"the name {folder} contains an environment variable")
        self.folder = folder
        self.size_limit = DEFAULT_SIZE_LIMIT if size_limit is None else size_limit
        self.remote: Remote | None = None
        self._pulled: dict[bytes, bytes] = {}
        self._reader: sqlite3.Connection | None = None
        self._process = os.getpid()
        self._cache: BytesCache | None = None
        try:
            self._open()
        except OperationalError as error:  # locked, for example
            raise StoreError(f"{folder}: {error}") from error
        except DatabaseError as error:
            raise DamagedError(f"{folder}: {error}") from error
        except Exception as error:  # for the reason in _attempt
            raise StoreError(f"{folder}: {error}") from error

    def get(self, key: bytes, sha256: bytes | None = None) -> bytes | None:
        """The value stored under `key`; None if there is none, or it is not what was put there.

        `sha256` is the digest that the value must have, if known. A wrong value is removed, so
        that it can be put again.
        """
        row = self._attempt(lambda: self._row(key))
        if row is None:
            return self._pulled.get(key)
        value = None
        with suppress(OSError):
            value = verified(key, fetch(self._layout, *row[2:]), sha256)
        if value is None:
            self._attempt(lambda: self._written().remove(row[0]))
        return value

    def __contains__(self, key: bytes) -> bool:
        """Whether a value is stored under `key`, damaged or not. Asking counts as a use."""
        return self._attempt(lambda: self._row(key)) is not None

    def put(self, key: bytes, value: bytes, sha256: bytes | None = None) -> bool:
        """Store `value` under `key`, and return whether that succeeded.

        `sha256` is that of the value, if known. Raises TypeError if `key` or `value` is not bytes.
        """
        if type(key) is not bytes or type(value) is not bytes:
            raise TypeError("keys and values are bytes")
        kept = seal(key, sha256 or hashlib.sha256(value).digest()) + value
        return bool(self._attempt(lambda: self._put(key, kept)))

    @property
    def pushes(self) -> bool:
        """Whether there is a remote cache that takes what is pushed."""
        return self.remote is not None and self.remote.settings.writes

    def pull(self, name: bytes) -> dict[bytes, bytes] | None:
        """The values of the remote cache's pack of this name; None if there is none.

        Whoever pushed them chose the keys, so they are not put in the store. A pack that was made
        here, or pulled by `derivload cache`, is here already.
        """
        if self.remote is None or not self.remote.settings.reads:
            return None
        kept = self.get(_PACK + name)
        found = None if kept is None else self.remote.opened(name, kept)
        return self.remote.pull(name) if found is None else found

    def get_or_pull(self, key: bytes) -> bytes | None:
        """The value under `key`, here or else in the remote cache's pack of this name.

        All values of that pack are put here, under their own keys.
        """
        value = self.get(key)
        if value is not None:
            return value
        values = self.pull(key) or {}
        for name, pulled in values.items():
            if not self.put(name, pulled):
                self._pulled[name] = pulled
        return self.get(key) if values else None

    def push(self, name: bytes, values: Mapping[bytes, bytes]) -> None:
        """Begin to send values to the remote cache, if there is one, as a pack of this name."""
        if self.remote is not None:
            self.remote.push(name, values)

    def keep_packs(self, packs: Mapping[bytes, bytes]) -> None:
        """Keep packs, by name: `derivload cache push` sends them."""
        for name, data in packs.items():
            self.put(_PACK + name, data)

    def packs(self) -> dict[bytes, bytes]:
        """The packs that are kept, by name."""
        query = "SELECT key FROM Cache WHERE raw = 1 AND length(key) = ?"
        size = len(_PACK) + hashlib.sha256().digest_size
        rows = self._attempt(lambda: self._read().execute(query, (size,)).fetchall()) or []
        found = {}
        for (key,) in rows:
            value = self.get(bytes(key))
            if value is not None and bytes(key).startswith(_PACK):
                found[bytes(key)[len(_PACK) :]] = value
        return found

    def figures(self) -> Figures | None:
        """How much the store holds; None if the store cannot be used."""
        return self._attempt(lambda: Figures(len(self._written()), self._written().volume()))

    def verify(self) -> int | None:
        """Read every value and remove those that are not what was put there.

        Returns how many were removed; None if the store cannot be used.
        """
        return self._attempt(lambda: self._written().verify())

    def prune(self, older_than: float | None = None, max_size: int | None = None) -> int | None:
        """Remove values not used for `older_than` seconds, then the least recently used ones.

        The latter are removed until at most `max_size` bytes are left. Returns how many values
        were removed; None if the store cannot be used.
        """
        return self._attempt(lambda: self._written().prune(older_than, max_size))

    def clear(self) -> int | None:
        """Remove all values. Returns how many; None if the store cannot be used."""
        return self._attempt(lambda: int(self._written().clear()))

    def close(self) -> None:
        """Close the database. The next use opens it again."""
        with suppress(Exception):
            if self._reader is not None:
                self._reader.close()
        self._reader = None
        with suppress(Exception):
            if self._cache is not None:
                self._cache.close()

    def __del__(self) -> None:
        # Most stores stay open until the command ends; Python would warn about that.
        self.close()

    def _attempt(self, action: Callable[[], T]) -> T | None:
        try:
            return action()
        except Exception:  # damaged rows and settings raise all kinds of errors inside diskcache
            # A COMMIT that failed leaves its transaction open and the database locked.
            self.close()
            return None

    def _open(self) -> None:
        with suppress(Error):
            self._read().execute("SELECT rowid FROM Cache LIMIT 1").fetchone()
            return
        # The database does not exist yet, or needs repair, or cannot be opened at all.
        self.close()
        self._written()

    def _read(self) -> sqlite3.Connection:
        if self._process != os.getpid():  # SQLite allows no connection of the process that forked
            self.close()
            self._process = os.getpid()
        if self._reader is None:
            try:
                self._check_database()
            except FileNotFoundError:  # connecting would make the file
                raise OperationalError("the database does not exist") from None
            path = os.path.join(self._layout, DATABASE)
            self._reader = connect(path, timeout=LOCK_SECONDS, isolation_level=None)
            self._reader.execute("PRAGMA mmap_size = 0")
            self._reader.execute("PRAGMA synchronous = 0")
        return self._reader

    def _written(self) -> BytesCache:
        if self._cache is None:
            from derivload.store.disk import open_cache

            make_database(self._layout)
            self._check_database()
            self._cache = open_cache(self._layout, self.size_limit)
        return self._cache

    def _put(self, key: bytes, kept: bytes) -> bool:
        connection = self._read()
        if self._cache is None and has_room(connection, len(kept), self.size_limit):
            write_row(connection, self._layout, key, kept)
            return True
        return bool(self._written().set(key, kept))

    def _check_database(self) -> None:
        """Check that the database may be used.

        Raises PermissionError if others may have written it, FileNotFoundError if there is none.
        """
        found = trouble_with_database(self._layout)
        if found is not None:
            raise PermissionError(found)

    def _row(self, key: bytes) -> tuple[object, ...] | None:
        columns = "rowid, access_time, mode, filename, value"
        query = f"SELECT {columns} FROM Cache WHERE key = ? AND raw = 1"
        row: tuple[object, ...] | None = self._read().execute(query, (key,)).fetchone()
        if row is not None:
            self._note_use(*row[:2])
        return row

    def _note_use(self, row: object, noted: object) -> None:
        """Note that a row is used now, unless its last use was noted a short time ago."""
        if isinstance(noted, float) and 0 <= time.time() - noted < _NOTED_SECONDS:
            return
        execute = self._read().execute
        execute("PRAGMA busy_timeout = 0")
        # A use that cannot be noted at once is not noted. At worst that costs a miss later.
        with suppress(Error):
            execute("UPDATE Cache SET access_time = ? WHERE rowid = ?", (time.time(), row))
        execute(f"PRAGMA busy_timeout = {int(LOCK_SECONDS * 1000)}")


def _prepare(name: str, folder: str) -> None:
    """Make the folder for its owner alone, if it does not exist. `name` is for messages.

    Raises FolderError if it cannot be made, or others may write to it.
    """
    try:
        make_folder(folder)
        found = trouble(os.stat(folder))
    except OSError as error:
        raise FolderError(f"{name}: {error.strerror or error}") from error
    except ValueError as error:  # a NUL in the name
        raise FolderError(f"{name!r}: {error}") from error
    if found is not None:
        raise FolderError(f"{name} {found}")
