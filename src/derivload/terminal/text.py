"""Text made fit for a terminal and for the log of a build service.

A terminal obeys control characters, shows nothing for others, and puts letters in another order
for some. A build service takes lines that begin with `::` for commands. File names, arguments,
version.txt and YAML can hold all of that. So whatever is printed is made fit here.

Printers take lines, not text. A newline that we mean stands between two lines. A newline inside
a line came with a value, and is spelled out as `\\n`, so that no value can begin a line of its own.

Fit is what `str.isprintable` says, besides the tabs of a source line.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# What GitHub, Azure Pipelines and TeamCity take for a command wherever it stands in a line.
_COMMANDS = ("##[", "##vso[", "##teamcity[")
# What GitHub takes for one at the beginning of a line, behind blanks too.
_FIRST = "::"
_SURROGATE = re.compile("[\ud800-\udfff]")
# And what compilers have with a colour: that the rest of the line is of it.
_COLOUR = re.compile(r"(\x1b\[(?:[0-9;:]*m|0?K))")
_ABOVE_ASCII = re.compile("[^\x00-\x7e]")


def printable(text: str) -> str:
    """The text on one line, with what is not fit spelled out: tabs and newlines too."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def as_part(text: str) -> str:
    """A part of a line, fit to be printed behind another. Tabs are kept."""
    if not text.isprintable():
        text = "\t".join(map(printable, text.split("\t")))
    for command in _COMMANDS:
        if command in text:
            text = text.replace(command, f"\\x23{command[1:]}")
    return text


def as_line(text: str) -> str:
    """A line, fit to be printed. Tabs are kept."""
    text = as_part(text)
    return text.replace(":", "\\x3a", 1) if text.lstrip().startswith(_FIRST) else text


def as_lines(lines: Iterable[str]) -> str:
    """Lines, fit to be printed, each with its end."""
    return "".join([f"{as_line(line)}\n" for line in lines])


def with_its_colours(line: str) -> str:
    """A line of another program's, fit to be printed but for its colours, which end with it."""
    text, *others = _COLOUR.split(line)
    if not others:
        return as_part(text)
    parts = [as_part(part) if i % 2 else part for i, part in enumerate(others)]
    return f"{as_part(text)}{''.join(parts)}\x1b[0m"


def in_place(text: str) -> str:
    """A part of a line as `as_part` has it, but as long: with `\\ufffd` for what is not fit."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in text)
    for command in _COMMANDS:
        text = text.replace(command, f"\ufffd{command[1:]}")
    return text


def encodable(text: str) -> str:
    """The text with `\\ufffd` for what UTF-8 cannot say: halves of a surrogate pair.

    Python has those for bytes of a file name that are no UTF-8.
    """
    return _SURROGATE.sub("\ufffd", text)


def fit_json(data: bytes) -> bytes:
    """JSON of the same meaning, in UTF-8, with what is not fit as `\\u` escapes.

    JSON itself asks for that below U+0020 alone. Of the rest only strings can hold any.
    """
    for command in _COMMANDS:
        data = data.replace(command.encode(), b"\\u0023" + command[1:].encode())
    if data.isascii() and b"\x7f" not in data:
        return data
    return _ABOVE_ASCII.sub(_in_json, data.decode()).encode()


def _in_json(found: re.Match[str]) -> str:
    if found[0].isprintable():
        return found[0]
    units = found[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
