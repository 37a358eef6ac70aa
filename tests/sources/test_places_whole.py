"""The diagnostics of mistakes, whole: place, length, the line that is shown, help and fixes."""

from __future__ import annotations

import pytest

from derivload.diagnostics import Diagnostic, Edit, Elsewhere, EntryChange, Fix, Mistake, Related
from derivload.remedies import remove, remove_entry, remove_other, write
from derivload.sources.entries import Entry, read_source
from derivload.sources.ignore_comments import IgnoreComment
from derivload.sources.mistakes import Mistakes
from derivload.sources.places import KnownPlaces, Placer
from derivload.sources.plain import PlainReader

FILE = "some.yaml"
TEXT = """\
- name: x
  self: a

# about y
- name: y
  self: |
    grad * 2
      + other
  "it's": 'p
    q'
  empty:
  list: [one, two]

- name: z
"""
BLOCK = "    grad * 2"


def entry_of(text: str, at: int, *sections: str) -> Entry:
    return read_source(FILE, text, sections).entries[at].entry


def placed(mistake: Mistake, text: str = TEXT, at: int = 1, *sections: str) -> Diagnostic:
    return Placer({FILE: text}).place(mistake, entry_of(text, at, *sections))


@pytest.mark.parametrize("form", ["alone", "whole"])
@pytest.mark.parametrize(
    ("path", "words", "on_key", "shown", "place", "end"),
    [
        ((), "", False, "- name: y", (5, 3, 7), (12, 19)),
        (("name",), "", False, "- name: y", (5, 9, 1), (0, 0)),
        (("name",), "", True, "- name: y", (5, 3, 4), (0, 0)),
        (("self",), "", False, BLOCK, (7, 5, 8), (8, 14)),
        (("self",), "grad", False, BLOCK, (7, 5, 4), (0, 0)),
        (("self",), "2 + other", False, BLOCK, (7, 12, 1), (8, 14)),
        (("self",), "other", False, "      + other", (8, 9, 5), (0, 0)),
        (("self",), "none", False, BLOCK, (7, 5, 8), (8, 14)),
        (("it's",), "", False, "  \"it's\": 'p", (9, 11, 2), (10, 7)),
        (("it's",), "it's", True, "  \"it's\": 'p", (9, 4, 4), (0, 0)),
        (("it's",), "q", False, "    q'", (10, 5, 1), (0, 0)),
        (("empty",), "", False, "  empty:", (11, 9, 1), (0, 0)),
        (("list", 1), "", False, "  list: [one, two]", (12, 15, 3), (0, 0)),
        (("list", 2), "", False, "  list: [one, two]", (12, 9, 10), (0, 0)),
        (("list", "x"), "", False, "  list: [one, two]", (12, 9, 10), (0, 0)),
        (("name", 0), "", False, "- name: y", (5, 9, 1), (0, 0)),
        (("list",), "", True, "  list: [one, two]", (12, 3, 4), (0, 0)),
        (("no",), "grad", False, BLOCK, (7, 5, 4), (0, 0)),
    ],
)
def test_a_mistake_has_its_place(
    form: str,
    path: tuple[str | int, ...],
    words: str,
    on_key: bool,
    shown: str,
    place: tuple[int, int, int],
    end: tuple[int, int],
) -> None:
    mistake = Mistake("DL006", "it is wrong", path, words, on_key, "do")
    further = 0 if form == "alone" else 1
    text = TEXT if form == "alone" else f"custom:\n{TEXT}"
    line, column, length = place
    end_line, end_column = end
    assert placed(mistake, text, 1, *(["custom"] * further)) == Diagnostic(
        *(FILE, line + further, column, "DL006", "it is wrong", "do", shown, length),
        end_line=end_line + further if end_line else 0,
        end_column=end_column,
    )


def test_a_warning_is_one_and_asks_for_what_was_meant() -> None:
    mistake = Mistake("DL601", "m", ("name",), "y", meant=("yy", "zz"))
    assert placed(mistake) == Diagnostic(
        *(FILE, 5, 9, "DL601", "m", "did you mean `yy` or `zz`?", "- name: y"),
        severity="warning",
        fixes=tuple(
            Fix(f"write `{name}`", (Edit(FILE, 5, 9, 5, 10, name),)) for name in ("yy", "zz")
        ),
    )


def test_fixes_have_their_places_however_the_file_is_read() -> None:
    remedies = (
        write("b", "grad", path=("self",), is_safe=True),
        write("b", "nowhere", path=("self",)),
        remove("empty"),
        write("n", path=("list",), on_key=True),
    )
    mistake = Mistake("DL006", "m", remedies=remedies)
    for text, further, sections in ((TEXT, 0, ()), (f"more: []\ncustom:\n{TEXT}", 2, ("custom",))):
        assert placed(mistake, text, 1, *sections).fixes == (
            Fix("write `b`", (Edit(FILE, 7 + further, 5, 7 + further, 9, "b"),), is_safe=True),
            Fix("remove `empty`", (Edit(FILE, 10 + further, 7, 11 + further, 9, ""),)),
            Fix("write `n`", (Edit(FILE, 12 + further, 3, 12 + further, 7, "n"),)),
        )


@pytest.mark.parametrize(
    ("text", "line", "edit"),
    [
        (TEXT, 1, (1, 1, 4, 1)),
        (TEXT, 5, (5, 1, 14, 1)),
        (TEXT, 14, (13, 1, 14, 10)),
        (TEXT, 2, None),
        ("- name: x\n", 1, None),
        ("- a\n- b\n# c\n", 2, (2, 1, 3, 1)),
        ("- a\n\n\n- b", 1, (1, 1, 4, 1)),
        ("- a\n  # in\n# on b\n\n- b", 1, (1, 1, 3, 1)),
        ("- a\n- b\n\n\n", 2, (1, 4, 2, 4)),
        ("- a\n- b\n  c: d\n  e: f", 2, (1, 4, 4, 7)),
    ],
)
def test_an_entry_is_removed_with_the_blank_lines_behind_it(
    text: str, line: int, edit: tuple[int, int, int, int] | None
) -> None:
    mistake = Mistake("DL006", "m", remedies=(remove_other("o.yaml", line, is_safe=True),))
    placer = Placer({FILE: TEXT, "o.yaml": text})
    found = placer.place(mistake, entry_of(TEXT, 0))
    removed = f"remove the entry at o.yaml:{line}"
    expected = [] if edit is None else [Fix(removed, (Edit("o.yaml", *edit, ""),), is_safe=True)]
    assert list(found.fixes) == expected


def test_the_entry_of_the_mistake_is_removed_where_no_other_is_named() -> None:
    assert placed(Mistake("DL006", "m", remedies=(remove_entry(),))).fixes == (
        Fix("remove this entry", (Edit(FILE, 5, 1, 14, 1, ""),)),
    )


def test_other_places_are_told() -> None:
    # In a line of more than 10,000 characters, words are not looked for.
    long = "x" * 9_997
    text = f"{TEXT}- x{long}\n- {long} z\n  word word\n"
    elsewhere = (
        *(Elsewhere("a", path=("self",)), Elsewhere("b", path=("self",), words="other")),
        *(Elsewhere("c", path=("list",), on_key=True), Elsewhere("d"), Elsewhere("e", FILE, 2)),
        *(Elsewhere("f", FILE, 5, words="y"), Elsewhere("g", FILE, 5, words="no")),
        *(Elsewhere("h", FILE, 3), Elsewhere("i", FILE, 99), Elsewhere("j", FILE, 16, words="z")),
        *(Elsewhere("k", FILE, 17, words="word"), Elsewhere("l", FILE, 15, words="xx")),
        *(Elsewhere("m", FILE, 4, words="#"), Elsewhere("n", path=("list",), words="two")),
    )
    entry = Entry(FILE, 5, 1, entry_of(TEXT, 1).text)
    found = Placer({FILE: text}).place(Mistake("DL006", "m", elsewhere=elsewhere), entry)
    assert [(r.message, r.line, r.column, r.end_column) for r in found.related] == [
        *(("a", 7, 5, 13), ("b", 8, 9, 14), ("c", 12, 3, 7), ("d", 5, 3, 10), ("e", 2, 3, 10)),
        *(("f", 5, 9, 10), ("g", 5, 3, 10), ("h", 3, 1, 1), ("i", 99, 1, 1)),
        *(("j", 16, 3, 10_002), ("k", 17, 3, 7), ("l", 15, 3, 5)),
        *(("m", 4, 1, 2), ("n", 12, 15, 18)),
    ]
    assert {r.file for r in found.related} == {FILE}
    whole = Mistake("DL006", "m", elsewhere=(Elsewhere("a", path=("self",), words="a"),))
    assert placed(whole, f"custom:\n{TEXT}", 0, "custom").related == (Related(FILE, 3, 9, 10, "a"),)


def test_of_what_is_no_yaml_the_first_line_is_told_and_there_are_no_fixes() -> None:
    text = "- a: x\n- b: [y\n  c: z\n"
    entry = Entry(FILE, 2, 1, "- b: [y\n  c: z\n")
    mistake = Mistake(
        *("DL006", "m", ("c",), "z"),
        remedies=(remove("c"), remove_entry()),
        elsewhere=(Elsewhere("o", path=("c",)),),
    )
    placer = Placer({FILE: text})
    assert placer.place(mistake, entry) == Diagnostic(
        *(FILE, 2, 1, "DL006", "m", "", "- b: [y"), related=(Related(FILE, 2, 1, 2, "o"),)
    )
    assert placer.commented(entry) is None


def test_a_diagnostic_is_shortened_to_its_line() -> None:
    # A key without a value ends at its line, and so does what is told of it.
    text = "- name: x\n  self: 'a\n    b'   \n"
    found = placed(Mistake("DL006", "m", ("self",)), text, 0)
    assert (found.column, found.length, found.end_line, found.end_column) == (9, 2, 3, 7)


def test_of_two_entries_that_are_alike_each_has_its_place() -> None:
    def place(text: str, at: int) -> tuple[int, int]:
        found = placed(Mistake("DL006", "m"), text, at, "custom")
        return found.line, found.column

    assert [place("custom:\n- a: x\n- a: x\n", at) for at in (0, 1)] == [(2, 3), (3, 3)]
    assert [place("custom: [{a: x}, {b: y}]\n", at) for at in (0, 1)] == [(1, 10), (1, 18)]


def test_a_block_without_lines_is_where_it_begins() -> None:
    found = placed(Mistake("DL006", "m", ("self",)), "- name: x\n  self: |", 0)
    assert (found.line, found.column, found.length, found.end_line) == (2, 9, 1, 0)
    assert Placer({FILE: "a"}).line_of(FILE, 0) == ""


def test_comments_of_an_entry_are_placed() -> None:
    text = "- name: x\n  # derivload: ignore[DL6] why\n  self: a\n- name: y\n"
    for whole, further in ((text, 0), (f"custom:\n{text}", 1)):
        entry = entry_of(whole, 0, "custom")
        placer = Placer({FILE: whole})
        commented = placer.commented(entry)
        assert commented is not None
        (comment,) = commented.comments()
        start = whole.index("# deriv")
        assert comment == IgnoreComment(start, start + 24, ("DL6",), "why", False)
        mistake = Mistake("DL602", "unused", help="remove it")
        assert placer.at(entry, comment.start, comment.end, mistake) == Diagnostic(
            *(FILE, 2 + further, 3, "DL602", "unused", "remove it"),
            source_line="  # derivload: ignore[DL6] why",
            length=24,
            severity="warning",
        )
    in_line = placer.in_line("o", (3, 4), 5, Mistake("DL006", "m", meant=("a",)), "shown")
    assert in_line == Diagnostic("o", 3, 4, "DL006", "m", "did you mean `a`?", "shown", 5)
    assert [placer.line_of(FILE, line) for line in (0, 1, 2, 5, 6, 7)] == [
        *("", "custom:", "- name: x", "- name: y", "", "")
    ]


def test_all_mistakes_are_placed_those_of_full_files_last() -> None:
    mistakes = Mistakes()
    entry = entry_of(TEXT, 0)
    for _ in range(1001):
        mistakes.add(entry, [Mistake("DL006", "m", ("name",))])
    placed_all = Placer({FILE: TEXT}).place_all(mistakes)
    assert [(d.line, d.message) for d in placed_all[:99]] == [(1, "m")] * 99
    assert placed_all[99].message == "m; there are more mistakes in this entry"
    assert len(placed_all) == 100


def test_known_diagnostics_are_those_of_the_file_and_the_text() -> None:
    known, mistake = KnownPlaces(), Mistake("DL006", "m")
    entry = entry_of(TEXT, 0)
    Placer({FILE: TEXT}, known).place(mistake, entry)
    known.begin()
    assert known.find(mistake, entry) is not None
    assert known.find(mistake, Entry("other", 1, 0, entry.text)) is None
    assert known.find(mistake, Entry(FILE, 1, 0, f"{entry.text} ")) is None
    assert known.find(Mistake("DL006", "n"), entry) is None
    moved = known.find(mistake, Entry(FILE, 9, 5, entry.text))
    assert moved is not None and moved.line == 9
    known.begin()
    back = known.find(mistake, entry)
    assert back is not None and back.line == 1
    about = Mistake("DL006", "of others", remedies=(remove_entry(),))
    for one, of in ((about, entry), (mistake, entry_of(f"custom:\n{TEXT}", 0, "custom"))):
        known.note(one, of, back)
        known.begin()
        assert known.find(one, of) is None


def test_a_change_of_a_part_that_is_not_there_is_no_fix() -> None:
    change = EntryChange("remove_item", ("list",), "three")
    assert PlainReader().read(entry_of(TEXT, 0).text) == {"name": "x", "self": "a"}
    assert placed(Mistake("DL006", "m", remedies=(remove("nowhere"),))).fixes == ()
    assert change.kind == "remove_item"
