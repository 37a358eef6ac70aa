"""What of a run is kept and found again, under which keys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from derivload.store.results import (
    Keys,
    StoredDocuments,
    facts_document,
    find_documents,
    find_state,
    keep_documents,
    keep_state,
    learn_entries,
)
from derivload.store.store import Store

INPUT = b"- name: a\n- name: b\n"
SAME = b"- name: a\n\n# a comment\n- name: b\n"
OTHER = b"- name: a\n- name: c\n"
NAMES = ["differentiability.json", "functions.json", "manifest.json"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(str(tmp_path / "cache"))) as store:
        yield store


def _keys(
    *inputs: bytes,
    tool: bytes = b"t",
    version: str = "2.15",
    shards: int | None = None,
    with_facts: bool = False,
) -> Keys:
    return Keys(tool, version, shards, inputs or (INPUT,), with_facts=with_facts)


def _document(name: str, data: bytes) -> tuple[str, bytes, int, str]:
    return name, data, len(name), hashlib.sha256(data).hexdigest()


DOCUMENTS = [_document(name, name.encode() * 3) for name in NAMES]


def _keep(store: Store, keys: Keys, *, of_entries: bool = True, warnings: bytes = b"") -> None:
    kept = StoredDocuments(
        [_document(name, name.encode() * 3) for name in keys.names() if name != "facts"],
        "a note: é\udcff",
        is_of_entries=of_entries,
        warnings=warnings,
        facts=b"the facts",
    )
    keep_documents(store, keys, kept)


@pytest.mark.parametrize("warnings", [b"", b"some"])
def test_what_was_kept_is_found(warnings: bytes, store: Store) -> None:
    assert find_documents(store, _keys()) is None
    _keep(store, _keys(), warnings=warnings)
    found = find_documents(store, _keys())
    assert found is not None
    assert (found.documents, found.note) == (DOCUMENTS, "a note: é\udcff")
    assert (found.is_of_entries, found.warnings, found.facts) == (True, warnings, b"")


def test_comments_between_entries_make_another_text_and_the_same_documents(store: Store) -> None:
    _keep(store, _keys())
    found = find_documents(store, _keys(SAME))
    assert found is not None
    assert (found.documents, found.is_of_entries) == (DOCUMENTS, True)
    for others in ((OTHER,), (INPUT, INPUT), (b"a: 1",)):
        assert find_documents(store, _keys(*others)) is None


def test_what_was_read_whole_is_found_by_all_of_its_bytes(store: Store) -> None:
    _keep(store, _keys(), of_entries=False)
    found = find_documents(store, _keys())
    assert found is not None
    assert not found.is_of_entries
    assert find_documents(store, _keys(SAME)) is None


@pytest.mark.parametrize("data", [b"a: 1\n", b"- name: a\n- \xff\n"])
def test_an_input_that_is_no_list_counts_whole(data: bytes, store: Store) -> None:
    _keep(store, _keys(data))
    assert find_documents(store, _keys(data)) is not None
    assert find_documents(store, _keys(data + b"# more\n")) is None


@pytest.mark.parametrize(
    "others",
    [
        _keys(tool=b"u"),
        _keys(version="2.14"),
        _keys(version="2.15\udcff"),
        _keys(shards=1),
        _keys(with_facts=True),
        _keys(INPUT, b""),
    ],
)
def test_all_that_a_run_depends_on_is_in_its_keys(others: Keys, store: Store) -> None:
    _keep(store, _keys())
    assert find_documents(store, others) is None
    mine = _keys()
    assert others.by_bytes != mine.by_bytes
    assert others.by_entries() != mine.by_entries()
    assert mine.by_bytes_alone not in (mine.by_bytes, mine.by_entries())


def test_the_order_of_inputs_counts() -> None:
    assert _keys(INPUT, OTHER).by_bytes != _keys(OTHER, INPUT).by_bytes
    assert _keys(INPUT, OTHER).by_entries() != _keys(OTHER, INPUT).by_entries()


def test_the_names_of_documents() -> None:
    shards = [f"differentiability_{index}.json" for index in range(2)]
    assert _keys().names() == NAMES
    assert _keys(shards=2).names() == [*shards, *NAMES[1:]]
    assert _keys(shards=2, with_facts=True).names() == [*shards, *NAMES[1:], "facts"]
    assert _keys(shards=2).names_of_state() == NAMES[:2]
    assert _keys(with_facts=True).names_of_state() == [*NAMES[:2], "facts"]


def test_facts_are_kept_beside_the_documents(store: Store) -> None:
    keys = _keys(with_facts=True)
    _keep(store, keys)
    found = find_documents(store, keys)
    assert found is not None
    assert (found.documents, found.facts) == (DOCUMENTS, b"the facts")
    assert facts_document(b"the facts") == (
        "facts",
        b"the facts",
        0,
        hashlib.sha256(b"the facts").hexdigest(),
    )


def test_documents_of_which_one_is_gone_are_kept_again(store: Store) -> None:
    _keep(store, _keys(), warnings=b"some")
    for digest in (DOCUMENTS[1][3], hashlib.sha256(b"some").hexdigest()):
        key = hashlib.sha256(b"document " + digest.encode()).digest()
        assert key in store
        assert store.put(key, b"damaged")
        assert find_documents(store, _keys()) is None
        assert key not in store
        _keep(store, _keys(), warnings=b"some")
        assert find_documents(store, _keys()) is not None


def test_a_listing_of_other_documents_is_none(store: Store) -> None:
    keys = _keys()
    for listing in ("", "a 1", "a 1 00\n" * 3, "\n".join(f"{n} 1 zz" for n in NAMES)):
        store.put(keys.by_bytes, keys.by_entries())
        store.put(keys.by_entries(), f"note\n\n{listing}".encode())
        assert find_documents(store, keys) is None
    store.put(keys.by_entries(), b"\xff\n\n" + b"x")
    assert find_documents(store, keys) is None


# ------------------------------------------------------------------------------------ the state


def test_a_state_is_found_with_its_documents_whatever_the_inputs(store: Store) -> None:
    assert find_state(store, _keys()) is None
    keep_state(store, _keys(), b"the\n\nstate", DOCUMENTS[:2])
    assert find_state(store, _keys()) == (b"the\n\nstate", DOCUMENTS[:2])
    assert find_state(store, _keys(OTHER, shards=3)) == (b"the\n\nstate", DOCUMENTS[:2])
    for others in (_keys(tool=b"u"), _keys(version="2.14"), _keys(with_facts=True)):
        assert find_state(store, others) is None


def test_a_state_without_one_of_its_documents_is_none(store: Store) -> None:
    keep_state(store, _keys(), b"the state", DOCUMENTS[:2])
    store.put(hashlib.sha256(b"document " + DOCUMENTS[0][3].encode()).digest(), b"damaged")
    assert find_state(store, _keys()) is None
    for value in (b"", b"listing", b"listing\n\nentries"):
        store.put(_keys().state, value)
        assert find_state(store, _keys()) is None


def test_the_digests_of_entries_are_known_from_the_last_load(store: Store) -> None:
    keep_state(store, _keys(INPUT, OTHER), b"the state", DOCUMENTS[:2])
    for may_pull in (True, False):
        keys = _keys(OTHER, SAME, INPUT)
        learn_entries(store, keys, may_pull=may_pull)
        assert keys.by_entries() == _keys(OTHER, SAME, INPUT).by_entries()
        assert keys.render_entries().count(b"\n") == 2
        assert [split.digests for split in keys.splits()] == [
            split.digests for split in _keys(OTHER, SAME, INPUT).splits()
        ]


def test_who_has_split_the_inputs_need_not_have_them_split_again() -> None:
    keys, others = _keys(INPUT, OTHER, SAME), _keys(OTHER, INPUT)
    keys.take_splits(_keys(INPUT, OTHER).splits())
    assert keys.by_entries() == _keys(INPUT, OTHER, SAME).by_entries()
    others.take_splits(keys.splits()[:1])
    assert others.by_entries() == _keys(INPUT, INPUT).by_entries()


def test_entries_that_were_rendered_by_somebody_else_are_passed_over() -> None:
    keys = _keys()
    keys.learn_entries(b"zz\n\nab cd ef\n\xff 00\n")
    assert keys.by_entries() == _keys().by_entries()
    whole = hashlib.sha256(INPUT).digest()
    keys.learn_entries(whole.hex().encode() + b" " + bytes(32).hex().encode())
    assert keys.by_entries() != _keys().by_entries()
