"""A document in pieces is written whole, and is the bytes that they make."""

from __future__ import annotations

import errno
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from derivload.outputs.pieces import DocumentPieces, pieces_of, write_pieces

needs_a_limit = pytest.mark.skipif(sys.platform == "win32", reason="needs limits of POSIX")


@pytest.mark.parametrize("pieces", [[], [b""], [b"one"], [b"one", b"", b"two"]])
def test_pieces_are_the_bytes_that_they_make(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    made = DocumentPieces(pieces)
    assert len(made) == len(whole)
    assert b"".join(pieces_of(made)) == whole
    assert made == whole
    assert made == DocumentPieces([whole])
    assert made != DocumentPieces([whole, b"?"])
    assert bytes(made) == whole
    assert b"".join(pieces_of(made)) == whole
    assert pieces_of(whole) == (whole,)


@pytest.mark.parametrize("count", [0, 1, 511, 512, 513, 1100])
def test_as_many_pieces_as_there_are_come_to_a_file(count: int, tmp_path: Path) -> None:
    pieces = [b"%d\n" % number for number in range(count)]
    with (tmp_path / "file").open("xb") as file:
        write_pieces(file, pieces)
    assert (tmp_path / "file").read_bytes() == b"".join(pieces)


def test_where_a_system_takes_a_part_the_rest_follows_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = [b"%d\n" % number for number in range(1300)]
    taken = []

    def take_some(descriptor: int, some: Sequence[bytes]) -> int:
        taken.append(len(some))
        return os.write(descriptor, b"".join(some)[:777])

    monkeypatch.setattr(os, "writev", take_some, raising=False)
    with (tmp_path / "parts").open("xb") as file:
        write_pieces(file, pieces)
    assert taken == [512, 512, 276]
    monkeypatch.delattr(os, "writev")
    with (tmp_path / "none").open("xb") as file:
        write_pieces(file, pieces)
    for name in ("parts", "none"):
        assert (tmp_path / name).read_bytes() == b"".join(pieces)


@needs_a_limit
def test_a_file_that_takes_only_a_part_is_an_error(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError) as raised, (tmp_path / "file").open("xb") as file:
            write_pieces(file, [b"x" * 600] * 3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert raised.value.errno == errno.EFBIG
    assert (tmp_path / "file").stat().st_size == 1000
