"""A pack: the values of one run under one name, compressed and sealed for a server.

One pack for each run, because a request costs the time of the way there and back, whatever its
size: five values of 20 ms each would cost more than they save. docs/team-cache.md has the figures.

A server is not trusted. A pack is used only if its seal fits its name and its bytes:

- Without a secret, the seal is a sha256. It shows damage, and a pack under the name of another one.
- With a secret of the team, it is an HMAC-SHA256. It also shows who made the pack. A pack without
  it, or with one made with another secret, is not used.

The seal is checked before the pack is decompressed or looked into. The name is in the seal, so an
old pack under another name does not fit. An old pack under its own name does fit, and is right:
most names are digests of everything that the values depend on. The others are those of states,
which record what they were made from.

The layout: the mark, the seal (32 bytes), the seconds that it took to make the values (a double),
the size of the rest (eight bytes), and a zstandard frame. The first two numbers tell, while a pack
is read, whether to go on is worth the time: see `remote.py`. The frame holds for each value the
lengths of key and value (four and eight bytes), the key and the value. All numbers are
little-endian. Nothing in a pack is ever executed.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

import zstandard

if TYPE_CHECKING:
    from collections.abc import Mapping

MARK: Final = b"derivload pack 1"
# Bytes. A pack of PyTorch's generated files has 31 MB, and 2 MB compressed.
LARGEST_PACK: Final = 256 * 1024 * 1024
_LARGEST_CONTENT: Final = 1024 * 1024 * 1024
_SEAL: Final = hashlib.sha256().digest_size
_HEAD: Final = struct.Struct("<dQ")
_LENGTHS: Final = struct.Struct("<IQ")
_LEVEL: Final = 3


class Pack(NamedTuple):
    """The values of a run by key, and the seconds that it took to make them."""

    values: dict[bytes, bytes]
    seconds: float


class BadPackError(Exception):
    """The bytes are not a pack that was made under this name, with this secret."""


def derive_secret(secret: str) -> bytes:
    """The secret that seals packs, from the one of the team; b"" if the team has none."""
    if not secret:
        return b""
    return hmac.digest(secret.encode("utf-8", "surrogateescape"), MARK, "sha256")


def make_pack(name: bytes, values: Mapping[bytes, bytes], seconds: float, secret: bytes) -> bytes:
    """The bytes of a pack. `secret` is what `derive_secret` gave."""
    parts = []
    for key, value in values.items():
        parts += [_LENGTHS.pack(len(key), len(value)), key, value]
    content = b"".join(parts)
    frame = zstandard.ZstdCompressor(_LEVEL).compress(content)
    sealed = _HEAD.pack(seconds, len(frame)) + frame
    return MARK + _seal(name, sealed, secret) + sealed


def read_pack(name: bytes, data: bytes, secret: bytes) -> Pack:
    """The pack that `make_pack` gave these bytes. Raises BadPackError."""
    start = len(MARK) + _SEAL
    sealed = data[start:]
    if not data.startswith(MARK) or len(sealed) <= _HEAD.size:
        raise BadPackError("it is no pack")
    if not hmac.compare_digest(data[len(MARK) : start], _seal(name, sealed, secret)):
        raise BadPackError("its seal does not fit")
    seconds, size = _HEAD.unpack_from(sealed)
    frame = sealed[_HEAD.size :]
    if not math.isfinite(seconds) or seconds < 0 or size != len(frame):
        raise BadPackError("its head is wrong")
    return Pack(_read_values(_decompressed(frame)), seconds)


def read_promise(data: bytes) -> tuple[float, int] | None:
    """What the beginning of a pack says: the seconds that it saves, and its size in bytes.

    None if that has not come yet, or it is no pack. It is not verified: the end of the pack is.
    """
    start = len(MARK) + _SEAL
    if len(data) < start + _HEAD.size or not data.startswith(MARK):
        return None
    seconds, size = _HEAD.unpack_from(data, start)
    return (seconds, start + _HEAD.size + size) if math.isfinite(seconds) else None


def _seal(name: bytes, sealed: bytes, secret: bytes) -> bytes:
    text = b"".join([MARK, len(name).to_bytes(4, "little"), name, sealed])
    return hmac.digest(secret, text, "sha256") if secret else hashlib.sha256(text).digest()


def _decompressed(frame: bytes) -> bytes:
    # Whoever may write to the server can make a small frame of a very large content.
    try:
        size = zstandard.frame_content_size(frame)
        if not 0 <= size <= _LARGEST_CONTENT:
            raise BadPackError("its size is not known, or too large")
        return zstandard.ZstdDecompressor().decompress(frame)
    except zstandard.ZstdError as error:
        raise BadPackError("it cannot be decompressed") from error


def _read_values(content: bytes) -> dict[bytes, bytes]:
    values = {}
    at = 0
    while at < len(content):
        try:
            of_key, of_value = _LENGTHS.unpack_from(content, at)
        except struct.error as error:
            raise BadPackError("it ends early") from error
        middle = at + _LENGTHS.size + of_key
        at = middle + of_value
        if at > len(content):
            raise BadPackError("it ends early")
        values[content[middle - of_key : middle]] = content[middle:at]
    return values
