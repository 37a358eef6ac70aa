"""How what differs is put."""

from __future__ import annotations

import pytest

from derivload.commands.verify.comparison import sides
from derivload.commands.verify.shown import print_first


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
