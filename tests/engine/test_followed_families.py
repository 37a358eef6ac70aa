"""The families of followed edits, one by one; and what another session goes on from."""

from __future__ import annotations

from derivload.cpp.dialect import NEWEST
from derivload.engine.session import Session
from support.followed import START, Followed


def test_families_are_loaded_by_themselves() -> None:
    session = Followed().session
    found = {
        (file, line): session.family_at(file, line)
        for file in "dnt"
        for line in range(40)
        if session.family_at(file, line) is not None
    }
    assert found == {
        ("d", 1): "gild",
        ("d", 3): "fold",
        ("d", 5): "hammer",
        ("d", 8): "temper",
        **{("n", 1 + i): f for i, f in {0: "gild", 3: "gild", 6: "fold", 9: "fold"}.items()},
        **{("n", i): f for i, f in {14: "hammer", 16: "forge", 20: "forge"}.items()},
        **{("n", i): f for i, f in {22: "temper", 25: "polish", 28: "polish"}.items()},
    }
    for family, names in {
        "gild": ["gild", "gild_"],
        "fold": ["fold", "fold_copy"],
        "hammer": ["hammer", "forge.out", "forge"],
        "forge": ["hammer", "forge.out", "forge"],
        "nothing": [],
    }.items():
        load = session.load_family(family)
        assert load is not None
        assert [function.name.text for function in load.natives] == names
        assert [f.entry.line for f in load.natives] == [
            line
            for (file, line), own in found.items()
            if file == "n"
            and own in {f.name.base.removesuffix("_copy").removesuffix("_") for f in load.natives}
        ]
    made = session.load_family("gild")
    assert made is not None
    assert [one.entry.line for one in made.derived] == [1]
    assert len(made.matched) == 2
    assert Session(NEWEST).load_family("gild") is None
    assert Session(NEWEST).family_at("d", 1) is None


def test_a_family_with_mistakes_is_loaded_where_that_is_asked_for() -> None:
    followed = Followed()
    followed.go(START.edited(("grad * luster", "grads[7]")))
    session = followed.session
    assert session.family_at("d", 1) == "gild"
    assert session.load_family("gild") is None
    assert session.load_family("temper") is None
    load = session.load_family("gild", with_mistakes=True)
    assert load is not None
    assert load.mistakes
    assert len(load.natives) == 2
    followed.go(START.edited(("self: grad * luster", "self: 'grad")))
    load = session.load_family("gild", with_mistakes=True)
    assert load is not None
    assert (len(load.natives), load.derived, load.wrong) == (2, [], [])
    assert session.family_at("d", 1) is None
    assert session.keep() is None
    assert session.content() is None
    followed.go(START)
    assert session.load_family("gild") is not None
    assert session.keep() is not None
    assert session.content() is not None


def test_what_another_session_kept_is_gone_on_from() -> None:
    first = Followed().session
    lines = first.load(START.texts).lines
    kept = first.keep()
    assert kept is not None
    assert lines is not None
    edit = START.edited(("grad * luster", "luster * grad"))
    for with_refused, is_incremental in [(True, True), (False, True)]:
        session = Session(NEWEST, with_refused=with_refused)
        assert not session.is_restored
        session.restore(kept, lines.records, [*lines.functions, *lines.generated])
        assert session.is_restored
        assert session.content() == first.content()
        assert session.load(edit.texts).is_incremental == is_incremental
        assert session.entries is not None
    without = Session(NEWEST)
    without.load(START.texts)
    kept = without.keep()
    assert kept is not None
    session = Session(NEWEST, with_refused=True)
    session.restore(kept, lines.records, [*lines.functions, *lines.generated])
    # Nobody has looked for what is refused.
    assert not session.load(edit.texts).is_incremental
    other = Session(NEWEST)
    other.restore(kept, lines.records[1:], [*lines.functions, *lines.generated])
    assert not other.is_restored
    assert other.keep() is None
    assert other.content() is None


def test_what_all_definitions_say_together_is_followed() -> None:
    """The dispatch keys, and the order of the records."""
    followed = Followed()
    gild, fold, hammer, temper = (
        f"- name: {part}" for part in START.definitions.split("- name: ")[1:]
    )
    keys = "  dispatch:\n    Default:\n      self: grad\n    AutogradCUDA:\n      self: grad\n"
    for definitions in (
        START.definitions.replace("  self: grad\n", keys),
        START.definitions,
        gild + hammer + fold + temper,
        temper + fold + hammer + gild,
        gild + fold + temper + hammer,
        fold + gild + temper,
        gild + fold + temper + hammer,
        START.definitions,
        hammer + START.definitions,
        START.definitions,
    ):
        outcome = followed.go(START._replace(definitions=definitions))
        assert outcome.is_incremental
        assert outcome.lines is not None
        is_cuda = "AutogradCUDA" in definitions
        assert ("AutogradCUDA" in outcome.lines.used_dispatch_keys) == is_cuda
    # Entries of several families that change places are not read again.
    for definitions in (gild + hammer + fold + temper, gild + temper + fold + hammer):
        assert followed.go(START._replace(definitions=definitions)).counts["read"] == 0
