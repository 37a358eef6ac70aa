"""The entries of all inputs: their digests, and each entry read only when it is asked for."""

from __future__ import annotations

import bisect
import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import msgspec

from derivload.derivatives.definition import Formulas, read_definition
from derivload.derivatives.formula_names import called_names
from derivload.engine.overlays import EntryPlace, lay_over, name_in_text, name_of
from derivload.engine.texts import Text, Texts
from derivload.native.keys import EntryKeys
from derivload.sources.entries import (
    Entry,
    EntryValue,
    Mapping,
    may_share,
    read_alone,
    read_source,
)
from derivload.sources.plain import PlainReader
from derivload.sources.splitting import Split, split_digests


class NotCertainError(Exception):
    """An incremental load might be wrong for these inputs: only a full load can tell.

    Never leaves the engine.
    """


class LostEntryError(NotCertainError):
    """An entry cannot be read, and does not share parts with other entries."""


class EntryLine(NamedTuple):
    """Where an entry is: the name of its file, and its line."""

    file: str
    line: int


# What a value begins with that is not a text as it is.
_ODD: Final = frozenset("'\"|>&!*")


class InputEntries:
    """The entries of one set of inputs.

    `before` is an earlier set: files that did not change since are taken from it. `splits` are
    the splits of the texts, in the order of the command line, if known. Asking for entries that
    cannot be read one by one raises NotCertainError.
    """

    def __init__(
        self, texts: Texts, before: InputEntries | None = None, splits: Sequence[Split] = ()
    ) -> None:
        self.texts = texts
        self._plain = PlainReader()
        self._entry_keys = EntryKeys(texts.additions.entry_keys)
        known: tuple[_File, ...] = () if before is None else before._files
        self._files: tuple[_File, ...] = tuple(
            _file(
                text,
                known[i] if i < len(known) else None,
                splits[i] if splits else None,
                sections,
                is_overlay=is_overlay,
            )
            for i, (text, sections, is_overlay) in enumerate(_kinds(texts))
        )
        count = 1 + len(texts.more_derivatives)
        override = texts.additions.override
        old = (None, None) if before is None else (before._definitions, before._natives)
        self._definitions: _Laid = _Laid(self._files[:count], "name", old[0], override=override)
        self._natives: _Laid = _Laid(self._files[count:-1], "func", old[1], override=override)
        self._tags: frozenset[str] | None = None
        if before is not None and texts.tags == before.texts.tags:
            self._tags = before._tags

    @property
    def is_of_entries(self) -> bool:
        """Whether each entry can be read by itself."""
        return all(file.values is None for file in self._files)

    @property
    def passed_over(self) -> dict[str, tuple[str, ...]]:
        """The sections of each file that hold no entries, by its name."""
        return {file.text.name: file.passed_over for file in self._files}

    def read_tags(self) -> frozenset[str]:
        """The valid tags. Raises NotCertainError if `read_tags` of `load.py` gives None."""
        if self._tags is None:
            from derivload.engine.load import read_tags

            self._tags = read_tags(self.texts.tags)
        if self._tags is None:
            raise NotCertainError
        return self._tags

    @property
    def definitions(self) -> list[bytes]:
        """The digests of the entries of derivatives.yaml and its overlays, laid over it."""
        return self._definitions.digests()

    @property
    def natives(self) -> list[bytes]:
        """The digests of the entries of native_functions.yaml and its overlays, laid over it."""
        return self._natives.digests()

    def definition(self, index: int, *, with_line: bool = False) -> EntryValue:
        """An entry of derivatives.yaml, by its index among them; its line is 0 unless asked for."""
        return self._definitions.read(index, self._plain, with_line=with_line)

    def native(self, index: int, *, with_line: bool = False) -> EntryValue:
        """An entry of native_functions.yaml or an overlay, by its index among all of them.

        Its line is 0 unless asked for.
        """
        entry, value = self._natives.read(index, self._plain, with_line=with_line)
        return EntryValue(entry, self._entry_keys.without(value))

    def read_definition(self, index: int) -> EntryValue | None:
        """As `definition`; None if the entry is not valid, whatever else is in its file.

        Raises NotCertainError if that depends on the rest of the file.
        """
        return _or_lost(self.definition, index)

    def read_native(self, index: int) -> EntryValue | None:
        """As `native`, and None as `read_definition`."""
        return _or_lost(self.native, index)

    def natives_where(self, is_there: Callable[[str], bool]) -> Iterator[int]:
        """The indexes of the native functions whose text, with what is behind it, fits."""
        return self._natives.where(is_there)

    def at_line(self, file: str, line: int) -> tuple[bool, int] | None:
        """The entry whose first line this is: whether it is of native functions, and its index."""
        for of_native, laid in ((False, self._definitions), (True, self._natives)):
            at = laid.at_line(file, line)
            if at is not None:
                return of_native, at
        return None

    def text_of(self, file: str) -> str:
        """The text of a file, by its name."""
        return next(known.text.text for known in self._files if known.text.name == file)

    def entry(self, at: int, *, of_native: bool) -> Entry:
        """An entry, by its index among all of its kind, with its line and its index in its file."""
        return (self._natives if of_native else self._definitions).entry(at)

    def file(self, at: int, *, of_native: bool) -> str:
        """The name of the file that an entry is in."""
        return (self._natives if of_native else self._definitions).file(at)

    def places(self, *, of_native: bool) -> dict[str, list[EntryLine]]:
        """Where the entries of one kind are, in their order, by the operator that they name.

        Raises NotCertainError.
        """
        return (self._natives if of_native else self._definitions).places()

    def entries_with(self, word: str) -> Iterator[tuple[bool, int, Entry]]:
        """The entries that have this word in their text: whether native, index, entry.

        Those of a file that was read whole may have it in a comment behind them.
        """
        for of_native, laid in ((False, self._definitions), (True, self._natives)):
            for at in laid.where(lambda text: word in text):
                entry = laid.entry(at)
                if entry.whole or word in entry.text:
                    yield of_native, at, entry

    def schemas_of(self, bases: frozenset[str]) -> Iterator[str]:
        """The schemas of the native functions with these base names, perhaps of others too."""
        names = "|".join(map(re.escape, sorted(bases)))
        plain = re.compile(rf"func: ((?:{names})_?[.(][^#'\"\n]*)$", re.MULTILINE)
        anywhere = re.compile(rf"\b(?:{names})_?[.(]")

        def may_be_one(text: str) -> bool:
            # Most entries begin so, without a namespace and without quotes.
            if text.startswith("func: ") and text[6:7] not in _ODD and "::" not in text:
                return plain.match(text) is not None
            return anywhere.search(text) is not None

        for at in self._natives.where(may_be_one):
            written = plain.match(self._natives.entry(at).text.removeprefix("- "))
            if written is not None:
                yield written[1].rstrip()
                continue
            read = self.read_native(at)
            if read is not None:
                name, parenthesis, rest = str(read.value.get("func")).partition("(")
                yield name.rpartition("::")[2] + parenthesis + rest

    def called_with(self, name: str, unread: Collection[int] = ()) -> bool:
        """Whether a formula calls this name. `unread` are definitions that cannot be read."""
        call = re.compile(rf"(?<!\w){re.escape(name)}\s*\(")

        def may_call(text: str) -> bool:
            # With a backslash, the value may differ from what is written.
            return name in text and (call.search(text) is not None or "\\" in text)

        return any(
            name in called_names(formula)
            for index in self._definitions.where(may_call)
            if index not in unread
            for formulas in _formulas(self.definition(index).value)
            for _, formula in formulas.formulas
        )

    def check_whole(self, whole: Collection[str]) -> None:
        """Check that exactly the files named in `whole` had to be read whole here too.

        Raises NotCertainError if not.
        """
        for file in self._files:
            if (file.text.name in whole) != (file.values is not None):
                raise NotCertainError


def _or_lost(read: Callable[[int], EntryValue], index: int) -> EntryValue | None:
    try:
        return read(index)
    except LostEntryError:
        return None


def _kinds(texts: Texts) -> list[tuple[Text, Sequence[str], bool]]:
    """Each input, with its sections if it may be a mapping, and whether it is an overlay."""
    base, *overlays = texts.native_functions
    sections = texts.additions.sections
    return [
        (texts.derivatives, (), False),
        *((text, (), True) for text in texts.more_derivatives),
        (base, sections, False),
        *((text, sections, True) for text in overlays),
        (texts.tags, (), False),
    ]


class _Laid:
    """The entries of a file and its overlays as one list. `key` is that of their schemas."""

    def __init__(
        self, files: Sequence[_File], key: str, before: _Laid | None, *, override: bool
    ) -> None:
        self._files = files
        self._key = key
        self._is_laid = override and len(files) > 1
        self._order: list[EntryPlace] | None = None
        self._joined: list[bytes] | None = None
        if before is not None and files == before._files and before._is_laid == self._is_laid:
            self._order, self._joined = before._order, before._joined

    def digests(self) -> list[bytes]:
        if self._joined is None:
            digests = [file.digests() for file in self._files]
            if self._key == "name":
                digests = [_of_file(number, own) for number, own in enumerate(digests)]
            if self._is_laid:
                names = [file.names(self._key) for file in self._files]
                laid = lay_over(names, override=True)
                # Nobody reads these, but a mistake in one is a mistake of its file.
                for replaced, _ in laid.replaced:
                    self._files[replaced.file].check(replaced.entry)
                self._order = laid.order
                self._joined = [digests[place.file][place.entry] for place in self._order]
            else:
                self._joined = [digest for own in digests for digest in own]
        return self._joined

    def read(self, index: int, plain: PlainReader, *, with_line: bool) -> EntryValue:
        file, here = self._find(index)
        return self._files[file].read(here, index, plain, with_line=with_line)

    def entry(self, index: int) -> Entry:
        """An entry, with its line and its index in its file."""
        file, here = self._find(index)
        return self._files[file].entry(here)

    def at_line(self, name: str, line: int) -> int | None:
        """The index of the entry of a file that begins in this line."""
        first = 0
        for number, file in enumerate(self._files):
            count = len(file.digests())
            here = file.at_line(line) if file.text.name == name else None
            if here is not None:
                if not self._is_laid:
                    return first + here
                self.digests()
                place = EntryPlace(number, here)
                order = self._order or []
                return order.index(place) if place in order else None
            first += count
        return None

    def file(self, index: int) -> str:
        """The name of the file that an entry is in."""
        return self._files[self._find(index).file].text.name

    def places(self) -> dict[str, list[EntryLine]]:
        """Where the entries are, in their order, by the operator that they name."""
        self.digests()
        order = self._order or [
            EntryPlace(number, here)
            for number, file in enumerate(self._files)
            for here in range(len(file.digests()))
        ]
        names = [file.names(self._key) for file in self._files]
        places: dict[str, list[EntryLine]] = {}
        for number, here in order:
            file = self._files[number]
            place = EntryLine(file.text.name, file.line(here))
            places.setdefault(names[number][here], []).append(place)
        return places

    def where(self, is_there: Callable[[str], bool]) -> Iterator[int]:
        """The indexes of the entries whose text, with what is behind it, fits.

        All of those of a file that was read whole.
        """
        if self._is_laid:
            self.digests()
            assert self._order is not None
            for index, (number, here) in enumerate(self._order):
                file = self._files[number]
                if file.values is not None or is_there(file.split.raw[here]):
                    yield index
            return
        first = 0
        for file in self._files:
            count = len(file.digests())
            for here in range(count):
                if file.values is not None or is_there(file.split.raw[here]):
                    yield first + here
            first += count

    def _find(self, index: int) -> EntryPlace:
        if self._is_laid:
            self.digests()
            assert self._order is not None
            return self._order[index]
        here = index
        for number, file in enumerate(self._files):
            count = len(file.digests())
            if here < count:
                return EntryPlace(number, here)
            here -= count
        raise IndexError(index)


def _of_file(number: int, digests: list[bytes]) -> list[bytes]:
    """Digests that tell which file a definition is of: no two may define the same function."""
    if number == 0:
        return digests
    salt = number.to_bytes(4, "big")
    return [hashlib.sha256(salt + digest).digest()[:16] for digest in digests]


class _File:
    """One input file. `values` holds its entries if the file had to be read whole, else None."""

    def __init__(
        self, text: Text, split: Split, sections: Sequence[str], *, is_overlay: bool
    ) -> None:
        self.text = text
        self.split = split
        self.values: list[EntryValue] | None = None
        self.passed_over: tuple[str, ...] = ()
        self._digests = split.digests
        self._names: list[str] | None = None
        if split.digests is None and is_overlay:
            self._read_whole(sections)
        if not self._digests and not is_overlay:
            self._digests = None  # an empty file is a mistake

    def digests(self) -> list[bytes]:
        if self._digests is None:
            raise NotCertainError
        return self._digests

    def names(self, key: str) -> list[str]:
        """What `name_of` gives for each entry."""
        if self._names is None:
            if self.values is not None:
                self._names = [name_of(value, key) for _, value in self.values]
            else:
                self._names = [
                    name_in_text(text, key) or self._read_name(index, key)
                    for index, text in enumerate(self.split.raw)
                ]
        return self._names

    def line(self, index: int) -> int:
        """The line of an entry."""
        return self.split.line(index) if self.values is None else self.values[index].entry.line

    def _read_name(self, index: int, key: str) -> str:
        return name_of(self._read_alone(index, PlainReader()).value, key)

    def check(self, index: int) -> None:
        """Check that an entry can be read. Raises NotCertainError."""
        if self.values is None:
            self._read_alone(index, PlainReader())

    def _read_alone(self, index: int, plain: PlainReader, line: int = 0) -> EntryValue:
        entry = Entry(self.text.name, line, index, self.split.entry(index))
        value = read_alone(entry, plain)
        if value is None:
            raise NotCertainError if may_share(entry, plain) else LostEntryError
        return EntryValue(entry, value)

    def read(self, index: int, number: int, plain: PlainReader, *, with_line: bool) -> EntryValue:
        if self.values is not None:
            entry, value = self.values[index]
        else:
            line = self.split.line(index) if with_line else 0
            entry, value = self._read_alone(index, plain, line)
        return EntryValue(msgspec.structs.replace(entry, index=number), value)

    def at_line(self, line: int) -> int | None:
        """The index here of the entry that begins in this line."""
        if self.values is not None:
            lines = [entry.line for entry, _ in self.values]
        else:
            lines = [self.split.line(index) for index in range(len(self.digests()))]
        at = bisect.bisect_left(lines, line)
        return at if at < len(lines) and lines[at] == line else None

    def entry(self, index: int) -> Entry:
        """An entry, with its line and its index here."""
        if self.values is not None:
            return self.values[index].entry
        return Entry(self.text.name, self.split.line(index), index, self.split.entry(index))

    def _read_whole(self, sections: Sequence[str]) -> None:
        if "&" in self.text.text:
            return  # YAML anchors: an entry may share parts with another one, or with itself
        source = read_source(self.text.name, self.text.text, sections, may_be_empty=True)
        if source.diagnostics:
            return
        self.values = source.entries
        self.passed_over = source.passed_over
        # The digest is of the value with its type: a date is not a text.
        with suppress(ValueError):  # repr() refuses numbers with too many digits
            self._digests = [_digest(repr(value)) for _, value in source.entries]


def _formulas(value: Mapping) -> tuple[Formulas, ...]:
    definition, _ = read_definition(value)
    return () if definition is None else definition.dispatch


def _digest(text: str) -> bytes:
    return hashlib.sha256(b"value" + text.encode("utf-8", "surrogatepass")).digest()[:16]


def _file(
    text: Text,
    before: _File | None,
    split: Split | None,
    sections: Sequence[str],
    *,
    is_overlay: bool,
) -> _File:
    if before is not None and before.text == text:
        return before
    if split is None:
        split = split_digests(text.text, None if before is None else before.split)
    return _File(text, split, sections, is_overlay=is_overlay)
