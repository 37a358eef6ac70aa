"""The schema of a record is told from its line, without decoding it."""

from __future__ import annotations

import msgspec
import pytest

from derivload.loading.memory import schema_of

SCHEMAS = [
    "abs(Tensor self) -> Tensor",
    'etch(Tensor self, *, str how="plain") -> Tensor',
    'etch(Tensor self, *, str how="\\\\", str then="x") -> Tensor',
    "etch(Tensor glänzend) -> Tensor",
    "",
]


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("rest", [{}, {"other": 'a "text" \\'}])
def test_it_is_the_one_that_was_encoded(schema: str, rest: dict[str, str]) -> None:
    assert schema_of(msgspec.json.encode({"schema": schema, **rest})) == schema
