"""The places of entries of overlays, in what torchgen says of one long file."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from derivload.pytorch.overlay_places import OverlayPlaces, place_told

PLACES = OverlayPlaces("base.yaml", ["one.yaml", "two.yaml"], [b"a\nb\n", b"c\n", b"d\ne\n"])


def test_a_line_of_all_is_one_of_a_file() -> None:
    assert [PLACES.find(line) for line in range(1, 6)] == [
        ("base.yaml", 1),
        ("base.yaml", 2),
        ("one.yaml", 1),
        ("two.yaml", 1),
        ("two.yaml", 2),
    ]


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (("in base.yaml:3: wrong", 3), ("in one.yaml:1: wrong", 3)),
        (("in base.yaml:5, not in base.yaml:2",), ("in two.yaml:2, not in base.yaml:2",)),
        (("base.yaml:3 and in my-base.yaml:3",), ("base.yaml:3 and in my-base.yaml:3",)),
        ((3, "in base.yaml:3"), (3, "in base.yaml:3")),
        ((), ()),
    ],
)
def test_an_exception_names_the_file_of_the_overlay(
    raised: tuple[object, ...], told: tuple[object, ...]
) -> None:
    with pytest.raises(ValueError) as caught, PLACES.told():
        raise ValueError(*raised)
    assert caught.value.args == told


def test_without_overlays_an_exception_stays_as_it_is() -> None:
    places = OverlayPlaces("base.yaml", [], [b"a\n"])
    with pytest.raises(ValueError, match=r"^in base\.yaml:3$"), places.told():
        raise ValueError("in base.yaml:3")


class Location(NamedTuple):
    """As torchgen's."""

    file: str
    line: int


class NativeFunction:
    """As torchgen's, whose name counts."""

    def __init__(self, line: int, file: str = "base.yaml") -> None:
        self.loc = Location(file, line)
        self.func = "gild(Tensor self) -> Tensor"


def _raised(function: object) -> ValueError:
    def inner(of: object) -> None:
        del of
        raise ValueError("wrong")

    try:
        inner(function)
    except ValueError as error:
        return error
    raise AssertionError


def test_the_entry_of_an_overlay_that_an_exception_is_about() -> None:
    overlays = ["one.yaml", "two.yaml"]
    told = "  in one.yaml:3:\n    gild(Tensor self) -> Tensor\n"
    error = _raised(NativeFunction(3, "one.yaml"))
    assert place_told(error, overlays, "") == told
    assert place_told(error, overlays, "something in one.yaml:3") == ""
    assert place_told(error, ["two.yaml"], "") == ""
    assert place_told(_raised("one.yaml"), overlays, "") == ""
    holder = NativeFunction(1)
    holder.func = NativeFunction(3, "one.yaml")  # type: ignore[assignment]
    assert place_told(_raised(holder), overlays, "") == told


def test_places_are_put_into_functions() -> None:
    functions = [NativeFunction(line) for line in (2, 3, 5)]
    PLACES.put(functions)  # type: ignore[arg-type]
    assert [f.loc for f in functions] == [("base.yaml", 2), ("one.yaml", 1), ("two.yaml", 2)]
    alone = [NativeFunction(7)]
    OverlayPlaces("base.yaml", [], [b"a\n"]).put(alone)  # type: ignore[arg-type]
    assert alone[0].loc == ("base.yaml", 7)
