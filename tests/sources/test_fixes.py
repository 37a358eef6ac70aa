"""Remedies turned into edits: exact in every way that YAML writes a value, or there is none."""

from __future__ import annotations

import pytest

from derivload.diagnostics import Elsewhere, EntryChange, Mistake, Remedy
from derivload.outputs.edits import EditedText
from derivload.remedies import add, add_item, quote, remove, remove_entry, remove_item, write
from derivload.sources.entries import read_source
from derivload.sources.places import Placer

FILE = "file.yaml"
# An entry before and one behind, so that places do not begin at the first line.
BEFORE, BEHIND = "# é 🎉\n- name: before\n  self: lustre\n\n", "- name: behind\n  self: lustre\n"


def fixed(entry: str, *remedies: Remedy, line_end: str = "\n") -> list[str]:
    """The entry as each remedy makes it; those that come to no fix are left out."""
    text = BEFORE + entry + BEHIND
    _, (found, _), _ = read_source(FILE, text).entries
    mistake = Mistake("DL006", "it is wrong", ("name",), remedies=remedies)
    made = []
    for fix in Placer({FILE: text}).place(mistake, found).fixes:
        new = EditedText(text.replace("\n", line_end)).apply(fix.edits)
        assert new.startswith(BEFORE.replace("\n", line_end))
        assert new.endswith(BEHIND.replace("\n", line_end))
        new = new.removeprefix(BEFORE.replace("\n", line_end))
        made.append(new.removesuffix(BEHIND.replace("\n", line_end)))
    return made


WORD = write("luster", "lustre", path=("self",))
LAST = write("luster", "lustre", path=("self",), occurrence=-1)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("grad * lustre", "grad * luster"),
        ("grad * lustre  # lustre", "grad * luster  # lustre"),
        ("'it''s (lustre)'", "'it''s (luster)'"),
        ('"a \\"lustre\\" \\u00e9"', '"a \\"luster\\" \\u00e9"'),
        ("grad\n    * lustre", "grad\n    * luster"),
        ("'grad\n    * lustre'", "'grad\n    * luster'"),
        ("|\n    grad\n    * lustre", "|\n    grad\n    * luster"),
        (">-\n    grad\n\n    * lustre", ">-\n    grad\n\n    * luster"),
        ("|-  # lustre\n    lustre", "|-  # lustre\n    luster"),
        ("é🎉 lustre", "é🎉 luster"),
        ("lustre_ * lustre", "lustre_ * luster"),
    ],
)
def test_words_are_replaced_however_they_are_written(
    value: str, expected: str, line_end: str
) -> None:
    entry, wanted = (f"- name: x\n  self: {text}\n  other: y\n" for text in (value, expected))
    assert fixed(entry, WORD, line_end=line_end) == [wanted.replace("\n", line_end)]


@pytest.mark.parametrize(
    "value",
    [
        '"l\\u0075stre"',  # escapes hide the words
        "grad",
        "[lustre]",
        "1",
        "",
    ],
)
def test_without_the_words_there_is_no_fix(value: str) -> None:
    assert fixed(f"- name: x\n  self: {value}\n", WORD) == []


def test_an_alias_is_no_place_to_edit() -> None:
    """The words are those of the anchor, in another place."""
    assert fixed("- name: &a lustre\n  self: *a\n", WORD) == []


def test_of_several_the_meant_one_is_replaced() -> None:
    entry = "- name: x\n  self: lustre + lustre\n"
    assert fixed(entry, WORD, LAST) == [
        "- name: x\n  self: luster + lustre\n",
        "- name: x\n  self: lustre + luster\n",
    ]


def test_changes_of_one_remedy_are_made_together() -> None:
    changes = [EntryChange("replace", ("self",), "b", "a", occurrence=n) for n in (1, 0)]
    entry = "- name: x\n  self: a + a\n"
    assert fixed(entry, Remedy("", tuple(changes))) == ["- name: x\n  self: b + b\n"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "'b: ''c'''"),
        ("'a'", "'b: ''c'''"),
        ('"a"', "\"b: 'c'\""),
        ("x a\n    y", "'x b: ''c'' y'"),
    ],
)
def test_what_would_be_no_text_is_quoted(value: str, expected: str) -> None:
    remedy = write("b: 'c'", "a", path=("self",))
    assert fixed(f"- name: x\n  self: {value}\n", remedy) == [f"- name: x\n  self: {expected}\n"]


ENTRY = (
    "- name: x  # first\n  self: a\n  # about other\n  other: |\n    b\n    c\n  tags: [p, q, r]\n"
)
LISTED = "- name: x\n  tags:\n    - p  # one\n    - q\n"


@pytest.mark.parametrize(
    ("entry", "remedy", "expected"),
    [
        (ENTRY, remove("self"), ENTRY.replace("  self: a\n", "")),
        (ENTRY, remove("other"), ENTRY.replace("  other: |\n    b\n    c\n", "")),
        (ENTRY, remove("tags"), ENTRY.replace("  tags: [p, q, r]\n", "")),
        (ENTRY, remove("tags", 0), ENTRY.replace("[p, q, r]", "[q, r]")),
        (ENTRY, remove("tags", 1), ENTRY.replace("[p, q, r]", "[p, r]")),
        (ENTRY, remove_item("r", "tags"), ENTRY.replace("[p, q, r]", "[p, q]")),
        (ENTRY, add_item("s", "tags"), ENTRY.replace("[p, q, r]", "[p, q, r, s]")),
        (ENTRY, add("result", "d"), ENTRY + "  result: d\n"),
        (ENTRY, add("result", "d", behind="self"), ENTRY.replace("a\n", "a\n  result: d\n")),
        (ENTRY, add("d", "\n  CPU: f"), ENTRY + "  d:\n    CPU: f\n"),
        (ENTRY, write("True", path=("self",)), ENTRY.replace("self: a", "self: True")),
        (ENTRY, write("leaf", path=("self",), on_key=True), ENTRY.replace("self:", "leaf:")),
        (ENTRY, remove_entry(), ""),
        (LISTED, remove("tags", 0), LISTED.replace("    - p  # one\n", "")),
        (LISTED, remove("tags", 1), LISTED.replace("    - q\n", "")),
        ("- name: x\n  self: a\n", remove("name"), "- self: a\n"),
        ("- name: x\n  self: a\n  b: c\n", remove("name"), "- self: a\n  b: c\n"),
        (
            "- name: x\n  d:\n    A: f\n\n  # e\n  e: g\n",
            remove("d"),
            "- name: x\n\n  # e\n  e: g\n",
        ),
        (
            "- name: x\n  d:\n  - A: f\n\n  # e\n  e: g\n",
            remove("d"),
            "- name: x\n\n  # e\n  e: g\n",
        ),
        (
            "- {'name':x, 'self':a}\n",
            write("b", path=("self",)),
            "- {'name':x, 'self':b}\n",
        ),
        (
            '- name: x\n  self: "x a"\n',
            write('\\ "b"', "a", path=("self",)),
            '- name: x\n  self: "x \\\\ \\"b\\""\n',
        ),
        ("- name: x\n  tags: p\n", remove_item("p", "tags"), "- name: x\n"),
        ("- name: x\n  tags: [p]\n", remove_item("p", "tags"), "- name: x\n"),
        ("- name: x\n  tags: p\n", add_item("q", "tags"), "- name: x\n  tags: [p, q]\n"),
        (
            "- name: x\n  tags: 'a, b'\n",
            add_item("q", "tags"),
            "- name: x\n  tags: ['a, b', q]\n",
        ),
        (
            "- name: x\n  tags: ['a, b', [c]]\n",
            add_item("q", "tags"),
            "- name: x\n  tags: ['a, b', [c], q]\n",
        ),
        ("- name: x\n  tags: []\n", add_item("q", "tags"), "- name: x\n  tags: [q]\n"),
        ("- name: x\n  tags:\n", add_item("q", "tags"), "- name: x\n  tags: q\n"),
        ("- name: x\n", add_item("q", "tags"), "- name: x\n  tags: q\n"),
        ("- name: x\n  self: no\n", quote("self"), "- name: x\n  self: 'no'\n"),
        ("- name: x\n  self:\n", write("a", path=("self",)), "- name: x\n  self: a\n"),
        ("- {name: x, self: a}\n", remove("self"), "- {name: x}\n"),
        ("- {name: x, self: a}\n", remove("name"), "- {self: a}\n"),
        ("- {name: x, self: a}\n", add("b", "c"), "- {name: x, self: a, b: c}\n"),
        (
            "- name: x\n  d:\n    A: f\n    B: g\n",
            remove("d", "A"),
            "- name: x\n  d:\n    B: g\n",
        ),
        (
            "- name: x\n  d:\n    A: f\n",
            add("B", "g", path=("d",)),
            "- name: x\n  d:\n    A: f\n    B: g\n",
        ),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_keys_and_items_come_and_go(
    entry: str, remedy: Remedy, expected: str, line_end: str
) -> None:
    assert fixed(entry, remedy, line_end=line_end) == [expected.replace("\n", line_end)]


@pytest.mark.parametrize(
    ("entry", "remedy"),
    [
        ("- name: x\n", remove("name")),  # nothing would be left
        ("- name: x\n  tags: [p]\n", remove("tags", 0)),
        ("- name: x\n  # about self\n  self: a\n", remove("name")),  # whose is the comment?
        ("- name: x\n", add("name", "y")),
        ("- name: x\n", remove("self")),
        ("- name: x\n  tags: [p]\n", remove_item("q", "tags")),
        ("- name: x\n", remove_item("q", "tags")),
        ("- name: x\n  tags: p\n", remove_item("q", "tags")),
        ("- name: x\n  tags: {p: q}\n", remove_item("p", "tags")),
        ("- name: x\n  tags: {p: q}\n", add_item("q", "tags")),
        ("- name: x\n  tags: |\n    p\n", add_item("q", "tags")),
        ("- name: x\n  self: a\n", write("a", path=("self",))),  # it is so
        ("- name: x\n  3: a\n", write("b", path=(3,))),
        ("- name: x\n  d: {}\n", add("B", "g", path=("d",))),
        ("- name: x\n  d: [a]\n", add("B", "g", path=("d",))),
        ("- name: x\n  d: a\n", add("B", "g", path=("d",))),
        ("- name: x\n  d:\n", add("B", "g", path=("d",))),
        ("- name: x\n", quote("self")),
        ("- name: x\n  self: [no]\n", quote("self")),
        ("- name: x\n  self: it's\n", quote("self")),  # it is a text
        ("- name: x\n", write("a", path=("name", "self"))),
        ("- name: x\n  self: a\n", write("name", path=("self",), on_key=True)),  # twice
    ],
)
def test_what_cannot_be_told_is_no_fix(entry: str, remedy: Remedy) -> None:
    assert fixed(entry, remedy) == []


def place_in(text: str, *remedies: Remedy) -> list[str]:
    """The text of a file as each remedy of its last entry makes it."""
    *_, (entry, _) = read_source(FILE, text, ("custom",)).entries
    mistake = Mistake("DL006", "it is wrong", ("name",), remedies=remedies)
    return [
        EditedText(text).apply(fix.edits)
        for fix in Placer({FILE: text}).place(mistake, entry).fixes
    ]


def test_the_last_entry_goes_with_the_line_end_before_it() -> None:
    assert place_in("- name: x\n\n- name: y\n  self: a", remove_entry()) == ["- name: x\n"]
    assert place_in("- name: x\n- name: y\n\n", remove_entry()) == ["- name: x\n\n"]
    assert place_in("- name: x\n", remove_entry()) == []


def test_a_file_may_end_without_a_line_end() -> None:
    assert place_in("- name: x", add("self", "a")) == ["- name: x\n  self: a"]
    assert place_in("- name: x\n  self: a", remove("self")) == ["- name: x"]


def test_entries_of_a_file_that_is_read_whole_have_fixes() -> None:
    text = "custom:\n  - name: x\n    self: lustre\n  - name: y\n    self: lustre\n"
    assert place_in(text, WORD) == [f"{text[:-7]}luster\n"]
    assert place_in(text, remove_entry()) == []


def test_related_places_are_of_the_words() -> None:
    text = "- name: x\n  self: a\n- name: y\n  self: b * c\n"
    _, (entry, _) = read_source(FILE, text).entries
    elsewhere = (
        Elsewhere("here", path=("self",), words="c"),
        Elsewhere("the key", path=("self",), on_key=True),
        Elsewhere("there", FILE, 1, words="x"),
        Elsewhere("all of it", FILE, 1),
    )
    mistake = Mistake("DL006", "it is wrong", ("name",), elsewhere=elsewhere)
    related = Placer({FILE: text}).place(mistake, entry).related
    assert [(place.line, place.column, place.end_column) for place in related] == [
        (4, 13, 14),
        (4, 3, 7),
        (1, 9, 10),
        (1, 3, 10),
    ]
