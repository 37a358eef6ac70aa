"""Whether what derivload printed or wrote fits the JSON Schema that it ships for it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema

from derivload.outputs.json_schema import FOLDER, file_name


def assert_fits(value: object, name: str) -> None:
    """`name` is that of `derivload schema`."""
    # Not validate(): that checks the schema too, each time.
    best = jsonschema.exceptions.best_match(validator(name).iter_errors(value))
    assert best is None, f"{best.json_path}: {best.message}"


@cache
def validator(name: str) -> Any:
    return jsonschema.Draft202012Validator(json.loads((FOLDER / file_name(name)).read_bytes()))


def read_fitting(text: str, name: str) -> Any:
    """The value of a text of JSON, once it is known to fit."""
    value = json.loads(text)
    assert_fits(value, name)
    return value
