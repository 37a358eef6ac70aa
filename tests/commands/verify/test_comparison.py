"""How what differs is put."""

from __future__ import annotations

import pytest

from derivload.commands.verify.comparison import sides
from derivload.commands.verify.compiled import _line, _places
from derivload.commands.verify.shown import print_first
from derivload.loading.paths import find_files
from derivload.loading.request import Request
from derivload.loading.run import load_inputs
from derivload.pytorch.compiled import NodeDifference


def test_both_sides_are_shown_or_said_to_be_nothing() -> None:
    assert sides("a", None) == "derivload has `a`, torchgen has nothing"
    assert sides(None, "") == "derivload has nothing, torchgen has ``"


def test_a_long_side_is_cut() -> None:
    assert sides("x" * 200, None).split("`")[1] == "x" * 200
    assert sides("x" * 201, None).split("`")[1] == f"{'x' * 200}…"


@pytest.mark.parametrize(("count", "last"), [(1, "0"), (20, "19"), (21, "… and 1 more")])
def test_the_first_differences_are_printed(
    count: int, last: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_first([str(number) for number in range(count)])
    lines = capsys.readouterr().out.splitlines()
    assert lines == [*(str(number) for number in range(min(count, 20))), *lines[20:]]
    assert lines[-1] == last


def test_a_node_is_placed_where_its_formulas_are() -> None:
    places = _places(load_inputs(Request(find_files(catalogue=True))).outcome.load)
    found = {schema.partition("(")[0]: place for schema, place in places.items()}
    assert found["ripple_copy"] == found["ripple"]
    assert found["gild"].endswith("derivatives.yaml:13: ")
    assert "lull" not in found
    schema = next(schema for schema in places if schema.startswith("gild("))
    differences = [
        (
            NodeDifference("GildBackward0", schema, "it differs"),
            f"{found['gild']}GildBackward0 (gild)",
        ),
        (NodeDifference("GildBackward0", "gilt(x)", "it differs"), "GildBackward0 (gilt)"),
        (NodeDifference("GildBackward0", None, "it differs"), "GildBackward0"),
    ]
    for difference, told in differences:
        assert _line(difference, places) == f"{told}: it differs"
