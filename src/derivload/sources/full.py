"""Reads YAML with PyYAML: every text that is not plain, and the positions of values.

PyYAML is imported only in this module, and only when needed. PyTorch's own files never need it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from derivload.patterns import lazy
from derivload.sources.not_yaml import Instead, Lines, YamlError, error_of, make_instead
from derivload.sources.plain import Value
from derivload.tuples import NamedTuple

if TYPE_CHECKING:
    import yaml


# Far more than any real file has. These limits protect time, memory and the C stack.
_MAX_DEPTH = 500
_MAX_PARTS = 300_000
# The time to read a number grows with the square of its length.
_MAX_NUMBER = 1_000
_NUMBER = lazy(r"[-+\d_:.]+")
_LOADER_TAGS = frozenset({"tag:yaml.org,2002:merge", "tag:yaml.org,2002:value"})
_BEGIN_ENTRIES = frozenset({"name", "func", "tag"})
_BYTE_ORDER_MARK = "\ufeff"
_NULL = "tag:yaml.org,2002:null"
_COLLECTION_TAGS = frozenset({"tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"})


class DuplicateKey(NamedTuple):
    """A key that occurs twice in one mapping. The place is that of the second one, from 0.

    `first` is the place of the first one. `instead` leaves the second one out. `begins_entry` tells
    that it is the key that entries begin with: then a dash is missing, and `instead` adds it.
    """

    key: str
    line: int
    column: int
    first: tuple[int, int]
    instead: Instead | None
    begins_entry: bool = False


class Read(NamedTuple):
    """The value of a text, its duplicate keys, and whether the plain reader read it."""

    value: Value
    duplicates: list[DuplicateKey]
    plain: bool = False


class ListItem(NamedTuple):
    """One item of a list: its value, its line, and the begin and end of its text (from 0)."""

    read: Read
    line: int
    start: int
    end: int


def compose(text: str) -> yaml.Node | None:
    """The node tree of a text, with its marks; None if the text is empty. Raises YamlError."""
    import yaml

    if text.startswith(_BYTE_ORDER_MARK):
        # libyaml does not count it. Another blank line in its place is counted, but not as a line.
        text = "\r" + text[1:]
    with _yaml_errors(text):
        _check_size(text)
        return yaml.compose(text, Loader=_loader())


def is_yaml(text: str) -> bool:
    """Whether a text can be taken apart as YAML, however large it is and whatever it means."""
    import yaml

    try:
        for _ in yaml.parse(text, Loader=_loader()):
            pass
    except (yaml.YAMLError, RecursionError):
        return False
    return True


def _check_size(text: str) -> None:
    """Check that a text is safe to compose. Raises YamlError if not.

    Refused are texts nested so deeply that the C stack would overflow, texts with so many parts
    that they would fill the memory, and numbers that would take seconds to read.
    """
    import yaml

    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_loader())):
        problem = ""
        if count > _MAX_PARTS:
            problem = f"it has more than {_MAX_PARTS} parts"
        elif isinstance(event, yaml.ScalarEvent):
            if len(event.value) > _MAX_NUMBER and _may_be_number(event):
                problem = f"this number has more than {_MAX_NUMBER} characters"
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                problem = "it is nested too deeply"
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if problem:
            assert event.start_mark is not None
            raise YamlError(problem, *Lines(text).place(event.start_mark))


def _may_be_number(event: yaml.ScalarEvent) -> bool:
    is_plain_text = event.implicit[1] and not event.implicit[0]
    return not is_plain_text and _NUMBER.fullmatch(event.value) is not None


def read_full(text: str) -> Read:
    """The value of a text, as PyYAML's safe loader gives it. Raises YamlError."""
    with _yaml_errors(text):
        return _construct(compose(text), Lines(text))


class Items(NamedTuple):
    """The items of a text's lists, in their order, and the sections that were passed over."""

    items: list[ListItem]
    passed_over: tuple[str, ...] = ()


class NoListError(Exception):
    """The text has no list of entries. `keys` are its keys, if it is a mapping."""

    def __init__(self, message: str, keys: tuple[str, ...] = ()) -> None:
        self.message = message
        self.keys = keys


def read_items(text: str, sections: Collection[str], *, may_be_empty: bool) -> Items:
    """The items of a text's list, or, if it is a mapping, those of its lists under `sections`.

    A section without a value is an empty list, and so is a text without one if it `may_be_empty`.
    Raises YamlError and NoListError.
    """
    import yaml

    lines = Lines(text)
    node = compose(text)
    if may_be_empty and (node is None or node.tag == _NULL):
        return Items([])
    if node is None:
        raise NoListError("the file is empty, but must be a list of entries")
    _check_tag(node, lines)
    lists: list[yaml.SequenceNode] = []
    passed_over: tuple[str, ...] = ()
    if isinstance(node, yaml.MappingNode) and sections:
        lists, passed_over = _lists_under(node, sections, lines)
    elif isinstance(node, yaml.SequenceNode):
        lists = [node]
    else:
        raise NoListError("the file is not a list of entries")
    return Items([_item(item, lines) for each in lists for item in each.value], passed_over)


def _item(node: yaml.Node, lines: Lines) -> ListItem:
    place = lines.place(node.start_mark)
    with _yaml_errors(lines.text, place):
        read = _construct(node, lines)
    return ListItem(read, place[0], node.start_mark.index, node.end_mark.index)


def _lists_under(
    node: yaml.MappingNode, sections: Collection[str], lines: Lines
) -> tuple[list[yaml.SequenceNode], tuple[str, ...]]:
    """The lists of a mapping's sections, and its others. Raises YamlError and NoListError."""
    import yaml

    under = [(str(key.value), value) for key, value in node.value]
    found = [(key, value) for key, value in under if key in sections]
    if not found:
        named = ", ".join(f"`{name}:`" for name in sorted(sections))
        message = f"the file is a mapping without a section of entries ({named})"
        raise NoListError(message, tuple(key for key, _ in under))
    for index, (key, value) in enumerate(found):
        if any(key == other for other, _ in found[:index]):
            raise NoListError(
                f"the key `{key}` occurs twice, but there must be one list of entries"
            )
        _check_tag(value, lines)
        if not (isinstance(value, yaml.SequenceNode) or value.tag == _NULL):
            raise NoListError(f"`{key}:` is not a list of entries")
    lists = [value for _, value in found if isinstance(value, yaml.SequenceNode)]
    others = [key for key, value in under if not isinstance(value, yaml.ScalarNode)]
    return lists, tuple(key for key in others if key not in sections)


def _check_tag(node: yaml.Node, lines: Lines) -> None:
    """Raise YamlError for a list or mapping whose tag makes it something else."""
    import yaml

    if not isinstance(node, yaml.ScalarNode) and node.tag not in _COLLECTION_TAGS:
        raise YamlError(f"`{node.tag}` is not a list of entries", *lines.place(node.start_mark))


def construct(node: yaml.Node | None, text: str) -> Read:
    """The value of a node of a text. Raises YamlError."""
    with _yaml_errors(text):
        return _construct(node, Lines(text))


def _construct(node: yaml.Node | None, lines: Lines) -> Read:
    if node is None:
        return Read(None, [])
    loader = _loader()("")
    try:
        duplicates = _duplicates(node, lines, loader)  # constructing takes mappings apart
        return Read(loader.construct_document(node), duplicates)
    finally:
        loader.dispose()


@contextlib.contextmanager
def _yaml_errors(text: str, place: tuple[int, int] = (0, 0)) -> Iterator[None]:
    """Raise PyYAML's errors as YamlError: at a place, if they have none of their own."""
    import yaml

    try:
        yield
    except yaml.YAMLError as error:
        raise error_of(error, text, _is_entry) from None
    except RecursionError:
        raise YamlError("it is nested too deeply", *place) from None
    except (ValueError, TypeError, OverflowError) as error:
        # A scalar looks like a date or a number but is not one, or a key has a type that cannot be
        # a key.
        raise YamlError(str(error), *place) from None
    except (LookupError, AttributeError):
        # PyYAML raises these for `!!int ''`, `!!bool x` and `!!timestamp x`.
        raise YamlError("a value is not of the type that its tag names", *place) from None


def _loader() -> type[yaml.CSafeLoader] | type[yaml.SafeLoader]:
    import yaml

    # Without libyaml we use the loader in Python: it is slower, and gives the same values.
    return yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


def _duplicates(
    node: yaml.Node, lines: Lines, loader: yaml.CSafeLoader | yaml.SafeLoader
) -> list[DuplicateKey]:
    """The keys that occur twice in a mapping. Raises YamlError.

    Keys are compared as values: `yes` and `true` are the same. Merge keys are an error: upstream's
    loader makes a value of each key by itself, so it cannot read them.
    """
    import yaml

    found: list[DuplicateKey] = []
    is_item = isinstance(node, yaml.SequenceNode) and len(node.value) == 1
    entry = node.value[0] if is_item else node
    todo, seen = [node], set()
    while todo:
        current = todo.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, yaml.SequenceNode):
            todo.extend(current.value)
        if isinstance(current, yaml.MappingNode):
            todo += [node for pair in current.value for node in pair]
            found += _duplicates_of(current, lines, loader, is_entry=current is entry)
    return sorted(found, key=lambda d: (d.line, d.column))


def _duplicates_of(
    mapping: yaml.MappingNode,
    lines: Lines,
    loader: yaml.CSafeLoader | yaml.SafeLoader,
    *,
    is_entry: bool,
) -> Iterator[DuplicateKey]:
    import yaml

    keys: dict[object, int] = {}
    for index, (key, _) in enumerate(mapping.value):
        if not isinstance(key, yaml.ScalarNode):
            continue
        if key.tag in _LOADER_TAGS:
            place = lines.place(key.start_mark)
            raise YamlError(f"`{key.value}` is not a key that torchgen reads", *place)
        made = loader.construct_object(key)
        if keys.setdefault(made, index) == index:
            continue
        double = _duplicate(mapping, keys[made], index, lines)
        if is_entry and key.value in _BEGIN_ENTRIES:
            double = _next_entry(double, key, lines)
        yield double
        if double.begins_entry:
            return  # the keys behind it are those of the next entry


def _duplicate(mapping: yaml.MappingNode, first: int, second: int, lines: Lines) -> DuplicateKey:
    from derivload.sources.nodes import Part, end_of, span_of

    text = lines.text
    (other, other_value), (key, value) = mapping.value[first], mapping.value[second]
    span = span_of(text, Part(mapping, second, key, value))
    instead = None
    if span is not None:
        sources = [text[v.start_mark.index : end_of(text, v)] for v in (value, other_value)]
        is_same = sources[0] == sources[1]
        instead = make_instead(lines, f"remove the second `{key.value}`", [(*span, "")], is_same)
    return DuplicateKey(
        key.value, *lines.place(key.start_mark), lines.place(other.start_mark), instead
    )


def _next_entry(double: DuplicateKey, key: yaml.Node, lines: Lines) -> DuplicateKey:
    """A key twice as the beginning of another entry, whose dash is missing, if it has a line."""
    from derivload.sources.nodes import line_start

    text, start = lines.text, key.start_mark.index
    before = text[line_start(text, start) : start]
    if len(before) < 2 or before.strip():
        return double
    is_apart = text[: start - len(before)].endswith("\n\n")
    help_ = f"begin the next entry with a dash: `- {key.value}`"
    instead = make_instead(lines, help_, [(start - 2, start, "- ")], is_apart)
    return double._replace(instead=instead, begins_entry=True)


def _is_entry(text: str) -> bool:
    """Whether a text is YAML, and an entry or several."""
    import yaml

    loader = _loader()(text)
    try:
        node = loader.get_single_node()
        has_duplicates = bool(node is None or _duplicates(node, Lines(text), loader))
        value = None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, YamlError, ValueError, TypeError, LookupError, AttributeError):
        return False
    finally:
        loader.dispose()
    entries = value if isinstance(value, list) else [value]
    return not has_duplicates and all(isinstance(entry, dict) for entry in entries)
