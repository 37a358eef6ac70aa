"""Which keys of an entry are looked at."""

from __future__ import annotations

from typing import Final

from derivload.native.keys import EntryKeys, check_keys, is_of_others, right_keys
from derivload.sources.plain import Value
from derivload.spelling import Guesses

ENTRY: Final[dict[Value, Value]] = {
    "func": "f() -> Tensor",
    "__line__": 3,
    "colour": "red",
    "my_a": 1,
    "my_b": 2,
    3: "x",
    "not_my_a": 3,
    "tags": 3,
}


def test_keys_of_a_backends_own_are_passed_over_by_name_or_pattern() -> None:
    kept = EntryKeys(("colour", "my_*")).without(ENTRY)
    left = {key: ENTRY[key] for key in ("func", "__line__", 3, "not_my_a", "tags")}
    assert kept == left
    assert EntryKeys(()).without(ENTRY) is ENTRY
    assert EntryKeys(("*",)).without(ENTRY) == {
        key: ENTRY[key] for key in ("func", "__line__", 3, "tags")
    }
    known: dict[Value, Value] = {"func": "f() -> Tensor"}
    assert EntryKeys(("f*",)).without(known) is known


def test_what_is_left_of_an_entry_is_known_and_of_the_right_type() -> None:
    assert right_keys(ENTRY) == {"func": "f() -> Tensor"}


def test_a_key_of_nobody_may_be_a_backends_own_unless_it_is_like_another() -> None:
    entry: dict[Value, Value] = {"colour": 1, "variant": 2, "tags": 3}
    found = check_keys(entry, Guesses())
    assert [(m.code, m.path, is_of_others(m)) for m in found] == [
        ("DL006", ("colour",), True),
        ("DL006", ("variant",), False),
        ("DL007", ("tags",), False),
        ("DL008", (), False),
    ]
