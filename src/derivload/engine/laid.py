"""One input file cut into entries, and several laid over one another as one list of entries."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain

import msgspec

from derivload.engine.overlays import EntryPlace, lay_over, name_in_text, name_of
from derivload.engine.texts import Text
from derivload.sources.entries import Entry, EntryValue, may_share, read_alone, read_source
from derivload.sources.plain import PlainReader
from derivload.sources.splitting import Split, split_digests
from derivload.tuples import NamedTuple


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


class LaidEntries:
    """The entries of a file and its overlays as one list. `key` is that of their schemas."""

    def __init__(
        self, files: Sequence[InputFile], key: str, before: LaidEntries | None, *, override: bool
    ) -> None:
        self._files = files
        self._key = key
        self._is_laid = override and len(files) > 1
        self._order: list[EntryPlace] | None = None
        self._joined: list[bytes] | None = None
        self._places: dict[str, list[EntryLine]] | None = None
        if before is not None and files == before._files and before._is_laid == self._is_laid:
            self._order, self._joined = before._order, before._joined
            self._places = before._places

    def digests(self) -> list[bytes]:
        """The digests of the entries, in their order. Raises NotCertainError."""
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
            elif len(digests) == 1:
                self._joined = digests[0]
            else:
                self._joined = [*chain.from_iterable(digests)]
        return self._joined

    def read(self, index: int, plain: PlainReader, *, with_line: bool) -> EntryValue:
        """An entry with its value. Its line is 0 unless asked for. Raises NotCertainError."""
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
        if self._places is None:
            self._places = self._find_places()
        return self._places

    def _find_places(self) -> dict[str, list[EntryLine]]:
        self.digests()
        order = self._order or [
            EntryPlace(number, here)
            for number, file in enumerate(self._files)
            for here in range(len(file.digests()))
        ]
        names = [file.names(self._key) for file in self._files]
        lines = [file.lines() for file in self._files]
        places: dict[str, list[EntryLine]] = {}
        for number, here in order:
            place = EntryLine(self._files[number].text.name, lines[number][here])
            places.setdefault(names[number][here], []).append(place)
        return places

    def where(self, is_there: Callable[[str], bool]) -> Iterator[int]:
        """The indexes of the entries whose text, with what is behind it, fits.

        All of those of a file that was read whole.
        """
        return self._each(lambda split: (i for i, text in enumerate(split.raw) if is_there(text)))

    def with_word(self, word: str) -> Iterator[int]:
        """The indexes of the entries that have a word, which has no line end in it; as `where`."""
        return self._each(lambda split: split.with_word(word))

    def _each(self, find: Callable[[Split], Iterable[int]]) -> Iterator[int]:
        """The indexes of the entries that are found in each file; of all that were read whole."""
        found = (
            find(file.split) if file.values is None else range(len(file.values))
            for file in self._files
        )
        if self._is_laid:
            self.digests()
            assert self._order is not None
            wanted = [*map(set, found)]
            yield from (i for i, (file, here) in enumerate(self._order) if here in wanted[file])
            return
        first = 0
        for file, positions in zip(self._files, found, strict=True):
            yield from (first + here for here in positions)
            first += len(file.digests())

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
    return [hashlib.sha256(bytes(number) + digest).digest()[:16] for digest in digests]


class InputFile:
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
        """The digests of the entries. Raises NotCertainError."""
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

    def lines(self) -> list[int]:
        """The line of each entry."""
        if self.values is None:
            return self.split.lines()
        return [entry.line for entry, _ in self.values]

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
        """An entry with its value, as the one with this number among all of its kind."""
        if self.values is not None:
            entry, value = self.values[index]
        else:
            line = self.split.line(index) if with_line else 0
            entry, value = self._read_alone(index, plain, line)
        return EntryValue(msgspec.structs.replace(entry, index=number), value)

    def at_line(self, line: int) -> int | None:
        """The index here of the entry that begins in this line."""
        if self.values is None:
            return self.split.at_line(line)
        lines = self.lines()
        return lines.index(line) if line in lines else None

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


def _digest(text: str) -> bytes:
    return hashlib.sha256(b"value" + text.encode("utf-8", "surrogatepass")).digest()[:16]


def input_file(
    text: Text,
    before: InputFile | None,
    split: Split | None,
    sections: Sequence[str],
    *,
    is_overlay: bool,
) -> InputFile:
    """The file with this text: `before`, if it is that. `split` is that of the text, if known."""
    if before is not None and before.text == text:
        return before
    if split is None:
        split = split_digests(text.text, None if before is None else before.split)
    return InputFile(text, split, sections, is_overlay=is_overlay)
