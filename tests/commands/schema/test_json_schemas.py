"""The JSON Schemas that ship: made from types, each property described, true of what is made."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from derivload.cli import main
from derivload.commands.options.asking import SCHEMAS
from derivload.commands.schema.made import json_schemas
from derivload.outputs.json_schema import FOLDER, file_name, identifier
from support.fitting import assert_fits

NAMES = ["differentiability", "functions", "manifest"]
Captured = pytest.CaptureFixture[str]


def _schema(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / f"{name}.schema.json").read_bytes())
    return loaded


def test_shipped_schemas_are_those_that_the_types_give() -> None:
    assert {path.name: path.read_bytes() for path in FOLDER.iterdir()} == json_schemas()


def test_command_prints_each_that_ships(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert sorted(map(file_name, SCHEMAS)) == sorted(path.name for path in FOLDER.iterdir())
    for name in SCHEMAS:
        assert main(["schema", name]) == 0
        assert capfdbinary.readouterr().out == (FOLDER / f"{name}.schema.json").read_bytes()


def test_name_that_is_not_quite_right_gets_a_suggestion(capsys: Captured) -> None:
    assert main(["schema", "function"]) == 2
    assert "did you mean `functions`?" in capsys.readouterr().err


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_valid_and_has_a_name_of_its_own(name: str) -> None:
    schema = _schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == identifier(name)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_property_is_described_in_a_sentence(name: str) -> None:
    found = [*_properties(_schema(name))]
    assert found
    for key, value in found:
        assert re.fullmatch(r"[A-Z].* .*\.", value.get("description", ""), re.DOTALL), key


def _properties(part: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(part, list):
        for item in part:
            yield from _properties(item)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key == "properties":
                yield from value.items()
            yield from _properties(value)


@pytest.mark.parametrize("name", NAMES)
def test_the_catalogue_s_document_fits_its_schema(name: str, tmp_path: Path) -> None:
    assert main(["emit", "--catalogue", "--out-dir", str(tmp_path)]) == 0
    assert_fits(json.loads((tmp_path / f"{name}.json").read_bytes()), name)


def test_every_shard_fits_the_schema(tmp_path: Path) -> None:
    assert main(["emit", "--catalogue", "--out-dir", str(tmp_path), "--shards", "3"]) == 0
    shards = sorted(tmp_path.glob("differentiability_*.json"))
    assert len(shards) == 3
    for shard in shards:
        assert_fits(json.loads(shard.read_bytes()), "differentiability")


@pytest.mark.parametrize("broken", ["format", "version", "functions"])
def test_schema_turns_away_a_document_without_a_field(broken: str, tmp_path: Path) -> None:
    assert main(["emit", "--catalogue", "--out-dir", str(tmp_path)]) == 0
    document = json.loads((tmp_path / "functions.json").read_bytes())
    del document[broken]
    with pytest.raises(AssertionError):
        assert_fits(document, "functions")


@pytest.mark.parametrize(("field", "value"), [("kind", "view"), ("variants", ["property"])])
def test_schema_turns_away_a_value_that_is_none_of_the_closed_ones(
    field: str, value: object, tmp_path: Path
) -> None:
    assert main(["emit", "--catalogue", "--out-dir", str(tmp_path)]) == 0
    document = json.loads((tmp_path / "functions.json").read_bytes())
    document["functions"][0][field] = value
    with pytest.raises(AssertionError):
        assert_fits(document, "functions")


def test_stats_of_each_exit_fit_their_schema(tmp_path: Path, capsys: Captured) -> None:
    out, cache = tmp_path / "out", tmp_path / "cache"
    command = ["emit", "--catalogue", f"--cache-dir={cache}", "--stats=json", f"--out-dir={out}"]
    exits = []
    for again in (False, False, True):
        if again:
            (out / "functions.json").unlink()
        assert main(command) == 0
        exits.append(json.loads(capsys.readouterr().out))
        assert_fits(exits[-1], "stats")
    assert [told["exit"] for told in exits] == ["cold", "up-to-date", "stored"]


def test_reports_of_derivwatch_fit_their_schema(tmp_path: Path, capsys: Captured) -> None:
    out = str(tmp_path / "out")
    assert main(["watch", "--catalogue", "--once", "--json", "--out-dir", out]) == 0
    (started,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert started["event"] == "started"
    assert_fits(started, "watch")
    with pytest.raises(AssertionError):
        assert_fits({**started, "event": "begun"}, "watch")
