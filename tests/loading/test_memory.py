"""What a process keeps from load to load, and what of it comes from a store."""

from __future__ import annotations

import msgspec
import pytest

from derivload.engine.session import Session
from derivload.loading.memory import Memory, schema_of
from derivload.loading.paths import Files
from derivload.loading.request import Request
from derivload.loading.run import load_inputs
from derivload.outputs.documents import Rendered
from support.sessions import StoreInMemory
from support.warned_inputs import NATIVES, RIGHT, TAGS, WARNED

SCHEMAS = [
    "abs(Tensor self) -> Tensor",
    'etch(Tensor self, *, str how="plain") -> Tensor',
    'etch(Tensor self, *, str how="\\\\", str then="x") -> Tensor',
    "etch(Tensor glänzend) -> Tensor",
    "",
]


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("rest", [{}, {"other": 'a "text" \\'}])
def test_the_schema_of_a_line_is_the_one_that_was_encoded(
    schema: str, rest: dict[str, str]
) -> None:
    assert schema_of(msgspec.json.encode({"schema": schema, **rest})) == schema


OTHER_KERNEL = NATIVES.replace("CPU: gild", "CUDA: gild")
MORE = f"{OTHER_KERNEL}- func: sheen(Tensor self) -> Tensor\n  dispatch:\n    CPU: sheen\n"
MISTAKEN = WARNED.replace("gild", "none")


def request(
    definitions: str = RIGHT, natives: str = NATIVES, *, facts: bool = False, version: str = "2.15"
) -> Request:
    contents = [text.encode() for text in (definitions, natives, TAGS)]
    return Request(Files("d", ["n"], "t", version), contents, with_facts=facts)


def test_facts_are_those_of_a_load_alone_whatever_came_before() -> None:
    for store in (None, StoreInMemory()):
        memory = Memory(store)
        for definitions, natives, facts, version in (
            (MISTAKEN, NATIVES, True, "2.15"),
            (RIGHT, NATIVES, True, "2.15"),
            (RIGHT, OTHER_KERNEL, False, "2.15"),
            (WARNED, OTHER_KERNEL, True, "2.15"),
            (WARNED, MORE, True, "2.15"),
            (MISTAKEN, OTHER_KERNEL, True, "2.15"),
            (WARNED, OTHER_KERNEL, True, "2.15"),
            (MISTAKEN, MORE, False, "2.15"),
            (MISTAKEN, NATIVES, True, "2.15"),
            (RIGHT, NATIVES, True, "2.15"),
            (RIGHT, MORE, False, "2.9"),
            (RIGHT, NATIVES, True, "2.9"),
        ):
            asked = request(definitions, natives, facts=facts, version=version)
            loaded = load_inputs(asked, memory=memory, with_mistakes=True)
            assert (definitions is MISTAKEN) == bool(loaded.outcome.diagnostics)
            if definitions is not MISTAKEN:
                alone = load_inputs(request(definitions, natives, facts=facts, version=version))
                assert (loaded.facts, loaded.lines) == (alone.facts, alone.lines)
                assert bool(loaded.facts) == facts


def test_documents_after_those_of_a_store_are_those_of_a_load_alone() -> None:
    store = StoreInMemory()
    load_inputs(request(), store)
    memory = Memory(store)
    for definitions, natives, is_kept in (
        (WARNED, NATIVES, True),
        (WARNED, MORE, False),
        (RIGHT, NATIVES, True),
    ):
        loaded = load_inputs(request(definitions, natives), memory=memory)
        assert loaded.exit == "incremental"
        alone = load_inputs(request(definitions, natives)).documents
        assert [(name, bytes(data), n, sha) for name, data, n, sha in loaded.documents] == [
            (name, bytes(data), n, sha) for name, data, n, sha in alone
        ]
        # What the store has is not rendered again.
        assert isinstance(loaded.documents[1][1], bytes) == is_kept
    # The functions are the same, and of another release.
    other = load_inputs(request(version="2.14"), memory=memory).documents[1]
    alone = load_inputs(request(version="2.14")).documents
    assert bytes(other[1]) == bytes(alone[1][1])


def test_facts_of_a_store_are_not_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    store = StoreInMemory()
    load_inputs(request(facts=True), store)
    expected = load_inputs(request(WARNED, facts=True)).facts
    monkeypatch.setattr("derivload.loading.inputs.load_alone", None)
    assert load_inputs(request(WARNED, facts=True), memory=Memory(store)).facts == expected


def test_a_session_takes_the_splits_that_the_keys_of_a_store_need() -> None:
    for store in (StoreInMemory(), None):
        asked = request()
        memory = Memory(store)
        load_inputs(asked, memory=memory)
        session = memory.own_session
        assert session is memory.session
        assert isinstance(session, Session)
        entries = session.entries
        assert entries is not None
        pairs = zip(asked.keys.splits(), entries._files, strict=True)
        found = [split is file.split for split, file in pairs]
        assert found == [store is not None] * 3
        assert not session.is_restored


def test_what_generators_refuse_is_found_if_it_is_asked_for() -> None:
    for wanted in (True, False):
        memory = Memory()
        for definitions in (RIGHT, WARNED):
            asked = request(definitions)
            asked.with_refused = wanted
            load_inputs(asked, memory=memory)
        assert memory.own_session is not None
        state = memory.own_session._state
        assert state is not None
        assert (state.refused is not None) == wanted


def test_a_session_without_a_state_leaves_nothing_in_a_store() -> None:
    store, memory = StoreInMemory(), Memory()
    asked = request("[]\n", "[]\n")
    lines = load_inputs(asked, memory=memory).lines
    memory.keep(asked, store, lines)
    assert store.values == {}
    asked = request()
    memory.keep(asked, store, load_inputs(asked, memory=memory).lines)
    memory = Memory(store)
    memory.begin(request())
    assert memory.own_session is not None
    assert memory.own_session.is_restored


def test_rendered_documents_have_their_manifest_last() -> None:
    lines = load_inputs(request()).lines
    *documents, manifest = Memory().render(lines, 2)
    assert all(isinstance(each, Rendered) for each in documents)
    assert manifest.name == "manifest.json"
    assert [each.name for each in documents][-1] == "functions.json"
    assert len(documents) == 3
