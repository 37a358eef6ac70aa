"""Numbers the backward nodes of all definitions: `MulBackward` becomes `MulBackward0`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from derivload.derivatives.info import Derived


def op_prefixes(derived: Derived) -> tuple[str, ...]:
    """The names of the nodes that a definition makes, without their numbers."""
    return tuple([info.op for info in derived.dispatch.values() if info.op is not None])


def number_ops(prefixes: Iterable[Sequence[str]]) -> list[tuple[int, ...]]:
    """The numbers of each definition's nodes. `prefixes` has all definitions in their order.

    The number of a node is the count of nodes before it with the same name.
    """
    counts: dict[str, int] = {}
    numbers = []
    for of_definition in prefixes:
        taken = []
        for prefix in of_definition:
            number = counts.get(prefix, 0)
            counts[prefix] = number + 1
            taken.append(number)
        numbers.append(tuple(taken))
    return numbers


def with_numbers(derived: Derived, numbers: Iterable[int]) -> Derived:
    """A definition's info with its ops numbered."""
    left = iter(numbers)
    numbered = {
        key: info if info.op is None else msgspec.structs.replace(info, op=f"{info.op}{next(left)}")
        for key, info in derived.dispatch.items()
    }
    return Derived(derived.function, numbered)
