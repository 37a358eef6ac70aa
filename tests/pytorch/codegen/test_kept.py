"""What is kept of a run, by family: what touches a family, the order of items, and the bytes."""

from __future__ import annotations

import re

import msgspec
import pytest

from derivload.pytorch.codegen.capture import INFOS, NAMES, NATIVE, SORTED, Item, Output
from derivload.pytorch.codegen.kept import (
    Deprecated,
    Families,
    FamilyDigests,
    Kept,
    KeptEntry,
    KeptOutput,
    Orders,
    digest_of,
    digests_of_items,
    linked_families,
    pack,
    pack_items,
    render_deprecated,
    touched_families,
    unpack,
    unpack_items,
)

NO_DEPRECATED = Deprecated(b"", {})
SURE = Families(["gild", "gild_", "smelt"])


def row(base: str, delegate: str = "", value: bytes = b"v", **more: object) -> KeptEntry:
    return msgspec.structs.replace(KeptEntry(b"d", value, base, delegate), **more)


def item(anchor: str, base: str = "gild", text: str = "x") -> Item:
    return Item(anchor, base, 0, {"key": [text]})


def test_variants_are_of_one_family() -> None:
    assert SURE.is_certain
    assert SURE.of("gild") == SURE.of("gild_") == "gild"
    assert SURE.of("smelt") == "smelt"


def test_names_that_no_rule_covers_make_one_family_of_all() -> None:
    unsure = Families(["gild", "gild_out"])
    assert not unsure.is_certain
    assert {unsure.of(name) for name in ("gild", "smelt", "gild_out")} == {""}


def digests(
    rows: list[KeptEntry],
    records: list[tuple[str, bytes]] | None = None,
    deprecated: dict[str, list[tuple[str, str]]] | None = None,
) -> dict[str, bytes]:
    return FamilyDigests().of(SURE, rows, records or [], Deprecated(b"", deprecated or {}))


def test_all_that_is_known_of_a_family_is_in_its_digest() -> None:
    rows = [row("gild"), row("smelt")]
    plain = digests(rows)
    assert [*plain] == ["gild", "smelt"]
    assert {len(digest) for digest in plain.values()} == {16}
    changes = [
        digests([row("gild", value=b"w"), row("smelt")]),
        digests([*rows, row("gild_")]),
        digests(rows, [("gild", b"line")]),
        digests(rows, [("gild_", b"line"), ("gild", b"more")]),
        digests(rows, [("gild", b"v")]),
        digests(rows, None, {"gild": [("a", "b")]}),
        digests(rows, None, {"gild": [("a", "c")]}),
        digests(rows, None, {"gild": [("ab", "")]}),
        digests([row("gild", value=b"v1:v"), row("smelt")]),
    ]
    assert len({found["gild"] for found in (plain, *changes)}) == 1 + len(changes)
    assert {found["smelt"] for found in (plain, *changes)} == {plain["smelt"]}
    # Where the parts of a family end counts.
    assert digests([row("gild", value=b"a"), row("gild", value=b"bc")]) != digests(
        [row("gild", value=b"ab"), row("gild", value=b"c")]
    )
    assert digests([row("gild", value=b"a")]) != digests([], [("gild", b"a")])
    assert digests([], None, {"gild": [("a", "b")]}) != digests([], None, {"gild_": [("ab", "")]})
    moved = digests([msgspec.structs.replace(rows[0], digest=b"other"), rows[1]])
    assert moved == plain


def test_a_family_is_touched_by_what_changed_and_by_what_is_linked_to_it() -> None:
    families = Families(["a", "b", "c", "d", "e"])
    before = dict.fromkeys("abcd", b"1")
    assert touched_families(families, before, before, []) == set()
    for now in ({**before, "a": b"2"}, {**before, "e": b"1"}, dict.fromkeys("bcd", b"1")):
        (changed,) = (
            {*"abcde"} - {name for name in now if now[name] == before.get(name)} - ({"e"} - {*now})
        )
        assert touched_families(families, before, now, []) == {changed}
    rows = [row("c", "b"), row("b", "a"), row("d", "d"), row("e")]
    assert touched_families(families, before, {**before, "a": b"2"}, rows) == {"a", "b", "c"}
    assert touched_families(families, before, {**before, "c": b"2"}, rows) == {"a", "b", "c"}
    chosen = {"d"}
    assert linked_families(families, chosen, rows) == {"d"}
    assert linked_families(families, set(), rows) == set()
    assert chosen == {"d"}


ROWS = [row("a", schema="a()", generated=("a.out()",)), row("b", schema="b()")]


def test_items_are_sorted_as_their_file_is() -> None:
    orders = Orders(ROWS, ["b()", "a.out()", "a()"], ["b()", "a()"])
    items = [item("a()"), item("a.out()"), item("b()")]
    anchors = {
        order: [each.anchor for each in orders.sort(items, order)]
        for order in (NATIVE, SORTED, NAMES)
    }
    assert anchors == {
        NATIVE: ["a()", "b()", "a.out()"],
        SORTED: ["b()", "a.out()", "a()"],
        NAMES: ["a()", "a.out()", "b()"],
    }
    assert [each.anchor for each in orders.sort(items[::2], INFOS)] == ["b()", "a()"]
    with pytest.raises(KeyError):
        orders.sort(items, INFOS)
    with pytest.raises(KeyError):
        orders.sort([item("c()")], NATIVE)


def test_orders_have_digests() -> None:
    first = Orders(ROWS, ["a()"], ["b()"]).digests
    assert first.keys() == {NATIVE, SORTED, INFOS}
    assert Orders(ROWS[::-1], ["a()"], ["b()"]).digests == {
        **first,
        NATIVE: digest_of(["b()", "a()", "a.out()"]),
    }
    assert Orders(ROWS, ["b()"], ["a()"]).digests == {
        NATIVE: first[NATIVE],
        SORTED: first[INFOS],
        INFOS: first[SORTED],
    }


def test_items_have_a_digest_for_each_family() -> None:
    one, two, other = item("a"), item("b", "gild_"), item("c", "smelt")
    found = digests_of_items(SURE, [one, other, two])
    assert found == {"gild": digest_of([one, two]), "smelt": digest_of([other])}
    assert {len(digest) for digest in found.values()} == {16}
    assert digests_of_items(SURE, [two, one])["gild"] != found["gild"]


def test_deprecated_functions_are_written_as_json() -> None:
    assert render_deprecated([("a(x)", "b(x)")]) == b'[{"name":"a(x)","aten":"b(x)"}]'
    assert render_deprecated([]) == b"[]"


def kept(name: str) -> Kept:
    output = Output("a.h", "./a.h", is_made=False, env={"x": 1}, order="", shards=0, keys=())
    outputs = [KeptOutput(output, {"gild": b"1"}, b"2", {name: "3"}, "4")]
    return Kept(ROWS, NO_DEPRECATED, {"gild": b"5"}, {NATIVE: b"6"}, b"7", b"8", b"9", outputs)


def test_the_state_is_read_as_it_was_written() -> None:
    state, items = kept("a.h"), [item("a()"), item("b()", text="\n")]
    assert unpack(pack(state)) == state
    assert not re.search(rb"families|digest|outputs|anchor", pack(state) + pack_items(items))
    assert unpack_items(pack_items(items)) == items
    assert unpack_items(pack_items([])) == []
    assert row("a").schema == "", "its function has not been made"


@pytest.mark.parametrize("data", [b"", b"\x90", pack(kept("a.h"))[:-1], b"\x91" * 100_000, b"\xff"])
def test_what_is_no_state_is_none(data: bytes) -> None:
    assert unpack(data) is None
    assert unpack_items(data or b"\xc1") is None or data == b"\x90"


@pytest.mark.parametrize("name", ["../a.h", "/a.h", "", "a/../b.h"])
def test_a_state_with_files_elsewhere_is_none(name: str) -> None:
    assert unpack(pack(kept(name))) is None
