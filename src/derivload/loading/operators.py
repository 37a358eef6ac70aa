"""The functions of a load as `list` and `explore` know them: with kernels, overlays and warnings.

`engine.operators` joins what the lines of a load say. What backends register, which files are
overlays and which warnings are wanted, only the request knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from derivload.engine.judging import Judged
    from derivload.engine.operators import Operator
    from derivload.loading.paths import Files
    from derivload.outputs.documents import PlacedFunction


def overlays_of(files: Files) -> set[str]:
    """The files that are laid over others."""
    return {*files.more_derivatives, *files.native_functions[1:]}


def add_places(
    operators: list[Operator], files: Files, placed: Sequence[PlacedFunction]
) -> list[Operator]:
    """The functions with their kernels by backends, and with whether an overlay has them.

    `placed` says where they come from, in their order.
    """
    overlays = overlays_of(files)
    if not overlays and not files.backends:
        return operators
    return [
        operator._replace(
            dispatch_keys=tuple(sorted({*operator.dispatch_keys, *place.dispatch_keys})),
            is_from_overlay=any(
                entry is not None and entry.file in overlays
                for entry in (place.native_function, place.definition)
            ),
        )
        for operator, place in zip(operators, placed, strict=True)
    ]


def add_warnings(operators: list[Operator], judged: Judged | None) -> list[Operator]:
    """The functions with the codes of the warnings about each."""
    codes: dict[str, list[str]] = {}
    for told in () if judged is None else judged.shown:
        codes.setdefault(told.operator, []).append(told.code)
    if not codes:
        return operators
    return [
        operator._replace(warnings=tuple(sorted({*codes.get(operator.name, ())})))
        for operator in operators
    ]
