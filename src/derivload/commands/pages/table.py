"""The data of the table: a column for each thing that can be searched, filtered or sorted by.

A page reads it before it shows anything, so it is small: columns and not records, and what repeats
(tags, dispatch keys, families) by number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Final, Generic, TypeVar

import msgspec

from derivload.commands.pages.contents import Contents
from derivload.derivatives.formula_names import NAME
from derivload.derivatives.model import ForwardDerivative, SavedAttribute
from derivload.editing.catalog import tag_descriptions
from derivload.editing.formulas import CONSTANTS, MADE
from derivload.editing.meanings import meaning_of_dispatch_key
from derivload.engine.families import family_of
from derivload.engine.operators import FLAGS, WHOLE_TENSOR, Operator
from derivload.outputs.documents import shard_of

CHUNKS: Final = 64
"""How many files the records are split over."""
FLAG_NAMES: Final = (*FLAGS, "forward")
"""What each bit of a function's flags means, the lowest first."""
# What stands before a saved value that is a whole tensor.
_WHOLE: Final = "*"
_Item = TypeVar("_Item", bound=Hashable)


class Table(msgspec.Struct, frozen=True):
    """The columns, and what their numbers stand for.

    `tags` and `keys` have what each means. `source` is the function that a function's formulas are
    of, -1 if there are none. `chunk` is the file with its records. `namespace`, `warned` and
    `changes` are only of those functions that are not of aten, have warnings, or have changed.
    """

    name: str
    flag_names: tuple[str, ...]
    kinds: list[str]
    modules: list[str]
    tags: list[tuple[str, str]]
    keys: list[tuple[str, str]]
    tag_sets: list[tuple[int, ...]]
    key_sets: list[tuple[int, ...]]
    schema: list[str]
    namespace: dict[int, str]
    kind: list[int]
    module: list[int]
    flags: list[int]
    nodes: list[str]
    tag: list[int]
    key: list[int]
    saved: list[str]
    words: list[str]
    source: list[int]
    family: list[int]
    chunk: list[int]
    warned: dict[int, str]
    changes: dict[int, int]
    comparisons: list[tuple[str, str]]
    meanings: dict[str, str]


class _Numbers(Generic[_Item]):
    """Numbers of items, in the order in which they are first seen."""

    def __init__(self) -> None:
        self._numbers: dict[_Item, int] = {}

    def of(self, item: _Item) -> int:
        return self._numbers.setdefault(item, len(self._numbers))

    @property
    def items(self) -> list[_Item]:
        return [*self._numbers]


def base_of(overload: str) -> str:
    """The family of a function, by which its records are put into a file."""
    base = overload.partition(".")[0]
    return family_of(base) or base


def chunk_of(overload: str) -> int:
    """The file with the records of a function: variants are in one."""
    return shard_of(base_of(overload), CHUNKS)


def table_of(contents: Contents) -> Table:
    """The table of some contents."""
    operators = contents.operators
    kinds, modules, families = _Numbers[str](), _Numbers[str](), _Numbers[str]()
    tags, keys = _Numbers[str](), _Numbers[str]()
    tag_sets, key_sets = _Numbers[tuple[int, ...]](), _Numbers[tuple[int, ...]]()
    numbers = {operator.record.schema: at for at, operator in enumerate(operators)}
    bases = [base_of(operator.overload) for operator in operators]
    chunks = {base: shard_of(base, CHUNKS) for base in bases}
    about = tag_descriptions(contents.tags)
    changes = Counter(contents.changed)
    return Table(
        name=contents.name,
        flag_names=FLAG_NAMES,
        schema=[operator.record.schema for operator in operators],
        namespace=_sparse(
            [o.facts.namespace if o.facts.namespace != "aten" else "" for o in operators]
        ),
        kind=[kinds.of(operator.record.kind) for operator in operators],
        module=[modules.of(operator.record.python_module or "") for operator in operators],
        flags=[_flags(operator) for operator in operators],
        nodes=[" ".join(operator.nodes) for operator in operators],
        tag=[tag_sets.of(tuple(map(tags.of, o.record.tags))) for o in operators],
        key=[key_sets.of(tuple(map(keys.of, o.dispatch_keys))) for o in operators],
        saved=[" ".join(_saved(operator)) for operator in operators],
        words=[" ".join(_words(operator)) for operator in operators],
        source=[_source(operator, numbers) for operator in operators],
        family=[families.of(base) for base in bases],
        chunk=[chunks[base] for base in bases],
        warned=_sparse([" ".join(operator.warnings) for operator in operators]),
        changes=_sparse([changes[operator.name] for operator in operators]),
        comparisons=[(one.before, one.after) for one in contents.comparisons],
        kinds=kinds.items,
        modules=modules.items,
        tags=[(tag, about.get(tag, "")) for tag in tags.items],
        keys=[(key, meaning_of_dispatch_key(key)) for key in keys.items],
        tag_sets=tag_sets.items,
        key_sets=key_sets.items,
        meanings={**MADE, **CONSTANTS},
    )


_Value = TypeVar("_Value", str, int)


def _sparse(column: Sequence[_Value]) -> dict[int, _Value]:
    return {at: value for at, value in enumerate(column) if value}


def _flags(operator: Operator) -> int:
    bits = [*(passes(operator) for passes in FLAGS.values()), bool(_forward(operator))]
    return sum(1 << at for at, bit in enumerate(bits) if bit)


def _forward(operator: Operator) -> list[ForwardDerivative]:
    by_key = operator.record.forward_derivatives or {}
    return [one for several in by_key.values() for one in several]


def _saved(operator: Operator) -> list[str]:
    saved: list[SavedAttribute] = [*operator.saved_inputs, *operator.saved_outputs]
    names = [f"{_WHOLE if WHOLE_TENSOR.search(one.type) else ''}{one.name}" for one in saved]
    return [*dict.fromkeys(names)]


def _words(operator: Operator) -> list[str]:
    """The identifiers in the formulas of a function, sorted."""
    if not operator.nodes:
        return []
    formulas = {
        derivative.original_formula
        for info in operator.info.values()
        for derivative in info.derivatives
    }
    formulas |= {one.formula for one in _forward(operator)}
    return sorted({word for formula in formulas for word in NAME.findall(formula)})


def _source(operator: Operator, numbers: dict[str, int]) -> int:
    if operator.record.kind == "out":
        return -1
    for matched in (operator.record.differentiability or {}).values():
        return numbers.get(matched.schema, -1)
    return -1
