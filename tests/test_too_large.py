"""The bounds of what is read: what is just within is read, what is just beyond is told."""

from __future__ import annotations

import pytest

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
        (nested(500), nested(501), "this is no YAML: it is nested too deeply"),
        (with_aliases(3), with_aliases(4), "aliases make this file many times as large as it is"),
        (in_brackets(50_000), in_brackets(50_001), "this file has more than 50000 entries"),
    ],
    ids=["nesting", "aliases", "entries"],
)
def test_a_bound_holds(within: str, beyond: str, message: str) -> None:
    assert told(within) == []
    assert told(beyond) == [message]
