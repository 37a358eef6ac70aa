"""Sends all packs of a store to a server, and fetches those that a job has sent.

It is for jobs that warm a cache, so it waits as long as it takes. Not every server can list what it
has, so the names of what was sent are in a pack of their own: the index.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from derivload.store.remote.packs import (
    LARGEST_PACK,
    BadPackError,
    derive_secret,
    make_pack,
    read_pack,
)
from derivload.store.remote.remote import path_of
from derivload.store.remote.services import Service, until

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from derivload.store.remote.remote import RemoteSettings

INDEX: Final = hashlib.sha256(b"index of packs").digest()
# The index has the names that were sent last.
_MOST: Final = 1000
# Seconds that an operation may take without progress, and that reading a pack may take.
_LIMIT: Final = 60.0


class Transferred(NamedTuple):
    """The packs by name, and how many bytes they have."""

    packs: dict[bytes, bytes]
    size: int


def send_packs(settings: RemoteSettings, packs: Mapping[bytes, bytes]) -> Transferred:
    """Send packs that can be used with the secret of the settings. Raises ServiceError."""
    service, secret = Service(settings.url, _LIMIT), derive_secret(settings.secret)
    sent = {name: data for name, data in packs.items() if is_usable(name, data, secret)}
    for name, data in sent.items():
        service.write(path_of(name, secret), data)
    names = [*_read_index(service, secret), *sent]
    last = [*dict.fromkeys(reversed(names))][:_MOST]
    index = make_pack(INDEX, dict.fromkeys(reversed(last), b""), 0.0, secret)
    service.write(path_of(INDEX, secret), index)
    return Transferred(sent, sum(map(len, sent.values())))


def fetch_packs(settings: RemoteSettings, known: Container[bytes]) -> Transferred:
    """Fetch the packs of the index that are not known yet. Raises ServiceError."""
    service, secret = Service(settings.url, _LIMIT), derive_secret(settings.secret)
    found = {}
    for name in _read_index(service, secret):
        if name not in known:
            data = service.read(
                path_of(name, secret), LARGEST_PACK, until(time.monotonic() + _LIMIT)
            )
            if data is not None and is_usable(name, data, secret):
                found[name] = data
    return Transferred(found, sum(map(len, found.values())))


def is_usable(name: bytes, data: bytes, secret: bytes) -> bool:
    """Whether a pack was made under this name, with this secret."""
    try:
        read_pack(name, data, secret)
    except BadPackError:
        return False
    return True


def _read_index(service: Service, secret: bytes) -> list[bytes]:
    data = service.read(path_of(INDEX, secret), LARGEST_PACK, until(time.monotonic() + _LIMIT))
    try:
        names = [] if data is None else [*read_pack(INDEX, data, secret).values]
    except BadPackError:
        return []
    return [name for name in names if len(name) == len(INDEX)]
