"""All operators of the inputs, by the lines that declare and define them.

A workspace has 3,000 of them, and a text is looked at after each edit of it. So this is a search
for the lines that begin entries, and nothing is parsed.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Final, NamedTuple

from derivload.editing.documents import Document
from derivload.sources.splitting import find_window

_SCHEMA: Final = re.compile(r"- +(?:func|name) *: *[\"']?(?:\w+::)?([\w.]+)(?=\()")
_TAG: Final = re.compile(r"- +tag *: *(\w+)")
_DESC: Final = re.compile(r" +desc *: *(.*)")
_KERNEL: Final = re.compile(r"  (?:dispatch|structured_delegate) *:")
_IMPLICIT: Final = re.compile(r" +[\w, ]*CompositeImplicitAutograd\b")
_BLOCK: Final = re.compile(r"^[|>][-+\d]*")
_CALLED: Final = re.compile(r"(?<![\w.>:])([a-z_]\w*)\s*\(")
_LINE_OF: Final = attrgetter("line")


class Declaration(NamedTuple):
    """An operator or a tag: its name, the line that begins its entry, and that line's text.

    `needs_derivative` tells of an operator that autograd does not see inside it. `about` is what a
    tag says.
    """

    name: str
    line: int
    text: str
    needs_derivative: bool = False
    about: str = ""
    is_tag: bool = False

    @property
    def span(self) -> tuple[int, int]:
        """Where the name begins and ends in its line."""
        start = max(0, self.text.find(self.name))
        return start, start + len(self.name)


class Catalog:
    """What the entries of a document declare or define, and what its formulas call.

    After an edit, only the lines that changed and their entries are looked through again.
    """

    def __init__(self) -> None:
        self._state: object = None
        self._lines: list[str] = []
        self._calls: Counter[str] = Counter()
        self.declared: list[Declaration] = []
        """In the order of the text."""

    def follow(self, document: Document) -> None:
        """Look at what a document has become."""
        if self._state is document.state:
            return
        self._state = document.state
        old, new = self._lines, document.all_lines()
        begin, end, new_end = find_window(old, new)
        self._lines = new
        self._calls.subtract(_calls_in(old[begin:end]))
        self._calls.update(_calls_in(new[begin:new_end]))
        # From the last entry that begins before the window to the first one that begins behind it.
        count = bisect_left(self.declared, begin, key=_LINE_OF)
        start = self.declared[count - 1].line if count else 0
        behind = self.declared[bisect_left(self.declared, end, key=_LINE_OF) :]
        if new_end != end:
            behind = [one._replace(line=one.line + new_end - end) for one in behind]
        stop = behind[0].line if behind else len(new)
        between = _declared_in(new[start:stop], start)
        self.declared = [*self.declared[: max(0, count - 1)], *between, *behind]

    @property
    def called(self) -> set[str]:
        """The functions that the formulas call."""
        return {name for name, count in self._calls.items() if count > 0}


def _declared_in(lines: Iterable[str], first: int) -> list[Declaration]:
    """What these lines declare or define; `first` is the number of the first of them."""
    found: list[Declaration] = []
    is_of_last = False
    for number, line in enumerate(lines, first):
        if line.startswith("- "):
            schema = _SCHEMA.match(line)
            tag = _TAG.match(line) if schema is None else None
            name = schema or tag
            is_of_last = name is not None
            if name is not None:
                text = line.rstrip("\r\n")
                found.append(Declaration(name[1], number, text, is_tag=tag is not None))
        elif is_of_last and line.startswith("  "):
            last = found[-1]
            if _KERNEL.match(line):
                found[-1] = last._replace(needs_derivative=True)
            elif last.needs_derivative and _IMPLICIT.match(line):
                found[-1] = last._replace(needs_derivative=False)
            elif last.is_tag and not last.about:
                found[-1] = last._replace(about=_about(line.rstrip("\r\n")))
    return found


def _calls_in(lines: Iterable[str]) -> list[str]:
    """The names that the formulas of these lines call, each as often as they do."""
    return [name for line in lines if line.startswith("  ") for name in _CALLED.findall(line)]


def _about(line: str) -> str:
    """The first line of what a tag says, if this is it."""
    found = _DESC.match(line)
    text = line if found is None else found[1]
    return "" if text.strip() in ("", "|", ">") else text.strip().strip("\"'")


def schema_in(line: str) -> str:
    """The schema that the first line of an entry has, without quotes."""
    return line.partition(":")[2].split(" #", 1)[0].strip().strip("\"'")


def lines_with(document: Document, word: str) -> Iterator[tuple[int, int]]:
    """Each place of a whole word in a text: its line and where it begins in it."""
    pattern = re.compile(rf"(?<![\w.]){re.escape(word)}(?![\w.])")
    for number, line in enumerate(document.all_lines()):
        if word in line:
            for found in pattern.finditer(line.split(" #", 1)[0]):
                yield number, found.start()


def tag_descriptions(text: str) -> dict[str, str]:
    """What the tags of tags.yaml say, each on one line, by the name of the tag."""
    found: dict[str, list[str]] = {}
    said: list[str] | None = None
    for line in text.splitlines():
        tag, desc = _TAG.match(line), _DESC.match(line)
        if tag is not None:
            said = found.setdefault(tag[1], [])
        elif said is None or not line.startswith(" "):
            said = said if not line else None
        elif desc is not None and not said:
            first = _BLOCK.sub("", desc[1])
            said.append(first)
        else:
            said.append(line)
    return {name: " ".join(" ".join(lines).split()).strip("\"'") for name, lines in found.items()}
