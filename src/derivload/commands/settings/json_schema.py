"""The JSON Schema of settings, for editors, made from the parser of the command line.

It ships with the others. After a change to an option, make it again with
`python -m derivload.commands.settings.json_schema`. A test fails if that was forgotten.
"""

from __future__ import annotations

from typing import Final

import msgspec

from derivload.commands.options.command_line import make_parser
from derivload.commands.options.values import WholeNumber
from derivload.commands.settings.keys import Key, keys_of
from derivload.commands.settings.tables import TABLES
from derivload.outputs.files import write_if_changed
from derivload.outputs.json_schema import FOLDER

_Schema = dict[str, object]
NAME: Final = "settings.schema.json"
_TEXTS: Final[_Schema] = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
}


def settings_schema() -> bytes:
    """The schema of derivload.toml, as the bytes that ship."""
    properties: dict[str, _Schema] = {}
    of_commands: dict[str, _Schema] = {}
    for command, parser in make_parser().commands.items():
        own = {name: _schema_of(key) for name, key in sorted(keys_of(parser).items())}
        if command == "settings":
            continue
        of_commands[command] = _table(f"for `derivload {command}` alone", own)
        for name, schema in own.items():
            # A value has to fit all commands that have the option.
            known = properties.setdefault(name, schema)
            if {**known, "description": ""} != {**schema, "description": ""}:
                properties[name] = {**known, "enum": _shared(known, schema)}
    for name, about in TABLES.items():
        properties[name] = {
            "description": about,
            "type": "object",
            "additionalProperties": _TEXTS,
        }
    for command, table in of_commands.items():
        # `codegen` is an option of `watch` too.
        own_option = properties.get(command)
        properties[command] = table if own_option is None else {"anyOf": [own_option, table]}
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "derivload.toml"}
    table = _table("settings of derivload", dict(sorted(properties.items())))
    return msgspec.json.format(msgspec.json.encode({**schema, **table}), indent=2) + b"\n"


def _table(about: str, properties: dict[str, _Schema]) -> _Schema:
    return {
        "description": about,
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def _shared(one: _Schema, other: _Schema) -> list[object]:
    theirs = other.get("enum", [])
    ours = one.get("enum", [])
    assert isinstance(ours, list) and isinstance(theirs, list)
    return [choice for choice in ours if choice in theirs]


def _schema_of(key: Key) -> _Schema:
    about: _Schema = {"description": key.action.help or ""}
    if key.kind == "flag":
        return {**about, "type": "boolean"}
    value: _Schema = {"type": "string"}
    if isinstance(key.action.type, WholeNumber):
        value = {"type": "integer", "minimum": key.action.type.low}
        value["maximum"] = key.action.type.high
    elif key.kind == "count":
        value = {"type": ["integer", "boolean"], "minimum": 0}
    elif key.action.choices is not None:
        value = {"enum": [*key.action.choices, *([True, False] if key.may_be_true else [])]}
    elif key.may_be_true:
        value = {"type": ["string", "boolean"]}
    if key.is_list:
        value = {"anyOf": [value, {"type": "array", "items": value}]}
    return {**about, **value}


if __name__ == "__main__":
    write_if_changed(str(FOLDER / NAME), settings_schema())
