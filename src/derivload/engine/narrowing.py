"""Leaves of a comparison what somebody asked for: some kinds of changes, some functions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final

import msgspec

from derivload.engine.difference import Change, FullDifference, FunctionChange
from derivload.engine.parts import (
    ARGUMENT,
    AUTOGEN,
    BACKWARD,
    COMPUTED,
    DEFINED_FOR,
    DELEGATE,
    FORWARD,
    KERNELS,
    MATCHED,
    NAMESPACE,
    NEEDS,
    NODE,
    ORDER,
    READS,
    RETURNS,
    SAVED,
    SCHEMA,
)

ADDED: Final = "added"
REMOVED: Final = "removed"
RENAMED: Final = "renamed"
# What a change is about, by the kinds of its parts; any other kind is of "differentiability".
_GROUPS: Final[dict[str, Collection[str]]] = {
    "schema": (SCHEMA, ARGUMENT, ORDER, RETURNS, "kind"),
    "variants": ("variants", "python_module", NAMESPACE),
    "dispatch": (
        *(KERNELS, DELEGATE, "structured", "is_abstract"),
        "has_composite_implicit_autograd_kernel",
        "has_composite_explicit_autograd_kernel",
    ),
    "tags": ("tags",),
    "autogen": (AUTOGEN,),
    "formula": (BACKWARD, FORWARD, COMPUTED, READS, MATCHED, NEEDS, DEFINED_FOR),
    "saved": (SAVED,),
    "node": (NODE,),
    "gradients": ("available_named_gradients", "used_named_gradients"),
    "differentiability": (
        *("output_differentiability", "output_differentiability_conditions"),
        *("non_differentiable_arg_names", "args_with_derivatives"),
        *("name", "torch_version", "used_dispatch_keys"),
    ),
}
_GROUP_OF: Final = {what: group for group, kinds in _GROUPS.items() for what in kinds}
GROUPS_OF_PARTS: Final = (*_GROUPS,)
GROUPS: Final = (ADDED, REMOVED, RENAMED, *GROUPS_OF_PARTS)
"""What can be asked for."""
KINDS_OF_PARTS: Final = (*_GROUP_OF,)
"""The `what` of every change."""


def group_of(what: str) -> str:
    """What a change of a part of this kind is about."""
    return _GROUP_OF.get(what, "differentiability")


def narrow_to_groups(found: FullDifference, groups: Collection[str]) -> FullDifference:
    """The changes that are about any of these."""

    def of_groups(change: Change) -> bool:
        return group_of(change.what) in groups

    return msgspec.structs.replace(
        found,
        added=found.added if ADDED in groups else (),
        removed=found.removed if REMOVED in groups else (),
        renamed=found.renamed if RENAMED in groups else (),
        changed=tuple(_with_changes(found.changed, of_groups)),
        documents=(),
    )


def narrow_to_functions(found: FullDifference, is_meant: Callable[[str], bool]) -> FullDifference:
    """The changes of the functions that are meant, by their names."""
    return msgspec.structs.replace(
        found,
        added=tuple([function for function in found.added if is_meant(function.name)]),
        removed=tuple([function for function in found.removed if is_meant(function.name)]),
        changed=tuple([function for function in found.changed if is_meant(function.name)]),
        renamed=tuple(
            [one for one in found.renamed if is_meant(one.before) or is_meant(one.after)]
        ),
        documents=(),
    )


def counts_of(found: FullDifference) -> dict[str, int]:
    """How many functions were added, removed and renamed, and changed in each respect."""
    counts = dict.fromkeys(GROUPS, 0)
    counts |= {
        ADDED: len(found.added),
        REMOVED: len(found.removed),
        RENAMED: len(found.renamed),
    }
    for function in found.changed:
        for group in {group_of(change.what) for change in function.changes}:
            counts[group] += 1
    return counts


def _with_changes(
    functions: Iterable[FunctionChange], passes: Callable[[Change], bool]
) -> Iterable[FunctionChange]:
    for function in functions:
        changes = tuple([change for change in function.changes if passes(change)])
        if changes:
            yield FunctionChange(function.name, changes)
