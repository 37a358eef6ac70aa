"""Rows of the database, and the seal: the digest that is stored in front of each value.

A row is written here as diskcache's `set` writes it. To import and open diskcache takes longer than
all else that a run does after an edit to one formula, so it is left the rest: to make the database
and to repair it, to count, and to remove rows from a store that is full.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress

from derivload.store.owned import read_value, remove_value, write_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from typing import Final

LOCK_SECONDS: Final = 0.5
_DIGEST_SIZE: Final = 32
# Diskcache's modes: the value is in its row, or in a file of its own.
_IN_ROW, _IN_FILE = 1, 2
# From so many bytes on, a value is in a file.
FILE_FROM: Final = 32 * 1024
# More than a row adds to the database besides its value.
_ROW_SIZE: Final = 64 * 1024


def fetch(folder: str, mode: object, filename: object, value: object) -> tuple[bytes, bytes]:
    """The stored bytes of a row of the database in `folder`: seal and value. Raises OSError."""
    if mode == _IN_ROW and filename is None and isinstance(value, bytes | memoryview):
        return bytes(value[:_DIGEST_SIZE]), bytes(value[_DIGEST_SIZE:])
    if mode == _IN_FILE and isinstance(filename, str):
        return read_value(folder, filename, _DIGEST_SIZE)
    raise OSError("not a value of this store")


def verified(key: bytes, kept: tuple[bytes, bytes], sha256: bytes | None = None) -> bytes | None:
    """The value of `kept`, the seal and value of a key; None if it is not what was put there.

    `sha256` is the digest that the value must have, if known.
    """
    sealed, value = kept
    found = hashlib.sha256(value).digest()
    return value if seal(key, found) == sealed and found == (sha256 or found) else None


def seal(key: bytes, sha256: bytes) -> bytes:
    """The seal of a value: a digest of its key and of its sha256."""
    return hashlib.sha256(key + sha256).digest()


def has_room(connection: sqlite3.Connection, size: int, limit: int) -> bool:
    """Whether the store holds at most `limit` bytes with one more value of `size` bytes.

    False, too, if the database does not say how much it holds.
    """
    held = connection.execute("SELECT value FROM Settings WHERE key = 'size'").fetchone()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (page,) = connection.execute("PRAGMA page_size").fetchone()
    if held is None or not isinstance(held[0], int):
        return False
    return bool(held[0] + pages * page + size + _ROW_SIZE < limit)


def write_row(connection: sqlite3.Connection, folder: str, key: bytes, kept: bytes) -> None:
    """Put stored bytes, seal and value, under a key of the database in `folder`.

    Raises OSError and the errors of SQLite; then nothing is put.
    """
    filename = write_value(folder, kept) if len(kept) >= FILE_FROM else None
    try:
        replaced = _write_row(connection, key, kept, filename)
    except BaseException:
        remove_value(folder, filename)
        raise
    remove_value(folder, replaced)


def _write_row(
    connection: sqlite3.Connection, key: bytes, kept: bytes, filename: str | None
) -> object:
    """Write the row in a transaction. Returns the name of the file that it replaced, or None."""
    now = time.time()
    value = (len(kept), _IN_FILE, filename, None) if filename else (0, _IN_ROW, None, kept)
    columns = "store_time, access_time, access_count, expire_time, tag, size, mode, filename, value"
    values = (now, now, 0, None, None, *value)
    connection.execute("BEGIN IMMEDIATE")
    try:
        query = "SELECT rowid, filename FROM Cache WHERE key = ? AND raw = 1"
        row, replaced = connection.execute(query, (key,)).fetchone() or (None, None)
        marks = ", ".join("?" * len(values))
        if row is None:
            query = f"INSERT INTO Cache (key, raw, {columns}) VALUES (?, 1, {marks})"
            connection.execute(query, (key, *values))
        else:
            connection.execute(
                f"UPDATE Cache SET ({columns}) = ({marks}) WHERE rowid = ?", (*values, row)
            )
        connection.execute("COMMIT")
    except BaseException:
        with suppress(Exception):
            connection.execute("ROLLBACK")
        raise
    return replaced
