"""The JSON Schema of settings, for editors, made from the parser of the command line.

It ships with the others, and is made again with them, after a change to an option too.
"""

from __future__ import annotations

import argparse
from typing import Final

from derivload.commands.options.command_line import make_parser
from derivload.commands.options.values import WholeNumber
from derivload.commands.settings.keys import Key, keys_of
from derivload.commands.settings.tables import TABLES
from derivload.loading.paths import spell_option

_Schema = dict[str, object]
_TEXTS: Final[_Schema] = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
}


def settings_schema() -> _Schema:
    """The schema of derivload.toml."""
    properties: dict[str, _Schema] = {}
    of_commands: dict[str, _Schema] = {}
    for command, parser in make_parser().commands.items():
        keys = keys_of(parser)
        own = {name: _schema_of(key) for name, key in sorted(keys.items())}
        if command == "settings":
            continue
        of_commands[command] = _table(f"The settings for `derivload {command}` alone.", own)
        for name, schema in own.items():
            if keys[name].is_own:
                continue
            # A value has to fit all commands that have the option.
            known = properties.setdefault(name, schema)
            if {**known, "description": ""} != {**schema, "description": ""}:
                properties[name] = {**known, "enum": _shared(known, schema)}
    for name, about in TABLES.items():
        properties[name] = {
            "description": f"{about[0].upper()}{about[1:]}.",
            "type": "object",
            "additionalProperties": _TEXTS,
        }
    for command, table in of_commands.items():
        # `codegen` is an option of `watch` too.
        own_option = properties.get(command)
        if own_option is not None:
            about = f"{own_option['description']} Or a table of settings for `derivload {command}`."
            properties[command] = {"description": about, "anyOf": [own_option, table]}
        else:
            properties[command] = table
    table = _table("The settings of derivload.", dict(sorted(properties.items())))
    return {"title": "derivload.toml", **table}


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
    option = spell_option(key.name, _value_name(key.action))
    about: _Schema = {"description": f"Like `{option}`: {key.action.help}."}
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


def _value_name(action: argparse.Action) -> str:
    """How the help calls the value of an option; "" if it has none, or tells its choices."""
    return str(action.metavar or "")
