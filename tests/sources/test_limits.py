"""How many mistakes are told of an entry and a file, and which of many entries are told as one."""

from __future__ import annotations

import pytest

from derivload.diagnostics import MAX_OF_ENTRY, Diagnostic, Mistake
from derivload.remedies import remove
from derivload.sources.additions import DECLARING, NOTHING, Additions
from derivload.sources.entries import (
    MAX_ENTRY,
    MAX_MISTAKES,
    Entry,
    describe,
    has_anchor,
    may_share,
    read_alone,
    read_mistaken,
    read_source,
    split_entries,
    too_many,
)
from derivload.sources.mistakes import Mistakes
from derivload.sources.plain import PlainReader

FILE = "f.yaml"


def entry(index: int, file: str = FILE) -> Entry:
    return Entry(file, index + 1, index, "- a: x\n")


def told(mistakes: Mistakes) -> list[tuple[int, str]]:
    return [(found.entry.index, found.mistake.message) for found in mistakes]


def test_of_an_entry_with_many_mistakes_the_last_that_is_told_says_so() -> None:
    mistakes = Mistakes()
    mistakes.add(entry(0), [Mistake("DL006", f"{n}") for n in range(MAX_OF_ENTRY)])
    assert told(mistakes) == [(0, f"{n}") for n in range(MAX_OF_ENTRY)]
    mistakes.add(entry(0), [Mistake("DL006", "more")] * 3)
    mistakes.add(entry(0), [Mistake("DL006", "still more")])
    mistakes.add(entry(1), [Mistake("DL006", "of the next")])
    last = f"{MAX_OF_ENTRY - 1}; there are more mistakes in this entry"
    assert told(mistakes)[MAX_OF_ENTRY - 1 :] == [(0, last), (1, "of the next")]
    assert len(mistakes) == MAX_OF_ENTRY + 1
    assert mistakes.crowded == []


@pytest.mark.parametrize(("code", "severity"), [("DL006", "error"), ("DL601", "warning")])
def test_of_a_file_with_many_mistakes_it_is_said_once(code: str, severity: str) -> None:
    mistakes = Mistakes()
    for index in range(MAX_MISTAKES):
        mistakes.add(entry(index), [Mistake(code, "m")])
    assert mistakes.crowded == []
    for index in range(3):
        mistakes.add(entry(MAX_MISTAKES + index), [Mistake(code, "m"), Mistake(code, "n")])
    mistakes.add(entry(0, "other"), [Mistake(code, "m")])
    assert len(mistakes) == MAX_MISTAKES + 1
    assert mistakes.crowded == [too_many(FILE, severity)]
    assert too_many(FILE) == Diagnostic(
        *(FILE, 0, 0, "DL010", f"this file has more than {MAX_MISTAKES} mistakes"),
        "fix these first, and check again",
    )


def test_a_very_long_message_is_shortened() -> None:
    mistakes = Mistakes()
    mistakes.add(entry(0), [Mistake("DL006", "x" * 3000)])
    ((_, message),) = told(mistakes)
    assert len(message) < 2_100


def of_option(count: int, **fields: object) -> Mistakes:
    mistakes = Mistakes()
    for index in range(count):
        fields = {"option": "--entry-key k", "remedies": (remove("k"),), "meant": ("l",), **fields}
        mistakes.add(entry(index), [Mistake("DL006", "no key", **fields)])  # type: ignore[arg-type]
    return mistakes


def test_mistakes_of_few_entries_that_an_option_accepts_are_told_one_by_one() -> None:
    few = [found.mistake for found in of_option(2, help_of_few="ask", help="do")]
    assert [(m.message, m.help, m.meant) for m in few] == [("no key", "ask", ("l",))] * 2
    assert {m.help for _, m in of_option(2, help="do")} == {"do"}


@pytest.mark.parametrize(
    ("fields", "help_"),
    [
        ({}, "did you mean `l`?"),
        ({"help": "do", "help_of_few": "ask"}, "do"),
        ({"meant": ()}, "if a backend's own tools read it, pass over it with --entry-key k"),
        ({"option": "", "lacking": "shiny"}, "declare `shiny` in tags.yaml"),
    ],
)
def test_mistakes_of_many_entries_that_an_option_accepts_are_one(
    fields: dict[str, object], help_: str
) -> None:
    mistakes = of_option(5, **fields)
    (found,) = mistakes
    # Those of the fourth entry and on are counted only.
    assert (found.entry.index, len(mistakes)) == (0, 3)
    assert found.mistake.message == "no key; 5 entries have this"
    assert (found.mistake.help, found.mistake.meant, found.mistake.remedies) == (help_, (), ())


def test_only_the_same_mistakes_are_one() -> None:
    mistakes = Mistakes()
    for index in range(3):
        mistakes.add(
            entry(index),
            [
                Mistake("DL006", "k", option="--entry-key k"),
                Mistake("DL006", "l", option="--entry-key l") if index else Mistake("DL006", "m"),
                Mistake("DL008", "k", option="--entry-key k"),
            ],
        )
    assert told(mistakes) == [
        *((0, "k; 3 entries have this"), (0, "m"), (0, "k; 3 entries have this")),
        *((1, "l"), (2, "l")),
    ]


# --------------------------------------------------------------------------------------- entries


def test_an_entry_may_be_so_long() -> None:
    assert (MAX_ENTRY, MAX_MISTAKES) == (100_000, 1_000)
    within, beyond = (f"- a: {'x' * (MAX_ENTRY + more - 6)}\n" for more in (0, 1))
    assert len(within) == MAX_ENTRY
    message = f"this entry has more than {MAX_ENTRY} characters"
    for head, sections, line in (("- b: y\n", (), 2), ("custom:\n- b: y\n", ("custom",), 3)):
        # The text of an entry of a whole file is without the dash.
        longer = "xx" if sections else ""
        kept = read_source(FILE, head + within.replace("x", "x" + longer, 1), sections)
        assert (len(kept.entries), kept.diagnostics) == (2, [])
        told_of = read_source(FILE, head + beyond.replace("x", "x" + longer, 1), sections)
        assert [len(read.entry.text) for read in told_of.entries] == [7 if not sections else 5]
        shown = f"- a: {longer}{'x' * (MAX_ENTRY - 5)}"
        assert told_of.diagnostics == [Diagnostic(FILE, line, 1, "DL010", message, "", shown)]
        assert len(told_of.lost) == 1
    plain = PlainReader()
    for text, is_read in ((within, True), (beyond, False)):
        one = Entry(FILE, 1, 0, text)
        assert (read_alone(one, plain) is not None) == is_read
    anchored = Entry(FILE, 1, 0, within.replace("xxx", "&b ", 1))
    assert may_share(anchored, plain)
    assert not may_share(Entry(FILE, 1, 0, beyond.replace("xxx", "&b ", 1)), plain)


def test_a_number_may_be_so_long() -> None:
    digits = "1_" * 500
    for text in (digits, f"'{digits}1'", f"{digits}x", "+" * 1001 + "x"):
        assert read_source(FILE, f"- a: {text}\n").diagnostics == [], text
    message = "this is not YAML: this number has more than 1000 characters"
    for text in (f"{digits}1", f"-{digits}", "1:" * 501, f"!!int '{digits}1'"):
        source = read_source(FILE, f"- b: y\n- a: {text}\n")
        assert [(d.message, d.line, d.column) for d in source.diagnostics] == [(message, 2, 6)]


@pytest.mark.parametrize(
    ("text", "alone", "shares"),
    [
        ("- a: x\n", {"a": "x"}, False),
        ("- a: é\n", {"a": "é"}, False),
        ("- a: &b x\n", None, True),
        ("- a: é && &\n", {"a": "é && &"}, False),
        ("- a: *b\n", None, False),
        ("- a: [\n", None, False),
        ("- é: x\n  é: y\n", None, False),
        ("- word\n", None, False),
        ("- [a]\n", None, False),
        ("- a: é\n- b: y\n", None, False),
    ],
)
def test_an_entry_alone(text: str, alone: object, shares: bool) -> None:
    one = Entry(FILE, 1, 0, text)
    assert read_alone(one, PlainReader()) == alone
    assert may_share(one, PlainReader()) == shares


def test_an_anchor_is_a_sign_before_a_word() -> None:
    yes = ["&a", "- &a x", "[&a", "{&a", ",&a", ":&a", "?&a", "-&a", "\n&-", "a: &1"]
    no = ["", "a", "&", "& a", "&& a", "a&b", "a &", "'&a'", '"&a"', "a&&b", "(&a)"]
    assert [text for text in yes if not has_anchor(text)] == []
    assert [text for text in no if has_anchor(text)] == []


def test_many_mistakes_of_a_file_are_cut_and_it_says_so() -> None:
    for head, sections in (("", ()), ("custom:\n", ("custom",))):
        full = read_source(FILE, head + "- x\n" * (MAX_MISTAKES + 1) + "- a: b\n", sections)
        assert len(full.diagnostics) == MAX_MISTAKES + 1
        assert full.diagnostics[-1] == too_many(FILE)
        assert full.lost[-1] is None and len(full.lost) == MAX_MISTAKES + 2
        assert full.entries == []
        just = read_source(FILE, head + "- x\n" * MAX_MISTAKES + "- a: b\n", sections)
        assert len(just.diagnostics) == len(just.lost) == MAX_MISTAKES
        assert len(just.entries) == 1


def test_of_an_entry_with_very_many_keys_twice_so_many_are_told() -> None:
    source = read_source(FILE, "- a: x\n" + "  a: x\n" * (MAX_MISTAKES + 5))
    assert len(source.diagnostics) == MAX_MISTAKES + 1
    assert source.diagnostics[-1] == too_many(FILE)


def test_some_entries_are_read_as_the_whole_file_would_be() -> None:
    head = f"{'#' * 99}\n" * 1000  # more characters than are counted at once
    for text in (f"{head}- b: @y\n- c\n", "- b: @y\n- c\n", f"{head}\n\n- b: @y\n- c"):
        entries = split_entries(FILE, text) or []
        read = read_mistaken(FILE, text, entries[-2:])
        assert read is not None
        assert (read.entries, read.lost) == ([], tuple(one.text for one in entries[-2:]))
        assert read.diagnostics == read_source(FILE, text).diagnostics
        assert read.diagnostics[0].line == text.count("\n", 0, text.index("@")) + 1
    for text in ('- a: "x\n- y"\n', "- a: &b c\n", "- x\n" * (MAX_MISTAKES + 1)):
        assert read_mistaken(FILE, text, split_entries(FILE, text) or []) is None


def test_numbers_in_sentences_are_short() -> None:
    assert describe(2**200 - 1) == f"the number {2**200 - 1}"
    assert describe(2**200) == "a very large number"
    assert describe(False) == "the boolean `false`"
    assert describe("x" * 40) == f"the text `{'x' * 40}`"
    assert describe(1e300) == "the number 1e+300"


# ------------------------------------------------------------------------------------- additions


def test_additions_are_the_same_in_any_order() -> None:
    one = Additions(["B", "A", "A"], ["k", "gen_*"], override=True, sections=["more", "custom"])
    assert (one.dispatch_keys, one.entry_keys, one.override, one.sections) == (
        *(("A", "B"), ("gen_*", "k"), True, ("custom", "custom_autograd", "more")),
    )
    other = Additions(["A", "B"], ["gen_*", "k"], override=True, sections=["more"])
    assert (
        one.key
        == other.key
        == (" with (('A', 'B'), ('gen_*', 'k'), True, ('custom', 'custom_autograd', 'more'))")
    )
    assert NOTHING.key == Additions(sections=DECLARING).key == ""
    assert (NOTHING.override, NOTHING.sections) == (False, DECLARING)
    keys = {
        Additions(["A"]).key,
        Additions((), ["A"]).key,
        Additions(override=True).key,
        Additions(sections=["A"]).key,
    }
    assert len(keys) == 4 and "" not in keys
