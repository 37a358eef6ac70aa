"""JSON Schemas of the documents, made from the types that the documents are made from.

They ship in `schemas/` beside this file. After a change to a type, make them again with
`python -m derivload.outputs.json_schema`. A test fails if that was forgotten.
"""

from __future__ import annotations

from inspect import cleandoc
from pathlib import Path
from typing import Any, Final

import msgspec

from derivload.outputs.documents import (
    DifferentiabilityDocument,
    FunctionsDocument,
    ManifestDocument,
)
from derivload.outputs.files import write_if_changed
from derivload.outputs.report import DiagnosticsDocument

FOLDER: Final = Path(__file__).with_name("schemas")

_DOCUMENTS: Final[dict[str, type[msgspec.Struct]]] = {
    "diagnostics": DiagnosticsDocument,
    "differentiability": DifferentiabilityDocument,
    "functions": FunctionsDocument,
    "manifest": ManifestDocument,
}


def json_schemas() -> dict[str, bytes]:
    """The schema of each document, by file name, as the bytes that ship."""
    rendered = {}
    for name, document in _DOCUMENTS.items():
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        schema |= _cleaned(msgspec.json.schema(document))
        text = msgspec.json.format(msgspec.json.encode(schema), indent=2)
        rendered[f"{name}.schema.json"] = text + b"\n"
    return rendered


def _cleaned(part: Any) -> Any:
    """Part of a schema, without the indentation of docstrings.

    Python 3.13 removes it, older ones do not. The schemas must be the same with all of them.
    """
    if isinstance(part, list):
        return [_cleaned(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: cleandoc(value) if key == "description" else _cleaned(value)
        for key, value in part.items()
    }


if __name__ == "__main__":
    for file_name, data in json_schemas().items():
        write_if_changed(str(FOLDER / file_name), data)
