"""View groups: a view with its in-place variant and its copying variant.

The rules are those of torchgen's `get_grouped_by_view_native_functions` and
`NativeFunctionsViewGroup`.
"""

from __future__ import annotations

from collections.abc import Iterable

from derivload.cpp.dialect import Dialect
from derivload.diagnostics import Invalid, Remedy
from derivload.native.function import IMPLICIT, IMPLICIT_NESTED, NativeFunction, qualified
from derivload.native.generation import Misfit
from derivload.remedies import add_item
from derivload.tuples import NamedTuple

_VIEW, _VIEW_INPLACE = "view", "view in-place"


class ViewGroup(NamedTuple):
    """A view, and the two variants that it may have."""

    view: NativeFunction
    view_inplace: NativeFunction | None
    view_copy: NativeFunction | None


class GroupedByView(NamedTuple):
    """The view groups, all functions in the order of the grouping, and the mistakes."""

    groups: list[ViewGroup]
    functions: list[NativeFunction]
    misfits: list[Misfit]


def group_by_view(functions: Iterable[NativeFunction], dialect: Dialect) -> GroupedByView:
    """Group functions whose signatures are the same, or differ only as those of view and copy.

    load_derivatives looks for the canonical function in the resulting order. From 2.3 on, the
    order includes the copying variants. Mistakes: DL310 to DL314.
    """
    by_signature: dict[str, dict[str, NativeFunction]] = {}
    misfits: list[Misfit] = []
    for function in functions:
        kind = _kind(function, misfits)
        group = by_signature.setdefault(function.signatures.view, {})
        if kind in group:
            twin = group[kind]
            message = f"`{function.qualified}` and `{twin.qualified}` are the same variant"
            invalid = Invalid("DL310", message, function.qualified)
            misfits.append(Misfit(function, invalid, others=(twin,)))
        else:
            group[kind] = function
    groups: list[ViewGroup] = []
    ordered: list[NativeFunction] = []
    for group in by_signature.values():
        if _VIEW not in group:
            ordered += group.values()
            continue
        view_group = ViewGroup(
            view=group.pop(_VIEW),
            view_inplace=group.pop(_VIEW_INPLACE, None),
            view_copy=group.pop("functional", None),
        )
        misfits += _check(view_group, dialect)
        groups.append(view_group)
        ordered.append(view_group.view)
        if view_group.view_inplace is not None:
            ordered.append(view_group.view_inplace)
        if view_group.view_copy is not None and dialect.view_copies_have_own_derivatives:
            ordered.append(view_group.view_copy)
        ordered += group.values()
    return GroupedByView(groups, ordered, misfits)


def _kind(function: NativeFunction, misfits: list[Misfit]) -> str:
    if not function.is_view:
        return function.schema.kind
    if not function.name.inplace:
        return _VIEW
    if "inplace_view" not in function.tags:
        message = f"`{function.qualified}` is an in-place view, so it needs the tag `inplace_view`"
        tagged = [add_item("inplace_view", "tags", is_safe=True)]
        invalid = Invalid("DL311", message, function.qualified, remedies=tagged)
        misfits.append(Misfit(function, invalid))
    return _VIEW_INPLACE


def _check(group: ViewGroup, dialect: Dialect) -> list[Misfit]:
    found: list[Misfit] = []
    view, inplace, copy = group.view, group.view_inplace, group.view_copy

    members = tuple(function for function in group if function is not None)

    def wrong(
        function: NativeFunction, code: str, message: str, advice: str = "", *remedies: Remedy
    ) -> None:
        invalid = Invalid(code, message, function.qualified, advice, remedies=remedies)
        found.append(Misfit(function, invalid, others=members))

    if copy is None:
        if _needs_copy(view, dialect):
            copy_name = qualified(view.namespace, f"{view.name.base}_copy")
            wrong(
                view, "DL312", f"the view `{view.qualified}` has no copying variant `{copy_name}`"
            )
    else:
        suffixes = ("_copy", "_scatter") if dialect.scatter_is_inverse else ("_copy",)
        if not copy.name.base.endswith(suffixes) or copy.signatures.view != view.signatures.exact:
            wrong(
                copy, "DL313", f"`{copy.qualified}` is not a copying variant of `{view.qualified}`"
            )
        elif "view_copy" not in copy.tags:
            message = f"`{copy.qualified}` copies a view, so it needs the tag `view_copy`"
            tagged = add_item("view_copy", "tags", is_safe=True)
            wrong(copy, "DL313", message, "add `view_copy` to its tags", tagged)
    if inplace is not None:
        if view.signatures.exact != inplace.signatures.exact:
            wrong(inplace, "DL313", f"`{inplace.qualified}` and its view have different signatures")
        for composite in (IMPLICIT, IMPLICIT_NESTED):
            if composite in view.dispatch and composite not in inplace.dispatch:
                wrong(inplace, "DL314", f"`{view.qualified}` is {composite}, but this is not")
    return found


def _needs_copy(view: NativeFunction, dialect: Dialect) -> bool:
    if view.has_implicit_kernel or "inplace_view" in view.tags:
        return False
    return not (dialect.scatter_is_inverse and view.name.base.endswith("_inverse"))
