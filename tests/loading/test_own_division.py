"""Families in groups: what is linked stays together, what is named alike does not."""

from __future__ import annotations

from derivload.loading.own_code.division import divide
from derivload.loading.own_code.families import FamilyRow
from derivload.loading.own_code.state import FamilyPart


def part(*ops: str) -> FamilyPart:
    return FamilyPart([], [], [], [], [*ops], [])


def test_names_that_begin_alike_are_in_different_groups() -> None:
    names = [f"{letter}{end}" for letter in "abcdefghij" for end in ("", "v2", "int8", "fwd")]
    groups = divide(reversed(names), [], {})
    assert len(groups) == 16
    assert sorted(name for group in groups for name in group) == sorted(names)
    for group in groups:
        assert len({name[0] for name in group}) == len(group)
    assert divide(["b", "a"], [], {}) == [{"a"}, {"b"}]
    assert divide([], [], {}) == []


def test_what_is_linked_or_has_the_same_op_is_in_one_group() -> None:
    links = [FamilyRow(b"", "c", "e"), FamilyRow(b"", "e", "nowhere"), FamilyRow(b"", "d", "")]
    parts = {"a": part("Op"), "e": part("Op", "More"), "f": part("More"), "g": part("Other")}
    groups = divide("abcdefg", links, parts)
    assert groups == [{"a", "c", "e", "f"}, {"b"}, {"d"}, {"g"}]
