"""Rows in columns, names as in a sentence, and where a long line is broken."""

from __future__ import annotations

import pytest

from derivload.terminal.layout import (
    Line,
    Row,
    Segment,
    align,
    item,
    joined,
    listed,
    section,
    visible,
    wrap,
)


def texts(lines: list[Line]) -> list[str]:
    return [line.text for line in lines]


# Rows


def test_all_bodies_begin_at_one_column_and_sections_are_apart() -> None:
    first = [section("one", Segment("a")), item("longer", Segment("b")), item("", Segment("c"))]
    marked = Row(0, Segment("two", "kind"), (), "*")
    assert texts(align([first, [], [marked]])) == [
        "",
        "  one       a",
        "    longer  b",
        "            c",
        "",
        "* two",
    ]
    assert align([]) == align([[]]) == []


@pytest.mark.parametrize(("length", "column"), [(21, 25), (22, 26), (23, 7)])
def test_a_label_that_is_too_long_moves_no_body_but_its_own(length: int, column: int) -> None:
    lines = align([[section("l" * length, Segment("its")), section("one", Segment("a"))]])
    assert lines[1].text == f"  {'l' * length}  its"
    assert lines[2].text.index("a") == column
    assert {line.hang for line in lines[1:]} == {column}
    assert align([[section("l" * 30, Segment("its"))]])[1].hang == 2


def test_a_row_says_what_its_parts_are() -> None:
    assert section("name", Segment("x", "note")).label.style == "section"
    assert item("name").label.style == "label"
    (_, line) = align([[section("name", Segment("x", "note"))]])
    assert [segment.style for segment in line.segments] == ["", "section", "", "note"]


def test_parts_and_names_are_put_together_as_in_a_sentence() -> None:
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        *("", "a"),
        *("a and b", "a, b and c"),
    ]
    parts = [Segment("a", "note"), Segment("b"), Segment("c")]
    assert "".join(part.text for part in joined(parts)) == "a; b; c"
    assert joined(parts)[0].style == "note"
    assert joined([]) == ()


def test_a_formula_over_several_lines_is_shown_on_one() -> None:
    assert visible(" f(\n    a,\n  b[\n 1\n ],\n {\n2\n}\n )\n + c \n") == "f(a, b[1], {2}) + c"
    assert visible("a\tb\x1b") == r"a\tb\x1b"


# Where a line is broken


def broken(text: str, width: int, head: str = "", hang: int = 0) -> list[str]:
    return texts(wrap(Line((Segment(head),), (Segment(text),), hang), width))


@pytest.mark.parametrize(("width", "hang"), [(34, 10), (33, 6)])
def test_too_little_room_beside_the_labels_is_not_used(width: int, hang: int) -> None:
    body = Segment(f"one two three four five six se {'x' * 20} yy")
    lines = wrap(Line((), (body,), 10), width)
    assert texts(lines) == [body.text[:30], f"{' ' * hang}{'x' * 20} yy"]
    assert {line.hang for line in lines} == {hang}


@pytest.mark.parametrize(
    ("text", "width", "first"),
    [
        # It fits, or its last word just does not.
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two"),
        # The space itself may be behind the last column.
        ("one two three", 7, "one two"),
        ("one two three", 6, "one"),
        # Of spaces that cost the same, the last.
        ("a b c d e f g", 8, "a b c d"),
        # A cheaper one in the second half of the line goes before a later one.
        ("aaaaaa, bb cc dd ee", 14, "aaaaaa,"),
        ("aaaaaa; bb cc dd ee", 14, "aaaaaa;"),
        ("aaaaaaa ? b : cc dd ee", 20, "aaaaaaa ? b"),
        ("aaaaaaa + bb cc dd ee", 14, "aaaaaaa"),
        ("aaaaaaa + b, cc dd ee", 16, "aaaaaaa + b,"),
        # One in the first half does not.
        ("aaaa, bb cc dd ee ff", 14, "aaaa, bb cc dd"),
        ("aaaaa, bb cc dd ee ff", 14, "aaaaa, bb cc"),
        # But if there is no other.
        ("aa, bb bbbbbbbbbbbbbbb", 14, "aa,"),
        # If none fits, the next.
        ("aaaaaaaaaaaaaaaa b c", 10, "aaaaaaaaaaaaaaaa"),
        ("aaaaaaaaaaaaaaaa", 10, "aaaaaaaaaaaaaaaa"),
        # Brackets cost: three of them as much as the middle of an argument.
        ("aaaaaaaaaa b(c(d(e, f))))))", 21, "aaaaaaaaaa b(c(d(e,"),
        ("aaaaaaaaaa b(c(d{e[f, g]})))", 21, "aaaaaaaaaa"),
        ("aaaaaaaaaa, b[c](d, e))))))", 20, "aaaaaaaaaa,"),
        ("aaaaaaaaaa b[c](d, e))))))", 19, "aaaaaaaaaa b[c](d,"),
        ("aaaa(b(c(d, e))) ffff gg", 20, "aaaa(b(c(d, e)))"),
        ("aaaaaaaaaa + b(c, d) e", 18, "aaaaaaaaaa"),
        # Letters cost nothing.
        ("aaaaaaaX Xb cc dd ee", 16, "aaaaaaaX Xb cc"),
        # What is quoted is one word.
        ('aaaaaaaaaa "b \\" (c d" e f g', 23, 'aaaaaaaaaa "b \\" (c d"'),
    ],
)
def test_a_line_is_broken_at_the_cheapest_space_of_its_second_half(
    text: str, width: int, first: str
) -> None:
    assert broken(text, width)[0] == first


def test_the_head_takes_room_of_the_first_line_alone() -> None:
    text = "aa bb cc dd ee ff gg hh ii jj kk ll mm nn oo pp qq"
    assert broken(text, 30, "head: ", 6) == [
        "head: aa bb cc dd ee ff gg hh",
        "      ii jj kk ll mm nn oo pp",
        "      qq",
    ]


def test_parts_of_a_broken_line_keep_their_styles() -> None:
    body = (Segment("aaaa bbbb ", "one"), Segment("cc dd", "two"))
    lines = wrap(Line((), body, 0), 11)
    assert [line.segments for line in lines] == [
        (Segment("aaaa bbbb", "one"),),
        (Segment("      "), Segment("cc dd", "two")),
    ]
