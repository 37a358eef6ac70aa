"""The store, with real files, file systems and processes: right or absent, whatever happens."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from derivload.store.disk import BytesDisk
from derivload.store.owned import StoreError
from derivload.store.store import Store
from support.stores import opened, value_files


def test_a_value_comes_back(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        assert store.put(b"key", b"value")
        assert store.get(b"key") == b"value"
    with opened(tmp_path) as store:
        assert store.get(b"key") == b"value"


def test_a_missing_key_is_none(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        assert store.get(b"key") is None


def test_a_later_value_takes_the_place_of_an_earlier(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        assert store.put(b"key", bytes(50_000))
        assert store.put(b"key", b"new")
        assert store.get(b"key") == b"new"
        assert value_files(tmp_path) == []


@pytest.mark.parametrize("size", [0, 32 * 1024 - 33, 32 * 1024 - 32, 32 * 1024, 5_000_000])
def test_values_of_any_size_come_back(tmp_path: Path, size: int) -> None:
    value = random.Random(size).randbytes(size)
    with opened(tmp_path) as store:
        assert store.put(b"key", value)
        assert store.get(b"key") == value
    assert len(value_files(tmp_path)) == (size >= 32 * 1024 - 32)


@pytest.mark.parametrize("value", ["text", 1, None, bytearray(b"x"), memoryview(b"x"), [b"x"]])
def test_nothing_but_bytes_is_stored(tmp_path: Path, value: object) -> None:
    with opened(tmp_path) as store:
        with pytest.raises(TypeError):
            store.put(b"key", value)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            store.put(value, b"value")  # type: ignore[arg-type]
        assert store.get(b"key") is None
    with pytest.raises(TypeError):
        BytesDisk(str(tmp_path)).store(value, read=False)


def test_a_file_is_not_stored(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        BytesDisk(str(tmp_path)).store(b"value", read=True)


def test_a_name_that_would_be_a_variable_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELSEWHERE", "other")
    with pytest.raises(StoreError):
        Store(str(tmp_path / "$ELSEWHERE"))
    assert not (tmp_path / "other").exists()
