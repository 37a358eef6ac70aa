"""Reads YAML with PyYAML: every text that is not plain, and the positions of values.

PyYAML is imported only in this module, and only when needed. PyTorch's own files never need it.
"""

from __future__ import annotations

import bisect
import contextlib
import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

from derivload.sources.plain import Value

if TYPE_CHECKING:
    import yaml


# Far more than any real file has. These limits protect time, memory and the C stack.
_MAX_DEPTH = 500
_MAX_PARTS = 300_000
# The time to read a number grows with the square of its length.
_MAX_NUMBER = 1_000
_NUMBER = re.compile(r"[-+\d_:.]+")
_LOADER_TAGS = frozenset({"tag:yaml.org,2002:merge", "tag:yaml.org,2002:value"})
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7})(?: .*)?$", re.MULTILINE)
_SIGN_HELP = "quote the value: this sign has a meaning in YAML"
# What to write instead, by words in libyaml's message.
_HELP = (
    ("could not find expected ':'", "write `key: value`"),
    (
        "mapping values are not allowed",
        "indent it like the keys beside it; a value with `: ` in it needs quotes",
    ),
    ("expected '-' indicator", "indent it like the keys of its entry, by two spaces"),
    ("unexpected end of stream", "close the quotes"),
    ("expected ',' or", "close the bracket, or quote the value"),
    (
        "did not find expected key",
        "end the value with its closing quote or bracket, or quote all of it",
    ),
    ("sequence entries are not allowed", "quote the value: `- ` begins an item of a list"),
    ("undefined alias", _SIGN_HELP),
    ("expected alphabetic or numeric", _SIGN_HELP),
    ("constructor for the tag", _SIGN_HELP),
    ("cannot start any token", _SIGN_HELP),
    ("expected node content", _SIGN_HELP),
    ("mapping keys are not allowed", _SIGN_HELP),
    ("unknown escape character", "write two backslashes for one, or use single quotes"),
)
_NULL = "tag:yaml.org,2002:null"
_COLLECTION_TAGS = frozenset({"tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"})


class YamlError(Exception):
    """The text is not valid YAML.

    `line` and `column` count from 0. `help` says what to write instead.
    """

    def __init__(self, message: str, line: int, column: int, help: str = "") -> None:  # noqa: A002
        super().__init__(message)
        self.help = help
        self.message = message
        self.line = line
        self.column = column


class Lines:
    """Finds lines and columns in a text. PyYAML's own line numbers count other line ends too."""

    def __init__(self, text: str) -> None:
        self._ends = [match.start() for match in re.finditer("\n", text)]

    def place(self, mark: yaml.Mark | yaml._yaml.Mark | None) -> tuple[int, int]:
        """The line and column of a mark of PyYAML, both counted from 0."""
        if mark is None:
            return 0, 0
        line, column = self.at(mark.index)
        return line - 1, column - 1

    def at(self, index: int, first_line: int = 1) -> tuple[int, int]:
        """The line and column of a character. Columns count from 1, lines from `first_line`."""
        line = bisect.bisect_left(self._ends, index)
        return first_line + line, index - (self._ends[line - 1] if line else -1)


class DuplicateKey(NamedTuple):
    """A key that occurs twice in one mapping. The place is that of the second one, from 0."""

    key: str
    line: int
    column: int


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

    with _yaml_errors(text):
        _check_size(text)
        return yaml.compose(text, Loader=_loader())


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
        super().__init__(message)
        self.message = message
        self.keys = keys


def read_items(text: str, sections: Collection[str]) -> Items:
    """The items of a text's list, or, if it is a mapping, those of its lists under `sections`.

    A section without a value is an empty list. Raises YamlError and NoListError.
    """
    import yaml

    lines = Lines(text)
    node = compose(text)
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
    with _yaml_errors(text):
        items = [
            ListItem(
                _construct(item, lines),
                lines.place(item.start_mark)[0],
                item.start_mark.index,
                item.end_mark.index,
            )
            for each in lists
            for item in each.value
        ]
    return Items(items, passed_over)


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
def _yaml_errors(text: str) -> Iterator[None]:
    import yaml

    try:
        yield
    except yaml.YAMLError as error:
        raise _yaml_error(error, text) from None
    except RecursionError:
        raise YamlError("it is nested too deeply", 0, 0) from None
    except (ValueError, TypeError, OverflowError) as error:
        # A scalar looks like a date or a number but is not one, or a key has a type that cannot be
        # a key.
        raise YamlError(str(error), 0, 0) from None
    except (LookupError, AttributeError):
        # PyYAML raises these for `!!int ''`, `!!bool x` and `!!timestamp x`.
        raise YamlError("a value is not of the type that its tag names", 0, 0) from None


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
        keys: set[object] = set()
        for key, value in current.value:
            todo.extend((key, value))
            if not isinstance(key, yaml.ScalarNode):
                continue
            place = lines.place(key.start_mark)
            if key.tag in _LOADER_TAGS:
                raise YamlError(f"`{key.value}` is not a key that torchgen reads", *place)
            made = loader.construct_object(key)
            if made in keys:
                found.append(DuplicateKey(key.value, *place))
            keys.add(made)
    return sorted(found, key=lambda d: (d.line, d.column))


def _yaml_error(error: yaml.YAMLError, text: str) -> YamlError:
    import yaml

    lines = Lines(text)
    conflict = _CONFLICT.search(text)
    if conflict is not None:
        line, column = lines.at(conflict.start(), 0)
        return YamlError(
            "there is an unresolved merge conflict here",
            line,
            column - 1,
            "resolve it, and remove its marks",
        )
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        problem = error.problem or ""
        if mark is not None and error.context_mark is not None:
            is_at_end = mark.index >= len(text.rstrip())
            # libyaml notices an open quote or bracket only at the end of the text. The mistake is
            # where it was opened. A key without a colon is also noticed only after the key.
            if is_at_end or "could not find expected ':'" in problem:
                mark = error.context_mark
        message = " ".join(part for part in (problem, error.context) if part)
        if mark is not None:
            is_tab = text[mark.index : mark.index + 1] == "\t"
            remedy = "indent with spaces" if is_tab else _remedy(problem)
            return YamlError(message or "not YAML", *lines.place(mark), remedy)
    if isinstance(error, yaml.reader.ReaderError) and isinstance(error.character, int):
        # Its position counts bytes with libyaml and characters without it, so we search instead.
        before = text.partition(chr(error.character))[0]
        return YamlError(error.reason, before.count("\n"), len(before) - before.rfind("\n") - 1)
    return YamlError(" ".join(str(error).split()), 0, 0)


def _remedy(problem: str) -> str:
    return next((remedy for words, remedy in _HELP if words in problem), "")
