"""What the tests of sources share."""

from __future__ import annotations

from derivload.sources.entries import (
    SourceFile,
    read_source,
)

FILE = "some.yaml"


def values(source: SourceFile) -> list[object]:
    return [read.value for read in source.entries]


def sections(names: str | None) -> list[str]:
    """The sections that a case names, with spaces between them."""
    return (names or "").split()


def found(text: str) -> list[tuple[str, int, int]]:
    """The codes of what is wrong with a text, each with its line and column."""
    return [(d.code, d.line, d.column) for d in read_source(FILE, text).diagnostics]
