"""The fast reader and PyYAML: what the first accepts, the second reads to the same value.

The property is looked for in five ways: texts from a grammar of entries that lies on both sides
of the subset's edge, texts of fragments that matter to YAML, small edits of real entries, all
short texts (a bounded proof), and the files of the releases. `--long` looks fifty times as long.
"""

from __future__ import annotations

import itertools
import string
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from derivload.sources.entries import split_entries
from derivload.sources.plain import NotPlain, PlainReader, Value
from support.paths import CATALOGUE
from support.yaml_texts import FRAGMENTS, LINES, ODD_SCALARS, PLAIN_SCALARS, REJECTS, check_file

LONGER = 50


# ------------------------------------------------------------------------------- the properties


def read_plain(text: str, reader: PlainReader | None = None) -> Value | None:
    """What the fast reader makes of an entry, None where it leaves it to PyYAML."""
    try:
        return (reader or PlainReader()).read(text)
    except NotPlain:
        return None


def is_read_alike(text: str, reader: PlainReader | None = None) -> bool:
    """Check the property for one text; tell whether the fast reader accepted it."""
    value = read_plain(text, reader)
    if value is None:
        return False
    try:
        expected = yaml.load(text, Loader=yaml.CSafeLoader)
    except REJECTS as error:
        raise AssertionError(f"read {text!r} as {value!r}, where PyYAML says: {error}") from None
    # By repr, for True == 1 == 1.0 and the order of keys is no part of equality.
    assert repr([value]) == repr(expected), text
    return True


class Search:
    """Runs a check over generated texts. Counts the accepted ones, lest none ever is."""

    def __init__(self, longer: bool, thinning: int) -> None:
        self.longer = longer
        self._thinning = thinning
        self.is_thinned = thinning > 1  # then all of the few texts may be of the slow reader
        self.accepted = 0

    def run(
        self, texts: st.SearchStrategy[str], check: Callable[[str], bool], examples: int
    ) -> None:
        @settings(
            max_examples=examples * LONGER if self.longer else examples // self._thinning,
            deadline=None,
            print_blob=True,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
        )
        @given(texts)
        def search(text: str) -> None:
            note(f"text: {text!r}")
            self.accepted += check(text)

        search()


@pytest.fixture
def search(request: pytest.FixtureRequest, thinning: int) -> Search:
    return Search(
        bool(request.config.getoption("--long", default=False)), 2 * thinning if thinning > 1 else 1
    )


# ---------------------------------------------------------------------------- texts of a grammar

KEYS = ["a", "key", "a, b", "a b", "self", "a_1", "_", "_a", "y", "Default", "A", "k" * 999]
ODD_KEYS = [
    *("yes", "null", "On", "True", "1", "~", "a ", "a,", "a ,b", ",a", "a-b", "a.b", "a:b", "-a"),
    *("'a'", '"a"', "? a", "[a]", "<<", "=", "&x a", "*x", "é", "a#", "a #", "# a", "a[0]", "{a}"),
    *("k" * 1001, "k" * 1030, "a" + " " * 1030 + "b"),
]
COMMENTS = [" # c", " # (c)", "  # a/b: *c", " #'", ' # "', " # [x]"]
ODD_HEADERS = ["| ", "|-", "|+", ">", ">-", ">+", "|2", "|1-", "| # c", "|#", "|x"]
NOISE = ["", "  ", "    ", "# c", "  # c", "      # c", "#", " #c", "# a: b", "# - a", '# "']
ODD_NOISE = [
    *("---", "...", "%YAML 1.1", "\t", "\t# c", "x", "  x", "- x", " - x", "? x", ": x", "}", '"'),
]
WORDS = ["x", "y z", "x  ", "1", "it", "(y)", "null"]
ODD_WORDS = ["# c", "a: b", "a:", "- x", "'", '"', "", "\\", "x #", "[", "{", "x # c", "&a"]


class Lines:
    """Draws the lines of entries. Most of what it draws is plain; some is a step beyond."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._keys = 0

    def upto(self, most: int) -> int:
        return self._draw(st.integers(0, most))

    def pick(self, usual: list[str], odd: list[str]) -> str:
        """One of the usual ones, or rarely one of the odd ones."""
        return self._draw(st.sampled_from(usual if self.upto(11) else odd))

    def indent(self, usual: int) -> str:
        return " " * max(0, usual + (0 if self.upto(23) else self.upto(4) - 2))

    def noise(self) -> list[str]:
        return [] if self.upto(4) else [self.pick(NOISE, ODD_NOISE)]

    def word(self) -> str:
        return self.pick(WORDS, ODD_WORDS)

    def words(self, most: int, indent: int) -> list[str]:
        return [self.indent(indent + self.upto(3)) + self.word() for _ in range(self.upto(most))]

    def start(self, indent: int, separators: list[str]) -> str:
        self._keys += 1
        key = self.pick([f"k{self._keys}"] * 5 + KEYS, ODD_KEYS)
        return self.indent(indent) + key + self.pick(separators, [" : ", ":\t", ":", ": ", ":#"])

    def mapping(self, indent: int, depth: int = 0) -> list[str]:
        kinds = [self.scalar, self.scalar, self.continued, self.block, self.quoted, self.items]
        lines: list[str] = []
        for _ in range(self.upto(3) + 1):
            lines += self.noise()
            if depth < 2 and not self.upto(6):
                lines.append(self.start(indent, [":", ": ", ": # c"]))
                lines += self.mapping(indent + self.upto(3) + (1 if self.upto(7) else 0), depth + 1)
            else:
                lines += kinds[self.upto(len(kinds) - 1)](indent)
        return lines

    def scalar(self, indent: int) -> list[str]:
        value = self.pick(PLAIN_SCALARS, ODD_SCALARS) + self.pick([""] * 4 + COMMENTS, [" #(", "#"])
        return [self.start(indent, [": ", ":  "]) + value]

    def continued(self, indent: int) -> list[str]:
        return [
            self.start(indent, [": "]) + self.pick(WORDS, PLAIN_SCALARS),
            *self.words(2, indent + 1),
        ]

    def block(self, indent: int) -> list[str]:
        deep = indent + 1 + self.upto(3)
        lines = [self.indent(deep) + self.word() for _ in range(self.upto(3) + 1)]
        return [self.start(indent, [": "]) + self.pick(["|"], ODD_HEADERS), *lines, *self.noise()]

    def quoted(self, indent: int) -> list[str]:
        quote = self.pick(["'", '"'], ["'"])
        first = self.start(indent, [": "]) + quote + self.word()
        last = self.indent(indent + self.upto(4)) + self.word() + quote
        return [
            first,
            *self.words(2, indent),
            last + self.pick(["", " "], [" # c", "x", ":", " x"]),
        ]

    def items(self, indent: int) -> list[str]:
        lines = [self.start(indent, [":"])]
        at = indent + self.upto(2)
        for _ in range(self.upto(2) + 1):
            lines += self.noise()
            item = self.pick(PLAIN_SCALARS, [*ODD_SCALARS, *ODD_HEADERS, "|", "a: b", "- x"])
            lines.append(self.indent(at) + self.pick(["- ", "-  "], ["-", "- - "]) + item)
            lines += self.words(1, at)
        return lines


@st.composite
def grammar_entries(draw: st.DrawFn) -> str:
    lines = Lines(draw)
    body = lines.mapping(2)
    first = lines.pick(["- ", "- # c\n  "], ["-  ", "-   ", "-\n  ", "- - ", "-", "- ? ", "-\t"])
    text = first + "\n".join([body[0].removeprefix("  "), *body[1:]])
    return text + lines.pick(["", "\n", "\n\n", "\n# c\n", "\n  "], [" \n", "\n# c", "\nx"])


# --------------------------------------------------------------------------- texts of fragments

ALPHABET = "ab1 \n:-#'\"[]{},|>&*!?%@`~\\.=<_(/\t\ré\x85\u2028\ufeff"


def fragment_texts() -> st.SearchStrategy[str]:
    starts = st.sampled_from(
        ["- ", "- a: ", "- a: x\n  b: ", "- a:\n    ", "- a:\n  - ", "- a: |\n    "]
    )
    rests = st.lists(st.sampled_from(FRAGMENTS), max_size=8).map("".join) | st.text(
        ALPHABET, max_size=12
    )
    return st.builds(lambda start, rest: start + rest, starts, rests)


# ----------------------------------------------------------------------- edits of real entries


@cache
def catalogue_entries() -> tuple[str, ...]:
    entries: list[str] = []
    for path in sorted(CATALOGUE.glob("*.yaml")):
        entries += [entry.text for entry in split_entries(path.name, path.read_text("utf-8")) or []]
    return tuple(entries)


@st.composite
def edited(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> str:
    """A text after one to three edits of a character or a line."""
    text = draw(texts)
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.booleans()):
            at = draw(st.integers(0, len(text)))
            new = draw(st.sampled_from(["", *ALPHABET, "", ""]))
            text = text[:at] + new + text[at + draw(st.integers(0, 1)) :]
        else:
            text = "\n".join(_edit_lines(draw, text.split("\n")))
    return text


def _edit_lines(draw: st.DrawFn, lines: list[str]) -> list[str]:
    at = draw(st.integers(0, len(lines) - 1))
    line, shift = lines[at], draw(st.integers(1, 3))
    new = draw(
        st.sampled_from(
            [
                *([], [line, line], ["", line], ["# c", line], [f"  # {line}"], [line + " # c"]),
                *([" " * shift + line], [line[shift:]], [line + " " * shift], [line + ":"]),
            ]
        )
    )
    return [*lines[:at], *new, *lines[at + 1 :]]


# ------------------------------------------------------------------------------------- the tests


def test_plain_entries_are_read() -> None:
    assert read_plain('- a: x\n  b, c: "y z"\n  d:\n    e: True\n    f:\n    - [g, no]\n') == {
        "a": "x",
        "b, c": "y z",
        "d": {"e": True, "f": [["g", False]]},
    }


@pytest.mark.parametrize(
    "text",
    [
        *("- a: 1 #(\n", "- a: 1 # * (\n", '- a: "x"\n    b\n'),
        *("- a: 'x'y\n", "- a: 'x\n    y' X\n", "- a: 'x", "- a: 'x\n", "- a: x", "- a: x\n    y"),
        *("- a: x\x85y\n", "- a: x\u2028y\n", "- a: x\ty\n", "- a: \xe9\n"),
        "- a: xX # c\n",
    ],
)
def test_what_may_differ_is_read_alike(text: str) -> None:
    is_read_alike(text)


def test_entries_of_the_grammar_are_read_alike(search: Search) -> None:
    search.run(grammar_entries(), is_read_alike, 1500)
    assert search.accepted or search.is_thinned


def test_edited_entries_of_the_grammar_are_read_alike(search: Search) -> None:
    search.run(edited(grammar_entries()), is_read_alike, 1000)
    assert search.accepted or search.is_thinned


def test_fragments_are_read_alike(search: Search) -> None:
    search.run(fragment_texts(), is_read_alike, 4000)
    assert search.accepted or search.is_thinned


def test_edited_real_entries_are_read_alike(search: Search) -> None:
    search.run(edited(st.sampled_from(catalogue_entries())), is_read_alike, 3000)
    assert search.accepted or search.is_thinned


# Where a text goes on by all means: behind a key, a scalar of each style, an item, a block.
CHARACTERS = "a1(: \n-#'\"[],|{}"
PLACES = [
    *(
        "- a: ",
        "- a:\n  ",
        "- a: x",
        "- a: x\n  ",
        "- a: 'x'\n   ",
        '- a: "x',
        "- a:\n  - x",
        "- a: |\n    ",
    ),
    *("- a: [x", "- ", "- a: {}\n   ", "- a: True\n    ", "- a: [x]\n   ", "- a:\n  - 'x'\n   "),
]


def all_texts(starts: list[str], parts: Iterable[str], length: int) -> Iterator[str]:
    parts = list(parts)
    for start in starts:
        for size in range(length + 1):
            for chosen in itertools.product(parts, repeat=size):
                yield start + "".join(chosen)


@pytest.mark.thorough
def test_all_short_texts_are_read_alike(search: Search) -> None:
    # One reader for all, for what it keeps of one text must not leak into another.
    reader = PlainReader()
    texts = all_texts(PLACES, CHARACTERS, 5 if search.longer else 4)
    if search.longer:
        texts = itertools.chain(texts, all_texts(PLACES, string.printable[:95] + "\n", 3))
    assert sum(is_read_alike(text, reader) for text in texts) > 10_000


def test_all_sequences_of_few_lines_are_read_alike(search: Search) -> None:
    reader = PlainReader()
    lines = [f"\n{line}" for line in LINES]
    starts = ["- a: x", "- a:", "- a: |", "- a: 'x'", '- a: "x', "- # c"]
    texts = all_texts(starts, lines, 4 if search.longer else 3)
    assert sum(is_read_alike(text + end, reader) for text in texts for end in ("\n", "")) > 2_000


def files() -> st.SearchStrategy[str]:
    real = st.sampled_from([e for e in catalogue_entries() if len(e) < 300])
    entries = st.one_of(grammar_entries(), real, edited(real), fragment_texts())
    gaps = [
        "",
        "",
        "",
        "\n",
        "\n\n",
        "# c\n",
        "\n# c\n\n",
        "  # c\n",
        "---\n",
        "...\n",
        "#\x01\n",
        "x\n",
    ]
    gap = st.sampled_from(gaps)
    whole = st.builds(
        lambda first, parts: first + "".join(part for pair in parts for part in pair),
        st.sampled_from([*gaps, "%YAML 1.1\n---\n", "\ufeff", "\t\n", "custom:\n", "- a: &a x\n"]),
        st.lists(st.tuples(entries, gap), max_size=4),
    )
    return whole | edited(whole)


def test_files_are_read_entry_by_entry_as_they_are_whole(search: Search) -> None:
    search.run(files(), check_file, 1500)
    assert search.accepted or search.is_thinned


@pytest.mark.release
def test_the_files_of_a_release_are_plain(
    each_release: str, release: Callable[[str], Path]
) -> None:
    # That PyTorch's own files never need PyYAML is what makes a load fast.
    packaged = release(each_release) / "torchgen" / "packaged"
    paths = sorted(packaged.rglob("*.yaml"))
    assert len(paths) >= 3
    for path in paths:
        entries = split_entries(path.name, path.read_text("utf-8")) or []
        assert entries, path
        assert [e.line for e in entries if not is_read_alike(e.text)] == [], path
