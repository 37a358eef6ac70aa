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

# What PyYAML takes for a line end and Python's universal newlines do not, and what it turns
# away wherever it stands, even in a comment.
_FOR_YAML_ALONE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]"
)
_NOT_A_PLAIN_LIST = re.compile(r"\n(?:[^ #\n-]|-[^ ])")
_SHOWN_BITS = 200
_KEEPS_BLANK_LINES = re.compile(r"[|>]\d?\+")


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
    if _NOT_A_PLAIN_LIST.search(framed):
        return None
    # Nearly every text is plain ASCII, which is told much faster than by the pattern.
    is_plain_ascii = text.isascii() and text.replace("\n", "").isprintable()
    if not is_plain_ascii and _FOR_YAML_ALONE.search(text):
        return None
    preamble, *parts = framed.split("\n- ")
    if any(line and not line.startswith("#") for line in preamble.split("\n")):
        return None
    line = preamble.count("\n") + 1
    entries = []
    last = len(parts) - 1
    for index, part in enumerate(parts):
        ended = part if index == last else part + "\n"
        entries.append(Entry(name, line, index, "- " + _own_text(ended)))
        line += part.count("\n") + 1
    return entries


def _own_text(part: str) -> str:
    """An entry's text without what stands behind it: blank lines, and comments not indented."""
    if "+" in part and _KEEPS_BLANK_LINES.search(part):
        return part
    end = len(part)
    while True:
        while end and part[end - 1] == "\n":
            end -= 1
        begin = part.rfind("\n", 0, end) + 1
        if begin == 0 or part[begin] != "#":
            return part[: end + 1]
        end = begin


def read_entry(entry: Entry, plain: PlainReader) -> Read:
    """What one entry's text holds. Raises YamlError when it is no YAML by itself."""
    try:
        return Read(plain.read(entry.text), [], plain=True)
    except NotPlain:
        read = read_full(entry.text)
    if not isinstance(read.value, list) or len(read.value) != 1:
        raise YamlError("an entry that is not one item of the list", 0, 0)
    return Read(read.value[0], read.duplicates)


def read_source(
    name: str, text: str, list_key: str | None = None, *, may_be_empty: bool = False
) -> SourceFile:
    """The entries of a file, with all that is wrong with it as YAML (DL003, DL004, DL005, DL009).

    `list_key` is the key under which a top-level mapping may hold the list. A file of comments
    alone holds no list, which is a mistake unless it `may_be_empty`.
    """
    split = split_entries(name, text)
    if not split:
        if split is not None and may_be_empty:
            return SourceFile(name, text, [], [])
        return _read_whole(name, text, list_key)
    found = _Found(name, text)
    plain = PlainReader()
    alone = True
    for entry in split:
        try:
            read = read_entry(entry, plain)
        except YamlError as error:
            found.add_error(error, entry.line)
            continue
        found.add(entry, read, entry.line)
        # An anchor may be used, or be there twice, in another entry.
        alone = alone and (read.plain or "&" not in entry.text)
    if found.torn or not alone:
        whole = _read_whole(name, text, list_key)
        # Of the errors that entries have by themselves, the whole file shows the first alone;
        # what it can show besides is that they are none.
        if not (found.torn and any(d.code == "DL003" for d in whole.diagnostics)):
            return whole
    return found.file()


def _read_whole(name: str, text: str, list_key: str | None) -> SourceFile:
    found = _Found(name, text)
    try:
        items = read_items(text, list_key)
    except YamlError as error:
        found.add_error(error, 1)
        return found.file()
    if isinstance(items, str):
        found.diagnostics.append(
            Diagnostic(name, 1, 1, "DL004", items, source_line=source_line(text, 1))
        )
        return found.file()
    for index, item in enumerate(items):
        entry = Entry(name, item.line + 1, index, text[item.start : item.end], whole=True)
        found.add(entry, item.read, 1)
    return found.file()


class _Found:
    """What was found in a file so far. `torn` tells that an entry could not be read alone."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text
        self._entries: list[EntryValue] = []
        self.diagnostics: list[Diagnostic] = []
        self.torn = False

    def file(self) -> SourceFile:
        return SourceFile(self._name, self._text, self._entries, self.diagnostics)

    def add(self, entry: Entry, read: Read, first_line: int) -> None:
        """Add an entry that was read from a text that begins at `first_line`."""
        for double in read.duplicates:
            message = f"the key `{double.key}` stands twice in one mapping"
            line, column = first_line + double.line, double.column + 1
            self._report("DL009", message, line, column, len(double.key))
        if not isinstance(read.value, dict):
            message = f"this entry is {describe(read.value)}, not a mapping of keys"
            length = len(source_line(self._text, entry.line).rstrip())
            self._report("DL005", message, entry.line, 1, length)
        elif not read.duplicates:
            self._entries.append(EntryValue(entry, read.value))

    def add_error(self, error: YamlError, first_line: int) -> None:
        """Add an error of a text that begins at `first_line`."""
        self.torn = True
        message = f"this is no YAML: {error.message}"
        self._report("DL003", message, first_line + error.line, error.column + 1, 1)

    def _report(self, code: str, message: str, line: int, column: int, length: int) -> None:
        shown = source_line(self._text, line)
        self.diagnostics.append(
            Diagnostic(
                file=self._name,
                line=line,
                # PyYAML's marks may stand behind the end of a line.
                column=min(column, len(shown) + 1),
                code=code,
                message=message,
                source_line=shown,
                length=length,
            )
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
    if isinstance(value, int) and value.bit_length() > _SHOWN_BITS:
        return "a very large number"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text `{value if len(value) <= 40 else value[:37] + '…'}`"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    # What else YAML knows, and nothing here wants: dates, sets, binary data.
    return f"of the type {type(value).__name__}"
