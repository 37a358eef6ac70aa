"""Makes text fit to be printed: safe for a terminal and for the log of a build service.

A terminal executes some control characters, does not show others, and reorders letters for some.
A build service executes lines that begin with `::`. File names, arguments, version.txt and YAML may
contain all of that. So everything that is printed is made fit here: characters that are not fit are
spelled out, such as `\\x1b`. A character is fit if `str.isprintable` says so; in source lines, tabs
are fit too.

Printers take a list of lines, not a text with newlines. So a newline inside a line came from a
value. It is spelled out as `\\n`, and no value can begin a new line.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# GitHub, Azure Pipelines and TeamCity execute these commands anywhere in a line.
_COMMANDS = ("##[", "##vso[", "##teamcity[")
# GitHub executes this only at the beginning of a line, also after blanks.
_FIRST = "::"
# These patterns are rarely needed, so `re` compiles them when they are.
_SURROGATE = "[\ud800-\udfff]"
# The codes that compilers print for colours: set the style, or clear the rest of the line.
_COLOUR = r"(\x1b\[(?:[0-9;:]*m|0?K))"
_ABOVE_ASCII = "[^\x00-\x7e]"


def printable(text: str) -> str:
    """The text on one line. Characters that are not fit are spelled out, also tabs and newlines."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def as_part(text: str) -> str:
    """A part of a line, made fit. It is printed after another part. Tabs are kept."""
    if not text.isprintable():
        text = "\t".join(map(printable, text.split("\t")))
    for command in _COMMANDS:
        if command in text:
            text = text.replace(command, f"\\x23{command[1:]}")
    return text


def as_line(text: str) -> str:
    """A line, made fit. Tabs are kept."""
    text = as_part(text)
    return text.replace(":", "\\x3a", 1) if text.lstrip().startswith(_FIRST) else text


def as_lines(lines: Iterable[str]) -> str:
    """Lines, made fit, each with its line end."""
    return "".join([f"{as_line(line)}\n" for line in lines])


def with_its_colours(line: str) -> str:
    """A line of another program, made fit. Its colours are kept, and reset at its end."""
    text, *others = re.split(_COLOUR, line)
    if not others:
        return as_part(text)
    parts = [as_part(part) if i % 2 else part for i, part in enumerate(others)]
    return f"{as_part(text)}{''.join(parts)}\x1b[0m"


def in_place(text: str) -> str:
    """A part of a line, made fit but with the same length: `\\ufffd` replaces what is not fit."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in text)
    for command in _COMMANDS:
        text = text.replace(command, f"\ufffd{command[1:]}")
    return text


def encodable(text: str) -> str:
    """The text with `\\ufffd` for halves of a surrogate pair, which UTF-8 cannot encode.

    Python has those for bytes of a file name that are not UTF-8.
    """
    return re.sub(_SURROGATE, "\ufffd", text)


def fit_json(data: bytes) -> bytes:
    """The same JSON in UTF-8, with characters that are not fit as `\\u` escapes.

    JSON itself requires escapes only below U+0020. The other characters occur only in strings.
    """
    for command in _COMMANDS:
        data = data.replace(command.encode(), b"\\u0023" + command[1:].encode())
    if data.isascii() and b"\x7f" not in data:
        return data
    return re.sub(_ABOVE_ASCII, _in_json, data.decode()).encode()


def _in_json(found: re.Match[str]) -> str:
    if found[0].isprintable():
        return found[0]
    units = found[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
