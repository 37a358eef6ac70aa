"""The records of the documents, encoded: one line of JSON each.

We keep the lines of a load and build the documents from them, so a record that did not change is
never encoded again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from derivload.tuples import NamedTuple

if TYPE_CHECKING:
    from derivload.engine.load import LoadedTexts

encode_line: Final = msgspec.json.Encoder().encode


class DocumentLines(NamedTuple):
    """The lines of all records of the documents, in the order of the documents.

    `records` are the lines of differentiability.json. `bases` are the base names of their
    functions, which decide the shard. `functions` and `generated` are the lines of
    functions.json. `facts` are the facts of `functions`, in the same order, if they are wanted.
    """

    torch_version: str
    used_dispatch_keys: tuple[str, ...]
    records: list[bytes]
    bases: list[str]
    functions: list[bytes]
    generated: list[bytes]
    facts: list[bytes] | None = None


def encode_lines(loaded: LoadedTexts) -> DocumentLines:
    """Encode the records of a load without mistakes."""
    matched = loaded.load.matched
    return DocumentLines(
        torch_version=loaded.torch_version,
        used_dispatch_keys=loaded.used_dispatch_keys,
        records=[encode_line(record) for _, record in loaded.records()],
        bases=[function.name.base for function, _ in loaded.records()],
        functions=[encode_line(m.record) for m in matched],
        generated=[encode_line(m.generated) for m in matched if m.generated is not None],
    )
