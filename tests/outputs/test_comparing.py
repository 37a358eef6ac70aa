"""A file is compared with the bytes that it may hold, piece by piece."""

from __future__ import annotations

from pathlib import Path

import pytest

from derivload.outputs.comparing import holds

PIECE = 1 << 16


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_a_file_holds_these_bytes_and_no_others(size: int, tmp_path: Path) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    path = tmp_path / "file"
    path.write_bytes(data)
    for other, same in ((data, True), (data + b"x", False), (data[:-1], not data)):
        with path.open("rb") as file:
            assert holds(file, (other,)) is same
        for length in (999, PIECE, PIECE + 1):
            pieces = [other[at : at + length] for at in range(0, len(other), length)]
            with path.open("rb") as file:
                assert holds(file, pieces) is same
    if data:
        with path.open("rb") as file:
            assert not holds(file, (data[:-1] + b"?",))
