"""How families of operators are divided among processes, and how their pieces become one."""

from __future__ import annotations

import pytest

from derivload.pytorch.codegen.batches import Pieces, divide, joined, linked_groups
from derivload.pytorch.codegen.capture import Output
from derivload.pytorch.codegen.kept import Families, KeptEntry
from derivload.pytorch.errors import UnexpectedTorchgenError

NAMES = ["gild", "gleam", "gilt", "sheen"]


def _row(base: str, delegate: str = "") -> KeptEntry:
    return KeptEntry(b"", b"", base, delegate)


@pytest.mark.parametrize(
    ("rows", "groups"),
    [
        ([], ["gilt", "sheen", "gleam", "gild"]),
        ([_row("gild"), _row("gild_")], ["gilt", "sheen", "gleam", "gild"]),
        ([_row("gild", "gleam")], ["gilt", "sheen", "gild gleam"]),
        ([_row("gleam", "gild"), _row("gild", "gleam")], ["gilt", "sheen", "gild gleam"]),
        ([_row("gild", "other"), _row("other", "gilt")], ["gilt", "sheen", "gleam", "gild"]),
        ([_row("gild", "gleam"), _row("gleam", "sheen")], ["gilt", "gild gleam sheen"]),
        (
            [_row("gild", "gleam"), _row("gilt", "sheen"), _row("gleam", "gilt")],
            ["gild gilt gleam sheen"],
        ),
        ([_row("other", "more"), _row("gild", "gleam")], ["gilt", "sheen", "gild gleam"]),
    ],
)
def test_families_that_delegates_link_stay_together(
    rows: list[KeptEntry], groups: list[str]
) -> None:
    """In the order of how their names end, backwards."""
    families = Families([*NAMES, "other", "more"])
    for names in (NAMES, NAMES[::-1]):
        found = linked_groups(families, names, rows)
        assert [" ".join(sorted(group)) for group in found] == groups


def _divided(weights: list[int], jobs: int) -> list[int]:
    """How many functions are in each batch of groups with these."""
    names = [str(number) for number in range(len(weights))]
    found = divide([{name} for name in names], dict(zip(names, weights, strict=True)), jobs)
    assert [name for batch in found for name in sorted(batch, key=int)] == names
    return [sum(weights[int(name)] for name in batch) for batch in found]


@pytest.mark.parametrize(
    ("weights", "jobs", "batches"),
    [
        ([], 2, []),
        ([1], 2, [1]),
        ([1, 1], 2, [1, 1]),
        ([1, 1, 1], 2, [2, 1]),
        ([10] * 10, 2, [50, 50]),
        ([10] * 11, 2, [50, 50, 10]),
        ([10] * 100, 2, [250, 190, 140, 110, 80, 60, 50, 50, 50, 20]),
        ([10] * 100, 4, [130, 110, 100, 90, 80, 70, 60, 50, 50, 50, 50, 50, 50, 50, 10]),
        ([300, 1, 1], 2, [300, 2]),
        ([1, 300, 1], 1, [301, 1]),
    ],
)
def test_the_first_batches_are_large_and_the_last_small(
    weights: list[int], jobs: int, batches: list[int]
) -> None:
    assert _divided(weights, jobs) == batches


def _pieces(template: str, *outputs: str) -> Pieces:
    output = Output("one", template, is_made=False, env={}, order="", shards=0, keys=())
    return Pieces({}, dict.fromkeys(outputs, output), {name: [] for name in outputs}, 0)


def test_the_pieces_of_batches_are_joined_by_output() -> None:
    found = joined([_pieces("a", "one"), _pieces("a", "one", "two")])
    assert [*found.outputs] == [*found.items] == ["one", "two"]
    with pytest.raises(UnexpectedTorchgenError, match=r"^one has an environment that differs"):
        joined([_pieces("a", "one"), _pieces("b", "one")])
