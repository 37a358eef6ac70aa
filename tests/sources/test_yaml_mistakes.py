"""What is wrong with a file as YAML, and where."""

from __future__ import annotations

import datetime
import re

import pytest

from derivload.diagnostics import Diagnostic, Mistake, Path
from derivload.sources.entries import (
    describe,
    read_source,
    split_entries,
)
from derivload.sources.places import Placer
from derivload.sources.plain import Value
from support.source_texts import FILE, found, sections, values

QUOTES = "'" * 40


@pytest.mark.parametrize(
    ("text", "section", "message"),
    [
        ("", None, "the file is empty, but must be a list of entries"),
        ("# nothing\n\n", None, "the file is empty, but must be a list of entries"),
        ("a: x\n", None, "the file is not a list of entries"),
        ("some text\n", None, "the file is not a list of entries"),
        ("other:\n- a: x\n", "custom", "the file is a mapping without a section of entries"),
        ("custom: x\n", "custom", "`custom:` is not a list of entries"),
        ("custom: []\ncustom: []\n", "custom", "the key `custom` occurs twice"),
    ],
)
def test_a_file_without_a_list(text: str, section: str | None, message: str) -> None:
    source = read_source(FILE, text, sections(section))
    assert source.entries == []
    assert [(d.code, d.line, d.column) for d in source.diagnostics] == [("DL004", 1, 1)]
    assert source.diagnostics[0].message.startswith(message)


def test_an_entry_that_is_no_mapping_is_left_out() -> None:
    source = read_source(FILE, "- a: x\n- just text\n- \n- [a, b]\n- c: z\n")
    assert values(source) == [{"a": "x"}, {"c": "z"}]
    assert [(d.code, d.line, d.message) for d in source.diagnostics] == [
        ("DL005", 2, "this entry is the text `just text`, not a mapping of keys"),
        ("DL005", 3, "this entry is empty, not a mapping of keys"),
        ("DL005", 4, "this entry is a list, not a mapping of keys"),
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("- a: x\n\n- b: y\n  c: z\n  b: w\n", (5, 3)),
        ("- a: x\n- b: y\n  c:\n    d: x\n    d: y\n", (5, 5)),
        ("---\n- a: x\n- b: y\n  'b': w\n", (4, 3)),
        ("- a: x\n- {b: y, b: w}\n", (2, 10)),
        ("- a: x\n- b: 'y\u2028'\n  b: z\n", (3, 3)),
    ],
)
def test_nothing_is_made_of_an_entry_with_a_key_twice(text: str, place: tuple[int, int]) -> None:
    source = read_source(FILE, text)
    assert [value for entry, value in source.entries if not entry.doubtful] == [{"a": "x"}]
    assert [(d.code, d.line, d.column) for d in source.diagnostics] == [("DL009", *place)]


def test_keys_that_only_look_alike_are_no_duplicates() -> None:
    assert values(read_source(FILE, "- 1: x\n  '1': y\n")) == [{1: "x", "1": "y"}]


def test_every_entry_with_an_error_is_reported_and_the_others_are_read() -> None:
    source = read_source(FILE, "- a: x\n- b: [y\n\n- c: z\n- d: 'w\n- e: v\n")
    assert [(d.code, d.line) for d in source.diagnostics] == [("DL003", 2), ("DL003", 5)]
    assert values(source) == [{"a": "x"}, {"c": "z"}, {"e": "v"}]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("- a: x\n- b: y: z\n", (2, 7)),
        ("- a: x\n- b: @y\n", (2, 6)),
        ("- a: x\n- b: *y\n", (2, 6)),
        ("- a: x\n- b: y\n   c: z\n", (3, 5)),
        ("- a: x\nb: y\n", (2, 1)),
        ("- a: x\n- b: !unknown y\n", (2, 6)),
        ("- a: x\n- ? [b]\n  : y\n", (2, 5)),
        ("- a: x\n-\tb: y\n", (2, 2)),
        # Characters that only YAML takes for line ends, and such as it does not take at all.
        ("- a: x\u2028\n- b: y: z\n", (2, 7)),
        ("- a: x\n# \x85\n- b: @y\n", (3, 6)),
        ("- a: x\n- b: é\x07\n", (2, 7)),
        ("# \x7f\n- a: x\n", (1, 3)),
    ],
)
def test_an_error_has_the_place_that_pyyaml_gives_it(text: str, place: tuple[int, int]) -> None:
    assert found(text) == [("DL003", *place)]


@pytest.mark.parametrize(
    "text",
    [
        "- a: 2001-99-99\n",
        "- a: 0x\n- a: &x 1\n- b: &x 2\n",
        "- a: =\n",
        "# \x01\n- a: x\n",
        "- a: x\n# \x7f\n",
        "- a: x\n\x00",
        "- a: &x\n  <<: *x\n",
        "--- \n- a: x\n---\n- b: y\n",
        "- a: !!int ''\n",
        "- a: !!float ''\n",
        "- a: !!bool x\n",
        "- a: !!timestamp x\n",
        "- a: !!int x\n",
        "- a: !!binary é\n",
        "- !!bool x: y\n",
        "- a: [{b: !!bool x}]\n- b: y\n",
        "---\n- a: !!bool x\n",
        "!some\n- a: x\n",
        "!!omap\n- a: x\n",
    ],
)
def test_what_pyyaml_rejects_has_a_diagnostic(text: str) -> None:
    assert [code for code, _, _ in found(text)] == ["DL003"]


def test_values_are_named_in_sentences() -> None:
    named: list[tuple[Value, str]] = [
        (None, "empty"),
        (True, "the boolean `true`"),
        (3, "the number 3"),
        (0.5, "the number 0.5"),
        ("word", "the text `word`"),
        ("x" * 41, f"the text `{'x' * 37}…`"),
        (["a"], "a list"),
        ({"a": "b"}, "a mapping"),
    ]
    assert [describe(value) for value, _ in named] == [sentence for _, sentence in named]
    others = {"date": datetime.date(2001, 1, 1), "set": {"a"}, "bytes": b"a"}
    for name, value in others.items():
        assert describe(value) == f"of the type {name}"  # type: ignore[arg-type]


def check_place(
    marked: str, path: Path, words: str = "", *, on_key: bool = False, section: str | None = None
) -> Diagnostic:
    text = re.sub("[«»]", "", marked)
    before, _, marked_from = marked.partition("«")
    under = marked_from.partition("»")[0].partition("\n")[0]
    source = read_source(FILE, text, sections(section))
    assert source.diagnostics == []
    mistake = Mistake("DL006", "some message", path, words, on_key)
    line = before.count("\n") + 1
    last = [read.entry for read in source.entries if read.entry.line <= line][-1]
    found = Placer({FILE: text}).place(mistake, last)
    shown = found.source_line[found.column - 1 : found.column - 1 + found.length]
    assert (found.file, found.code, found.message) == (FILE, "DL006", "some message")
    assert found.source_line == text.split("\n")[line - 1]
    assert (found.line, found.column, shown) == (line, len(before.rpartition("\n")[2]) + 1, under)
    return found


@pytest.mark.parametrize(
    ("marked", "path", "words"),
    [
        # Values.
        ("- a: «some value»\n", ("a",), ""),
        ("- a: x\n\n# about\n- b: y\n  a: «some value»  # comment\n", ("a",), ""),
        ("- a: «'some value'»\n", ("a",), ""),
        ('- a: «"some value"»\n', ("a",), ""),
        ("- a: «[x, y]»\n", ("a",), ""),
        ("- a: «3»\n", ("a",), ""),
        ("- é: «ü»\n", ("é",), ""),
        ("- a: «'x\n    y'»\n", ("a",), ""),
        ("- a: |-\n    «x\n    y»\n", ("a",), ""),
        ("- a:\n    b: x\n    «c: y»\n", ("a",), "c: y"),
        # Words inside values.
        ("- a: some «words» here\n", ("a",), "words"),
        ("- a: x\n- a: some\n     «words» here\n", ("a",), "words"),
        ("- a: 'some «words» here'\n", ("a",), "words"),
        ("- a: 'some\n     «words» here'\n", ("a",), "words"),
        ('- a: "some «words» here"\n', ("a",), "words"),
        ('- a: "some\n\n     «words» here"\n', ("a",), "words"),
        ('- a: "with \\"escapes\\" and «words»"\n', ("a",), "words"),
        ("- a: >-\n    some\n    «words» here\n", ("a",), "words"),
        ("- a: |\n    some\n      «words» here\n", ("a",), "words"),
        ("- a: some «words\n     here»\n", ("a",), "words here"),
        ("- a: >-\n    some «words\n    here»\n", ("a",), "words here"),
        ("- a: (some «(words)» [here])\n", ("a",), "(words)"),
        # Words stand by themselves, if they do anywhere.
        ("- a: sword swords «word» words\n", ("a",), "word"),
        ("- a: a b «a b c» a b c d\n", ("a",), "a b c"),
        # However their quotes are written: of a run of them, as many as YAML makes of it.
        ("- a: it's «'some'» here\n", ("a",), "'some'"),
        ("- a: 'it''s «''some''» here'\n", ("a",), "'some'"),
        (f"- a: x «f{QUOTES}g» y\n", ("a",), f"f{QUOTES}g"),
        (f"- a: 'x «f{QUOTES * 2}g» y'\n", ("a",), f"f{QUOTES}g"),
        ('- a: "x «\\"f\\"\\"» y"\n', ("a",), '"f""'),
        ('- a: "x «f\\\n  g» y"\n', ("a",), "f g"),
        ("- a: f(self_t) * «self»\n", ("a",), "self"),
        ("- a: s«word»s\n", ("a",), "word"),
        # Words that are not there: all of the value.
        ("- a: «some words here»\n", ("a",), "other"),
        # Items and nested keys.
        ("- a: [x, «y», z]\n", ("a", 1), ""),
        ("- a:\n  - x\n  - «y»\n", ("a", 1), ""),
        (
            "- a: x\n- dispatch:\n    Default:\n      self: «f(x)»\n",
            ("dispatch", "Default", "self"),
            "",
        ),
        ("- a: {b: [x, {c: «y»}]}\n", ("a", "b", 1, "c"), ""),
        # Nothing of the entry but itself, and paths that lead nowhere.
        ("- a: x\n- «a: x»\n  b: y\n", (), ""),
        ("- «a: x»\n  b: y\n", ("c",), ""),
        ("- a: «[x]»\n", ("a", 7), ""),
        ("- a: «x»\n", ("a", "b"), ""),
    ],
)
def test_a_value_is_found_again(marked: str, path: Path, words: str) -> None:
    check_place(marked, path, words)


@pytest.mark.parametrize(
    ("marked", "path", "words"),
    [
        ("- «a»: x\n", ("a",), ""),
        ("- a: b\n  «b»: x\n", ("b",), ""),
        ("- a: x\n  «'b'»: x\n", ("b",), ""),
        ("- a: x\n  «b, c»: y\n", ("b, c",), ""),
        ("- dispatch:\n    CPU, «XYZ»: y\n", ("dispatch", "CPU, XYZ"), "XYZ"),
        ("- dispatch:\n    «CPU»: y\n", ("dispatch", "CPU"), ""),
    ],
)
def test_a_key_is_found_again(marked: str, path: Path, words: str) -> None:
    check_place(marked, path, words, on_key=True)


@pytest.mark.parametrize(
    ("marked", "section"),
    [
        ("---\n- a: x\n- a: some «words» here\n", None),
        ("custom:\n- a: x\n- a: some «words» here\n", "custom"),
        ("custom:\n  - a: x\n  - b: y\n    a: 'some\n      «words» here'\n", "custom"),
        ("other: [x]\ncustom:\n- a: some «words» here\n", "custom"),
        ("custom:\n- a: x\nmore:\n- a: z\n- a: some «words» here\n", "custom more"),
        ("more: [{a: x}]\ncustom: [{a: y}, {a: some «words» here}]\n", "custom more"),
        ("- b: &one x\n- b: *one\n  a: some «words» here\n", None),
        ('- b: "x\n- y"\n- a: some «words» here\n', None),
        ("\ufeff- a: some «words» here\n", None),
    ],
)
def test_places_in_a_file_that_is_read_whole(marked: str, section: str | None) -> None:
    check_place(marked, ("a",), "words", section=section)


def test_an_entry_that_cannot_be_read_has_its_line() -> None:
    text = "- a: x\n- b: [y\n"
    entry = (split_entries(FILE, text) or [])[1]
    found = Placer({FILE: text}).place(Mistake("DL006", "some message", ("b",)), entry)
    assert (found.line, found.column, found.source_line) == (2, 1, "- b: [y")


def test_a_diagnostic_shows_its_line_with_a_caret_under_the_words() -> None:
    found = check_place("- a: x\n- a: 'é\t«two words»'\n", ("a",), "two words")
    assert found.render() == (
        "some.yaml:2:9: error[DL006]: some message\n"
        "  2 | - a: 'é\ttwo words'\n"
        "    |        \t^^^^^^^^^\n"
        "  help: check its spelling, or remove it"
    )


def test_a_mistake_may_bring_its_own_help() -> None:
    text = "- a: x\n"
    entry = (split_entries(FILE, text) or [])[0]
    mistake = Mistake("DL006", "some message", ("a",), help="write b")
    found = Placer({FILE: text}).place(mistake, entry)
    assert found.render().splitlines()[-1] == "  help: write b"


def test_a_diagnostic_of_a_whole_file_has_no_line() -> None:
    found = Diagnostic(FILE, 0, 0, "DL001", "cannot read this file")
    assert found.render().splitlines() == [
        "some.yaml: error[DL001]: cannot read this file",
        "  help: check the path, and whether you may read the file",
    ]


def test_diagnostics_sort_by_place() -> None:
    places = [("b", 1, 1), ("a", 10, 1), ("a", 2, 5), ("a", 2, 1), ("a", 0, 0)]
    diagnostics = [Diagnostic(*place, "DL006", "message") for place in places]
    assert [(d.file, d.line, d.column) for d in sorted(diagnostics)] == sorted(places)
