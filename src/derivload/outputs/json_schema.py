"""JSON Schemas, made from types: those that the documents are made from, and others.

They ship in `schemas/` beside this file, and `derivload schema NAME` prints them. The sentences
about properties are in `property_texts`. After a change to a type, make them again with
`python -m derivload.commands.schema.made`. A test fails if that was forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import cleandoc
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec

from derivload.outputs.documents import (
    DifferentiabilityDocument,
    FunctionsDocument,
    ManifestDocument,
    PlacesDocument,
)
from derivload.outputs.property_texts import TEXTS, Text
from derivload.outputs.report import DiagnosticsDocument

FOLDER: Final = Path(__file__).with_name("schemas")
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_ENDING: Final = ".schema.json"
_REFERENCE: Final = "#/$defs/"

DOCUMENTS: Final[dict[str, Any]] = {
    "diagnostics": DiagnosticsDocument,
    "differentiability": DifferentiabilityDocument,
    "functions": FunctionsDocument,
    "manifest": ManifestDocument,
    "places": PlacesDocument,
}


def file_name(name: str) -> str:
    """The name of the file that a schema ships in."""
    return f"{name}{_ENDING}"


def identifier(name: str) -> str:
    """The `$id` of a schema: a name, as the project has no address."""
    return f"urn:derivload:schema:{name}"


def render_schema(name: str, schema: dict[str, Any]) -> bytes:
    """A schema as the bytes that ship."""
    head = {"$schema": DIALECT, "$id": identifier(name)}
    return msgspec.json.format(msgspec.json.encode({**head, **schema}), indent=2) + b"\n"


def schema_of_type(
    type_: Any, about: str = "", more: Mapping[str, Mapping[str, Text]] = MappingProxyType({})
) -> dict[str, Any]:
    """The schema of a type, each property with its sentence. `about` describes the whole.

    `more` has sentences besides those about documents. Raises KeyError for a property without one.
    """
    schema: dict[str, Any] = _cleaned(msgspec.json.schema(type_))
    for name, definition in schema["$defs"].items():
        properties = definition["properties"]
        texts = more[name] if name in more else TEXTS[name]
        definition["properties"] = {
            key: _described(value, texts[key]) for key, value in properties.items()
        }
    return {"description": about, **schema} if about else schema


def _described(value: dict[str, Any], text: Text) -> dict[str, Any]:
    if isinstance(text, str):
        return {"description": text, **value}
    sentence, closed = text
    only = {"pattern": closed} if isinstance(closed, str) else {"enum": [*closed]}
    if value["type"] == "array":
        return {"description": sentence, **value, "items": {**value["items"], **only}}
    return {"description": sentence, **value, **only}


def _cleaned(part: Any) -> Any:
    """Part of a schema, without the indentation of docstrings.

    Python 3.13 removes it, older ones do not. The schemas must be the same with all of them.
    """
    if isinstance(part, list):
        return [_cleaned(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: cleandoc(value) if key == "description" and isinstance(value, str) else _cleaned(value)
        for key, value in part.items()
    }
