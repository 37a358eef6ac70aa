"""Finds the parts of an entry in the tree of nodes that PyYAML makes of its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derivload.diagnostics import Path
from derivload.patterns import lazy
from derivload.tuples import NamedTuple

if TYPE_CHECKING:
    import yaml

_DASH = lazy(r" *- +")
_COMMA_BEHIND = lazy(r"\s*,[ ]*")


class Part(NamedTuple):
    """A part of an entry: the key, if it has one, the value, and where it stands in its holder.

    `holder` is the mapping or list that it is in. `at` is its index, from 0.
    """

    holder: yaml.Node
    at: int
    key: yaml.Node | None
    value: yaml.Node


def find_part(node: yaml.Node, path: Path) -> Part | None:
    """The part of an entry that a path leads to; None if there is none."""
    part = None
    for step in path:
        part = _child(node, step)
        if part is None:
            return None
        node = part.value
    return part


def follow(node: yaml.Node, path: Path, *, on_key: bool) -> yaml.Node:
    """The node that a path leads to, or the last one on the way there.

    With `on_key` it is the last key itself.
    """
    for depth, step in enumerate(path):
        part = _child(node, step)
        if part is None:
            return node
        is_last = depth == len(path) - 1
        node = part.key if is_last and on_key and part.key is not None else part.value
    return node


def _child(node: yaml.Node, step: str | int) -> Part | None:
    import yaml

    if isinstance(node, yaml.MappingNode):
        found = [index for index, (key, _) in enumerate(node.value) if key.value == step]
        return Part(node, found[-1], *node.value[found[-1]]) if found else None
    if not isinstance(node, yaml.SequenceNode) or not isinstance(step, int):
        return None
    return Part(node, step, None, node.value[step]) if 0 <= step < len(node.value) else None


def is_block_scalar(node: yaml.Node) -> bool:
    """Whether a node is a text that `|` or `>` begins."""
    import yaml

    return isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")


def is_in_lines(node: yaml.Node) -> bool:
    """Whether a node is a mapping or list without brackets, each part of it in its own line."""
    import yaml

    return isinstance(node, yaml.CollectionNode) and not node.flow_style


def end_of(text: str, node: yaml.Node) -> int:
    """Where a value ends. PyYAML's mark may be behind the comments and blank lines that follow."""
    if is_in_lines(node) and node.value:
        last = node.value[-1]
        return end_of(text, last[1] if isinstance(last, tuple) else last)
    end: int = node.end_mark.index
    if is_block_scalar(node):
        return len(text[:end].rstrip())
    return end


def behind_line(text: str, index: int) -> int:
    """The index of the line end behind an index; the end of the text if there is none."""
    found = text.find("\n", index)
    return len(text) if found == -1 else found


def line_start(text: str, index: int) -> int:
    """The index of the first character of the line that an index is in."""
    return text.rfind("\n", 0, index) + 1


def span_of(text: str, part: Part) -> tuple[int, int] | None:
    """The part of a text to remove so that a part is gone, with the line end or comma beside it.

    None if nothing would be left of its holder, or if it has no place of its own.
    """
    count = len(part.holder.value)
    if count == 1:
        return None
    node = part.value if part.key is None else part.key
    start, end = node.start_mark.index, end_of(text, part.value)
    if is_in_lines(part.holder):
        return _lines_of(text, part, start, end)
    if part.at == count - 1:
        before = part.holder.value[part.at - 1]
        return end_of(text, before[1] if part.key else before), end
    comma = _COMMA_BEHIND.match(text, end)
    return None if comma is None else (start, comma.end())


def _lines_of(text: str, part: Part, start: int, end: int) -> tuple[int, int] | None:
    begin, end = line_start(text, start), behind_line(text, end)
    before = text[begin:start]
    if part.key is None and not _DASH.fullmatch(before):
        return None
    if part.key is None or not before.strip():
        # The line end before it is removed: the last line of a text may have none of its own.
        return begin - 1, end
    if part.at:  # something odd stands before it, such as a question mark
        return None
    # The first key, behind the dash of its entry: the next one comes in its place.
    following: int = part.holder.value[part.at + 1][0].start_mark.index
    return None if "#" in text[end:following] else (start, following)
