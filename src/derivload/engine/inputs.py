"""The entries of all inputs: their digests, and each entry read only when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final

from derivload.derivatives.definition import Formulas, read_definition
from derivload.derivatives.formula_names import called_names
from derivload.engine.laid import (
    EntryLine,
    InputFile,
    LaidEntries,
    LostEntryError,
    NotCertainError,
    input_file,
)
from derivload.engine.texts import Text, Texts
from derivload.native.function import hides_from_python
from derivload.native.keys import EntryKeys
from derivload.sources.entries import (
    Entry,
    EntryValue,
    Mapping,
)
from derivload.sources.plain import PlainReader
from derivload.sources.splitting import Split

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
        known: tuple[InputFile, ...] = () if before is None else before._files
        self._files: tuple[InputFile, ...] = tuple(
            input_file(
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
        self._definitions: LaidEntries = LaidEntries(
            self._files[:count], "name", old[0], override=override
        )
        self._natives: LaidEntries = LaidEntries(
            self._files[count:-1], "func", old[1], override=override
        )
        self._tags: frozenset[str] | None = None
        if before is not None and texts.tags == before.texts.tags:
            self._tags = before._tags

    @property
    def is_of_entries(self) -> bool:
        """Whether each entry can be read by itself."""
        return all(file.values is None for file in self._files)

    @property
    def splits(self) -> list[Split]:
        """The splits of the texts, in the order of the command line."""
        return [file.split for file in self._files]

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

    def may_have(self, word: str, file: str = "") -> bool:
        """Whether a text of entries, or that of a file, has this word, which has no line end."""
        return any(one.split.has(word) for one in self._files[:-1] if file in ("", one.text.name))

    def entries_with(self, word: str) -> Iterator[tuple[bool, int, Entry]]:
        """The entries that have this word in their text: whether native, index, entry.

        Those of a file that was read whole may have it in a comment behind them.
        """
        for of_native, laid in ((False, self._definitions), (True, self._natives)):
            for at in laid.with_word(word):
                entry = laid.entry(at)
                if entry.whole or word in entry.text:
                    yield of_native, at, entry

    def schemas_of(self, bases: frozenset[str]) -> Iterator[str]:
        """The schemas of the native functions with these base names, perhaps of others too.

        Those whose tags hide them from Python are left out.
        """
        names = "|".join(map(re.escape, sorted(bases)))
        begin = re.compile(rf"func: (?:{names})_?[.(]")
        # Alone in its line, with the next key behind it.
        plain = re.compile(rf"func: ((?:{names})_?[.(][^#'\"\n]*)(?=\n  \w+:|\s*\Z)")
        anywhere = re.compile(rf"\b(?:{names})_?[.(]")

        def may_be_one(text: str) -> bool:
            # Most entries begin so, without a namespace and without quotes.
            if text.startswith("func: ") and text[6:7] not in _ODD and "::" not in text:
                return begin.match(text) is not None
            return anywhere.search(text) is not None

        for at in self._natives.where(may_be_one):
            text = self._natives.entry(at).text.removeprefix("- ")
            written = None if "generated" in text else plain.match(text)
            if written is not None:
                yield written[1].rstrip()
                continue
            read = self.read_native(at)
            if read is not None and not hides_from_python(_tags_of(read.value)):
                name, parenthesis, rest = str(read.value.get("func")).partition("(")
                yield (name.rpartition("::")[2] + parenthesis + rest).strip()

    def called_with(self, name: str, unread: Collection[int] = ()) -> bool:
        """Whether a formula calls this name. `unread` are definitions that cannot be read."""
        call = re.compile(rf"(?<!\w){re.escape(name)}\s*\(")

        def may_call(index: int) -> bool:
            # With a backslash, the value may differ from what is written.
            entry = self._definitions.entry(index)
            is_written = call.search(entry.text) is not None or "\\" in entry.text
            return entry.whole or is_written

        return any(
            name in called_names(formula)
            for index in self._definitions.with_word(name)
            if index not in unread and may_call(index)
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


def _formulas(value: Mapping) -> tuple[Formulas, ...]:
    definition = read_definition(value)
    return () if definition is None else definition.dispatch


def _tags_of(value: Mapping) -> list[str]:
    tags = value.get("tags")
    return [str(tag) for tag in tags] if isinstance(tags, list) else [str(tags)]
