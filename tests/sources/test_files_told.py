"""What is made of the texts of files: entries with their values, and all that is told.

It stands in reference/file_mistakes.txt; support/told_files.py says how to renew it.
"""

from __future__ import annotations

from support.recorded import read_recorded
from support.told_files import FILE, TEXTS, made


def test_all_that_is_made_of_a_text() -> None:
    expected = read_recorded(FILE)
    assert [*expected] == [*dict.fromkeys(TEXTS)]
    assert {text: made(text) for text in expected} == expected
