"""Where keys, their values and the words of an entry begin and end."""

from __future__ import annotations

import pytest

from derivload.editing.documents import TextSpot
from derivload.editing.outline import (
    Outline,
    Word,
    entry_around,
    operator_name,
    outline,
    word_at,
)

HEAD = "- name: jet(Tensor self) -> Tensor\n"
DISPATCH = ["name", "dispatch", "dispatch CUDA"]


def entry(text: str, first: int = 0) -> Outline:
    return outline(text.split("\n"), first)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        # A deeper line goes on with the value above it, if there is one.
        (f"{HEAD}  self: grad\n    other: no key\n", ["name", "self"]),
        (f"{HEAD}  dispatch:  # about\n    CUDA: x\n", DISPATCH),
        (f"{HEAD}  'self, other': grad\n", ["name", "self, other"]),
        (f'{HEAD}  "self" : grad\n', ["name", "self"]),
        # An item of a list is none, nor what is deeper than it.
        (f"{HEAD}  list:\n  - one: 1\n  self: grad\n", ["name", "list", "self"]),
        (f"{HEAD}  list:\n    - one: 1\n  self: grad\n", ["name", "list", "self"]),
        # A line that is none ends the keys that are deeper.
        (f"{HEAD}  dispatch:\n    CUDA: x\n  half\n    CPU: y\n", [*DISPATCH, "dispatch CPU"]),
        (f"{HEAD}  dispatch:\n    CUDA: x\n half\n    CPU: y\n", [*DISPATCH, "CPU"]),
        # A comment and an empty line end none.
        (f"{HEAD}  dispatch:\n    CUDA: x\n# c\n\n    CPU: y\n", [*DISPATCH, "dispatch CPU"]),
        (f"{HEAD}  self:grad\n  n: 1\n", ["name", "n"]),
        (f"{HEAD}  # self: grad\n\n  n: 1\n", ["name", "n"]),
        ("-  name: jet(\n   self: grad", ["name", "self"]),
    ],
)
def test_the_keys_of_an_entry(text: str, paths: list[str]) -> None:
    assert [" ".join(key.path) for key in entry(text).keys] == paths


def test_a_key_has_its_place_and_that_of_its_value() -> None:
    text = f"# about\n{HEAD}  self, n: 'grad'\n  result :  self_t\n  empty:\n"
    made = entry(text.removeprefix("# about\n"), 1)
    places = [(key.start, key.end, key.value, key.names) for key in made.keys]
    assert places == [
        (2, 6, TextSpot(1, 8), ("name",)),
        (2, 9, TextSpot(2, 12), ("self", "n")),
        (2, 8, TextSpot(3, 12), ("result",)),
        (2, 7, TextSpot(4, 8), ("empty",)),
    ]
    assert [key.is_formula for key in made.keys] == [False, True, True, True]
    assert made.last == 4
    assert [made.value_of(key) for key in made.keys[1:]] == ["grad", "self_t", ""]


def test_a_dispatch_and_its_keys_are_no_formulas() -> None:
    made = entry(
        f"{HEAD}  dispatch:\n    CUDA:\n      self: grad\n  output_differentiability: [True]"
    )
    assert [key.is_formula for key in made.keys] == [False, False, False, True, False]


@pytest.mark.parametrize(
    ("behind", "last"),
    [
        ("", 1),
        ("\n", 1),
        ("\n\n  \n# about the next\n", 1),
        ("\n  # in it\n", 2),
        ("\n  n: 1\n", 2),
    ],
)
def test_the_last_line_of_an_entry(behind: str, last: int) -> None:
    assert entry(f"{HEAD}  self: grad{behind}").last == last


def test_an_entry_has_one_line_at_least() -> None:
    assert entry("- name: x").last == 0
    assert entry("").last == 0
    assert entry("# only\n", 5).last == 5


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("grad  # one # two", "grad"),
        ("'a'", "a"),
        ('"a"', "a"),
        ("a'", "a'"),
        ("one\n    two # why\n    three", "one\n    two\n    three"),
    ],
)
def test_a_value_is_without_what_is_around_it(value: str, text: str) -> None:
    made = entry(f"{HEAD}  self: {value}\n")
    assert made.value_of(made.keys[1]) == text


def test_each_character_of_a_value_has_its_place() -> None:
    made = entry(f"{HEAD}  self: 'ab\n    cd'\n", 7)
    key = made.keys[1]
    value = made.value_of(key)
    assert value == "ab\n    cd"
    places = [made.spot_in(key, offset) for offset in range(len(value) + 1)]
    assert places == [
        *(TextSpot(8, 9), TextSpot(8, 10), TextSpot(8, 11)),
        *(TextSpot(9, at) for at in range(7)),
    ]
    assert [made.offset_in(key, place) for place in places] == [*range(len(value) + 1)]
    outside = [TextSpot(8, 8), TextSpot(8, 12), TextSpot(9, 7), TextSpot(7, 9), TextSpot(10, 0)]
    assert [made.offset_in(key, place) for place in outside] == [None] * 5


def test_a_comment_behind_a_value_is_not_in_it() -> None:
    made = entry(f"{HEAD}  self: a\n    # b\n")
    key = made.keys[1]
    assert made.offset_in(key, TextSpot(1, 9)) == 1
    assert made.offset_in(key, TextSpot(2, 5)) is None


def test_the_innermost_key_is_at_a_place() -> None:
    made = entry(f"{HEAD}  dispatch:\n    CUDA:\n      self: grad\n")
    found = [made.key_at(TextSpot(line, 0)) for line in range(5)]
    assert [None if key is None else key.name for key in found] == [
        *("name", "dispatch", "CUDA", "self", None),
    ]
    key = made.key("dispatch", "CUDA")
    assert key is not None
    assert key.line == 2
    assert made.key("CUDA") is None


LINES = ["# about", "- name: a", "  self: x", "", "-", "  half", "- name: b", "  self: y"]


@pytest.mark.parametrize(
    ("line", "found"), [(1, (1, 3)), (3, (1, 3)), (4, (4, 5)), (6, (6, 7)), (7, (6, 7)), (0, None)]
)
def test_the_entry_that_a_line_is_in(line: int, found: tuple[int, int] | None) -> None:
    made = entry_around(LINES.__getitem__, len(LINES) - 1, line)
    assert (None if made is None else (made.first, made.first + len(made.lines) - 1)) == found


def test_an_entry_may_be_one_line() -> None:
    made = entry_around(["- name: a", "- name: b"].__getitem__, 1, 0)
    assert made is not None
    assert made.lines == ["- name: a"]


@pytest.mark.parametrize(("count", "is_seen"), [(2000, True), (2001, False)])
def test_a_very_long_entry_is_not_looked_through(count: int, is_seen: bool) -> None:
    lines = ["# about", "- name: a", *["  x"] * 3000]
    assert (entry_around(lines.__getitem__, len(lines) - 1, 1 + count) is not None) == is_seen
    made = entry_around(lines.__getitem__, len(lines) - 1, 1)
    assert made is not None
    assert len(made.lines) == 2001


def test_words_of_a_line() -> None:
    line = "  ab: c_1"
    assert [word_at(line, at) for at in (1, 2, 4)] == [None, Word("ab", 2, 4), Word("ab", 2, 4)]
    assert word_at(line, 5) is None
    assert word_at(line, 9) == Word("c_1", 6, 9)


@pytest.mark.parametrize(
    "schema", ["a::jet.out(Tensor self)", " 'a::jet.out (x)", '"a::jet.out"', "a::jet.out"]
)
def test_the_name_of_an_operator(schema: str) -> None:
    assert operator_name(schema) == "a::jet.out"
