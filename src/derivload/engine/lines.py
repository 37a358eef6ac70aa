"""The records of the documents, encoded: one line of JSON each.

Lines are what a load is kept as and what documents are put together from, so that a record that
did not change is never encoded again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from derivload.engine.load import Loaded

encode_line: Final = msgspec.json.Encoder().encode


class RecordLine(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A record of differentiability.json, and the base name of its function, which shards go by."""

    base: str
    line: bytes


class DocumentLines(NamedTuple):
    """All records of the documents, in their order."""

    torch_version: str
    used_dispatch_keys: tuple[str, ...]
    records: Sequence[RecordLine]
    functions: Sequence[bytes]
    generated: Sequence[bytes]


def encode_lines(loaded: Loaded) -> DocumentLines:
    """The lines of a load without mistakes."""
    return DocumentLines(
        torch_version=loaded.torch_version,
        used_dispatch_keys=loaded.used_dispatch_keys,
        records=[
            RecordLine(function.name.base, encode_line(record))
            for function, record in loaded.records()
        ],
        functions=[encode_line(m.record) for m in loaded.load.matched],
        generated=[
            encode_line(m.generated) for m in loaded.load.matched if m.generated is not None
        ],
    )
