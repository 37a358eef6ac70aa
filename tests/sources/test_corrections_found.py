"""Corrections of a text that is not YAML: which entry they are of, and how long one may be."""

from __future__ import annotations

import pytest
import yaml

from derivload.sources.corrections import Correction, find_correction
from derivload.sources.not_yaml import Lines, YamlError


def is_entry(text: str) -> bool:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return False
    return isinstance(value, dict) or (isinstance(value, list) and isinstance(value[0], dict))


QUOTED = Correction("quote the value: it has `: ` in it", [(0, 4, "'x: y'")], is_safe=True)


def at(place: int) -> Correction:
    return QUOTED._replace(pieces=[(place, place + 4, "'x: y'")])


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("- a: x: y", 5),
        ("- a: x: y\n", 5),
        ("\n- a: x: y\n", 6),
        ("# c\n- a: x: y\n- b: z\n", 9),
        ("- b: z\n- a: x: y\n- b: z: w\n", 12),
        ("- b: z: w\n- c: d\n  a: x: y\n- b: z\n", 22),
        ("  a: x: y\n- b: z: w\n", 5),
    ],
)
def test_the_entry_around_the_mistake_is_corrected(text: str, place: int) -> None:
    for index in (place, place + 1, text.index("x: y") + 1):
        assert find_correction(text, index, is_entry) == at(place)
    # The line above the one where it is noticed is tried too.
    more = text[: place + 4] + "\n  d: e" + text[place + 4 :]
    assert find_correction(more, place + 8, is_entry) == at(place)


def test_the_beginning_of_an_entry_is_a_part_of_it() -> None:
    text = "- b: z\n- a: x: y\n"
    assert [find_correction(text, index, is_entry) for index in (5, 7, 8)] == [None, at(12), at(12)]


def test_a_very_long_entry_is_not_corrected() -> None:
    for size, is_found in ((20_000, True), (20_001, False)):
        text = f"- a: x: y  #{'c' * (size - 12)}"
        assert len(text) == size
        assert (find_correction(text, 5, is_entry) is not None) == is_found


def test_each_try_is_of_the_line_and_the_one_above_it() -> None:
    text = "- a: 'x'\n\n c: z\n"
    assert find_correction(text, 11, is_entry) is None
    assert find_correction(text.replace("\n\n", "\n"), 10, is_entry) == Correction(
        "indent it like the keys", [(9, 10, "  ")]
    )


def test_an_error_has_its_message_and_a_line_its_first_column() -> None:
    error = YamlError("message", 1, 2, "help")
    assert (str(error), error.message, error.line, error.column) == ("message", "message", 1, 2)
    assert (error.help, error.instead) == ("help", None)
    lines = Lines("ab\n\nc")
    assert [lines.at(index) for index in range(6)] == [
        *((1, 1), (1, 2), (1, 3), (2, 1), (3, 1), (3, 2))
    ]
    assert (lines.at(4, 7), lines.at(0, 0), lines.from_0(4)) == ((9, 1), (0, 1), (2, 0))
