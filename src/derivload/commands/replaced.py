"""Which entries entries of overlays took the place of, in sentences."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from derivload.loading.request import Request


def list_replaced(request: Request) -> list[str]:
    """A sentence about each entry that an entry of an overlay took the place of."""
    if not request.files.additions.override:
        return []
    from derivload.engine.load import find_replaced

    return [
        f"{name}: {old.file}:{old.line}, by {new.file}:{new.line}"
        for name, old, new in find_replaced(request.inputs.texts)
    ]
