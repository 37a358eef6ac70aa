"""Reads the entries of a file: each one alone if possible, otherwise the whole file at once.

An entry may contain only a part of something, such as an open quote or an alias of another entry's
anchor. Alone, such an entry is not valid YAML, or may mean something else. Then the file is read
as a whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from derivload.diagnostics import Diagnostic, Edit, Fix, Related, shortened
from derivload.patterns import lazy
from derivload.sources.full import NoListError, Read, is_yaml, read_full, read_items
from derivload.sources.not_yaml import Instead, YamlError
from derivload.sources.plain import NotPlain, PlainReader, Value
from derivload.sources.splitting import split_text
from derivload.tuples import NamedTuple

Mapping = dict[Value, Value]

_SHOWN_BITS = 200
_ANCHOR = lazy(r"(?<![^\s\[{,:?-])&[\w-]")

# The longest entry of any release has some 1,300 characters. These limits protect time and memory
# from malicious input, and from files that are not definitions at all.
MAX_ENTRY = 100_000
MAX_MISTAKES = 1_000
_MAX_ENTRIES = 50_000
_MAX_SPREAD = 4
# The line ends of so many characters are counted at once.
_STRIDE = 1 << 16


class Entry(msgspec.Struct, frozen=True, gc=False):
    """The text of one entry, and its place.

    `line` counts from 1. `index` is its index in the file's list. `whole` tells that the text can
    only be read as part of its file. `doubtful` tells that a key occurs twice in it: the last one
    counts where we look for further mistakes, and nothing is made of the entry.
    """

    file: str
    line: int
    index: int
    text: str
    whole: bool = False
    doubtful: bool = False


class EntryValue(NamedTuple):
    """An entry and its value, which is a mapping."""

    entry: Entry
    value: Mapping


class SourceFile(NamedTuple):
    """The entries of a file, and its mistakes as YAML.

    `whole` tells that the entries could not be read alone. `lost` has the texts of the entries
    that could not be read at all. A None in it means any number of unknown entries. `passed_over`
    are the sections of a mapping that hold no entries, or all of its keys if none does.
    """

    name: str
    text: str
    entries: list[EntryValue]
    diagnostics: list[Diagnostic]
    whole: bool = False
    lost: tuple[str | None, ...] = ()
    passed_over: tuple[str, ...] = ()


def split_entries(name: str, text: str) -> list[Entry] | None:
    """The entries of a text that is a plain block list; None if it must be read as a whole."""
    split = split_text(text)
    if split is None:
        return None
    return [Entry(name, line, index, entry) for index, (line, entry) in enumerate(split)]


def read_entry(entry: Entry, plain: PlainReader) -> Read:
    """The value of one entry's text. Raises YamlError if the text alone is not valid YAML."""
    try:
        return Read(plain.read(entry.text), [], plain=True)
    except NotPlain:
        read = read_full(entry.text)
    if not isinstance(read.value, list) or len(read.value) != 1:
        raise YamlError("this entry is not a single item of the list", 0, 0)
    return Read(read.value[0], read.duplicates)


def read_alone(entry: Entry, plain: PlainReader) -> Mapping | None:
    """The mapping of an entry, if it does not depend on the rest of its file.

    None if it may depend on it, or if the entry has a mistake.
    """
    if len(entry.text) > MAX_ENTRY:
        return None
    try:
        read = read_entry(entry, plain)
    except YamlError:
        return None
    if read.duplicates or (not read.plain and has_anchor(entry.text)):
        return None
    return read.value if isinstance(read.value, dict) else None


def may_share(entry: Entry, plain: PlainReader) -> bool:
    """Whether an entry that is valid YAML alone may share parts with other entries."""
    if len(entry.text) > MAX_ENTRY:
        return False
    try:
        read = read_entry(entry, plain)
    except YamlError:
        return False
    return not read.plain and has_anchor(entry.text)


def has_anchor(text: str) -> bool:
    """Whether a text may have an anchor of YAML. The `&&` and `a & b` of C++ are none."""
    return "&" in text and _ANCHOR.search(text) is not None


def read_source(
    name: str, text: str, sections: Collection[str] = (), *, may_be_empty: bool = False
) -> SourceFile:
    """The entries of a file, and its mistakes as YAML (DL003, DL004, DL005, DL009, DL010).

    `sections` are the keys that hold lists of entries, if the file may be a mapping. A file with
    nothing but comments has no list of entries; that is a mistake unless it `may_be_empty`.
    """
    split = split_entries(name, text)
    if not split:
        if split is not None and may_be_empty:
            return SourceFile(name, text, [], [])
        return _read_whole(name, text, sections, may_be_empty=may_be_empty)
    found = _Found(name, text)
    alone = found.read(split, PlainReader())
    if (found.torn or not alone) and not found.is_full:
        if found.torn and _is_broken(text, found.torn[0]):
            return found.file()
        whole = _read_whole(name, text, sections, may_be_empty=may_be_empty)
        # If the whole file has an error too, it reports only the first; so we report the errors
        # of the single entries. If it has none, the entries are valid as part of the file.
        if not (found.torn and any(d.code == "DL003" for d in whole.diagnostics)):
            return whole
    return found.file()


def read_mistaken(name: str, text: str, entries: Sequence[Entry]) -> SourceFile | None:
    """What `read_source` gives for these entries, if each of the others can be read alone.

    None if it must read the whole file.
    """
    found = _Found(name, text)
    alone = found.read(entries, PlainReader())
    is_known = not found.torn or _is_broken(text, found.torn[0])
    return found.file() if alone and is_known and not found.is_full else None


def _is_broken(text: str, torn: Entry) -> bool:
    """Whether the whole file has an error because of `torn`, the first entry that has one alone.

    False if that cannot be told without reading the whole file. The entries before it are valid,
    so the file is read as YAML from there on; an error nearly always ends that soon.
    """
    start = _start_of(text, torn.line)
    return not is_yaml(text[start:])


def _start_of(text: str, line: int) -> int:
    at, left = 0, line - 1
    while (ends := text.count("\n", at, at + _STRIDE)) < left:
        at, left = at + _STRIDE, left - ends
    for _ in range(left):
        at = text.index("\n", at) + 1
    return at


def _read_whole(
    name: str, text: str, sections: Collection[str], *, may_be_empty: bool
) -> SourceFile:
    found = _Found(name, text, whole=True)
    try:
        items, found.passed_over = read_items(text, sections, may_be_empty=may_be_empty)
    except YamlError as error:
        found.add_error(error, 1)
        return found.file()
    except NoListError as error:
        found.passed_over = error.keys
        found.add_no_list(error.message)
        return found.file()
    if sum(item.end - item.start for item in items) > _MAX_SPREAD * len(text):
        found.add_too_large("aliases make this file many times larger")
        return found.file()
    if len(items) > _MAX_ENTRIES:  # a list in brackets may have very many in one line
        found.add_too_large(f"this file has more than {_MAX_ENTRIES} entries")
        return found.file()
    for index, item in enumerate(items):
        entry = Entry(name, item.line + 1, index, text[item.start : item.end], whole=True)
        if found.is_full:
            break
        if item.end - item.start > MAX_ENTRY:
            found.add_long(entry)
        else:
            found.add(entry, item.read, 1)
    return found.file()


class _Found:
    """The entries and mistakes found in a file so far.

    `torn` are the entries that could not be read alone.
    """

    def __init__(self, name: str, text: str, *, whole: bool = False) -> None:
        self._name = name
        self._text = text
        self._whole = whole
        self._lines: list[str] | None = None
        self._entries: list[EntryValue] = []
        self._lost: list[str | None] = []
        self.diagnostics: list[Diagnostic] = []
        self.passed_over: tuple[str, ...] = ()
        self.torn: list[Entry] = []

    def read(self, entries: Iterable[Entry], plain: PlainReader) -> bool:
        """Read entries, each alone. Whether none of them may depend on another one."""
        alone = True
        for entry in entries:
            if self.is_full:
                break
            if len(entry.text) > MAX_ENTRY:
                self.add_long(entry)
                continue
            try:
                read = read_entry(entry, plain)
            except YamlError as error:
                self.torn.append(entry)
                self.add_error(error, entry.line, entry.text)
                continue
            self.add(entry, read, entry.line)
            # Another entry may use the anchor, or define it again.
            alone = alone and (read.plain or not has_anchor(entry.text))
        return alone

    @property
    def is_full(self) -> bool:
        """Whether there are so many mistakes that we stop looking for more."""
        return len(self.diagnostics) > MAX_MISTAKES

    def file(self) -> SourceFile:
        if self.is_full:
            self.diagnostics = [*self.diagnostics[:MAX_MISTAKES], too_many(self._name)]
            self._lost.append(None)
        return SourceFile(
            name=self._name,
            text=self._text,
            entries=self._entries,
            diagnostics=self.diagnostics,
            whole=self._whole,
            lost=tuple(self._lost),
            passed_over=self.passed_over,
        )

    def add(self, entry: Entry, read: Read, first_line: int) -> None:
        """Add an entry. The text that it was read from begins at `first_line`."""
        for double in read.duplicates[: MAX_MISTAKES + 1]:
            message = f"the key `{shortened(double.key)}` occurs twice in one mapping"
            line, column = first_line + double.line, double.column + 1
            first, at = first_line + double.first[0], double.first[1] + 1
            related = Related(self._name, first, at, at + len(double.key), "the first one")
            self._report(
                code="DL009",
                message=message,
                line=line,
                column=column,
                length=len(double.key),
                help=double.instead.help if double.begins_entry and double.instead else "",
                fixes=fixes_of(double.instead, self._name, first_line),
                related=(related,),
            )
        if not isinstance(read.value, dict):
            message = f"this entry is {describe(read.value)}, not a mapping of keys"
            length = len(self._line(entry.line).rstrip())
            self._report("DL005", message, entry.line, 1, length)
            self._lost.append(entry.text)
            return
        if read.duplicates:
            self._lost.append(entry.text)
            if any(double.begins_entry for double in read.duplicates):
                return  # it is two entries
            entry = msgspec.structs.replace(entry, doubtful=True)
        self._entries.append(EntryValue(entry, read.value))

    def add_error(self, error: YamlError, first_line: int, entry: str | None = None) -> None:
        """Add an error in a text that begins at `first_line`.

        `entry` is the text of the entry; None if the text is the whole file.
        """
        self._lost.append(entry)
        message = f"this is not YAML: {error.message}"
        line, column = first_line + error.line, error.column + 1
        fixes = fixes_of(error.instead, self._name, first_line)
        self._report("DL003", message, line, column, 1, help=error.help, fixes=fixes)

    def add_long(self, entry: Entry) -> None:
        """Report that an entry is too long to be read."""
        message = f"this entry has more than {MAX_ENTRY} characters"
        self._report("DL010", message, entry.line, 1, 1)
        self._lost.append(entry.text)

    def add_too_large(self, message: str) -> None:
        """Report that the file as a whole is too large."""
        self.diagnostics.append(Diagnostic(self._name, 0, 0, "DL010", message))
        self._lost.append(None)

    def add_no_list(self, message: str) -> None:
        """Report that the file has no list of entries."""
        self._report("DL004", message, 1, 1, 1)
        self._lost.append(None)

    def _line(self, line: int) -> str:
        if self._lines is None:
            self._lines = self._text.split("\n")
        return self._lines[line - 1] if 0 < line <= len(self._lines) else ""

    def _report(
        self,
        code: str,
        message: str,
        line: int,
        column: int,
        length: int,
        *,
        help: str = "",  # noqa: A002
        fixes: tuple[Fix, ...] = (),
        related: tuple[Related, ...] = (),
    ) -> None:
        shown = self._line(line)
        # A mark of PyYAML may be after the end of the line, and a key may continue on the next.
        column = min(column, len(shown) + 1)
        self.diagnostics.append(
            Diagnostic(
                file=self._name,
                line=line,
                column=column,
                code=code,
                message=message,
                help=help,
                source_line=shown,
                length=max(1, min(length, len(shown) + 1 - column)),
                fixes=fixes,
                related=related,
            )
        )


def fixes_of(instead: Instead | None, file: str, first_line: int) -> tuple[Fix, ...]:
    """The fix of a text that begins at a line of a file."""
    if instead is None:
        return ()
    edits = [
        Edit(file, first_line + line, column + 1, first_line + end_line, end_column + 1, text)
        for (line, column), (end_line, end_column), text in instead.parts
    ]
    return (Fix(instead.help, tuple(edits), instead.is_safe),)


def too_many(file: str, severity: str = "error") -> Diagnostic:
    """The diagnostic for a file that has more mistakes than are reported."""
    message = f"this file has more than {MAX_MISTAKES} mistakes"
    help_ = "fix these first, and check again"
    return Diagnostic(file, 0, 0, "DL010", message, help_, severity=severity)


def describe(value: Value | Sequence[Value]) -> str:
    """A YAML value as the words of a sentence: "a list", "the number 3", …"""
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
    # YAML has other types, which are never valid here: dates, sets, binary data.
    return f"of the type {type(value).__name__}"
