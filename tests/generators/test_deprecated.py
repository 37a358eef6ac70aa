"""Which functions old signatures fit, and where their entries stand."""

from __future__ import annotations

import pytest

from derivload.cpp.dialect import DIALECTS
from derivload.generators.deprecated import check_deprecated, read_deprecated
from derivload.schema.function_schema import FunctionSchema
from derivload.schema.reader import SchemaReader

_NEWEST = DIALECTS["2.15"]
READER = SchemaReader(frozenset(_NEWEST.cpp_types) | _NEWEST.unspelled_types, _NEWEST.grammar)


def _told(entries: str, *functions: str) -> list[tuple[int, str]]:
    by_name: dict[str, list[FunctionSchema]] = {}
    for text in functions:
        schema = READER.schema(text)
        by_name.setdefault(schema.name.name, []).append(schema)
    found = check_deprecated(read_deprecated(entries), by_name, READER)
    return [(entry.line, message) for entry, message in found]


def _entry(signature: str, call: str) -> str:
    return f"- name: {signature}\n  aten: {call}\n"


GILD = "gild(Tensor self, Scalar x, Tensor other) -> Tensor"
CALL = "gild(self, other, x)"


@pytest.mark.parametrize(
    ("signature", "call", "function", "fits"),
    [
        (GILD, CALL, "gild(Tensor self, Tensor other, Scalar x) -> Tensor", True),
        (GILD, CALL, "gild(Tensor self, Tensor other, *, Scalar x) -> Tensor", True),
        (GILD, CALL, "gild(Tensor self, Tensor other, *, int x) -> Tensor", False),
        (GILD, CALL, "gild(Tensor self, Tensor other, Scalar x) -> Tensor[]", False),
        (GILD, CALL, "gild(Tensor self, Tensor other, Scalar x, int n=1) -> Tensor", True),
        (GILD, CALL, "gild(Tensor self, Tensor other, Scalar x, int n) -> Tensor", False),
        (
            GILD,
            CALL,
            "gild(Tensor self, Tensor other, Scalar x, int m=1, *, int n) -> Tensor",
            False,
        ),
        (GILD, CALL, "gilt(Tensor self, Tensor other, Scalar x) -> Tensor", False),
        # A number is a Scalar.
        (GILD, "gild(self, 1, other)", "gild(Tensor self, Scalar y, Tensor other) -> Tensor", True),
        (GILD, "gild(self, 1, other)", "gild(Tensor self, int y, Tensor other) -> Tensor", False),
        (
            GILD,
            "gild(self, 2, other)",
            "gild(Tensor self, Scalar y, Tensor other) -> Tensor",
            False,
        ),
        # What is written to.
        (
            "gild_(Tensor(a!) self, Scalar x) -> Tensor(a!)",
            "gild_(self, x)",
            "gild_(Tensor(a!) self, Scalar x) -> Tensor(a!)",
            True,
        ),
        (
            "gild_(Tensor(a!) self, Scalar x) -> Tensor(a!)",
            "gild_(self, x)",
            "gild_(Tensor(b!) self, Scalar x) -> Tensor(b!)",
            False,
        ),
        # A call of an out variant begins with its out arguments.
        (
            "gild(Tensor self, Scalar x, *, Tensor(a!) out) -> Tensor(a!)",
            "gild_out(out, self, x)",
            "gild.out(Tensor self, Scalar x, *, Tensor(a!) out) -> Tensor(a!)",
            True,
        ),
        (
            "gild(Tensor self, Scalar x, *, Tensor(a!) out) -> Tensor(a!)",
            "gild_out(self, x, out)",
            "gild.out(Tensor self, Scalar x, *, Tensor(a!) out) -> Tensor(a!)",
            False,
        ),
        (
            "gild(Tensor self, Scalar x, *, Tensor(a!) out) -> Tensor(a!)",
            "gild(self, x, out)",
            "gild.out(Tensor self, Scalar x, *, Tensor(a!) out) -> Tensor(a!)",
            True,
        ),
    ],
)
def test_a_call_fits_a_function(signature: str, call: str, function: str, fits: bool) -> None:
    message = f"there is no function that `{call}` calls"
    assert _told(_entry(signature, call), function) == [(2, message)] * (not fits)


def test_a_call_of_several_functions() -> None:
    functions = [f"gild.{name}(Tensor self, Tensor other, Scalar x) -> Tensor" for name in "abc"]
    entry = _entry(GILD, CALL)
    assert _told(entry, *functions[:1]) == []
    assert _told(entry, *functions[:2]) == [(2, f"`{CALL}` calls `gild.a` and `gild.b`")]
    assert _told(entry, *functions) == [(2, f"`{CALL}` calls `gild.a` and `gild.b` and `gild.c`")]


def test_each_entry_is_told_at_its_line_and_one_that_is_no_signature_is_passed_over() -> None:
    entries = [
        "\n# an old one\n",
        _entry("gild(", "gild()"),
        _entry(GILD, CALL),
        _entry(GILD, CALL),
    ]
    message = f"there is no function that `{CALL}` calls"
    assert _told("".join(entries)) == [(6, message), (8, message)]
