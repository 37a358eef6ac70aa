"""Rows of the database, and the seal: the digest that is stored in front of each value."""

from __future__ import annotations

import hashlib

from derivload.store.owned import read_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

LOCK_SECONDS: Final = 0.5
_DIGEST_SIZE: Final = 32
# Diskcache's modes: the value is in its row, or in a file of its own.
_IN_ROW, _IN_FILE = 1, 2


def fetch(folder: str, mode: object, filename: object, value: object) -> bytes:
    """The stored bytes of a row of the database in `folder`: seal and value. Raises OSError."""
    if mode == _IN_ROW and filename is None and isinstance(value, bytes | memoryview):
        return bytes(value)
    if mode == _IN_FILE and isinstance(filename, str):
        return read_value(folder, filename)
    raise OSError("not a value of this store")


def verified(key: bytes, kept: bytes, sha256: bytes | None = None) -> bytes | None:
    """The value in `kept`, the stored bytes of a key; None if it is not what was put there.

    `sha256` is the digest that the value must have, if known.
    """
    value = kept[_DIGEST_SIZE:]
    found = hashlib.sha256(value).digest()
    if seal(key, found) != kept[:_DIGEST_SIZE] or found != (sha256 or found):
        return None
    return value


def seal(key: bytes, sha256: bytes) -> bytes:
    """The seal of a value: a digest of its key and of its sha256."""
    return hashlib.sha256(key + sha256).digest()
