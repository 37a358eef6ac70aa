"""A document in pieces is written whole, and is the bytes that they make."""

from __future__ import annotations

import errno
import resource
import sys
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
