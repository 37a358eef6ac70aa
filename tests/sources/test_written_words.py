"""Words found in the text that a value was read from, and what a change makes of a value."""

from __future__ import annotations

import pytest

from derivload.diagnostics import EntryChange
from derivload.sources.changing import changed_value
from derivload.sources.not_yaml import YamlError
from derivload.sources.plain import Value
from derivload.sources.written import Written


@pytest.mark.parametrize(
    ("text", "words", "places"),
    [
        ("ab c ab", "ab", [(0, 2), (5, 7)]),
        ("ab c ab", "c", [(3, 4)]),
        ("ab", "ab", [(0, 2)]),
        ("ab", "abc", []),
        ("ab", "", []),
        ("ab", " ", []),
        ("a  b\n   c", "a b c", [(0, 9)]),
        ("a b", " b ", [(2, 3)]),
        ("a  b  a", "a", [(0, 1), (6, 7)]),
        ("it''s x", "it's", [(0, 5)]),
        ("it''s x", "s x", [(4, 7)]),
        ('a \\"b\\" c', '"b"', [(2, 7)]),
        ('a \\"b\\" c', "c", [(8, 9)]),
        ("a \\\n  b c", "a b", [(0, 7)]),
        ("a \\\n  b c", "c", [(8, 9)]),
        # Alone if they are anywhere, else wherever they are.
        ("xab ab abx ab", "ab", [(4, 6), (11, 13)]),
        ("xab abx", "ab", [(1, 3), (4, 6)]),
        ("aba ab_ 1ab", "ab", [(0, 2), (4, 6), (9, 11)]),
        ("(ab) 'ab'", "ab", [(1, 3), (6, 8)]),
        ("aaaa", "aa", [(0, 2), (2, 4)]),
        ("(a) (a) (a)", "(a)", [(0, 3), (4, 7), (8, 11)]),
    ],
)
def test_words_are_found_where_they_are_written(
    text: str, words: str, places: list[tuple[int, int]]
) -> None:
    for before, behind in (("", ""), ("ab ab''\n", " ab")):
        start = len(before)
        written = Written(before + text + behind, start, start + len(text))
        expected = [(start + begin, start + end) for begin, end in places]
        assert [written.find(words, at) for at in range(len(places))] == expected
        # If there are fewer, it is the first; and -1 is the last.
        assert written.find(words, len(places)) == (expected[0] if places else None)
        assert written.find(words, -1) == (expected[-1] if places else None)


ENTRY: dict[Value, Value] = {"a": "x y x", "b": ["p", {"q": "r"}], 3: None, "c": 1}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (EntryChange("replace", ("a",), "z"), {"a": "z"}),
        (EntryChange("replace", ("a",), "[z, 1]"), {"a": ["z", 1]}),
        (EntryChange("replace", ("a",), "z", "x"), {"a": "z y x"}),
        (EntryChange("replace", ("a",), "z", "x", occurrence=-1), {"a": "x y z"}),
        (EntryChange("replace", ("a",), "", "y x"), {"a": "x "}),
        (EntryChange("replace", ("b", 0), "s"), {"b": ["s", {"q": "r"}]}),
        (EntryChange("replace", ("b", 1, "q"), "s", "r"), {"b": ["p", {"q": "s"}]}),
        (EntryChange("remove", ("b", 0)), {"b": [{"q": "r"}]}),
        (EntryChange("remove", ("b", 1, "q")), {"b": ["p", {}]}),
        (EntryChange("add", ("b", 1, "s"), "{t: u}"), {"b": ["p", {"q": "r", "s": {"t": "u"}}]}),
    ],
)
def test_a_change_makes_another_value(change: EntryChange, expected: dict[Value, Value]) -> None:
    before = repr(ENTRY)
    assert changed_value(ENTRY, change) == {**ENTRY, **expected}
    assert repr(ENTRY) == before


def test_keys_keep_their_order() -> None:
    def keys(*change: str | tuple[str, ...], on_key: bool = False) -> list[Value]:
        kind, path, text, words = change
        made = changed_value(ENTRY, EntryChange(kind, path, text, words, on_key))  # type: ignore[arg-type]
        assert isinstance(made, dict)
        return [*made]

    assert keys("remove", ("b",), "", "") == ["a", 3, "c"]
    assert keys("add", ("d",), "x", "") == ["a", "b", 3, "c", "d"]
    assert keys("add", ("d",), "x", "a") == ["a", "d", "b", 3, "c"]
    assert keys("add", ("d",), "x", "c") == ["a", "b", 3, "c", "d"]
    assert keys("add", ("d",), "x", "z") == ["a", "b", 3, "c", "d"]
    assert keys("replace", ("b",), "z", "", on_key=True) == ["a", "z", 3, "c"]
    assert keys("replace", ("b",), "zz", "b", on_key=True) == ["a", "zz", 3, "c"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (EntryChange("remove", ("z",)), LookupError),
        (EntryChange("remove", ("b", 2)), LookupError),
        (EntryChange("replace", ("z", "y"), "x"), LookupError),
        (EntryChange("replace", ("a",), "x", "no"), LookupError),
        (EntryChange("replace", ("c",), "2", "1"), LookupError),
        (EntryChange("replace", ("a",), "["), YamlError),
        (EntryChange("add", ("a",), "x"), LookupError),
        (EntryChange("add", ("b", "x"), "x"), LookupError),
        (EntryChange("add", ("a", "z"), "x"), LookupError),
    ],
)
def test_without_what_is_to_be_changed_there_is_no_change(
    change: EntryChange, error: type[Exception]
) -> None:
    with pytest.raises(error):
        changed_value(ENTRY, change)
