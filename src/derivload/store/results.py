"""What is kept in the store: finished documents, and the state that the next load starts from.

Two keys lead to the documents of a run. One is of the bytes of the inputs; it is asked first,
and costs a hash. The other is of the texts of their entries, so that comments and blank lines
between entries, which change no output, change no key; it costs a split. Either leads to the
list of the documents, by sha256, which lead to their bytes: a document that an edit leaves as
it was is kept once.

Those keys are of content: what they lead to never changes. The third, of the state, is of the
release alone, and leads to that of the last load, whichever inputs it had: a state says itself
what it is of. Its lines are those of two documents, which are kept like any other. With it stand
the digests of its inputs' entries, which spares hashing them in an input that is still the same.

Keys cover derivload itself, the release to follow and the shards, never a path or a time.
Imports no more than hashing and splitting need.

What the store returns is what was put there, and still it is checked before it is used: a value
that does not read as what it should be is a miss, and a document is one only if it has the very
sha256 that the list says. Names in a list are those that these shards have, so that nothing else
is ever written.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress

from derivload.identity import is_as_it_began
from derivload.sources.splitting import Split, split_digests, with_plain_line_ends

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from derivload.store.store import Store

    # A file name, the bytes, how many functions they hold, and their sha256 in hex.
    Document = tuple[str, bytes, int, str]

_KIND = b"documents 2"
_STATE = b"state 2"
_SEPARATOR = b"\0"
_PART = b"\n\n"
_DIFFERENTIABILITY, _FUNCTIONS = "differentiability.json", "functions.json"


class Kept:
    """The documents of a run, and the note that the user is given each time.

    `is_of_entries` tells that each entry of the inputs was read by itself, so that nothing
    between them means anything.
    """

    __slots__ = ("documents", "is_of_entries", "note")

    def __init__(self, documents: Sequence[Document], note: str, *, is_of_entries: bool) -> None:
        self.documents = documents
        self.note = note
        self.is_of_entries = is_of_entries


class Keys:
    """The keys of a run. `digests` are the sha256 of its inputs, in the order that they came in."""

    def __init__(
        self, tool: bytes, version: str, shards: int | None, inputs: Sequence[bytes]
    ) -> None:
        """Take in all that the documents depend on; `inputs` in the order of the command line."""
        release = _SEPARATOR.join((tool, version.encode("utf-8", "surrogateescape")))
        self._options = _SEPARATOR.join((_KIND, release, str(shards).encode()))
        self._inputs = inputs
        self._shards = shards
        self._splits: list[Split | None] = [None for _ in inputs]
        self._learned: dict[bytes, bytes] = {}
        self.digests = [hashlib.sha256(data).digest() for data in inputs]
        self.by_bytes = self._key(b"bytes", self.digests)
        self.state = hashlib.sha256(_SEPARATOR.join((_STATE, release))).digest()

    def names(self) -> list[str]:
        """The names of the documents, in their order."""
        first = [_DIFFERENTIABILITY]
        if self._shards is not None:
            stem = _DIFFERENTIABILITY.removesuffix(".json")
            first = [f"{stem}_{index}.json" for index in range(self._shards)]
        return [*first, _FUNCTIONS, "manifest.json"]

    @property
    def by_bytes_alone(self) -> bytes:
        """Where documents stand that only the inputs' bytes lead to."""
        return self._key(b"documents", [self.by_bytes])

    def by_entries(self) -> bytes:
        """The key of the inputs' entries."""
        return self._key(b"entries", self.digests_of_entries())

    def digests_of_entries(self) -> list[bytes]:
        """A digest of each input's entries."""
        digests = []
        for index, whole in enumerate(self.digests):
            # A text that holds a part of an entry in quotes has a digest here too, but nothing is
            # ever kept under it: see keep_documents.
            joined = self._joined(index)
            entries = b"whole" + whole if joined is None else joined
            digests.append(hashlib.sha256(entries).digest())
        return digests

    def splits(self) -> list[Split]:
        """The inputs, split into entries."""
        return [self._split(index) for index in range(len(self._inputs))]

    def render_entries(self) -> bytes:
        """The digests of all entries, for the keys of another run to learn."""
        joined = [(whole, self._joined(index)) for index, whole in enumerate(self.digests)]
        lines = [f"{whole.hex()} {own.hex()}" for whole, own in joined if own is not None]
        return "\n".join(lines).encode()

    def learn_entries(self, rendered: bytes) -> None:
        """Take the digests of entries of what is the same as in the run that rendered them."""
        for line in rendered.split(b"\n"):
            whole, _, joined = line.partition(b" ")
            with suppress(ValueError):
                digests = bytes.fromhex(joined.decode("ascii"))
                self._learned[bytes.fromhex(whole.decode("ascii"))] = digests

    def _joined(self, index: int) -> bytes | None:
        """The digests of an input's entries, None where it has to be read whole."""
        learned = self._learned.get(self.digests[index])
        if learned is not None:
            return learned
        digests = self._split(index).digests
        return None if digests is None else b"".join(digests)

    def _split(self, index: int) -> Split:
        split = self._splits[index]
        if split is None:
            learned = self._learned.get(self.digests[index])
            split = self._splits[index] = _split(self._inputs[index], learned)
        return split

    def _key(self, kind: bytes, digests: Sequence[bytes]) -> bytes:
        key = hashlib.sha256(self._options + _SEPARATOR + kind)
        for digest in digests:
            key.update(digest)
        return key.digest()


def _split(data: bytes, learned: bytes | None) -> Split:
    try:
        text = with_plain_line_ends(data.decode("utf-8"))
    except UnicodeDecodeError:
        return Split.whole()
    return split_digests(text) if learned is None else Split.of_digests(text, learned)


def find_documents(store: Store, keys: Keys) -> Kept | None:
    """The documents of a run that some run before made, or None."""
    target = store.get(keys.by_bytes)
    if target is not None:
        return _find(store, keys, target, is_of_entries=target != keys.by_bytes_alone)
    learn_entries(store, keys)
    return _find(store, keys, keys.by_entries(), is_of_entries=True)


def keep_documents(store: Store, keys: Keys, kept: Kept) -> None:
    """Keep the documents of a run for runs to come.

    Only where each entry was read by itself may what stands between them be left out of a key:
    of entries that are complete, any text that has these very entries has nothing but comments
    and blank lines between them.
    """
    if not is_as_it_began():
        return
    target = keys.by_entries() if kept.is_of_entries else keys.by_bytes_alone
    listing = _put_documents(store, kept.documents)
    if store.put(target, f"{kept.note}\n{listing}".encode("utf-8", "surrogatepass")):
        store.put(keys.by_bytes, target)


def learn_entries(store: Store, keys: Keys) -> None:
    """Have the keys take the digests of entries that the last load found, where inputs are still
    the same.
    """
    _, entries, _ = _state_of(store, keys)
    keys.learn_entries(entries)


def find_state(store: Store, keys: Keys) -> tuple[bytes, list[Document]] | None:
    """The state that the next load can start from, and the documents that go with it, in which
    its lines stand; None where there is none.
    """
    listing, entries, state = _state_of(store, keys)
    if not listing:
        return None
    keys.learn_entries(entries)
    documents = _get_documents(store, listing, [_DIFFERENTIABILITY, _FUNCTIONS])
    return None if documents is None else (state, documents)


def keep_state(store: Store, keys: Keys, state: bytes, documents: Sequence[Document]) -> None:
    """Keep a state, and the documents that go with it, for the next load to start from."""
    if not is_as_it_began():
        return
    listing = _put_documents(store, documents)
    store.put(keys.state, _PART.join([listing.encode(), keys.render_entries(), state]))


def _state_of(store: Store, keys: Keys) -> tuple[bytes, bytes, bytes]:
    """The listing, the entries and the state as they are kept; nothing where there is none."""
    listing, _, rest = (store.get(keys.state) or b"").partition(_PART)
    entries, is_whole, state = rest.partition(_PART)
    return (listing, entries, state) if is_whole else (b"", b"", b"")


def _find(store: Store, keys: Keys, target: bytes, *, is_of_entries: bool) -> Kept | None:
    note, _, listing = (store.get(target) or b"").partition(b"\n")
    documents = _get_documents(store, listing, keys.names())
    if documents is None:
        return None
    with suppress(UnicodeDecodeError):
        told = note.decode("utf-8", "surrogatepass")
        return Kept(documents, told, is_of_entries=is_of_entries)
    return None


def _put_documents(store: Store, documents: Sequence[Document]) -> str:
    """Put documents by what is in them, and list them: a line each."""
    for _, data, _, digest in documents:
        key = _document_key(digest)
        if key not in store:
            store.put(key, data, bytes.fromhex(digest))
    return "\n".join(f"{name} {count} {digest}" for name, _, count, digest in documents)


def _get_documents(store: Store, listing: bytes, names: Sequence[str]) -> list[Document] | None:
    """The documents in a list; None unless it is one of these names, and all are there."""
    rows = [line.split(" ") for line in listing.decode("latin-1").split("\n")]
    if [row[0] for row in rows] != names or any([len(row) != 3 for row in rows]):
        return None
    documents = []
    for name, count, digest in rows:
        # All of them, whatever becomes of the first: what is damaged is put again only when it
        # has been met.
        with suppress(ValueError):
            data = store.get(_document_key(digest), bytes.fromhex(digest))
            if data is not None:
                documents.append((name, data, int(count), digest))
    return documents if len(documents) == len(rows) else None


def _document_key(digest: str) -> bytes:
    return hashlib.sha256(b"document " + digest.encode()).digest()
