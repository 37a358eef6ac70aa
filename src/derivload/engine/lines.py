"""The records of the documents, encoded: one line of JSON each.

Lines are what a load is kept as and what documents are put together from, so that a record that
did not change is never encoded again.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from derivload.engine.load import Loaded

encode_line: Final = msgspec.json.Encoder().encode


class DocumentLines(NamedTuple):
    """All records of the documents, in their order.

    `records` are those of differentiability.json and `bases` the base names of their functions,
    which shards go by; `functions` and `generated` are those of functions.json.
    """

    torch_version: str
    used_dispatch_keys: tuple[str, ...]
    records: list[bytes]
    bases: list[str]
    functions: list[bytes]
    generated: list[bytes]


def encode_lines(loaded: Loaded) -> DocumentLines:
    """The lines of a load without mistakes."""
    matched = loaded.load.matched
    return DocumentLines(
        torch_version=loaded.torch_version,
        used_dispatch_keys=loaded.used_dispatch_keys,
        records=[encode_line(record) for _, record in loaded.records()],
        bases=[function.name.base for function, _ in loaded.records()],
        functions=[encode_line(m.record) for m in matched],
        generated=[encode_line(m.generated) for m in matched if m.generated is not None],
    )
