"""Derivatives of copying view variants (`add_view_copy_derivatives`).

A view and its copying variant have the same formulas, so the copying variant uses the view's.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from derivload.cpp.dialect import Dialect
from derivload.derivatives.info import Derived
from derivload.native.views import ViewGroup


def add_view_copy_derivatives(
    infos: dict[str, Derived], view_groups: Sequence[ViewGroup], dialect: Dialect
) -> dict[str, str]:
    """Add the infos of copying variants to `infos`, which has the info of each schema.

    Returns the schema of the view for the schema of each added copying variant. From 2.3 on, a
    copying variant may have a definition of its own, and keeps it. Before 2.3, that was not
    possible.
    """
    by_view = {group.view.name.text: group for group in view_groups}
    added: dict[str, Derived] = {}
    views: dict[str, str] = {}
    for derived in infos.values():
        group = by_view.get(derived.function.name.text)
        if group is None or group.view_copy is None or not derived.dispatch:
            continue
        schema = group.view_copy.schema.text
        if schema in infos and dialect.view_copies_have_own_derivatives:
            continue
        views.setdefault(schema, derived.function.schema.text)
        added[schema] = Derived(
            group.view_copy,
            {
                key: msgspec.structs.replace(
                    info,
                    name=f"{info.name}_copy.",
                    op=None if info.op is None else f"{info.op}_copy",
                )
                for key, info in derived.dispatch.items()
            },
        )
    infos.update(added)
    return views
