"""The parameters of the Python API, and amounts as they are written: what is taken, and what is
said of anything else.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from derivload.loading.amounts import parse_age, parse_size, size_text
from derivload.loading.errors import UsageError
from derivload.loading.parameters import (
    checked_path,
    flag_of,
    path_of,
    paths_of,
    spell_parameter,
    texts_of,
    version_of,
)

TAKEN: Final[list[tuple[Callable[..., Any], object, object]]] = [
    (path_of, None, None),
    (path_of, Path("a/b"), "a/b"),
    (checked_path, "a b", "a b"),
    (paths_of, "a", ["a"]),
    (paths_of, Path("a"), ["a"]),
    (paths_of, ["a", Path("b")], ["a", "b"]),
    (paths_of, (), []),
    (texts_of, ["a", "b"], ["a", "b"]),
    (texts_of, iter(["a"]), ["a"]),
    (texts_of, (), []),
    (flag_of, True, True),
    (flag_of, False, False),
]


@pytest.mark.parametrize(("take", "value", "expected"), TAKEN)
def test_what_is_taken(take: Callable[..., Any], value: object, expected: object) -> None:
    assert take("x", value) == expected


REFUSED: Final[list[tuple[Callable[..., Any], object, str]]] = [
    (checked_path, None, "`x` is None: give a path, a str or a Path"),
    (checked_path, 3, "`x` is the number 3: give a path, a str or a Path"),
    (checked_path, 1.5, "`x` is the number 1.5: give a path, a str or a Path"),
    (checked_path, True, "`x` is of type bool: give a path, a str or a Path"),
    (checked_path, b"a", "`x` is of type bytes: give a path, a str or a Path"),
    (checked_path, "", "`x` is empty: give the path of a file or folder"),
    (checked_path, "\ud800", "`x` cannot be a path: give the path of a file or folder"),
    (checked_path, "a\0b", "`x` contains a NUL: give the path of a file or folder"),
    (paths_of, None, "`x` is None: give a path, or a list of paths"),
    (paths_of, b"a", "`x` is of type bytes: give a path, or a list of paths"),
    (paths_of, bytearray(), "`x` is of type bytearray: give a path, or a list of paths"),
    (paths_of, {"a": 1}, "`x` is of type dict: give a path, or a list of paths"),
    (paths_of, ["a", 3], "`x[1]` is the number 3: give a path, a str or a Path"),
    (texts_of, "a", "`x` is of type str: give a list of texts"),
    (texts_of, b"a", "`x` is of type bytes: give a list of texts"),
    (texts_of, 3, "`x` is the number 3: give a list of texts"),
    (texts_of, ["a", None], "`x[1]` is None: give a text"),
    (flag_of, 1, "`x` is the number 1: give True or False"),
    (flag_of, None, "`x` is None: give True or False"),
]


@pytest.mark.parametrize(("take", "value", "said"), REFUSED)
def test_what_is_refused(take: Callable[..., Any], value: object, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        take("x", value)
    assert str(raised.value) == said


def test_versions_are_texts() -> None:
    assert version_of(None) is None
    assert version_of("2.15") == "2.15"
    for value, said in (
        (2.1, 'is the number 2.1: write it as text, such as "2.1"'),
        (True, 'is of type bool: give a text, such as "2.15"'),
        (b"2.1", 'is of type bytes: give a text, such as "2.15"'),
    ):
        with pytest.raises(UsageError) as raised:
            version_of(value)
        assert str(raised.value) == f"`torch_version` {said}"
    assert spell_parameter("a", "FILE") == "`a`"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        ("4096B", 4096),
        ("2k", 2048),
        ("2KB", 2048),
        ("2KiB", 2048),
        ("3m", 3 << 20),
        ("1g", 1 << 30),
        ("1TB", 1 << 40),
        ("9" * 15, int("9" * 15)),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "k", "1.5M", "-1", "1 M", "1P", "1iB", "9" * 16, "1Mx", "²"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_size(text)
    said = "is not a size: write it like 200M, 1G, 512MiB, or in bytes"
    assert str(raised.value) == f"{text!r} {said}"


def test_ages() -> None:
    for text, seconds in (("90s", 90), ("45m", 2700), ("12h", 43200), ("30d", 2592000), ("0s", 0)):
        assert parse_age(text) == seconds
    for text in ("", "3", "3w", "3D", "-1d", "1.5h", "9999999999d"):
        with pytest.raises(UsageError) as raised:
            parse_age(text)
        assert str(raised.value) == f"{text!r} is not an age: write it like 30d, 12h, 45m or 90s"


def test_sizes_for_a_person() -> None:
    for size, text in (
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB (1024 bytes)"),
        (1536, "1.5 KiB (1536 bytes)"),
        (1 << 20, f"1.0 MiB ({1 << 20} bytes)"),
        (1 << 30, f"1.0 GiB ({1 << 30} bytes)"),
        (1 << 60, f"1048576.0 TiB ({1 << 60} bytes)"),
    ):
        assert size_text(size) == text
