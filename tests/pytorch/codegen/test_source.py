"""The inputs of the generators: rows that are taken from the last run, and deprecated functions."""

from __future__ import annotations

from hashlib import sha256
from types import SimpleNamespace
from typing import Any, Final

import msgspec
import pytest

from derivload.pytorch.codegen.kept import Deprecated, Kept, KeptEntry
from derivload.pytorch.codegen.source import Source
from derivload.pytorch.errors import UnexpectedTorchgenError

ENTRIES: Final[list[dict[str, object]]] = [
    {"func": "gild.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)"},
    {"func": "smelt(Tensor self) -> Tensor", "structured_delegate": "gild.out"},
]


class Entries:
    """As those of an input, and how often each was read."""

    def __init__(self, *values: dict[str, object], prefix: bytes = b"") -> None:
        self.natives = [prefix + b"%d" % i for i in range(len(values))]
        self._values = values
        self.reads: list[int] = []
        self.texts = SimpleNamespace(
            native_functions=[SimpleNamespace(name="n.yaml")],
            derivatives=SimpleNamespace(text="the text"),
        )

    def native(self, index: int) -> Any:
        self.reads.append(index)
        return SimpleNamespace(value=self._values[index])

    def read_tags(self) -> set[str]:
        return {"core", "a"}


LINES: Final = SimpleNamespace(
    records=[b'{"schema":"a() -> ()"}'],
    generated=[b'{"schema":"g() -> ()"}'],
    functions=[b'{"schema":"f() -> ()"}'],
    used_dispatch_keys={"D": 1},
)


def source(entries: Entries | None = None, deprecated: bytes = b"[]") -> Source:
    lines: Any = LINES
    given: Any = entries
    return Source(given, lines, deprecated)


def kept(rows: list[KeptEntry], deprecated: Deprecated | None = None) -> Kept:
    return Kept(rows, deprecated or Deprecated(b"", {}), {}, {}, b"", b"", b"", [])


def test_rows_have_what_is_asked_of_entries() -> None:
    entries = Entries(*ENTRIES)
    made = source(entries)
    rows = made.rows(None)
    assert [(row.digest, row.base, row.delegate) for row in rows] == [
        (b"0", "gild", ""),
        (b"1", "smelt", "gild"),
    ]
    assert [row.value for row in rows] == [
        sha256(repr(entry).encode()).digest()[:16] for entry in ENTRIES
    ]
    assert {(row.schema, row.generated) for row in rows} == {("", ())}
    assert made.value(1) is ENTRIES[1]
    assert entries.reads == [0, 1]  # each once
    made.forget()
    assert made.value(1) is ENTRIES[1]
    assert entries.reads == [0, 1, 1]


def test_rows_of_unchanged_entries_are_those_of_the_last_run() -> None:
    rows = [
        msgspec.structs.replace(row, schema=f"made {i}")
        for i, row in enumerate(source(Entries(*ENTRIES)).rows(None))
    ]
    entries = Entries(*ENTRIES)
    assert source(entries).rows(kept(rows)) == rows
    assert entries.reads == []
    # With a comment, say, the value is the same.
    edited = Entries(*ENTRIES, prefix=b"other ")
    found = source(edited).rows(kept(rows))
    assert found == [msgspec.structs.replace(row, digest=b"other " + row.digest) for row in rows]
    other = Entries({"func": "other() -> ()"}, prefix=b"new ")
    (row,) = source(other).rows(kept(rows))
    assert (row.digest, row.base, row.schema) == (b"new 0", "other", "")
    odd = Entries({"func": "odd() -> ()", "dispatch": "\udcff"})
    assert source(odd).rows(None)[0].base == "odd"


def test_what_else_is_told_of_the_inputs() -> None:
    made = source(Entries())
    assert made.path == "n.yaml"
    assert made.tags == ["a", "core"]
    loaded = made.loaded
    assert (loaded.records, loaded.used_dispatch_keys) == (LINES.records, ["D"])
    assert loaded.derivatives == "the text"


def test_deprecated_functions_are_read_when_their_file_changed() -> None:
    text = b"- name: a(x)\n  aten: b_out(x)\n"
    digest = sha256(text).digest()
    before = Deprecated(digest, {"kept": []})
    assert source(deprecated=text).deprecated(kept([], before)) is before
    expected = Deprecated(digest, {"b": [("a(x)", "b_out(x)")]})
    assert source(deprecated=text).deprecated(None) == expected
    other = Deprecated(b"other", {"kept": []})
    assert source(deprecated=text).deprecated(kept([], other)) == expected
    assert source(deprecated=b"[]").deprecated(None).entries == {}
    with pytest.raises(UnexpectedTorchgenError):
        source(deprecated=b"- name: a(x)\n").deprecated(kept([], other))
