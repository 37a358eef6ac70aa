"""tags.yaml: the tags that entries of native_functions.yaml may have (parse_tags_yaml)."""

from __future__ import annotations

from derivload.diagnostics import Mistake
from derivload.sources.entries import Mapping, describe


def read_tag(value: Mapping) -> tuple[str | None, list[Mistake]]:
    """The tag that an entry declares, and its mistakes (DL007, DL008, DL230)."""
    name = value.get("tag")
    if "tag" not in value:
        return None, [Mistake("DL008", "this entry has no `tag`")]
    if not isinstance(name, str):
        message = f"`tag` is {describe(name)}, but must be a name"
        return None, [Mistake("DL007", message, ("tag",))]
    if value.get("desc", "") == "":
        return name, [Mistake("DL230", f"the tag `{name}` has no description", ("tag",))]
    return name, []
