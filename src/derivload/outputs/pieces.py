"""The bytes of a document in the pieces that it was put together from.

A document of 10 MB in which one line changed has the same pieces as before but one. To write it,
nobody needs it as a whole, and copying it takes as long as writing it.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import BufferedWriter

# A system takes no more of them at once.
_MOST = 512


class DocumentPieces:
    """Some bytes in pieces. `bytes` joins them, once."""

    __slots__ = ("_pieces", "_size")

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces
        self._size = sum(map(len, pieces))

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        if len(self._pieces) != 1:
            self._pieces = (b"".join(self._pieces),)
        return self._pieces[0]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (bytes, DocumentPieces)) and bytes(self) == bytes(other)

    __hash__ = None  # type: ignore[assignment]


def pieces_of(data: bytes | DocumentPieces) -> Sequence[bytes]:
    """The pieces of some bytes."""
    return data._pieces if isinstance(data, DocumentPieces) else (data,)


def write_pieces(file: BufferedWriter, pieces: Sequence[bytes]) -> None:
    """Write pieces to a file that was just opened, together where the system can."""
    for at in range(0, len(pieces), _MOST):
        some = pieces[at : at + _MOST]
        written = os.writev(file.fileno(), some) if hasattr(os, "writev") else 0
        if written < sum(map(len, some)):
            file.write(b"".join(some)[written:])
            file.flush()
