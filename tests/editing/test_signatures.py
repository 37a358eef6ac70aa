"""What the formulas of a function may use, from the text of its schema."""

from __future__ import annotations

import pytest

from derivload.cpp.bindings import CppBindings
from derivload.cpp.ctypes import CppTypes
from derivload.cpp.dialect import NEWEST
from derivload.editing.formulas import Names
from derivload.editing.signatures import names_of, read_schema
from derivload.schema.reader import SchemaReader

READER = SchemaReader(frozenset(NEWEST.cpp_types) | NEWEST.unspelled_types, NEWEST.grammar)


def read(text: str, gradients: tuple[str, ...] | None = None) -> Names:
    schema = read_schema(text, READER)
    assert schema is not None
    return names_of(schema, CppBindings(NEWEST, CppTypes(NEWEST)), gradients=gradients)


@pytest.mark.parametrize(
    "text",
    [
        "aten::jet(Tensor self, int n=1) -> Tensor",
        " 'jet(Tensor self, int n=1) -> Tensor'",
        '"jet(Tensor self, int n=1) -> Tensor"\n',
    ],
)
def test_a_schema_is_read_as_it_stands_in_a_file(text: str) -> None:
    names = read(text)
    assert names.arguments == [
        ("self", "Tensor", "const at::Tensor &"),
        ("n", "int", "int64_t"),
    ]
    assert names.outputs == [("result", "Tensor", "at::Tensor")]
    assert (names.gradients, names.is_forward) == ((), False)


def test_what_spells_no_schema_has_no_names() -> None:
    assert read_schema("jet(Tensor", READER) is None


def test_an_in_place_function_has_a_result_too() -> None:
    names = read("jet_(Tensor(a!) self, Tensor[] others) -> Tensor(a!)")
    assert names.arguments == [
        ("self", "Tensor", "at::Tensor &"),
        ("others", "Tensor[]", "at::TensorList"),
    ]
    assert names.outputs == [("result", "Tensor", "at::Tensor")]


def test_outputs_with_names_have_gradients_of_these_names() -> None:
    assert read("jet(Tensor self) -> (Tensor a, Tensor b)").gradients == ("grad_a", "grad_b")
    assert read("jet(Tensor self) -> (Tensor a, Tensor b)", ("grad_b",)).gradients == ("grad_b",)
    assert [value.name for value in read("jet(Tensor self) -> (Tensor, Tensor)").outputs] == [
        *("result0", "result1"),
    ]
