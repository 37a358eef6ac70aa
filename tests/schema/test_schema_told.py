"""All that is told of texts that are no schemas: words, place, help, and what to write instead.

It stands in reference/schema_mistakes.txt; support/told_schemas.py says how to renew it.
"""

from __future__ import annotations

from support.recorded import read_recorded
from support.told_schemas import FILE, TEXTS, told


def test_all_that_is_told_of_what_is_no_schema() -> None:
    expected = read_recorded(FILE)
    assert [*expected] == [*dict.fromkeys(TEXTS)]
    assert {text: told(text) for text in TEXTS} == expected
    assert all(expected.values())
