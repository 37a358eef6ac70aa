"""How many functions autograd can differentiate, by namespace of Python and by tag.

Out variants are left out: they are never differentiable, and nobody calls them to be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from derivload.engine.operators import Operator, has_no_derivative, has_no_forward

Support = Literal["both", "backward", "composite", "none"]


class CoverageGroup(msgspec.Struct, frozen=True, gc=False):
    """The functions of one namespace or tag: how many there are of each support."""

    of: Literal["all", "namespace", "tag"]
    name: str
    both: int
    backward: int
    composite: int
    none: int


def support_of(operator: Operator) -> Support | None:
    """What autograd can do with a function; None for an out variant.

    "both" has formulas for both modes, "backward" for the backward mode alone. Through "composite"
    autograd sees.
    """
    if operator.record.kind == "out":
        return None
    if operator.nodes:
        return "backward" if has_no_forward(operator) else "both"
    return "none" if has_no_derivative(operator) else "composite"


def coverage_of(operators: Iterable[Operator]) -> tuple[CoverageGroup, ...]:
    """The groups of some functions: all of them, the namespaces and the tags, sorted by name."""
    counts: Counter[tuple[str, str, Support]] = Counter()
    groups: dict[tuple[str, str], None] = {}
    for operator in operators:
        support = support_of(operator)
        if support is None:
            continue
        for group in _groups(operator):
            groups[group] = None
            counts[(*group, support)] += 1
    order = {"all": 0, "namespace": 1, "tag": 2}
    return tuple(
        [
            CoverageGroup(
                of,  # type: ignore[arg-type]  # they are those of _groups
                name,
                *(counts[of, name, one] for one in ("both", "backward", "composite", "none")),
            )
            for of, name in sorted(groups, key=lambda group: (order[group[0]], group[1]))
        ]
    )


def _groups(operator: Operator) -> Iterator[tuple[str, str]]:
    yield "all", ""
    module, namespace = operator.record.python_module, operator.facts.namespace
    if namespace not in ("", "aten"):
        yield "namespace", namespace
    else:
        yield "namespace", f"torch.{module}" if module else "torch"
    for tag in operator.record.tags:
        yield "tag", tag
