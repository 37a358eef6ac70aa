"""tags.yaml: the tags that entries of native_functions.yaml may have (parse_tags_yaml)."""

from __future__ import annotations

from typing import Final

from derivload.diagnostics import Mistake
from derivload.sources.entries import Mapping, describe
from derivload.spelling import nearest

# The names of keys are compared up to here.
_LONGEST: Final = 80


def read_tag(value: Mapping) -> tuple[str | None, list[Mistake]]:
    """The tag that an entry declares, and its mistakes (DL007, DL008, DL230)."""
    name = value.get("tag")
    if "tag" not in value:
        meant = _like("tag", value)
        message = "this entry has no `tag`"
        if not meant:
            return None, [Mistake("DL008", message)]
        return None, [Mistake("DL008", message, (meant[0],), on_key=True, meant=("tag",))]
    if not isinstance(name, str):
        message = f"`tag` is {describe(name)}, but must be a name"
        return None, [Mistake("DL007", message, ("tag",))]
    if value.get("desc", "") == "":
        message = f"the tag `{name}` has no description"
        meant = _like("desc", value) if "desc" not in value else []
        if not meant:
            return name, [Mistake("DL230", message, ("tag",))]
        return name, [Mistake("DL230", message, (meant[0],), on_key=True, meant=("desc",))]
    return name, []


def _like(wanted: str, value: Mapping) -> list[str]:
    """The keys that may be this one, misspelt."""
    keys = [key for key in value if isinstance(key, str) and key not in ("tag", "desc")]
    return [key for key in keys if nearest(key[:_LONGEST], [wanted])]
