"""PyYAML, for every text that is not plain, and for where things stand.

PyYAML is imported only here and only when it is needed: PyTorch's own files need it nowhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from derivload.sources.plain import Value

if TYPE_CHECKING:
    import yaml


_MAX_DEPTH = 500


class YamlError(Exception):
    """A text that is no YAML; `line` and `column` count from 0."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class DuplicateKey(NamedTuple):
    """A key that stands twice in one mapping; the place is that of the second, from 0."""

    key: str
    line: int
    column: int


class Read(NamedTuple):
    """A text's value, the keys that stand twice in a mapping of it, and which reader read it."""

    value: Value
    duplicates: list[DuplicateKey]
    plain: bool = False


class Item(NamedTuple):
    """One item of a file's list: its value, and where its text begins and ends (from 0)."""

    read: Read
    line: int
    start: int
    end: int


def compose(text: str) -> yaml.Node | None:
    """The node tree of a text, with its marks; None for an empty one. Raises YamlError."""
    import yaml

    with _yaml_errors(text):
        _check_depth(text)
        return yaml.compose(text, Loader=_loader())


def _check_depth(text: str) -> None:
    """Turn away what is nested so deeply that composing it would overflow the C stack."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=_loader()):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                mark = event.start_mark
                line, column = (mark.line, mark.column) if mark is not None else (0, 0)
                raise YamlError("it is nested too deeply", line, column)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def read_full(text: str) -> Read:
    """The value of a text, as PyYAML's safe loader gives it. Raises YamlError."""
    with _yaml_errors(text):
        return _construct(compose(text))


def read_items(text: str, list_key: str | None) -> list[Item] | str:
    """The items of a text's list: the top level, or what stands under `list_key` there.

    A sentence when there is no such list. Raises YamlError.
    """
    import yaml

    node = compose(text)
    if node is None:
        return "the file is empty, where a list of entries is due"
    if isinstance(node, yaml.MappingNode) and list_key is not None:
        under = [value for key, value in node.value if key.value == list_key]
        if len(under) > 1:
            return f"the key `{list_key}` stands twice, where one list of entries is due"
        if not under:
            return f"the file is a mapping without `{list_key}:`, where its list of entries is due"
        node = under[0]
    if not isinstance(node, yaml.SequenceNode):
        return "the file holds no list of entries"
    with _yaml_errors(text):
        return [
            Item(_construct(item), item.start_mark.line, item.start_mark.index, item.end_mark.index)
            for item in node.value
        ]


def _construct(node: yaml.Node | None) -> Read:
    if node is None:
        return Read(None, [])
    loader = _loader()("")
    try:
        return Read(loader.construct_document(node), _duplicates(node))
    finally:
        loader.dispose()


@contextlib.contextmanager
def _yaml_errors(text: str) -> Iterator[None]:
    import yaml

    try:
        yield
    except yaml.YAMLError as error:
        raise _yaml_error(error, text) from None
    except RecursionError:
        raise YamlError("it is nested too deeply", 0, 0) from None
    except (ValueError, TypeError, OverflowError) as error:
        # A scalar that looks like a date or a number but is none, or a key that cannot be one.
        raise YamlError(str(error), 0, 0) from None


def _loader() -> type[yaml.CSafeLoader] | type[yaml.SafeLoader]:
    import yaml

    # Without libyaml the Python loader takes its place: slower, the same values.
    return yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


def _duplicates(node: yaml.Node) -> list[DuplicateKey]:
    import yaml

    found: list[DuplicateKey] = []
    todo, seen = [node], set()
    while todo:
        current = todo.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, yaml.SequenceNode):
            todo.extend(current.value)
        if not isinstance(current, yaml.MappingNode):
            continue
        keys: set[tuple[str, str]] = set()
        for key, value in current.value:
            todo.extend((key, value))
            if not isinstance(key, yaml.ScalarNode):
                continue
            if (key.tag, key.value) in keys:
                found.append(DuplicateKey(key.value, key.start_mark.line, key.start_mark.column))
            keys.add((key.tag, key.value))
    return sorted(found, key=lambda d: (d.line, d.column))


def _yaml_error(error: yaml.YAMLError, text: str) -> YamlError:
    import yaml

    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        if mark is not None and mark.line >= text.count("\n") and error.context_mark is not None:
            # What is never closed is found at the end; it is wrong where it was opened.
            mark = error.context_mark
        message = " ".join(part for part in (error.problem, error.context) if part)
        if mark is not None:
            return YamlError(message or "not YAML", mark.line, mark.column)
    if isinstance(error, yaml.reader.ReaderError) and isinstance(error.character, int):
        # Its position counts bytes or characters, as libyaml or Python reads.
        before = text.partition(chr(error.character))[0]
        return YamlError(error.reason, before.count("\n"), len(before) - before.rfind("\n") - 1)
    return YamlError(" ".join(str(error).split()), 0, 0)
