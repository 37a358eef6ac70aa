"""A file's text, split into its top-level entries, and these read.

The constraint: one edit must change one entry's text, and splitting must cost next to nothing.
So the text is cut at each `- ` that begins a line, without parsing.

That is safe because such a line ends whatever stood before it, except inside quotes and flow
collections, and an entry that holds only part of one of those is no YAML by itself. So where
the text has anything at the beginning of a line but `- `, a comment or a space (a top-level
mapping, a document marker, a directive, a tab), or a line break that only YAML knows, or where
an entry cannot be read by itself (a torn quote, an alias of another entry's anchor), the file
is read whole instead.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from derivload.diagnostics import Diagnostic
from derivload.sources.full import Read, YamlError, read_full, read_items
from derivload.sources.plain import NotPlain, PlainReader, Value

Mapping = dict[Value, Value]

# PyYAML sees line ends where Python's universal newlines do not, and takes a byte order mark off.
_YAML_BREAKS = re.compile("[\x85\u2028\u2029\ufeff]")
_NOT_A_PLAIN_LIST = re.compile(r"\n(?:[^ #\n-]|-[^ ])")


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One entry's text and where it stands.

    `line` counts from 1. `index` is its place in the file's list, and `whole` tells that the
    text can only be read as part of its file.
    """

    file: str
    line: int
    index: int
    text: str
    whole: bool = False

    @property
    def digest(self) -> bytes:
        """sha256 of the text: what the entry says, wherever it stands."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).digest()


class EntryValue(NamedTuple):
    """An entry and the mapping that it holds."""

    entry: Entry
    value: Mapping


class SourceFile(NamedTuple):
    """A file's entries as read, and what was wrong with it as YAML."""

    name: str
    text: str
    entries: list[EntryValue]
    diagnostics: list[Diagnostic]


def split_entries(name: str, text: str) -> list[Entry] | None:
    """The entries of a text that is a plain block list, or None when it has to be read whole.

    Line ends are `\\n` alone. Comments and blank lines behind the last key of an entry are no part
    of its text, so that an edit to them changes no entry.
    """
    framed = "\n" + text
    if _NOT_A_PLAIN_LIST.search(framed) or (not text.isascii() and _YAML_BREAKS.search(text)):
        return None
    preamble, *parts = framed.split("\n- ")
    if any(line and not line.startswith("#") for line in preamble.split("\n")):
        return None
    line = preamble.count("\n") + 1
    entries = []
    last = len(parts) - 1
    for index, part in enumerate(parts):
        ended = part if index == last else part + "\n"
        entries.append(Entry(name, line, index, "- " + _without_trailing_comments(ended)))
        line += part.count("\n") + 1
    return entries


def _without_trailing_comments(part: str) -> str:
    cut = part.find("\n#")
    if cut < 0:
        return part
    if any(line and not line.startswith("#") for line in part[cut + 1 :].split("\n")):
        return part
    return part[: cut + 1]


def read_entry(entry: Entry, plain: PlainReader) -> Read:
    """What one entry's text holds. Raises YamlError when it is no YAML by itself."""
    try:
        return Read(plain.read(entry.text), [])
    except NotPlain:
        value, duplicates = read_full(entry.text)
    if not isinstance(value, list) or len(value) != 1:
        raise YamlError("an entry that is not one item of the list", 0, 0)
    return Read(value[0], duplicates)


def read_source(name: str, text: str, list_key: str | None = None) -> SourceFile:
    """The entries of a file, with all that is wrong with it as YAML (DL003, DL004, DL005, DL009).

    `list_key` is the key under which a top-level mapping may hold the list.
    """
    split = split_entries(name, text)
    if not split:
        return _read_whole(name, text, list_key)
    entries: list[EntryValue] = []
    diagnostics: list[Diagnostic] = []
    torn = False
    plain = PlainReader()
    for entry in split:
        try:
            read = read_entry(entry, plain)
        except YamlError as error:
            torn = True
            diagnostics.append(_syntax(name, text, error, entry.line))
            continue
        _add(entries, diagnostics, entry, read, text)
    if torn:
        whole = _read_whole(name, text, list_key)
        # An error of the file as a whole is one of those found entry by entry, and only the
        # first; what it can do that they cannot is to show that there is none.
        if not any(d.code == "DL003" for d in whole.diagnostics):
            return whole
    return SourceFile(name, text, entries, diagnostics)


def _read_whole(name: str, text: str, list_key: str | None) -> SourceFile:
    entries: list[EntryValue] = []
    try:
        items = read_items(text, list_key)
    except YamlError as error:
        return SourceFile(name, text, [], [_syntax(name, text, error, 1)])
    if isinstance(items, str):
        problem = Diagnostic(name, 1, 1, "DL004", items, source_line=source_line(text, 1))
        return SourceFile(name, text, [], [problem])
    diagnostics: list[Diagnostic] = []
    for index, item in enumerate(items):
        entry = Entry(name, item.line + 1, index, text[item.start : item.end], whole=True)
        _add(entries, diagnostics, entry, item.read, text, first_line=1)
    return SourceFile(name, text, entries, diagnostics)


def _add(
    entries: list[EntryValue],
    diagnostics: list[Diagnostic],
    entry: Entry,
    read: Read,
    text: str,
    first_line: int | None = None,
) -> None:
    base = entry.line if first_line is None else first_line
    for double in read.duplicates:
        diagnostics.append(
            Diagnostic(
                file=entry.file,
                line=base + double.line,
                column=double.column + 1,
                code="DL009",
                message=f"the key `{double.key}` stands twice in one mapping",
                source_line=source_line(text, base + double.line),
                length=len(double.key),
            )
        )
    if not isinstance(read.value, dict):
        diagnostics.append(
            Diagnostic(
                file=entry.file,
                line=entry.line,
                column=1,
                code="DL005",
                message=f"this entry is {describe(read.value)}, not a mapping of keys",
                source_line=source_line(text, entry.line),
                length=len(source_line(text, entry.line).rstrip()),
            )
        )
    elif not read.duplicates:
        entries.append(EntryValue(entry, read.value))


def _syntax(name: str, text: str, error: YamlError, first_line: int) -> Diagnostic:
    line = first_line + error.line
    return Diagnostic(
        file=name,
        line=line,
        column=error.column + 1,
        code="DL003",
        message=f"this is no YAML: {error.message}",
        source_line=source_line(text, line),
    )


def source_line(text: str, line: int) -> str:
    """The line of that number, counted from 1; "" past the end."""
    lines = text.split("\n", line)
    return lines[line - 1] if 0 < line <= len(lines) else ""


def describe(value: Value | Sequence[Value]) -> str:
    """A YAML value as a sentence names it: "a list", "the number 3", …"""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"the boolean `{str(value).lower()}`"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text `{value if len(value) <= 40 else value[:37] + '…'}`"
    if isinstance(value, list):
        return "a list"
    return "a mapping" if isinstance(value, dict) else "a date"
