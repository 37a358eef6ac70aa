"""From a path into an entry back to a line and a column.

Asked for only when something is reported: the entry (or, where it cannot be read alone, its
file) is parsed once more, by PyYAML and with marks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from derivload.diagnostics import Diagnostic, Mistake
from derivload.sources.entries import Entry, source_line
from derivload.sources.full import YamlError, compose

if TYPE_CHECKING:
    import yaml


def place(mistake: Mistake, entry: Entry, text: str) -> Diagnostic:
    """The diagnostic of a mistake in `entry`, whose file's text is `text`."""
    read_from, first_line = (text, 1) if entry.whole else (entry.text, entry.line)
    try:
        root = compose(read_from)
    except YamlError:
        root = None
    line, column, length = entry.line, 1, 1
    node = _entry_node(root, entry)
    if node is not None:
        start, end = _span(_follow(node, mistake), mistake.words, read_from)
        before = read_from[:start]
        line = first_line + before.count("\n")
        column = start - (before.rfind("\n") + 1) + 1
        length = max(1, end - start)
    shown = source_line(text, line)
    return Diagnostic(
        file=entry.file,
        line=line,
        column=column,
        code=mistake.code,
        message=mistake.message,
        help=mistake.help,
        source_line=shown,
        length=min(length, max(1, len(shown.rstrip()) - column + 1)),
    )


def _entry_node(root: yaml.Node | None, entry: Entry) -> yaml.Node | None:
    import yaml

    index = entry.index if entry.whole else 0
    lists = [v for _, v in root.value] if isinstance(root, yaml.MappingNode) else [root]
    for node in lists:
        if isinstance(node, yaml.SequenceNode) and index < len(node.value):
            item: yaml.Node = node.value[index]
            if not entry.whole or item.start_mark.line + 1 == entry.line:
                return item
    return None


def _follow(node: yaml.Node, mistake: Mistake) -> yaml.Node:
    import yaml

    for depth, step in enumerate(mistake.path):
        last = depth == len(mistake.path) - 1
        if isinstance(node, yaml.MappingNode):
            found = [(k, v) for k, v in node.value if k.value == step]
            if not found:
                return node
            key, value = found[-1]
            node = key if last and mistake.on_key else value
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            if not 0 <= step < len(node.value):
                return node
            node = node.value[step]
        else:
            return node
    return node


def _span(node: yaml.Node, words: str, text: str) -> tuple[int, int]:
    """From where to where, in `text`, the offending words of a node stand."""
    start, end = node.start_mark.index, node.end_mark.index
    if words:
        # Over several lines, a scalar has line ends where its value has spaces.
        pattern = r"\s+".join(map(re.escape, words.split()))
        for search in (rf"(?<!\w){pattern}(?!\w)", pattern):
            found = re.compile(search).search(text, start, end)
            if found is not None and pattern:
                return found.span()
    shown = text[start:end].rstrip()
    return start, start + max(1, len(shown.split("\n", 1)[0]))
