"""What the tests of schema share."""

from __future__ import annotations

import pytest

from derivload.cpp.dialect import NEWEST, Dialect
from derivload.diagnostics import Invalid
from derivload.schema.function_schema import FunctionSchema
from derivload.schema.reader import SchemaReader


def reader(dialect: Dialect = NEWEST) -> SchemaReader:
    return SchemaReader(frozenset(dialect.cpp_types) | dialect.unspelled_types, dialect.grammar)


def read(text: str, dialect: Dialect = NEWEST) -> FunctionSchema:
    return reader(dialect).schema(text)


OPTIONS = "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None"


def mistake_of(text: str, dialect: Dialect = NEWEST) -> Invalid:
    with pytest.raises(Invalid) as caught:
        read(text, dialect)
    return caught.value
