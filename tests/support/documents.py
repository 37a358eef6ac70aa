"""Documents in folders, compared by the code that `derivload verify` compares with."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from derivload.commands.verify.documents import differing_documents
from derivload.derivatives.model import DifferentiabilityRecord, FunctionRecord
from derivload.engine.lines import DocumentLines, encode_line
from derivload.loading.memory import base_of, lines_in

_NAMES = ("differentiability.json", "functions.json")


class _Differentiability(msgspec.Struct):
    """What torchgen has of differentiability.json: no head."""

    used_dispatch_keys: tuple[str, ...]
    functions: list[DifferentiabilityRecord]


class _Functions(msgspec.Struct):
    """What torchgen has of functions.json."""

    functions: list[FunctionRecord]
    generated: list[DifferentiabilityRecord]


def ours(folder: Path) -> DocumentLines:
    """The lines of the documents that derivload wrote to a folder."""
    return lines_in({name: (folder / name).read_bytes() for name in _NAMES})


def torchgens(folder: Path, torch_version: str) -> DocumentLines:
    """The lines of the documents that reference/dump_torchgen.py wrote to a folder."""
    own, functions = (
        msgspec.json.decode((folder / name).read_bytes(), type=type_)
        for name, type_ in zip(_NAMES, (_Differentiability, _Functions), strict=True)
    )
    return DocumentLines(
        torch_version=torch_version,
        used_dispatch_keys=own.used_dispatch_keys,
        records=[encode_line(record) for record in own.functions],
        bases=[base_of(record.schema) for record in own.functions],
        functions=[encode_line(record) for record in functions.functions],
        generated=[encode_line(record) for record in functions.generated],
    )


def assert_same(own: Path, theirs: Path) -> None:
    """The documents in two folders, ours and torchgen's, hold the same values."""
    lines = ours(own)
    differences = differing_documents(lines, torchgens(theirs, lines.torch_version))
    if differences:
        pytest.fail("\n".join(differences[:5]), pytrace=False)
