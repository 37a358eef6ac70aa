"""One family of the last load, by itself; and what a session keeps from load to load."""

from __future__ import annotations

from itertools import pairwise

import pytest

from derivload.cpp.dialect import NEWEST
from derivload.engine import session as sessions
from derivload.engine.session import Session
from derivload.engine.texts import Text, Texts
from derivload.engine.update import FamilyUpdate

CPU = "  dispatch:\n    CPU: k\n"
TAGS = Text("t", "- tag: core\n  desc: x\n")
NATIVES = "".join(
    f"- func: {name}(Tensor self{more}) -> Tensor\n{CPU}"
    for name, more in (("f", ""), ("f.x", ", int n"), ("g", ""), ("h", ""))
)
DEFINED = {
    "f": "- name: f(Tensor self) -> Tensor\n  self: grad\n",
    "f.x": "- name: f.x(Tensor self, int n) -> Tensor\n  self: n * grad\n",
    "g": "- name: g(Tensor self) -> Tensor\n  self: 2 * grad\n",
}


def texts(definitions: str = "".join(DEFINED.values()), natives: str = NATIVES) -> Texts:
    return Texts(Text("d", definitions), (Text("n", natives),), TAGS)


def test_the_ops_of_a_family_have_the_numbers_of_the_last_load() -> None:
    session = Session(NEWEST)
    session.load(texts())
    load = session.load_family("f")
    assert load is not None
    assert load.numbers == [(0,), (1,)]
    assert [made.function.name.text for made in load.matched] == ["f", "f.x"]
    # In another order, by an incremental load.
    outcome = session.load(texts(DEFINED["f.x"] + DEFINED["g"] + DEFINED["f"]))
    assert outcome.is_incremental
    load = session.load_family("f")
    assert load is not None
    assert load.numbers == [(0,), (1,)]
    assert [made.definition.name for made in load.derived] == ["f", "f"]
    assert [made.entry.line for made in load.derived] == [1, 5]


def test_ops_that_no_load_has_numbered_have_the_number_0() -> None:
    session = Session(NEWEST)
    session.load(texts())
    new = "- name: h(Tensor self) -> Tensor\n  self: grad\n"
    wrong = "".join(DEFINED.values()).replace("2 * grad", "grads[7]")
    outcome = session.load(texts(wrong + new))
    assert (outcome.is_incremental, bool(outcome.diagnostics)) == (True, True)
    load = session.load_family("h", with_mistakes=True)
    assert load is not None
    assert load.numbers == [(0,)]
    load = session.load_family("f", with_mistakes=True)
    assert load is not None
    assert load.numbers == [(0,), (1,)]
    load = session.load_family("g", with_mistakes=True)
    assert load is not None
    assert (load.numbers, load.derived) == ([], [])
    assert load.mistakes


def test_readers_are_kept_for_so_many_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sessions._UPDATES_TO_READERS == 256
    monkeypatch.setattr(sessions, "_UPDATES_TO_READERS", 3)
    session = Session(NEWEST)
    assert session.readers is session.readers
    session.load(texts())
    kept = []
    for number in range(7):
        assert session.load(texts(natives=f"# {number}\n{NATIVES}")).is_incremental
        kept.append(session.readers)
    assert [one is other for one, other in pairwise(kept)] == [
        *(True, True, False),
        *(True, True, False),
    ]
    assert session.readers.tags == {"core"}
    session.load(texts()._replace(tags=Text("t", "- tag: new\n  desc: x\n")))
    session.load(
        texts(f"# more\n{DEFINED['f']}")._replace(tags=Text("t", "- tag: new\n  desc: x\n"))
    )
    assert session.readers.tags == {"new"}


def test_a_session_that_has_loaded_nothing_knows_nothing() -> None:
    session = Session(NEWEST)
    assert (session.entries, session.is_restored) == (None, False)
    assert (session.keep(), session.content()) == (None, None)
    assert (session.family_at("d", 1), session.load_family("f")) == (None, None)
    session.settle()
    session.restore(b"nothing", [], [])
    assert not session.is_restored
    outcome = session.load(texts())
    assert not outcome.is_incremental
    assert session.entries is not None
    assert session.entries.texts == texts()


def test_what_was_loaded_is_the_same_content_however_it_was_loaded() -> None:
    one, other = Session(NEWEST), Session(NEWEST)
    one.load(texts())
    other.load(texts(DEFINED["f"]))
    assert one.content() != other.content()
    assert other.load(texts()).is_incremental
    assert one.content() == other.content()
    assert one.keep() == other.keep()
    other.load(texts(natives=f"# a comment\n{NATIVES}"))
    assert one.content() == other.content()
    other.load(texts("".join(DEFINED.values()).replace("2 *", "3 *")))
    assert one.content() != other.content()


@pytest.mark.parametrize("formula", ["&a grad", "&a grads[7]"])
def test_of_inputs_that_are_read_whole_no_family_is_known(formula: str) -> None:
    session = Session(NEWEST)
    outcome = session.load(texts(DEFINED["f"].replace("grad", formula) + DEFINED["g"]))
    assert bool(outcome.diagnostics) == ("7" in formula)
    assert session.family_at("d", 1) is None
    assert session.load_family("f") is None
    assert session.load_family("f", with_mistakes=True) is None
    assert (session.keep(), session.content()) == (None, None)


def test_a_fault_of_ours_is_raised_unless_what_was_restored_may_be_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    own, restored = Session(NEWEST), Session(NEWEST)
    lines = own.load(texts()).lines
    kept = own.keep()
    assert lines is not None
    assert kept is not None
    restored.restore(kept, lines.records, lines.functions)
    assert restored.load(texts()).is_incremental
    assert restored.load_family("f") is not None
    monkeypatch.setattr(sessions, "op_prefixes", broken)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        own.load_family("f")
    assert restored.load_family("f") is None
    monkeypatch.setattr(FamilyUpdate, "run", broken)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        own.load(texts(DEFINED["f"]))
    assert not restored.load(texts(DEFINED["f"])).is_incremental


def test_splits_that_are_known_are_taken() -> None:
    session, other = Session(NEWEST), Session(NEWEST)
    session.load(texts())
    assert session.entries is not None
    splits = session.entries.splits
    other.load(texts(), splits)
    assert other.entries is not None
    assert [one is two for one, two in zip(other.entries.splits, splits, strict=True)] == [True] * 3
    assert session.content() == other.content()
