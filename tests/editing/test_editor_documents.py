"""Documents: edits by positions, whatever a line end or a character is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derivload.editing.documents import (
    Document,
    Encoding,
    TextSpot,
    character_at,
    split_lines,
    units_before,
)

TEXTS = st.lists(
    st.sampled_from(
        ["a", "b", "\n", "\r", "\r\n", "é", "\U0001f600", "\u2028", "\x85", "\x0c", " "]
    )
).map("".join)
SIZES: dict[Encoding, tuple[str, int]] = {
    "utf-8": ("utf-8", 1),
    "utf-16": ("utf-16-le", 2),
    "utf-32": ("utf-32-le", 4),
}


def offset(lines: list[str], point: TextSpot) -> int:
    return sum(map(len, lines[: point.line])) + point.character


@st.composite
def points(draw: st.DrawFn, lines: list[str]) -> TextSpot:
    number = draw(st.integers(0, len(lines) - 1))
    return TextSpot(number, draw(st.integers(0, len(lines[number].rstrip("\r\n")))))


@given(st.data(), TEXTS, st.lists(TEXTS, max_size=4))
def test_edits_change_the_text_between_two_places(
    data: st.DataObject, text: str, typed: list[str]
) -> None:
    document = Document("file:///a", text)
    for new in typed:
        lines = split_lines(document.text)
        start, end = sorted([data.draw(points(lines)), data.draw(points(lines))])
        before = document.text
        document.edit(start, end, new)
        text = before[: offset(lines, start)] + new + before[offset(lines, end) :]
        assert document.text == text
        assert document.content == text.encode()
        assert document.lines(0, document.last) == re.split("\r\n|\n|\r", text)


@pytest.mark.parametrize("encoding", SIZES)
@given(line=st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])))
def test_positions_count_code_units(encoding: Encoding, line: str) -> None:
    codec, size = SIZES[encoding]
    for at in range(len(line) + 1):
        units = units_before(line, at, encoding)
        assert units == len(line[:at].encode(codec)) // size
        assert character_at(line, units, encoding) == at


def test_a_position_in_a_character_is_at_that_character() -> None:
    assert character_at("a\U0001f600b", 2, "utf-16") == 1
    assert character_at("aéb", 2, "utf-8") == 1


def test_positions_outside_are_the_nearest_inside() -> None:
    document = Document("file:///a", "a\nbc\n")
    assert document.spot(0, 9, "utf-16") == TextSpot(0, 1)
    assert document.spot(9, 9, "utf-16") == TextSpot(2, 0)
    assert document.spot(-1, 0, "utf-16") == TextSpot(0, 0)
    assert [document.line(number) for number in (-1, 0, 1, 2, 3)] == ["", "a", "bc", "", ""]


def test_half_a_surrogate_pair_is_no_utf_8() -> None:
    content = Document("file:///a", "\ud800").content
    with pytest.raises(UnicodeDecodeError):
        content.decode()


@pytest.mark.parametrize(
    ("line", "units", "encoding", "at"),
    [
        ("ab\r\n", 9, "utf-16", 2),
        ("ab", 1, "utf-8", 1),
        ("é\U0001f600b", 3, "utf-16", 2),
        ("é\U0001f600b", 4, "utf-16", 3),
        ("é\U0001f600b", 2, "utf-32", 2),
        ("é\U0001f600b", 9, "utf-32", 3),
        ("\uffffb", 1, "utf-16", 1),
    ],
)
def test_the_character_at_a_position(line: str, units: int, encoding: Encoding, at: int) -> None:
    assert character_at(line, units, encoding) == at


def test_the_position_of_a_place_counts_units_of_its_line() -> None:
    document = Document("", "a\né\U0001f600b\n")
    spot = TextSpot(1, 2)
    counted = [document.units(spot, encoding) for encoding in SIZES]
    assert counted == [6, 3, 2]
    assert document.spot(1, -1, "utf-16") == TextSpot(1, 0)
    assert document.spot(3, 0, "utf-16") == TextSpot(2, 0)


def test_half_a_surrogate_pair_counts_as_it_is_written() -> None:
    assert units_before("\ud800b", 1, "utf-8") == 3


def test_an_edit_whose_ends_are_swapped_is_the_same() -> None:
    for start, end in ((1, 3), (3, 1), (2, 2)):
        document = Document("", "abcd\n", 1)
        before = document.state
        document.edit(TextSpot(0, start), TextSpot(0, end), "-")
        assert document.text == ("ab-cd\n" if start == end else "a-d\n")
        assert document.state is not before


def test_a_text_in_the_place_of_another_has_a_version() -> None:
    document = Document("", "a\n", 1)
    before = document.state, document.content
    document.replace("b\nc", 2)
    assert (document.text, document.content, document.version) == ("b\nc", b"b\nc", 2)
    assert document.lines(0, 9) == ["b", "c"]
    assert document.lines(-1, 0) == ["b"]
    assert document.state is not before[0]
