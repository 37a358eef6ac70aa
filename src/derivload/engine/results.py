"""Finished documents in the store: found again by what they were made from.

Two keys lead to them. One is of the bytes of the inputs; it is asked first, and costs a hash.
The other is of the texts of their entries, so that comments and blank lines between entries,
which change no output, change no key; it costs a split. The first leads to the second, which
leads to the documents.

Keys cover derivload itself, the release to follow and the shards, never a path or a time.
Imports no more than hashing and splitting need.
"""

from __future__ import annotations

import hashlib

from derivload.sources.splitting import split_text, with_plain_line_ends

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from derivload.engine.store import Store

    Document = tuple[str, bytes, int]

_KIND = b"documents 1"
_SEPARATOR = b"\0"


class Kept:
    """The documents of a run, each a name, bytes, and how many functions it holds, and the note
    that the user is given each time.
    """

    __slots__ = ("documents", "note")

    def __init__(self, documents: Sequence[Document], note: str) -> None:
        self.documents = documents
        self.note = note


class Keys:
    """The two keys of a run: by the bytes of its inputs, and by their entries."""

    def __init__(
        self, tool: bytes, version: str, shards: int | None, inputs: Sequence[bytes]
    ) -> None:
        """Take in all that the documents depend on; `inputs` in the order of the command line."""
        self._options = _SEPARATOR.join((_KIND, tool, version.encode(), str(shards).encode()))
        self._inputs = inputs

    @property
    def by_bytes(self) -> bytes:
        """The key of the inputs' bytes."""
        digests = [hashlib.sha256(data).digest() for data in self._inputs]
        return self._key(b"bytes", digests)

    @property
    def by_bytes_alone(self) -> bytes:
        """Where documents stand that only the inputs' bytes lead to."""
        return self._key(b"documents", [self.by_bytes])

    def by_entries(self) -> bytes:
        """The key of the inputs' entries."""
        return self._key(b"entries", [_entries_digest(data) for data in self._inputs])

    def _key(self, kind: bytes, digests: Sequence[bytes]) -> bytes:
        key = hashlib.sha256(self._options + _SEPARATOR + kind)
        for digest in digests:
            key.update(digest)
        return key.digest()


def _entries_digest(data: bytes) -> bytes:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return hashlib.sha256(b"whole" + data).digest()
    split = split_text(with_plain_line_ends(text))
    if split is None:
        return hashlib.sha256(b"whole" + data).digest()
    # A text that holds a part of an entry in quotes has a digest here too, but nothing is ever
    # kept under it: see keep_documents.
    digest = hashlib.sha256(b"entries")
    for _, entry in split:
        digest.update(entry.encode("utf-8"))
        digest.update(_SEPARATOR)
    return digest.digest()


def find_documents(store: Store, keys: Keys) -> Kept | None:
    """The documents of a run that some run before made, or None."""
    by_bytes = keys.by_bytes
    target = store.get(by_bytes)
    if target is not None:
        found = store.get(target)
        return None if found is None else _unpack(found)
    by_entries = keys.by_entries()
    found = store.get(by_entries)
    if found is None:
        return None
    store.put(by_bytes, by_entries)
    return _unpack(found)


def keep_documents(store: Store, keys: Keys, kept: Kept, *, is_of_entries: bool) -> None:
    """Keep the documents of a run for runs to come.

    `is_of_entries` tells that each entry was read by itself. Only then may what stands between
    entries be left out of a key: of entries that are complete, any text that has these very
    entries has nothing but comments and blank lines between them.
    """
    target = keys.by_entries() if is_of_entries else keys.by_bytes_alone
    if store.put(target, _pack(kept)):
        store.put(keys.by_bytes, target)


def _pack(kept: Kept) -> bytes:
    lines = [kept.note, *(f"{name} {count} {len(data)}" for name, data, count in kept.documents)]
    head = "\n".join(lines) + "\n\n"
    return b"".join([head.encode(), *(data for _, data, _ in kept.documents)])


def _unpack(packed: bytes) -> Kept | None:
    head, _, rest = packed.partition(b"\n\n")
    note, *lines = head.decode().split("\n")
    documents = []
    start = 0
    for line in lines:
        name, count, size = line.split(" ")
        documents.append((name, rest[start : start + int(size)], int(count)))
        start += int(size)
    return Kept(documents, note) if start == len(rest) else None
