"""The entries of all inputs: their digests, and each entry read only when it is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress

import msgspec

from derivload.derivatives.definition import Formulas, read_definition
from derivload.derivatives.formula_names import called_names
from derivload.engine.load import OVERLAY_KEY, Text, Texts, read_tags
from derivload.sources.entries import Entry, EntryValue, Mapping, read_alone, read_source
from derivload.sources.plain import PlainReader
from derivload.sources.splitting import Split, split_digests


class NotCertainError(Exception):
    """An incremental load might be wrong for these inputs: only a full load can tell.

    Never leaves the engine.
    """


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
        named = (texts.derivatives, *texts.native_functions, texts.tags)
        known: tuple[_File, ...] = () if before is None else before._files
        self._files: tuple[_File, ...] = tuple(
            _file(
                text,
                known[i] if i < len(known) else None,
                splits[i] if splits else None,
                is_overlay=1 < i < len(named) - 1,
            )
            for i, text in enumerate(named)
        )
        self._definitions, *self._natives, _ = self._files
        self._joined: list[bytes] | None = None
        if before is not None and self._natives == before._natives:
            self._joined = before._joined
        self._tags: frozenset[str] | None = None
        if before is not None and texts.tags == before.texts.tags:
            self._tags = before._tags

    @property
    def is_of_entries(self) -> bool:
        """Whether each entry can be read by itself."""
        return all(file.values is None for file in self._files)

    def read_tags(self) -> frozenset[str]:
        """The valid tags. Raises NotCertainError if `read_tags` of `load.py` gives None."""
        if self._tags is None:
            self._tags = read_tags(self.texts.tags)
        if self._tags is None:
            raise NotCertainError
        return self._tags

    @property
    def definitions(self) -> list[bytes]:
        """The digests of the entries of derivatives.yaml."""
        return self._definitions.digests()

    @property
    def natives(self) -> list[bytes]:
        """The digests of the entries of native_functions.yaml, then of those of its overlays."""
        if self._joined is None:
            self._joined = [digest for file in self._natives for digest in file.digests()]
        return self._joined

    def definition(self, index: int, *, with_line: bool = False) -> EntryValue:
        """An entry of derivatives.yaml, by its index among them; its line is 0 unless asked for."""
        return self._definitions.read(index, index, self._plain, with_line=with_line)

    def native(self, index: int, *, with_line: bool = False) -> EntryValue:
        """An entry of native_functions.yaml or an overlay, by its index among all of them.

        Its line is 0 unless asked for.
        """
        here = index
        for file in self._natives:
            count = len(file.digests())
            if here < count:
                return file.read(here, index, self._plain, with_line=with_line)
            here -= count
        raise IndexError(index)

    def entry(self, at: int, *, of_native: bool) -> Entry:
        """An entry, by its index among all of its kind, with its line and its index in its file."""
        here = at
        for file in self._natives if of_native else (self._definitions,):
            count = len(file.digests())
            if here < count:
                return file.entry(here)
            here -= count
        raise IndexError(at)

    def entries_with(self, word: str) -> Iterator[tuple[bool, int, Entry]]:
        """The entries that have this word in their text: whether native, index, entry.

        Those of a file that was read whole may have it in a comment behind them.
        """
        for of_native, files in ((False, (self._definitions,)), (True, self._natives)):
            at = 0
            for file in files:
                for here in range(len(file.digests())):
                    if file.values is not None or word in file.text_of(here):
                        yield of_native, at + here, file.entry(here)
                at += len(file.digests())

    def called_with(self, name: str) -> bool:
        """Whether a formula calls this name."""
        return any(
            name in called_names(formula)
            for of_native, index, _ in self.entries_with(name)
            if not of_native
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


class _File:
    """One input file. `values` holds its entries if the file had to be read whole, else None."""

    def __init__(self, text: Text, split: Split, *, is_overlay: bool) -> None:
        self.text = text
        self.split = split
        self.values: list[EntryValue] | None = None
        self._digests = split.digests
        if split.digests is None and is_overlay:
            self._read_whole()
        if not self._digests and not is_overlay:
            self._digests = None  # an empty file is a mistake

    def digests(self) -> list[bytes]:
        if self._digests is None:
            raise NotCertainError
        return self._digests

    def read(self, index: int, number: int, plain: PlainReader, *, with_line: bool) -> EntryValue:
        if self.values is not None:
            entry, value = self.values[index]
        else:
            line = self.split.line(index) if with_line else 0
            entry = Entry(self.text.name, line, index, self.split.entry(index))
            found = read_alone(entry, plain)
            if found is None:
                raise NotCertainError
            value = found
        return EntryValue(msgspec.structs.replace(entry, index=number), value)

    def text_of(self, index: int) -> str:
        """The text of an entry, if the file was not read whole."""
        return self.split.entry(index)

    def entry(self, index: int) -> Entry:
        """An entry, with its line and its index here."""
        if self.values is not None:
            return self.values[index].entry
        return Entry(self.text.name, self.split.line(index), index, self.split.entry(index))

    def _read_whole(self) -> None:
        if "&" in self.text.text:
            return  # YAML anchors: an entry may share parts with another one, or with itself
        source = read_source(self.text.name, self.text.text, OVERLAY_KEY, may_be_empty=True)
        if source.diagnostics:
            return
        self.values = source.entries
        # The digest is of the value with its type: a date is not a text.
        with suppress(ValueError):  # repr() refuses numbers with too many digits
            self._digests = [_digest(repr(value)) for _, value in source.entries]


def _formulas(value: Mapping) -> tuple[Formulas, ...]:
    definition, _ = read_definition(value)
    return () if definition is None else definition.dispatch


def _digest(text: str) -> bytes:
    return hashlib.sha256(b"value" + text.encode("utf-8", "surrogatepass")).digest()[:16]


def _file(text: Text, before: _File | None, split: Split | None, *, is_overlay: bool) -> _File:
    if before is not None and before.text == text:
        return before
    if split is None:
        split = split_digests(text.text, None if before is None else before.split)
    return _File(text, split, is_overlay=is_overlay)
