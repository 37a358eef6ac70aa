"""What the modules of a torchgen bind, by its source, and the texts that stand for values."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from derivload.tree.bound import Import, SourceBindings, read_bindings, text_of
from derivload.tree.constants import CppName, EnumMember

SOURCES = {
    "torchgen/a.py": (
        "import re\nfrom torchgen import b\nfrom torchgen.b import f, LIMIT as most\n"
        "from torchgen.c import g\n"
        "WORDS = ['a', most]\n_locals = {}\n_GLOBAL_CACHE = {}\nmade = f()\ndef h(): pass\n"
    ),
    "torchgen/b.py": "LIMIT = 'm'\ndef f(): pass\n",
    "torchgen/c.py": "from torchgen.b import f as g\n",
}
PIECES = [
    *("torchgen.a:WORDS", "torchgen.a:made", "torchgen.a:h", "torchgen.a:h.x"),
    *("torchgen.a:_locals", "torchgen.a:_GLOBAL_CACHE", "torchgen.b:LIMIT", "torchgen.b:f"),
]


def test_constants_and_imports_are_found() -> None:
    found = read_bindings(SOURCES, PIECES)
    assert found.constants == {"torchgen.a:WORDS": "['a', 'm']", "torchgen.b:LIMIT": "'m'"}
    assert found.imports == (
        Import("torchgen.a", "f", "torchgen.b", "f"),
        Import("torchgen.a", "most", "torchgen.b", "LIMIT"),
        Import("torchgen.a", "g", "torchgen.b", "f"),
    )


def test_it_comes_back_from_the_store_as_it_was() -> None:
    found = read_bindings(SOURCES, PIECES)
    assert msgspec.json.decode(msgspec.json.encode(found), type=SourceBindings) == found


class Word(str):
    """A text that shows itself in another way."""

    def __repr__(self) -> str:
        return "Word"

    def __str__(self) -> str:
        return "word"


SAME: list[tuple[object, object]] = [
    (True, 1),
    (frozenset(["b", "a"]), frozenset(["a", "b"])),
    ({"a": 1, "b": ["c"]}, {"b": ["c"], "a": 1}),
    (Word("a"), "a"),
    ([[]], [[]]),
]
OTHERS: list[object] = [
    *("", "a", "1", 0, 1, -1),
    *([], [""], ["a", "b"], ["b", "a"], ["a, b"], [["a"], "b"], [["a", "b"]], "['a']"),
    *(frozenset(), frozenset([""]), frozenset("ab"), frozenset(["a, b"])),
    *({}, {"a": 1}, {"a": "1"}, {1: "a"}, {"a": {}}, {"a": frozenset()}, {"a": []}),
    *(EnumMember("a", "b"), EnumMember("a, b", ""), CppName("a", "b"), CppName("", "a")),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_equal_values_share_a_text(one: object, other: object) -> None:
    assert one == other
    assert text_of(one) == text_of(other)


def test_other_values_have_another_text() -> None:
    for one, other in itertools.combinations(OTHERS, 2):
        assert text_of(one) != text_of(other), (one, other)
