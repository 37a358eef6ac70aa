"""The results in the store: finished documents, and the state that the next load starts from.

Two keys lead to the documents of a run. The first is made from the bytes of the inputs; it is
tried first, and costs a hash. The second is made from the texts of the entries, so it stays the
same when only comments and blank lines between entries change, which change no output; it costs a
split. Both lead to a list of the documents with their sha256, and each sha256 leads to the bytes
of a document. So a document that an edit does not change is stored only once.

These two keys depend on the content, so the documents that they lead to never change. The third
key, that of the state, depends on derivload and the release alone. It leads to the state of the
last load, whatever its inputs were: the state records which entries it was built from. The lines
of the state are in two documents, which are stored like any other. The digests of the inputs'
entries are stored with the state, so that the entries of an input that is still the same are not
hashed again.

Keys cover derivload itself and the release to follow, those of documents the shards too, but
never a path or a time. This module imports no more than hashing and splitting need.

The store returns only what was put there, but we check it before we use it. A value that cannot
be read in its format is a miss. A document must have exactly the sha256 in the list. The names in
a list must be those that the run's shards give, so that no other file is ever written.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress

from derivload.sources.splitting import Split, split_digests, with_plain_line_ends
from derivload.store.tool import keep_tool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from derivload.outputs.pieces import DocumentPieces
    from derivload.store.store import Store

    # A file name, the bytes, how many functions they hold, and their sha256 in hex.
    Document = tuple[str, bytes | DocumentPieces, int, str]

_KIND = b"documents"
_STATE = b"state"
_SEPARATOR = b"\0"
_PART = b"\n\n"
_DIFFERENTIABILITY, _FUNCTIONS = "differentiability.json", "functions.json"
# What is kept beside the documents, if it is wanted. No document has such a name.
_FACTS = "facts"


class StoredDocuments:
    """The documents of a run, and the note that the user is given each time.

    `is_of_entries` tells that each entry of the inputs was read by itself, so that the text
    between entries has no effect. `warnings` is what there may be to warn of, encoded; b"" if there
    is nothing. `facts` are the facts of the functions, as lines, if the keys are with them.
    """

    __slots__ = ("documents", "facts", "is_of_entries", "note", "warnings")

    def __init__(
        self,
        documents: Sequence[Document],
        note: str,
        *,
        is_of_entries: bool,
        warnings: bytes = b"",
        facts: bytes = b"",
    ) -> None:
        self.documents = documents
        self.facts = facts
        self.note = note
        self.is_of_entries = is_of_entries
        self.warnings = warnings


class Keys:
    """The keys of a run. `digests` are the sha256 of its inputs, in the same order."""

    def __init__(
        self,
        tool: bytes,
        version: str,
        shards: int | None,
        inputs: Sequence[bytes],
        *,
        with_facts: bool = False,
    ) -> None:
        """Take everything that the documents depend on.

        `tool` is the digest of derivload, `version` the release to follow, `inputs` the bytes of
        each input in the order of the command line. `shards` is the number of shards; None for
        one differentiability.json. `with_facts` tells that the facts are kept beside the documents.
        """
        release = _SEPARATOR.join((tool, version.encode("utf-8", "surrogateescape")))
        if with_facts:
            release += _SEPARATOR + _FACTS.encode()
        self._options = _SEPARATOR.join((_KIND, release, str(shards).encode()))
        self._inputs = inputs
        self._shards = shards
        self.with_facts = with_facts
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
        return [*first, _FUNCTIONS, "manifest.json", *self._beside]

    def names_of_state(self) -> list[str]:
        """The names of what holds the lines of the state, in their order."""
        return [_DIFFERENTIABILITY, _FUNCTIONS, *self._beside]

    @property
    def _beside(self) -> list[str]:
        return [_FACTS] if self.with_facts else []

    @property
    def by_bytes_alone(self) -> bytes:
        """The key of the list of documents where not every entry was read by itself."""
        return self._key(b"documents", [self.by_bytes])

    def by_entries(self) -> bytes:
        """The key made from the texts of the inputs' entries."""
        return self._key(b"entries", self.digests_of_entries())

    def digests_of_entries(self) -> list[bytes]:
        """A digest of each input's entries."""
        digests = []
        for index, whole in enumerate(self.digests):
            # A text that is cut within the quotes of an entry has a digest here too, but nothing
            # is ever kept under it: see keep_documents.
            joined = self._joined(index)
            entries = b"whole" + whole if joined is None else joined
            digests.append(hashlib.sha256(entries).digest())
        return digests

    def splits(self) -> list[Split]:
        """The inputs, split into entries."""
        return [self._split(index) for index in range(len(self._inputs))]

    def take_splits(self, splits: Sequence[Split]) -> None:
        """Take over the splits of the first inputs, from whoever has split these already."""
        self._splits[: len(splits)] = splits

    def render_entries(self) -> bytes:
        """The digests of all entries as bytes, for `learn_entries` in another run."""
        joined = [(whole, self._joined(index)) for index, whole in enumerate(self.digests)]
        lines = [f"{whole.hex()} {own.hex()}" for whole, own in joined if own is not None]
        return "\n".join(lines).encode()

    def learn_entries(self, rendered: bytes) -> None:
        """Take over the digests of entries that `render_entries` of an earlier run gave.

        They are used for the inputs that are the same as in that run.
        """
        for line in rendered.split(b"\n"):
            whole, _, joined = line.partition(b" ")
            with suppress(ValueError):
                digests = bytes.fromhex(joined.decode("ascii"))
                self._learned[bytes.fromhex(whole.decode("ascii"))] = digests

    def _joined(self, index: int) -> bytes | None:
        """The digests of an input's entries, joined; None if the input must be read whole."""
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


def find_documents(store: Store, keys: Keys) -> StoredDocuments | None:
    """The documents of this run, if an earlier run made and kept them; else None."""
    target = store.get_or_pull(keys.by_bytes)
    if target is not None:
        return _find(store, keys, target, is_of_entries=target != keys.by_bytes_alone)
    learn_entries(store, keys)
    return _find(store, keys, keys.by_entries(), is_of_entries=True)


def keep_documents(store: Store, keys: Keys, kept: StoredDocuments) -> None:
    """Keep the documents of a run for later runs.

    Call it only if derivload's own files are as they were when the process began.

    The key may leave out the text between entries only if each entry was read by itself. Then the
    entries are complete, and any text with the same entries has nothing but comments and blank
    lines between them.
    """
    keep_tool(store)
    target = keys.by_entries() if kept.is_of_entries else keys.by_bytes_alone
    facts = [facts_document(kept.facts)] if keys.with_facts else []
    documents = [*kept.documents, *facts]
    listing = _put_documents(store, documents)
    packed = _values_of(documents)
    warnings = ""
    if kept.warnings:
        warnings = hashlib.sha256(kept.warnings).hexdigest()
        packed[_document_key(warnings)] = kept.warnings
        store.put(_document_key(warnings), kept.warnings, bytes.fromhex(warnings))
    value = f"{kept.note}\n{warnings}\n{listing}".encode("utf-8", "surrogatepass")
    if store.put(target, value):
        store.put(keys.by_bytes, target)
    store.push(keys.by_bytes, {**packed, target: value, keys.by_bytes: target})


def facts_document(facts: bytes) -> Document:
    """The facts of the functions as what is kept beside documents."""
    return _FACTS, facts, 0, hashlib.sha256(facts).hexdigest()


def learn_entries(store: Store, keys: Keys, *, may_pull: bool = True) -> None:
    """Give the keys the entry digests of the last load, for inputs that are still the same."""
    _, entries, _ = _state_of(store, keys, may_pull=may_pull)
    keys.learn_entries(entries)


def find_state(store: Store, keys: Keys) -> tuple[bytes, list[Document]] | None:
    """The state that the next load can start from, and the documents that contain its lines.

    None if no state is kept, or one of the documents is missing or damaged.
    """
    listing, entries, state = _state_of(store, keys)
    if not listing:
        return None
    keys.learn_entries(entries)
    documents = _get_documents(store, listing, keys.names_of_state())
    return None if documents is None else (state, documents)


def keep_state(store: Store, keys: Keys, state: bytes, documents: Sequence[Document]) -> None:
    """Keep a state, and the documents that contain its lines, for the next load to start from.

    Call it only if derivload's own files are as they were when the process began.
    """
    listing = _put_documents(store, documents)
    value = _PART.join([listing.encode(), keys.render_entries(), state])
    store.put(keys.state, value)
    store.push(keys.state, {**_values_of(documents), keys.state: value})


def _state_of(store: Store, keys: Keys, *, may_pull: bool = True) -> tuple[bytes, bytes, bytes]:
    """The list of documents, the entry digests and the state, as kept; empty if there are none."""
    value = store.get_or_pull(keys.state) if may_pull else store.get(keys.state)
    listing, _, rest = (value or b"").partition(_PART)
    entries, is_whole, state = rest.partition(_PART)
    return (listing, entries, state) if is_whole else (b"", b"", b"")


def _find(
    store: Store, keys: Keys, target: bytes, *, is_of_entries: bool
) -> StoredDocuments | None:
    note, _, rest = (store.get(target) or b"").partition(b"\n")
    warnings, _, listing = rest.partition(b"\n")
    documents = _get_documents(store, listing, keys.names())
    if documents is None:
        return None
    with suppress(ValueError):
        told = note.decode("utf-8", "surrogatepass")
        kept = _get_warnings(store, warnings.decode("ascii"))
        facts = bytes(documents.pop()[1]) if keys.with_facts else b""
        return StoredDocuments(
            documents, told, is_of_entries=is_of_entries, warnings=kept, facts=facts
        )
    return None


def _get_warnings(store: Store, digest: str) -> bytes:
    """The kept warnings with this digest. Raises ValueError if they are not stored."""
    kept = store.get(_document_key(digest), bytes.fromhex(digest)) if digest else b""
    if kept is None:
        raise ValueError(digest)
    return kept


def _put_documents(store: Store, documents: Sequence[Document]) -> str:
    """Store documents under the hash of their bytes. Returns their list, one line for each."""
    for _, data, _, digest in documents:
        key = _document_key(digest)
        if key not in store:
            store.put(key, bytes(data), bytes.fromhex(digest))
    return "\n".join(f"{name} {count} {digest}" for name, _, count, digest in documents)


def _values_of(documents: Sequence[Document]) -> dict[bytes, bytes]:
    """Documents as they are in the store, by key."""
    return {_document_key(digest): bytes(data) for _, data, _, digest in documents}


def _get_documents(store: Store, listing: bytes, names: Sequence[str]) -> list[Document] | None:
    """The documents in a list; None unless it has exactly these names and all are stored."""
    rows = [line.split(" ") for line in listing.decode("latin-1").split("\n")]
    if [row[0] for row in rows] != names or any([len(row) != 3 for row in rows]):
        return None
    documents: list[Document] = []
    for name, count, digest in rows:
        # Read all of them, even if one is missing: reading removes a damaged document, and only
        # then will it be put again.
        with suppress(ValueError):
            data = store.get(_document_key(digest), bytes.fromhex(digest))
            if data is not None:
                documents.append((name, data, int(count), digest))
    return documents if len(documents) == len(rows) else None


def _document_key(digest: str) -> bytes:
    return hashlib.sha256(b"document " + digest.encode()).digest()
