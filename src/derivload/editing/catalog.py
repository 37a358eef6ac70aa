"""All operators of the inputs, by the lines that declare and define them.

A workspace has 3,000 of them, and a text is looked through after each edit of it. So this is a
search for the lines that begin entries, and nothing is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from derivload.editing.documents import Document

_SCHEMA: Final = re.compile(r"- +(?:func|name) *: *[\"']?(?:\w+::)?([\w.]+)(?=\()")
_TAG: Final = re.compile(r"- +tag *: *(\w+)")
_DESC: Final = re.compile(r" +desc *: *(.*)")
_KERNEL: Final = re.compile(r"  (?:dispatch|structured_delegate) *:")
_IMPLICIT: Final = re.compile(r" +[\w, ]*CompositeImplicitAutograd\b")
_BLOCK: Final = re.compile(r"[|>][-+\d]*")
_CALLED: Final = re.compile(r"(?<![\w.>:])([a-z_]\w*)\s*\(")


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


def find_declared(document: Document) -> list[Declaration]:
    """What the entries of a text declare or define, in its order."""
    found: list[Declaration] = []
    for number, line in enumerate(document.lines(0, document.last)):
        if line.startswith("- "):
            schema = _SCHEMA.match(line)
            tag = _TAG.match(line) if schema is None else None
            if schema is not None:
                found.append(Declaration(schema[1], number, line))
            elif tag is not None:
                found.append(Declaration(tag[1], number, line, is_tag=True))
        elif found and line.startswith("  "):
            last = found[-1]
            if _KERNEL.match(line):
                found[-1] = last._replace(needs_derivative=True)
            elif last.needs_derivative and _IMPLICIT.match(line):
                found[-1] = last._replace(needs_derivative=False)
            elif last.is_tag and not last.about:
                found[-1] = last._replace(about=_about(line))
    return found


def _about(line: str) -> str:
    """The first line of what a tag says, if this is it."""
    found = _DESC.match(line)
    text = line if found is None else found[1]
    return "" if text.strip() in ("", "|", ">") else text.strip().strip("\"'")


def schema_in(line: str) -> str:
    """The schema that the first line of an entry has, without quotes."""
    return line.partition(":")[2].split(" #", 1)[0].strip().strip("\"'")


def called_in(document: Document) -> set[str]:
    """The functions that the formulas of a text call."""
    return {
        name
        for line in document.lines(0, document.last)
        if line.startswith("  ")
        for name in _CALLED.findall(line)
    }


def lines_with(document: Document, word: str) -> Iterator[tuple[int, int]]:
    """Each place of a whole word in a text: its line and where it begins in it."""
    pattern = re.compile(rf"(?<![\w.]){re.escape(word)}(?![\w.])")
    for number, line in enumerate(document.lines(0, document.last)):
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
            first = _BLOCK.sub("", desc[1], count=1)
            said.append(first)
        else:
            said.append(line)
    return {name: " ".join(" ".join(lines).split()).strip("\"'") for name, lines in found.items()}
