"""Compares what a file holds with what it may hold, without having both in memory."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

# Pieces of this size stay in the processor's cache: that is much faster than reading all of it.
_PIECE = 1 << 16


def holds(file: BinaryIO, data: bytes) -> bool:
    """Whether a file that was just opened holds these bytes and no more; reads as far as it does.

    Raises OSError.
    """
    at = 0
    while piece := file.read(_PIECE):
        if not data.startswith(piece, at):
            return False
        at += len(piece)
    return at == len(data)
