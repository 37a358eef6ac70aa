"""Which rows of the database hold a value, and what its seal is for."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from derivload.store.owned import write_value
from derivload.store.rows import fetch, seal, verified


def test_a_value_is_in_its_row_or_in_a_file(tmp_path: Path) -> None:
    start, rest = b"-" * 32, b"small"
    name = write_value(str(tmp_path), start + b"large")
    for kept in (start + rest, memoryview(start + rest)):
        assert fetch(str(tmp_path), 1, None, kept) == (start, rest)
    assert fetch(str(tmp_path), 2, name, None) == (start, b"large")


@pytest.mark.parametrize(
    ("mode", "filename", "value"),
    [
        (0, None, b"small"),
        (2, None, b"small"),
        (1, "name", b"small"),
        (1, None, "small"),
        (1, None, None),
        (1, "FILE", None),
        (3, "FILE", None),
        (2, b"FILE", None),
        (None, None, None),
    ],
)
def test_any_other_row_holds_none(
    mode: object, filename: object, value: object, tmp_path: Path
) -> None:
    name = write_value(str(tmp_path), b"large")
    filename = name if filename == "FILE" else filename
    with pytest.raises(OSError, match=r"^not a value of this store$"):
        fetch(str(tmp_path), mode, filename, value)


def test_a_seal_is_of_the_key_and_of_the_value() -> None:
    digest = hashlib.sha256(b"value").digest()
    sealed = seal(b"key", digest)
    assert len(sealed) == 32
    assert verified(b"key", (sealed, b"value")) == b"value"
    assert verified(b"key", (sealed, b"value"), digest) == b"value"
    assert verified(b"other", (sealed, b"value")) is None
    assert verified(b"key", (sealed, b"value!")) is None
    assert verified(b"key", (sealed, b"value"), bytes(32)) is None
    assert verified(b"key", (b"", b"")) is None
