"""Rows that change again and again are found as if the index had been made anew each time."""

from __future__ import annotations

from random import Random

import pytest

from derivload.engine.rows import FunctionRow, Indexed, NativeRow, Natives, with_linked

FAMILIES = [f"family{number}" for number in range(12)]


def rows(chance: Random, count: int) -> list[FunctionRow]:
    return [FunctionRow("", chance.choice(FAMILIES)) for _ in range(count)]


@pytest.mark.parametrize("seed", range(12))
def test_rows_of_a_family_are_found_after_any_changes(seed: int) -> None:
    chance = Random(seed)
    indexed = Indexed(rows(chance, chance.choice([0, 40, 700])))
    for step in range(120):
        if chance.random() < 0.7:
            indexed.positions(FAMILIES[:1])  # the index is made
        begin = chance.choice([0, len(indexed.rows), chance.randrange(len(indexed.rows) + 1)])
        end = min(len(indexed.rows), begin + chance.choice([0, 0, 1, 2, 30]))
        window = rows(chance, chance.choice([0, 1, 1, 2, 3, 30]))
        if chance.random() < 0.3:
            window = [FunctionRow("other", row.family) for row in indexed.rows[begin:end]]
        before = indexed
        indexed = before.replaced(begin, end, window)
        anew = Indexed(before.rows[:begin] + window + before.rows[end:])
        assert indexed.rows == anew.rows
        for family in FAMILIES:
            assert indexed.of(family) == anew.of(family), step
        assert indexed.positions(FAMILIES) == list(range(len(anew.rows)))
        if indexed.index is before.index:
            assert [r.family for r in indexed.rows] == [r.family for r in before.rows]


def test_a_few_rows_more_do_not_make_the_index_anew() -> None:
    indexed = Indexed(rows(Random(0), 1000))
    indexed.of(FAMILIES[0])
    few = indexed.replaced(500, 500, rows(Random(1), 3)).replaced(400, 401, [])
    assert few._made is indexed._made
    many = few.replaced(100, 100, rows(Random(1), 3))
    assert many._made is None
    for count, is_kept in [(256, True), (257, False)]:
        assert (indexed.replaced(0, 0, rows(Random(2), count))._made is not None) == is_kept


def native(family: str, *links: str) -> NativeRow:
    return NativeRow(b"", family, links)


def test_families_are_linked_in_both_directions_and_over_several_steps() -> None:
    made = [native("a", "b"), native("b"), native("c", "b"), native("d", "c"), native("e")]
    natives = Natives([], Indexed(made))
    for family in "abcd":
        assert with_linked(natives, {family}) == {*"abcd"}
    assert with_linked(natives, {"e"}) == {"e"}
    assert with_linked(natives, {"none"}) == {"none"}
    other = natives.replaced([], 4, 5, [native("e"), native("f")])
    assert with_linked(other, {"a", "f"}) == {*"abcdf"}
    linked = other.replaced([], 4, 5, [native("e", "a")])
    assert with_linked(linked, {"e"}) == {*"abcde"}
    assert with_linked(linked.replaced([], 0, 1, []), {"e"}) == {"e", "a"}
