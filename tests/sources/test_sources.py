"""Files cut into entries, entries read, and paths into entries turned back into places."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derivload.sources.entries import (
    read_source,
    split_entries,
)
from derivload.sources.plain import Value
from derivload.sources.splitting import find_window, split_digests
from support.source_texts import FILE, found, values


def entry_texts(text: str) -> list[str]:
    return [entry.text for entry in split_entries(FILE, text) or []]


# ------------------------------------------------------------------------------------- splitting


def test_each_dash_at_the_beginning_of_a_line_begins_an_entry() -> None:
    entries = split_entries(FILE, "- a: x\n  b:\n  - y\n- c: z\n")
    assert entries is not None
    assert [(e.file, e.line, e.index, e.text, e.whole) for e in entries] == [
        (FILE, 1, 0, "- a: x\n  b:\n  - y\n", False),
        (FILE, 4, 1, "- c: z\n", False),
    ]


def test_a_missing_line_end_at_the_end_of_the_file_is_kept_missing() -> None:
    assert entry_texts("- a: x\n- b: y") == ["- a: x\n", "- b: y"]


@pytest.mark.parametrize(
    "text",
    [
        "- a: x\n- b: y\n",
        "# about\n- a: x\n- b: y\n",
        "# about\n\n# all\n\n- a: x\n- b: y\n",
        "\n\n- a: x\n- b: y\n",
        "- a: x\n\n- b: y\n",
        "- a: x\n\n\n\n- b: y\n\n\n",
        "- a: x\n# about b\n- b: y\n",
        "- a: x\n\n# about\n# b\n\n- b: y\n# the end\n",
        "- a: x\n\n# - no: entry\n\n# about b\n- b: y\n",
    ],
)
def test_comments_and_blank_lines_between_entries_are_no_part_of_them(text: str) -> None:
    assert entry_texts(text) == ["- a: x\n", "- b: y\n"]


def test_comments_inside_an_entry_are_part_of_it_and_those_behind_it_are_not() -> None:
    assert entry_texts("- a: x\n# within\n  b: y\n\n# behind\n- c: z\n") == [
        "- a: x\n# within\n  b: y\n",
        "- c: z\n",
    ]


def test_blank_lines_that_a_block_keeps_are_part_of_its_entry() -> None:
    text = "- a: |+\n    x\n\n\n- b: y\n"
    assert values(read_source(FILE, text)) == [{"a": "x\n\n\n"}, {"b": "y"}]
    assert values(read_source(FILE, text.replace("|+", ">+"))) == [{"a": "x\n\n\n"}, {"b": "y"}]
    assert values(read_source(FILE, text.replace("|+", "|"))) == [{"a": "x\n"}, {"b": "y"}]


BODIES = st.sampled_from(
    ["a: x", "a: x\n  b: y", 'a: "x\n   y"', "a: |\n    x\n\n    y", "a:\n  - x"]
)


GAPS = st.sampled_from(["", "\n", "# c\n", "\n# c\n\n", "# - a: x\n"])


@given(GAPS, st.lists(st.tuples(BODIES, GAPS), min_size=1))
def test_every_entry_has_its_text_its_line_and_its_place(
    preamble: str, parts: list[tuple[str, str]]
) -> None:
    text = preamble + "".join(f"- {body}\n{gap}" for body, gap in parts)
    entries = split_entries(FILE, text)
    assert entries is not None
    assert [e.text for e in entries] == [f"- {body}\n" for body, _ in parts]
    assert [e.index for e in entries] == list(range(len(parts)))
    lines = text.split("\n")
    for entry in entries:
        assert "\n".join(lines[entry.line - 1 :]).startswith(entry.text)


def digests(text: str) -> list[bytes]:
    return list(split_digests(text).digests or [])


def test_the_digest_is_that_of_the_text_alone() -> None:
    here = digests("- a: é\n- b: y\n")
    there = digests("# moved\n\n- b: y\n\n- a: é\n")
    assert len(set(here)) == 2
    assert here == there[::-1]


def test_an_edit_changes_one_digest() -> None:
    before = digests("- a: x\n\n- b: y\n\n- c: z\n")
    after = digests("- a: x\n\n- b: y\n  d: w\n\n# new\n\n- c: z\n")
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]


# Pieces of which some make entries, some end them, and some make a text no plain list.
PIECES = [
    *("- ", "-", "\n", "a: x", "  b: y", "# c", " ", "\t", "|+", "é", "\u2028", "\0", "'", "---"),
    *("\n- ", "\n-", "\n- a: x", "\n- a: x\n"),
]


@settings(max_examples=1000)
@given(st.lists(st.sampled_from(PIECES), max_size=12), st.integers(0, 12), st.integers(0, 12))
def test_digests_are_of_the_entries_whatever_the_text_was_before(
    pieces: list[str], at: int, to: int
) -> None:
    text = "".join(pieces)
    entries = split_entries(FILE, text)
    split = split_digests(text)
    assert (split.digests is None) == (entries is None)
    if entries is not None and split.digests is not None:
        assert [split.entry(i) for i in range(len(split.digests))] == [e.text for e in entries]
        assert split.digests == [d for e in entries for d in split_digests(e.text).digests or ()]
    for edit in ("", "\n", "\n- z: new\n"):
        before = split_digests("".join([*pieces[:at], edit, *pieces[to:]]))
        after = split_digests(text, before)
        assert after.digests == split.digests
        assert after.raw == split.raw
        assert split_digests("- b: y\n", after).digests == split_digests("- b: y\n").digests


@pytest.mark.parametrize("begin", ["", "# comments\n\n", "- -\n", "- \n"])
def test_a_text_that_is_edited_again_and_again_is_as_one_that_is_read_anew(
    begin: str, thinning: int
) -> None:
    chance = Random(begin)
    text = begin + "".join(
        f"- a: {number}\n" + "\n  b: c" * (number % 4) + "\n" for number in range(300)
    )
    split = split_digests(text)
    for _ in range(150 // min(thinning, 3)):
        at = chance.choice([chance.randrange(len(text)), 0, len(text) - 1])
        to = at + chance.choice([0, 0, 1, 3, 40, 900])
        new = chance.choice(
            ["", "x", "\n", "\n- ", "\n- new: 1\n", "\n-\n", "\n- a: b" * 90, "#?\n"]
        )
        text = text[:at] + new + text[to:]
        text += "" if chance.random() < 0.1 else "\n"
        split, anew = split_digests(text, split), split_digests(text)
        assert (split.digests, split.raw) == (anew.digests, anew.raw)
        assert split.lines() == anew.lines()
        assert [split.line(i) for i in range(len(split.raw))] == anew.lines()
        for line in chance.choices(range(text.count("\n") + 2), k=20):
            lines = anew.lines()
            assert split.at_line(line) == (lines.index(line) if line in lines else None)
        assert split.has("#?") == ("#?" in text)
        for word in ("new", "#?", "c"):
            assert [*split.with_word(word)] == [i for i, t in enumerate(anew.raw) if word in t]


@given(
    st.lists(st.integers(0, 2)),
    st.lists(st.integers(0, 2)),
    st.integers(0, 600),
    st.integers(0, 600),
)
def test_lists_are_the_same_outside_the_window_and_differ_at_its_ends(
    old: list[int], new: list[int], before: int, behind: int
) -> None:
    old = [1] * before + old + [2] * behind
    new = [1] * before + new + [2] * behind
    begin, old_end, end = find_window(old, new)
    assert old[:begin] == new[:begin]
    assert old[old_end:] == new[end:]
    assert begin <= min(old_end, end)
    if begin < min(old_end, end):
        assert old[begin] != new[begin]
        assert old[old_end - 1] != new[end - 1]


# ------------------------------------------------------------------- files that are read whole


@pytest.mark.parametrize(
    "text",
    [
        "---\n- a: x\n",
        "- a: x\n...\n",
        "%YAML 1.1\n---\n- a: x\n",
        "custom:\n- a: x\n",
        " - a: x\n",
        "  # indented\n- a: x\n",
        "-\ta: x\n",
        "\t\n- a: x\n",
        "- a: x\n\t# tab\n",
        "[{a: x}]\n",
        "? a\n",
        "- a: x\r- b: y\r",
        "- a: x\x85- b: y\n",
        "- a: x\u2028  b: y\n",
        "\ufeff- a: x\n",
        "# \x01\n- a: x\n",
    ],
)
def test_what_is_no_plain_list_is_not_split(text: str) -> None:
    assert split_entries(FILE, text) is None


def test_a_dash_alone_begins_an_entry() -> None:
    assert entry_texts("- a: x\n-\n  b: y\n-\n") == ["- a: x\n", "- \n  b: y\n", "- \n"]


@pytest.mark.parametrize("line", ["n", "-n", "self: x", '"x', "é"])
def test_a_line_that_is_half_typed_makes_the_entry_above_it_invalid_alone(line: str) -> None:
    source = read_source(FILE, f"- a: x\n- b: y\n{line}\n- c: z\n")
    assert [value for _, value in source.entries] == [{"a": "x"}, {"c": "z"}]
    assert [found.code for found in source.diagnostics] == ["DL003"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("---\n- a: x\n- b: y\n", [({"a": "x"}, 2), ({"b": "y"}, 3)]),
        ("%YAML 1.1\n---\n- a: x\n", [({"a": "x"}, 3)]),
        ("- a: x\n...\n", [({"a": "x"}, 1)]),
        (" - a: x\n - b: y\n", [({"a": "x"}, 1), ({"b": "y"}, 2)]),
        ("- a: &one x\n- b: *one\n", [({"a": "x"}, 1), ({"b": "x"}, 2)]),
        ('- a: "x\n- y"\n- b: z\n', [({"a": "x - y"}, 1), ({"b": "z"}, 3)]),
        ("[{a: x},\n{b: y}]", [({"a": "x"}, 1), ({"b": "y"}, 2)]),
        ("- a: x\r- b: y\r", [({"a": "x"}, 1), ({"b": "y"}, 1)]),
        ("- a: x\x85- b: y\n", [({"a": "x"}, 1), ({"b": "y"}, 1)]),
        ("\ufeff- a: x\n", [({"a": "x"}, 1)]),
        ("- a: 'x\u2028'\n- b: y\n", [({"a": "x\u2028"}, 1), ({"b": "y"}, 2)]),
    ],
)
def test_what_cannot_be_split_is_read_whole(text: str, expected: list[tuple[Value, int]]) -> None:
    source = read_source(FILE, text)
    assert source.diagnostics == []
    assert [(read.value, read.entry.line) for read in source.entries] == expected
    assert all(read.entry.whole for read in source.entries)


def test_an_entry_of_a_whole_file_has_the_text_that_it_was_read_from() -> None:
    source = read_source(FILE, "custom:\n- a: é\n  b: y\n\n- c: z\n", ["custom"])
    assert [read.entry.text.strip() for read in source.entries] == ["a: é\n  b: y", "c: z"]


def test_an_overlay_holds_its_list_under_its_key() -> None:
    text = "about: an overlay\ncustom:\n- a: x\n  b: y\n- c: z\n"
    assert values(read_source(FILE, text, ["custom"])) == [{"a": "x", "b": "y"}, {"c": "z"}]
    assert found(text) == [("DL004", 1, 1)]


def test_an_overlay_may_hold_several_lists_and_other_keys() -> None:
    text = "about: x\nthese: []\nmore:\n- a: x\ncustom:\nlast: [{a: y}]\nother: [{a: z}]\n"
    source = read_source(FILE, text, ["custom", "last", "more"])
    assert values(source) == [{"a": "x"}, {"a": "y"}]
    assert [read.entry.index for read in source.entries] == [0, 1]
    assert source.passed_over == ("these", "other")
    assert source.diagnostics == []


@pytest.mark.parametrize(
    "text", ["", " \n", "\n# a", "\ufeff", "\ufeff# a\n", "---\n", "~\n", "\r\n"]
)
def test_a_text_that_holds_nothing_is_an_empty_list_where_it_may_be_empty(text: str) -> None:
    source = read_source(FILE, text, ["custom"], may_be_empty=True)
    assert (source.entries, source.diagnostics) == ([], [])
    assert [code for code, _, _ in found(text)] == ["DL004"]
    assert [d.code for d in read_source(FILE, "x\n", may_be_empty=True).diagnostics] == ["DL004"]
