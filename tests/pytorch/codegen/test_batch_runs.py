"""Batches that run, each on the functions of its own entries: a tree of a few lines."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
import pytest

from derivload.pytorch.codegen.batches import Batch, BatchRunner, Pieces, Plan
from derivload.pytorch.codegen.capture import SchemaTexts
from derivload.pytorch.codegen.selection import Selection
from derivload.pytorch.codegen.stand_ins import StandIns
from derivload.pytorch.codegen.upstream import Modules
from support.tiny_runs import Tiny, tiny
from support.tiny_torchgen import NAMES

__all__ = ["tiny"]  # a fixture

WHOLE = Batch(True, [0, 1, 2], [], [])
SCHEMAS = {i: (f"{name}(Tensor self) -> Tensor", ()) for i, name in enumerate(NAMES)}


class Runs:
    """Batches of a tree, and a runner of them."""

    def __init__(self, tiny: Tiny) -> None:
        self.tiny = tiny
        self._entries, self.lines, _ = tiny.load()

    def batch(self, *indices: int) -> Batch:
        names = [NAMES[i] for i in indices]
        lines = zip(self.lines.records, self.lines.bases, strict=True)
        records = [line for line, base in lines if base in names]
        return Batch(False, [*indices], records, [(f"{n}(x)", f"{n}(x)") for n in names])

    def plan(self, *batches: Batch, subset: str = "all") -> Plan:
        values: dict[int, Mapping[str, Any]] = {
            i: self._entries.native(i).value  # type: ignore[misc]
            for i in range(3)
        }
        return Plan(
            self.tiny.upstream, Selection(subset), ["core"], "n", ["Default"], values, [*batches]
        )

    def runner(self, plan: Plan) -> BatchRunner:
        return BatchRunner(plan, Modules(self.tiny.upstream), StandIns(self.tiny.upstream))


@pytest.fixture
def runs(tiny: Tiny) -> Runs:
    return Runs(tiny)


def kept_texts() -> set[int]:
    """The objects that keep texts of schemas, which are gone at last if they keep none."""
    every = (each for each in gc.get_objects() if isinstance(each, SchemaTexts))
    return {id(each) for each in every if each._texts}


def texts_in(pieces: Pieces, name: str) -> list[str]:
    return [text for item in pieces.items[name] for texts in item.pieces.values() for text in texts]


def test_a_batch_has_what_its_own_functions_come_to(runs: Runs) -> None:
    before = kept_texts()
    plan = runs.plan(runs.batch(0), runs.batch(2, 1), WHOLE)
    runner = runs.runner(plan)
    whole, first, second = (runner.run(index) for index in plan.order)
    assert [*whole.outputs] == ["annotated_fn_args.py"]
    assert whole.outputs["annotated_fn_args.py"].env == {"names": " ".join(NAMES)}
    assert (whole.count, first.count, second.count) == (0, 1, 2)
    assert whole.schemas == SCHEMAS
    assert first.schemas == {0: SCHEMAS[0]}
    assert [*second.schemas.items()] == [(2, SCHEMAS[2]), (1, SCHEMAS[1])]
    assert "annotated_fn_args.py" not in first.outputs
    assert texts_in(first, "Functions.cpp") == ["gild by grad_of_gild(grad)\n"]
    assert texts_in(first, "python_methods.cpp") == ["def gild: 1 and ['gild(x)']\n"]
    assert texts_in(second, "factories.h") == [f"make {SCHEMAS[i][0]};\n" for i in (2, 1)]
    assert {*first.outputs} == {*second.outputs}
    assert first.outputs["VariableType.cpp"].env == {"keys": "Default"}
    for each in (first, second):
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(each), type=Pieces) == each
    assert kept_texts() <= before


def test_functions_that_one_runner_made_are_taken_by_the_next(runs: Runs) -> None:
    first = runs.plan(WHOLE)
    runner = runs.runner(first)
    runner.run(0)
    made = {i: function for i, (function, _) in runner._functions.items()}
    assert [*made] == [0, 1, 2]
    second = runner.with_plan(runs.plan(runs.batch(0, 1), runs.batch(2)))
    assert second.run(0).schemas == {0: SCHEMAS[0], 1: SCHEMAS[1]}
    assert {i: function for i, (function, _) in second._functions.items()} == {2: made[2]}
    assert second.run(1).schemas == {2: SCHEMAS[2]}
    assert second._functions == {}


def test_a_batch_runs_the_generators_that_were_chosen(runs: Runs) -> None:
    for subset, of_functions, of_all in (
        ("python", [], ["annotated_fn_args.py"]),
        ("pybindings", ["python_methods.cpp"], []),
    ):
        runner = runs.runner(runs.plan(runs.batch(0), WHOLE, subset=subset))
        assert [[*runner.run(index).outputs] for index in (0, 1)] == [of_functions, of_all]


def test_templates_are_read_anew_for_each_plan(runs: Runs) -> None:
    plan = runs.plan(WHOLE)
    runner = runs.runner(plan)
    read = lru_cache(len)
    utils: Any = runner._modules.torchgen["utils"]
    utils._read_template = read
    read("template")
    runner.with_plan(plan)
    assert read.cache_info().currsize == 0
