"""The places of entries of overlays, in what torchgen says of one long file."""

from __future__ import annotations

import pytest

from derivload.pytorch.overlay_places import OverlayPlaces

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
