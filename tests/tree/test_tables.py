"""How the tables of a torchgen become the fields of a dialect, and what they must not hold."""

from __future__ import annotations

from typing import Final

import pytest

from derivload.tree.constants import CppName, EnumMember, UnreadableError
from derivload.tree.tables import TABLES, read_tables

MODEL: Final = "torchgen.model:"
TYPES: Final = "torchgen.api.types.types:BaseTypeToCppMapping"
DEFAULTS: Final = "torchgen.api.cpp:JIT_TO_CPP_DEFAULT"
KEYS: Final = f"{MODEL}DispatchKey"
TENSOR: Final = EnumMember(f"{MODEL}BaseTy", "Tensor")
VALUES: Final[dict[str, object]] = {
    TYPES: {TENSOR: CppName("at", "Tensor")},
    DEFAULTS: {"None": "::std::nullopt"},
    f"{MODEL}BACKEND_COMPONENTS": ["CPU", "CUDA"],
    f"{MODEL}FUNCTIONALITY_KEYS": ["", "Sparse"],
    f"{MODEL}dispatch_keys": [EnumMember(KEYS, "CPU"), EnumMember(KEYS, "SparseCPU")],
    f"{MODEL}AUTOGRAD_KEYS": frozenset({"Autograd"}),
    "torchgen.api.types.types_base:boolT": CppName("", "void"),
}
MEMBERS: Final = {
    f"{MODEL}BaseTy": frozenset({"Tensor", "Storage"}),
    f"{MODEL}ScalarType": frozenset({"Byte"}),
    KEYS: frozenset({"CPU", "CUDA", "SparseCPU", "SparseCUDA", "Undefined"}),
}


class Values:
    """Tables that are written down."""

    def __init__(self, changes: dict[str, object]) -> None:
        self._values = {**VALUES, **changes}

    def read(self, id_: str) -> object:
        """The value of a table."""
        return self._values[id_]

    def members(self, id_: str) -> frozenset[str]:
        """The members of an enum."""
        return MEMBERS[id_]


def _read(**changes: object) -> dict[str, object]:
    return _read_with({f"{MODEL}{name}": value for name, value in changes.items()})


def _read_with(changes: dict[str, object]) -> dict[str, object]:
    return read_tables(Values(changes), VALUES.keys() & TABLES)


def test_each_table_is_a_field() -> None:
    fields = {name: value for name, value in _read_with({}).items() if value}
    assert fields == {
        "dispatch_keys": {"CPU", "SparseCPU"},
        "autograd_keys": {"Autograd"},
        "cpp_types": {"Tensor": "at::Tensor"},
        "unspelled_types": {"Storage"},
        "cpp_names": {"boolT": "void"},
        "scalar_types": {"Byte"},
        "all_dispatch_keys": MEMBERS[KEYS],
        "cpp_defaults": {"None": "::std::nullopt"},
    }


@pytest.mark.parametrize(
    ("table", "value"),
    [
        (TYPES, ["Tensor"]),
        (TYPES, {"Tensor": CppName("at", "Tensor")}),
        (TYPES, {EnumMember(KEYS, "Tensor"): CppName("at", "Tensor")}),
        (TYPES, {TENSOR: "at::Tensor"}),
        (DEFAULTS, ["None"]),
        (DEFAULTS, {"None": 1}),
        (DEFAULTS, {1: "None"}),
        (f"{MODEL}dispatch_keys", "CPU"),
        (f"{MODEL}dispatch_keys", ["CPU", 1]),
        (f"{MODEL}dispatch_keys", [TENSOR]),
        ("torchgen.api.types.types_base:boolT", "void"),
    ],
)
def test_a_table_that_is_of_another_form_is_not_read(table: str, value: object) -> None:
    with pytest.raises(UnreadableError) as caught:
        _read_with({table: value})
    assert str(caught.value) == table


def test_two_types_are_not_written_alike() -> None:
    constant = "torchgen.api.types.types_base:boolT"
    assert _read_with({constant: CppName("at", "Tensor")})["cpp_names"] == {"boolT": "at::Tensor"}
    with pytest.raises(UnreadableError, match=r"^two types that are written at::Tensor$"):
        _read_with({constant: CppName("", "at::Tensor")})


def test_each_backend_has_a_key_for_each_functionality() -> None:
    assert _read(FUNCTIONALITY_KEYS=[""], BACKEND_COMPONENTS=["CUDA"])
    for changes in ({"FUNCTIONALITY_KEYS": ["Quantized"]}, {"BACKEND_COMPONENTS": ["CPU", "XPU"]}):
        with pytest.raises(UnreadableError, match=r"^torchgen\.model:DispatchKey without "):
            _read(**changes)
