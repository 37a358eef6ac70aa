"""The servers that packs may be on: reading and writing there.

OpenDAL speaks the protocols. Two things are ours: no text of an error goes further, because it may
hold the URL with a password, and every operation ends within a limit.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import opendal
from opendal.layers import TimeoutLayer

from derivload.store.remote.addresses import AddressError, options_of

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK: Final = 1024 * 1024
_NOT_FOUND: Final = "NotFound"
# A limit of nothing at all is none that OpenDAL takes.
_SHORTEST: Final = 0.001


class ServiceError(Exception):
    """The server did not do what was asked. The text is one or a few words, without the URL."""


class Service:
    """A place for packs on a server.

    `limit` is how many seconds an operation may take that makes no progress. Raises AddressError.
    """

    def __init__(self, url: str, limit: float) -> None:
        scheme, settings = options_of(url)
        try:
            operator = opendal.Operator(scheme, **settings)
        except Exception as error:  # its exceptions have no useful common class
            raise AddressError(f"OpenDAL cannot use it ({_kind(error)})") from None
        limit = max(limit, _SHORTEST)
        self._operator = operator.layer(TimeoutLayer(timeout=limit, io_timeout=limit))

    def read(self, path: str, largest: int, may_go_on: Callable[[bytearray], bool]) -> bytes | None:
        """The bytes at a path; None if there are none. Raises ServiceError.

        `largest` is how many bytes there may be. `may_go_on` is asked whenever some have come.
        """
        data = bytearray()
        try:
            with self._operator.open(path, "rb") as file:
                # A server may send byte by byte, or without end.
                while chunk := file.read(_CHUNK):
                    data += chunk
                    if len(data) > largest:
                        raise ServiceError("it sends too much")
                    if not may_go_on(data):
                        raise ServiceError("it is slow")
        except ServiceError:
            raise
        except Exception as error:
            kind = _kind(error)
            if kind == _NOT_FOUND:
                return None
            raise ServiceError(kind) from None
        return bytes(data)

    def write(self, path: str, data: bytes) -> None:
        """Write the bytes at a path. Raises ServiceError."""
        try:
            self._operator.write(path, data)
        except Exception as error:
            raise ServiceError(_kind(error)) from None


def until(deadline: float) -> Callable[[bytearray], bool]:
    """For `read`: it may go on until then, by `time.monotonic`."""
    return lambda _: time.monotonic() <= deadline


def _kind(error: Exception) -> str:
    """The word of OpenDAL's for what went wrong, such as `PermissionDenied`."""
    word = str(error).partition(" ")[0]
    return word if word.isalpha() and word.isascii() else type(error).__name__
