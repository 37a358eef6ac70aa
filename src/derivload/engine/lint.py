"""Finds the warnings about a load: about each definition, and about duplicates.

Each is found by looking at one family of operators alone, so a session keeps what it found of the
families that an edit does not touch. What depends on more than a family stays open here, as
`unless_called` and `declared` of a `Possible`; `judging.py` decides it when all are known.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Protocol, cast

import msgspec

from derivload.derivatives.formula_names import called_names
from derivload.derivatives.lint import DefinitionLinter
from derivload.diagnostics import Diagnostic, Mistake
from derivload.engine.families import family_of
from derivload.engine.pipeline import DerivedEntry, Load, WrongEntry
from derivload.native.autogen import check_autogen
from derivload.native.function import NativeFunction, hides_from_python
from derivload.sources.entries import Entry
from derivload.sources.ignore_comments import MARKER
from derivload.tuples import NamedTuple

# In the message of a warning: where `other` is. It is filled in when the warning is shown.
PLACE: Final = "{place}"
# One more than are reported of an entry. More than so many of a load are not kept.
_MOST_OF_ENTRY: Final = 101
_MOST: Final = 10_000


class Possible(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A warning about an entry, as far as its family tells.

    - `id` stands for the warning and the text of the entry, if that was read alone, but not for its
      line.
    - `of_native` is whether it is about a native function; else it is about a definition. `at` is
      the position of the entry among all of these, or, in the state of a session, among those of
      its family.
    - `other` is the position of the entry whose place the message names, of the same kind; or -1.
    - `declared` is the position of the native function that it depends on; or -1.
    - `is_said` is whether the entry of that function itself says what the warning is about.
    - `unless_called` is a name: if any formula calls it, there is nothing to warn of.
    """

    id: str
    operator: str
    mistake: Mistake
    of_native: bool
    at: int
    other: int = -1
    declared: int = -1
    is_said: bool = False
    unless_called: str = ""


class Entries(Protocol):
    """The entries of a load, by their positions."""

    def entry(self, at: int, *, of_native: bool) -> Entry:
        """An entry, with its line and its index in its file."""

    def file(self, at: int, *, of_native: bool) -> str:
        """The name of the file that an entry is in."""

    def may_have(self, word: str, file: str = "") -> bool:
        """Whether the texts, or that of one file, may have this word, in entries or beside them."""

    def entries_with(self, word: str) -> Iterable[tuple[bool, int, Entry]]:
        """The entries that may have this word in their text: whether native, position, entry."""

    def called_with(self, name: str) -> bool:
        """Whether a formula calls this name."""

    def schemas_of(self, bases: frozenset[str]) -> Iterable[str]:
        """The schemas of the native functions with these base names, perhaps of others too.

        Those whose tags hide them from Python are left out.
        """


class Linted(NamedTuple):
    """What was found, and the entries. `is_complete` tells that there was not too much of it.

    `of_backends` are the warnings about the files of backends, by the index of each.
    `find_refused` finds what PyTorch's generators refuse, which is no warning.
    """

    found: list[Possible]
    entries: Entries
    is_complete: bool = True
    of_backends: Sequence[tuple[int, Diagnostic]] = ()
    find_refused: Callable[[], Sequence[Possible]] = tuple

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to warn of but comments."""
        return not self.found and not self.of_backends

    @property
    def may_ignore(self) -> bool:
        """Whether there may be comments that ignore a rule."""
        return self.entries.may_have(MARKER)

    @property
    def is_alone(self) -> bool:
        """Whether what `called` tells is all that may speak for or against what was found."""
        return not (self.of_backends or self.may_ignore)

    @property
    def called(self) -> list[bool]:
        """Of each name that there must be no call of, whether there is one."""
        names = [one.unless_called for one in self.found if one.unless_called]
        return [*map(self.entries.called_with, names)]


def lint(load: Load) -> Linted:
    """What there is to warn of in a load (DL601 to DL626), by its positions.

    Of an entry with an error, what may follow from the error is left out.
    """
    if load.linted is None:  # the load keeps what was found, and nothing that holds the load
        load.linted = list(itertools.islice(_find(load), _MOST + 1))
    found = cast("list[Possible]", load.linted)
    return Linted(found[:_MOST], _LoadedEntries(load), len(found) <= _MOST)


def _find(load: Load) -> Iterator[Possible]:
    declared = load.natives[: load.declared]
    yield from _definitions_twice(load.derived)
    read = list(definitions_read(load))
    linter = DefinitionLinter(made.definition for made in read)
    for at, made in enumerate(read):
        function = None if made.derived is None else made.derived.function
        is_whole = at < len(load.derived)
        found = linter.check(made.definition, made.derived, is_whole=is_whole)
        for warning in itertools.islice(found, _MOST_OF_ENTRY):
            yield Possible(
                id=id_of(made.entry, warning.mistake),
                operator=made.definition.name if function is None else function.qualified,
                mistake=warning.mistake,
                of_native=False,
                at=at,
                declared=_declared(declared, function)
                if function and warning.is_of_kernels
                else -1,
                is_said=function is not None and function.has_dispatch_table,
                unless_called=warning.unless_called,
            )
    wrong = {(entry.file, entry.line) for entry, _ in load.mistakes}
    yield from _operators_twice(declared, wrong)
    yield from _arguments_twice(declared)
    yield from _keys_twice(declared)
    yield from _wrong_autogen(load)


def definitions_read(load: Load) -> Iterator[DerivedEntry | WrongEntry]:
    """The definitions: those without mistakes come first, so their positions are the same."""
    yield from load.derived
    yield from load.wrong


def _declared(declared: Sequence[NativeFunction], function: NativeFunction) -> int:
    """The position of the native function that declares this one; -1 without one."""
    found = (at for at, other in enumerate(declared) if other.entry is function.entry)
    return next(found, -1)


def _definitions_twice(derived: Sequence[DerivedEntry]) -> Iterator[Possible]:
    first: dict[str, int] = {}
    for at, made in enumerate(derived):
        function = made.derived.function
        other = first.setdefault(function.schema.text, at)
        if other != at:
            name = function.qualified
            message = f"`{name}` is already defined at {PLACE}; only this definition counts"
            mistake = Mistake("DL601", message, ("name",), made.definition.specification)
            yield Possible(id_of(made.entry, mistake), name, mistake, False, at, other)


def _operators_twice(
    declared: Sequence[NativeFunction], wrong: set[tuple[str, int]]
) -> Iterator[Possible]:
    first: dict[tuple[str, str], int] = {}
    for at, function in enumerate(declared):
        other = first.setdefault((function.namespace, function.schema.name.text), at)
        entry = function.entry
        if other != at and (entry.file, entry.line) not in wrong:
            name = function.qualified
            message = f"`{name}` is already declared at {PLACE}, with other arguments"
            mistake = Mistake("DL605", message, ("func",), function.name.text)
            yield Possible(id_of(entry, mistake), name, mistake, True, at, other)


def _arguments_twice(declared: Sequence[NativeFunction]) -> Iterator[Possible]:
    for at, function in enumerate(declared):
        flat = function.schema.arguments.flat_all
        if len({argument.name for argument in flat}) == len(flat):
            continue
        names = [argument.name for argument in flat]
        for name in dict.fromkeys(n for i, n in enumerate(names) if n in names[:i]):
            message = f"`{function.qualified}` has two arguments that are named `{name}`"
            mistake = Mistake("DL624", message, ("func",), name, occurrence=1)
            yield Possible(id_of(function.entry, mistake), function.qualified, mistake, True, at)


def _keys_twice(declared: Sequence[NativeFunction]) -> Iterator[Possible]:
    for at, function in enumerate(declared):
        for line, key in function.repeated_keys:
            message = f"`{key}` stands in this table already; only the last kernel counts"
            path = ("dispatch", line)
            mistake = Mistake("DL626", message, path, key, on_key=True, occurrence=-1)
            yield Possible(id_of(function.entry, mistake), function.qualified, mistake, True, at)


def _wrong_autogen(load: Load) -> Iterator[Possible]:
    for function, mistake in check_autogen(load.natives):
        if family_of(function.name.base) not in load.bad_natives:
            at = _declared(load.natives[: load.declared], function)
            yield Possible(id_of(function.entry, mistake), function.qualified, mistake, True, at)


def id_of(entry: Entry, mistake: Mistake) -> str:
    """The id of a warning about an entry."""
    # Of a file that is read whole, a comment may change where nothing is loaded again.
    text = "" if entry.whole else entry.text
    parts = (text, mistake.code, mistake.message, *map(str, mistake.path), mistake.words)
    return digest_id("\0".join((*parts, str(mistake.occurrence))))


def digest_id(text: str) -> str:
    """The id of a warning that this text stands for."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class _LoadedEntries:
    """The entries of a load that has all of them."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._called: set[str] | None = None

    def entry(self, at: int, *, of_native: bool) -> Entry:
        load = self._load
        if of_native:
            return load.natives[at].entry
        derived = load.derived
        return derived[at].entry if at < len(derived) else load.wrong[at - len(derived)].entry

    def file(self, at: int, *, of_native: bool) -> str:
        return self.entry(at, of_native=of_native).file

    def may_have(self, word: str, file: str = "") -> bool:
        del word, file
        return True  # what stands between the entries is not known here

    def entries_with(self, word: str) -> Iterator[tuple[bool, int, Entry]]:
        load = self._load
        declared = [function.entry for function in load.natives[: load.declared]]
        definitions = [made.entry for made in definitions_read(load)]
        for of_native, entries in ((False, definitions), (True, declared)):
            for at, entry in enumerate(entries):
                if entry.whole or word in entry.text:
                    yield of_native, at, entry

    def schemas_of(self, bases: frozenset[str]) -> Iterable[str]:
        declared = self._load.natives[: self._load.declared]
        return [
            f.schema.text
            for f in declared
            if f.name.base in bases and not hides_from_python(f.tags)
        ]

    def called_with(self, name: str) -> bool:
        if self._called is None:
            self._called = {
                name
                for _, definition in self._load.read
                for formulas in definition.dispatch
                for _, formula in formulas.formulas
                for name in called_names(formula)
            }
        return name in self._called
