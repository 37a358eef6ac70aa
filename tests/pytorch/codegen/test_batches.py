"""How families of operators are divided among processes, and how their pieces become one."""

from __future__ import annotations

import msgspec
import pytest

from derivload.pytorch.codegen.batches import (
    Batch,
    Pieces,
    Plan,
    check_orders,
    divide,
    joined,
    linked_groups,
)
from derivload.pytorch.codegen.capture import NAMES as BY_NAME
from derivload.pytorch.codegen.capture import NATIVE, Item, Output
from derivload.pytorch.codegen.kept import Families, KeptEntry, Orders
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.upstream import Upstream
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


def test_names_that_end_alike_are_neighbours() -> None:
    families = Families(["tint", "tilt"])
    for names in (["tint", "tilt"], ["tilt", "tint"]):
        assert linked_groups(families, names, []) == [{"tint"}, {"tilt"}]


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


def _pieces(template: str, *outputs: str, order: str = "", anchors: str = "") -> Pieces:
    output = Output("one", template, is_made=False, env={}, order=order, shards=0, keys=())
    items = [Item(anchor, anchor, 0, {}) for anchor in anchors]
    return Pieces({}, dict.fromkeys(outputs, output), {name: [*items] for name in outputs}, 0)


def test_the_pieces_of_batches_are_joined_by_output() -> None:
    found = joined([_pieces("a", "one"), _pieces("a", "one", "two")])
    assert [*found.outputs] == [*found.items] == ["one", "two"]
    with pytest.raises(UnexpectedTorchgenError, match=r"^one has an environment that differs"):
        joined([_pieces("a", "one"), _pieces("b", "one")])


def test_items_in_another_order_than_that_of_their_file_are_refused() -> None:
    rows = [msgspec.structs.replace(_row(name), schema=name) for name in "ba"]
    orders = Orders(rows, [], [])
    right = [
        _pieces("t", "one", order=NATIVE, anchors="ba"),
        _pieces("t", "one", order=BY_NAME, anchors="ba"),
        _pieces("t", "one", "two"),
    ]
    check_orders(right, orders)
    with pytest.raises(UnexpectedTorchgenError, match=r"^two is in an unknown order$"):
        check_orders([*right, _pieces("t", "two", order=NATIVE, anchors="ab")], orders)


@pytest.mark.parametrize(
    ("kinds", "whole", "order"),
    [([], None, []), ([False] * 3, None, [0, 1, 2]), ([False, False, True], 2, [2, 0, 1])],
)
def test_the_batch_of_everything_is_the_first(
    kinds: list[bool], whole: int | None, order: list[int]
) -> None:
    batches = [Batch(is_whole, [1], [b"r"], []) for is_whole in kinds]
    plan = Plan(Upstream("", "", ""), Selection(), [], "n", [], {1: {}}, batches)
    assert (plan.whole, plan.order) == (whole, order)


def test_names_of_fields_are_not_sent() -> None:
    batch = Batch(False, [1], [b"r"], [])
    plan = Plan(Upstream("", "", ""), Selection(), [], "n", [], {}, [batch])
    for sent, name in ((batch, b"indices"), (plan, b"batches"), (_pieces("t"), b"outputs")):
        data = msgspec.msgpack.encode(sent)
        assert msgspec.msgpack.decode(data, type=type(sent)) == sent
        assert name not in data
