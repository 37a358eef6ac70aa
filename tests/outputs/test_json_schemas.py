"""The JSON Schemas that ship: made from the types, and true of the documents."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from derivload.cli import main
from derivload.commands.settings.json_schema import NAME, settings_schema
from derivload.outputs.json_schema import FOLDER, json_schemas

NAMES = ["differentiability", "functions", "manifest"]


def _schema(name: str) -> dict[str, object]:
    loaded: dict[str, object] = json.loads((FOLDER / f"{name}.schema.json").read_bytes())
    return loaded


def test_shipped_schemas_are_those_that_the_types_give() -> None:
    shipped = {path.name: path.read_bytes() for path in FOLDER.iterdir()}
    assert shipped == {**json_schemas(), NAME: settings_schema()}


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_valid_and_the_catalogue_s_document_fits_it(name: str, tmp_path: Path) -> None:
    assert main(["emit", "--catalogue", "--out-dir", str(tmp_path)]) == 0
    schema = _schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads((tmp_path / f"{name}.json").read_bytes()), schema)


def test_every_shard_fits_the_schema(tmp_path: Path) -> None:
    assert main(["emit", "--catalogue", "--out-dir", str(tmp_path), "--shards", "3"]) == 0
    shards = sorted(tmp_path.glob("differentiability_*.json"))
    assert len(shards) == 3
    for shard in shards:
        jsonschema.validate(json.loads(shard.read_bytes()), _schema("differentiability"))


@pytest.mark.parametrize("broken", ["format", "version", "functions"])
def test_schema_turns_away_a_document_without_a_field(broken: str, tmp_path: Path) -> None:
    assert main(["emit", "--catalogue", "--out-dir", str(tmp_path)]) == 0
    document = json.loads((tmp_path / "functions.json").read_bytes())
    del document[broken]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, _schema("functions"))
