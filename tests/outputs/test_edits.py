"""Edits to a text: only their spans change, wherever lines end."""

from __future__ import annotations

import pytest

from derivload.diagnostics import Edit
from derivload.outputs.edits import EditedText

TEXT = "one\r\ntwo\rthree\nlast"


def edit(line: int, column: int, end_line: int, end_column: int, text: str = "X") -> Edit:
    return Edit("f.yaml", line, column, end_line, end_column, text)


def test_lines_end_as_universal_newlines_do() -> None:
    text = EditedText(TEXT)
    assert text.lines == ["one", "two", "three", "last"]
    assert text.spelled("a\nb\n") == "a\r\nb\r\n"
    assert EditedText("one").spelled("a\n") == "a\n"
    assert EditedText("").lines == [""]
    assert [text.line_at(index) for index in (0, 4, 5, 8, 9, 18)] == [1, 1, 2, 2, 3, 4]


@pytest.mark.parametrize(
    ("made", "result"),
    [
        ([edit(1, 1, 1, 1)], "Xone\r\ntwo\rthree\nlast"),
        ([edit(1, 1, 1, 4)], "X\r\ntwo\rthree\nlast"),
        ([edit(1, 4, 2, 1)], "oneXtwo\rthree\nlast"),
        ([edit(4, 5, 4, 5, "\n")], "one\r\ntwo\rthree\nlast\r\n"),
        ([edit(3, 2, 3, 3), edit(1, 2, 1, 3, "Y")], "oYe\r\ntwo\rtXree\nlast"),
        ([edit(1, 1, 1, 2), edit(1, 2, 1, 3)], "XXe\r\ntwo\rthree\nlast"),
        ([], TEXT),
    ],
)
def test_only_what_is_edited_changes(made: list[Edit], result: str) -> None:
    assert EditedText(TEXT).apply(made) == result


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ([edit(0, 1, 1, 1)], "there is no line 0 with a column 1"),
        ([edit(1, 0, 1, 1)], "there is no line 1 with a column 0"),
        ([edit(1, 1, 5, 1)], "there is no line 5 with a column 1"),
        ([edit(1, 5, 1, 5)], "line 1 has no column 5"),
        ([edit(1, 1, 4, 6)], "line 4 has no column 6"),
        ([edit(2, 1, 1, 1)], "an edit ends before it begins"),
        ([edit(1, 1, 1, 3), edit(1, 2, 1, 4)], "two edits overlap"),
    ],
)
def test_an_edit_that_has_no_place_is_refused(made: list[Edit], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        EditedText(TEXT).apply(made)


@pytest.mark.parametrize(
    ("line", "column", "index"),
    [(1, 1, 0), (1, 9, 3), (2, 1, 5), (4, 5, 19), (9, 1, 15), (9, 99, 19)],
)
def test_the_nearest_place_is_found(line: int, column: int, index: int) -> None:
    assert EditedText(TEXT).index_of(line, column) == index
