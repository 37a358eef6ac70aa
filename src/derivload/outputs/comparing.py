"""Compares what a file holds with what it may hold, without having both in memory."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

# Pieces of this size stay in the processor's cache: that is much faster than reading all of it.
_PIECE = 1 << 16


def holds(file: BinaryIO, pieces: Iterable[bytes]) -> bool:
    """Whether a file that was just opened holds these pieces and no more; reads as far as it does.

    Raises OSError.
    """
    for whole in pieces:
        at = 0
        while piece := file.read(min(_PIECE, len(whole) - at)):
            if not whole.startswith(piece, at):
                return False
            at += len(piece)
        if at < len(whole):
            return False
    return not file.read(1)
