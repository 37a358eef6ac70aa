"""Whether two YAML texts say the same to every loader: they differ in comments and blank lines.

Texts are compared entry by entry. Of entries whose text differs, the nodes are compared: tags,
values, and whether a text is quoted, for a loader may take a quoted word for something else. What
a node is called by (an anchor) may be used by other entries, so an entry with one is not the same.
"""

from __future__ import annotations

import re

from derivload.sources.splitting import split_text, with_plain_line_ends

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ANCHOR = re.compile(r"[&*]\w+(?:\s|$)")


def is_same_value(old: bytes, new: bytes) -> bool:
    """Whether two texts are lists of the same entries."""
    try:
        texts = [with_plain_line_ends(data.decode("utf-8")) for data in (old, new)]
    except UnicodeDecodeError:
        return False
    before, after = map(split_text, texts)
    if before is None or after is None or len(before) != len(after):
        return False
    pairs = zip(before, after, strict=True)
    return all(one == other or _is_same(one, other) for (_, one), (_, other) in pairs)


def _is_same(one: str, other: str) -> bool:
    if _ANCHOR.search(one) or _ANCHOR.search(other):
        return False
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _told(yaml.compose(one, Loader=loader)) == _told(yaml.compose(other, Loader=loader))
    except (yaml.YAMLError, RecursionError):
        return False


def _told(node: Any) -> object:
    """A node as values that can be compared."""
    value = node.value
    if isinstance(value, list):
        value = [[*map(_told, part)] if isinstance(part, tuple) else _told(part) for part in value]
    style = getattr(node, "style", None)
    return node.tag, style, value
