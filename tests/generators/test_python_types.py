"""Which types Python bindings read and return, and which of them Python tells apart."""

from __future__ import annotations

import pytest

from support.refused import RELEASES, native, refused

_TO_2_12 = RELEASES[:12]


def _of_argument(type_: str, release: str) -> list[str]:
    tags = ["tags: nondeterministic_seeded"] if "Generator" in type_ else []
    return refused(native(f"gild(Tensor self, {type_} x) -> Tensor", *tags), "", release)


@pytest.mark.parametrize(
    "type_",
    [
        *("Tensor", "Tensor?", "Tensor[]", "Tensor[3]", "Tensor?[]", "Tensor[]?"),
        *("int", "int?", "int[]", "int[2]", "int[]?", "SymInt", "SymInt[]", "SymInt[1]?"),
        *("float", "float[]", "float[]?", "bool", "bool?", "Scalar", "Scalar?", "Scalar[]"),
        *("str", "str?", "ScalarType", "Layout?", "Device", "MemoryFormat?", "Generator?"),
        *("Stream", "Storage", "DeviceIndex"),
    ],
)
def test_a_type_that_is_read(type_: str) -> None:
    assert _of_argument(type_, "2.15") == []


@pytest.mark.parametrize(
    ("type_", "releases"),
    [
        ("bool[2]", RELEASES),
        ("bool[3]?", RELEASES),
        ("str[]", RELEASES),
        ("ScalarType[]", RELEASES),
        ("QScheme", RELEASES),
        ("QScheme?", RELEASES),
        ("Generator", RELEASES),
        ("DimVector", RELEASES),
        ("DimVector?", RELEASES),
        ("DimVector[]", RELEASES),
        ("int[][]", RELEASES),
        ("Tensor[]?[]", RELEASES),
        ("SymBool", RELEASES[8:]),
    ],
)
def test_a_type_that_is_not_read(type_: str, releases: list[str]) -> None:
    for release in releases:
        assert _of_argument(type_, release) == ["DL833"]


def test_names_of_dimensions_are_read_as_long_as_there_are_any() -> None:
    for release in _TO_2_12:
        for type_ in ("Dimname", "Dimname?", "Dimname[]", "Dimname[1]", "Dimname[]?"):
            assert _of_argument(type_, release) == []


@pytest.mark.parametrize(
    ("one", "other", "is_seen"),
    [
        ("int[2]", "int[]", True),
        ("SymInt[2]", "SymInt[]", True),
        ("Scalar[2]", "Scalar[]", True),
        ("Tensor[2]", "Tensor[]", True),
        ("int[2]?", "int[]?", True),
        ("int[2]", "int[3]", True),
        ("float[2]", "float[]", False),
        ("float[2]?", "float[]?", False),
        ("Tensor?[2]", "Tensor?[]", False),
        ("float[]", "float[]?", True),
        ("float?", "float", True),
        ("float[]", "float", True),
        ("Scalar", "Scalar?", True),
        ("int", "SymInt", True),
        ("int[]", "float[]", True),
        ("Tensor?", "Tensor?[]", True),
    ],
)
def test_types_that_python_tells_apart(one: str, other: str, is_seen: bool) -> None:
    natives = "".join(
        native(f"gild.{name}(Tensor self, {type_} x) -> Tensor")
        for name, type_ in (("one", one), ("other", other))
    )
    assert refused(natives) == ([] if is_seen else ["DL831"])


def test_the_size_of_a_list_of_names_is_told_apart() -> None:
    natives = "".join(native(f"gild.of{n}(Tensor self, Dimname[{n}] x) -> Tensor") for n in "12")
    assert refused(natives, "", "2.12") == []


@pytest.mark.parametrize(
    ("returns", "codes"),
    [
        ("()", []),
        ("int", []),
        ("SymInt", ["DL832"]),
        ("Scalar", []),
        ("bool", []),
        ("float", []),
        ("QScheme", []),
        ("ScalarType", []),
        ("Stream", []),
        ("Device", ["DL832"]),
        ("int[]", ["DL832"]),
        ("Tensor[]", []),
        ("(Tensor, Tensor)", []),
        ("(Tensor, Tensor[])", []),
        ("(Tensor[], Tensor)", ["DL832"]),
        ("(float, int)", []),
        ("(int, float)", ["DL832"]),
        ("(Tensor, Tensor, Tensor, int)", []),
        ("(Tensor, Tensor, Tensor, Tensor, int)", []),
        ("(Tensor, Tensor, float, int)", []),
        ("(Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)", []),
        ("(Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)", ["DL832"]),
        ("Tensor?", ["DL832"]),
        ("Tensor[2]", ["DL840"]),
    ],
)
def test_what_is_returned(returns: str, codes: list[str]) -> None:
    assert refused(native(f"gild(Tensor self, int x) -> {returns}", kernel="")) == codes


def test_functions_that_return_alike_are_each_told() -> None:
    natives = "".join(native(f"gild{n}(Tensor self) -> (int, Tensor)", kernel="") for n in "ab")
    natives += native("gildc(Tensor self) -> (Tensor, int)")
    assert refused(natives) == ["DL832", "DL832", "DL832"]
