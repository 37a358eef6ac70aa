"""What functions and their returns are called in C++."""

from __future__ import annotations

import pytest

from derivload.cpp.dialect import NEWEST
from derivload.cpp.names import cpp_name, return_names
from derivload.schema.reader import SchemaReader

READER = SchemaReader(frozenset(NEWEST.cpp_types), NEWEST.grammar)


@pytest.mark.parametrize(
    ("schema", "name", "returns"),
    [
        ("f.x(Tensor self) -> Tensor", "f", "result"),
        ("f(Tensor self) -> (Tensor, Tensor)", "f", "result0 result1"),
        ("f(Tensor self) -> (Tensor values, Tensor)", "f", "values result1"),
        ("f(Tensor values) -> Tensor values", "f", "values_return"),
        ("f(Tensor self, *, int n) -> (Tensor n, Tensor m)", "f", "n_return m"),
        ("f_(Tensor(a!) self) -> Tensor(a!)", "f_", "self"),
        ("__iadd__(Tensor(a!) self) -> Tensor(a!)", "__iadd__", "self"),
        ("f_(Tensor(a!)[] self) -> ()", "f_", ""),
        ("f.x_out(Tensor self, *, Tensor(a!) y) -> Tensor(a!)", "f_out", "y"),
        (
            "f.out(Tensor x, *, Tensor(a!) y, Tensor(b!) z) -> (Tensor(a!) p, Tensor(b!))",
            *("f_out", "y z"),
        ),
        ("f.out(Tensor x, *, Tensor(a!)[] out) -> ()", "f_out", ""),
        ("f(Tensor self) -> ()", "f", ""),
    ],
)
def test_a_function_and_its_returns_have_these_names(schema: str, name: str, returns: str) -> None:
    read = READER.schema(schema)
    assert (cpp_name(read), " ".join(return_names(read))) == (name, returns)
