"""What goes to the remote cache for other containers, and what of it is taken."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

import pytest

from derivload.loading.trace import Trace
from derivload.pytorch.codegen import shared
from derivload.pytorch.codegen.job import HEAD, Head, Job, named
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.shared import pull_files, pull_pieces, push_files, push_pieces
from derivload.pytorch.codegen.upstream import Upstream

FILES: Final = {"a.h": b"a", "head": b"h"}
HEADER: Final = Head(
    b"in", "note", {name: sha256(data).hexdigest() for name, data in FILES.items()}
)


class OfTree:
    digest, templates, traced = b"source", b"templates", b"traced"

    def look(self, *_: object) -> None:
        pass


def job(out: str = "out", tool: bytes = b"tool") -> Job:
    sources: Any = OfTree()
    return Job(Upstream("/r", "p", "/r/p"), sources, Selection(), "", out, tool)


class Remote:
    """A store, and what it has sent."""

    def __init__(self) -> None:
        self.sent: dict[bytes, dict[bytes, bytes]] = {}
        self.kept: dict[bytes, bytes] = {}

    def put(self, key: bytes, value: bytes) -> None:
        self.kept[key] = value

    def pull(self, key: bytes) -> dict[bytes, bytes] | None:
        return self.sent.get(key)

    def push(self, key: bytes, values: dict[bytes, bytes]) -> None:
        self.sent[key] = values


def test_files_are_taken_by_another_container() -> None:
    store: Any = Remote()
    push_files(store, job(), HEADER, FILES.__getitem__)
    assert len(store.sent) == 1
    other = job("elsewhere")
    made = pull_files(store, other, b"in")
    assert made is not None
    assert made[:3] == ("stored", "note", HEADER.files)
    assert {name: data for name, data, _ in made.contents([*FILES])} == FILES
    assert made.counts == {}
    assert store.kept == {named(other.digest(), HEAD): HEADER.render()}


def test_files_of_other_inputs_are_not_taken() -> None:
    store: Any = Remote()
    assert pull_files(None, job(), b"in") is None
    assert pull_files(store, job(), b"in") is None
    push_files(store, job(), HEADER, FILES.__getitem__)
    assert pull_files(store, job(), b"other") is None
    assert pull_files(store, job(tool=b"other"), b"in") is None
    ((key, values),) = store.sent.items()
    wrong = [
        {},
        {**values, HEAD: b""},
        {**values, HEAD: HEADER._replace(inputs=b"other").render()},
        {**values, b"file a.h": b"b"},
        {name: data for name, data in values.items() if name != b"file a.h"},
    ]
    for values in wrong:
        store.sent[key] = values
        assert pull_files(store, job(), b"in") is None
    assert store.kept == {}


def test_nothing_is_sent_that_was_edited_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    store: Any = Remote()
    push_files(store, job(), HEADER, {**FILES, "head": b"edited"}.__getitem__)
    monkeypatch.setattr(shared, "is_as_it_began", lambda: False)
    push_files(store, job(), HEADER, FILES.__getitem__)
    assert store.sent == {}


def test_pieces_are_taken_by_another_container() -> None:
    store: Any = Remote()
    assert pull_pieces(store, job()) == {}
    push_pieces(store, job().with_trace(Trace(frozenset({"./a"}))), {b"kept": b"1"})
    assert pull_pieces(store, job("elsewhere")) == {b"kept": b"1"}
    assert pull_pieces(store, job(tool=b"other")) == {}
    assert len(store.sent) == 2
    assert job("elsewhere").sources.traced == b"traced"
    push_files(store, job(), HEADER, FILES.__getitem__)
    assert pull_pieces(store, job()) == {b"kept": b"1"}
