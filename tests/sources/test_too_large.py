"""The bounds of what is read: what is just within is read, what is just beyond is told."""

from __future__ import annotations

import pytest

from derivload.cpp.dialect import NEWEST
from derivload.engine.load import load_texts
from derivload.engine.texts import Text, Texts
from derivload.sources.entries import read_source

LONG = "x" * 3000


def told(text: str) -> list[str]:
    return [diagnostic.message for diagnostic in read_source("some.yaml", text).diagnostics]


def nested(depth: int) -> str:
    """A file with so many collections in one another."""
    lists = depth - 2
    return f"- a: {'[' * lists}{']' * lists}\n"


def with_aliases(count: int) -> str:
    return f"- &a {{a: {LONG}}}\n" + "- *a\n" * count


def in_brackets(count: int) -> str:
    return "[" + "{a: b}," * count + "]\n"


@pytest.mark.parametrize(
    ("within", "beyond", "message"),
    [
        (nested(500), nested(501), "this is not YAML: it is nested too deeply"),
        (with_aliases(3), with_aliases(4), "aliases make this file many times larger"),
        pytest.param(
            *(in_brackets(50_000), in_brackets(50_001), "this file has more than 50000 entries"),
            marks=pytest.mark.thorough,
        ),
    ],
    ids=["nesting", "aliases", "entries"],
)
def test_a_bound_holds(within: str, beyond: str, message: str) -> None:
    assert told(within) == []
    assert told(beyond) == [message]


def test_the_bound_of_nested_types_holds() -> None:
    def told_of_type(type_: str) -> list[str]:
        native = Text("native_functions.yaml", f"- func: f({type_} x) -> Tensor\n")
        tags = Text("tags.yaml", "- tag: shiny\n  desc: It shines.\n")
        loaded = load_texts(Texts(Text("derivatives.yaml", "[]\n"), (native,), tags), NEWEST)
        return [diagnostic.message for diagnostic in loaded.diagnostics]

    assert told_of_type("int" + 50 * "[]") == []
    assert told_of_type("int" + 51 * "[]") == ["this type is nested too deeply"]
