"""The backward nodes of all functions, from the lines of functions.json."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from derivload.derivatives.model import FunctionRecord
from derivload.engine.parts import name_in

_FUNCTIONS: Final = msgspec.json.Decoder(FunctionRecord)


def nodes_of(functions: Iterable[bytes]) -> dict[str, set[str]]:
    """The backward nodes that each function makes, by its name. An out variant makes none."""
    found = {}
    for line in functions:
        record = _FUNCTIONS.decode(line)
        matched = (record.differentiability or {}).values() if record.kind != "out" else ()
        found[name_in(record.schema)] = {info.op for info in matched if info.op is not None}
    return found
