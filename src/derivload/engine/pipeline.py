"""The steps of a load, from entries to matched functions, one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from derivload.cpp.bindings import CppBindings
from derivload.cpp.dialect import Dialect
from derivload.derivatives.definition import Definition, read_good_parts
from derivload.derivatives.info import DerivativeReader, Derived, check_formulas_alone
from derivload.derivatives.matching import MatchedFunction, match_differentiability_info
from derivload.derivatives.numbering import with_numbers
from derivload.derivatives.view_copy import add_view_copy_derivatives
from derivload.diagnostics import Elsewhere, Invalid, Mistake
from derivload.engine.blame import Blame, told_of_definition, told_of_replacement
from derivload.engine.families import family_of, first_word
from derivload.engine.lookup import FunctionIndex
from derivload.native.checks import check_duplicates, check_functions
from derivload.native.function import NativeFunction
from derivload.native.generation import Misfit, generate_variants
from derivload.native.reader import NativeFunctionReader
from derivload.native.views import ViewGroup, group_by_view
from derivload.remedies import remove_entry
from derivload.sources.entries import Entry, EntryValue
from derivload.sources.mistakes import Found, Mistakes
from derivload.sources.plain import Value
from derivload.spelling import Guesses
from derivload.tuples import NamedTuple

_NOBODY = Blame()
# An entry that is written twice breaks several of these rules. Only the first is reported.
_DUPLICATES = frozenset({"DL301", "DL304", "DL310"})


class Readers:
    """The readers of entries for one dialect and one set of valid tags. Kept from load to load.

    `any_tag` accepts every tag: it is for when some valid tags could not be read.
    """

    def __init__(self, dialect: Dialect, tags: frozenset[str], *, any_tag: bool = False) -> None:
        self.dialect = dialect
        self.tags = tags
        self.guesses = Guesses()
        self.natives = NativeFunctionReader(dialect, tags, self.guesses, any_tag=any_tag)
        self.derivatives = DerivativeReader(dialect, self.guesses)


class WrongEntry(NamedTuple):
    """An entry of derivatives.yaml with a mistake, and what could be made of the rest of it.

    `derived` is None if its function is not known.
    """

    entry: Entry
    definition: Definition
    derived: Derived | None


class DerivedEntry(NamedTuple):
    """An entry of derivatives.yaml and the info made from it. Its ops have no numbers yet."""

    entry: Entry
    derived: Derived
    definition: Definition

    @property
    def keys(self) -> tuple[str, ...]:
        """The dispatch keys that the definition names."""
        return tuple([formulas.dispatch_key for formulas in self.definition.dispatch])


class Load:
    """One load, of all entries or of some that depend on no others.

    It has three steps, in this order: `read_natives`, `derive` and, once the ops have numbers,
    `match`. Their results are in the attributes; the mistakes are in `mistakes`.

    `natives_lost` and `definitions_lost` are the names of entries of native_functions.yaml and of
    derivatives.yaml that could not be read. None stands for any name. `blame` tells of which entry
    a mistake between two of them is. `other_names` gives the names of the functions that are not
    loaded, and `other_structured` those of the structured ones, for suggestions.
    """

    def __init__(
        self,
        readers: Readers,
        *,
        natives_lost: Iterable[str | None] = (),
        definitions_lost: Iterable[str | None] = (),
        blame: Blame = _NOBODY,
        other_names: Callable[[], Iterable[str]] = tuple,
        other_structured: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._blame = blame
        self._other_structured = other_structured
        self._other_names = other_names
        self._readers = readers
        readers.guesses.renew()
        self._dialect = readers.dialect
        self.mistakes = Mistakes()
        self.natives: list[NativeFunction] = []
        self.declared = 0
        """How many of `natives` have an entry of their own. They come first in the list."""
        self.derived: list[DerivedEntry] = []
        self.wrong: list[WrongEntry] = []
        """The definitions that were left out, as far as they could be read."""
        self.numbers: list[tuple[int, ...]] = []
        """The numbers of the ops of each definition in `derived`."""
        self.infos: dict[str, Derived] = {}
        self.definitions: dict[str, Entry] = {}
        """The entry of each function's definition, by schema."""
        self.copied_from: dict[str, str] = {}
        """By the schema of a copying variant: the schema of the view that its info comes from."""
        self.references: dict[str, str] = {}
        """By the schema of a foreach function with generated formulas: that of its reference."""
        self.matched: list[MatchedFunction] = []
        self.bad: set[str | None] = set()
        """The families that have a mistake, or may have one that another mistake hides.

        None stands for an entry of an unknown family.
        """
        self.bad_natives: frozenset[str | None] = frozenset()
        """Those of them whose mistakes are in native_functions.yaml, once that has been read."""
        self.read: list[tuple[Entry, Definition]] = []
        """The definitions that could be read, also those with mistakes."""
        self.linted: object = None
        """What `lint` found, once it has looked: two callers ask for it."""
        self.refused: object = None
        """What `find_refused` found, likewise."""
        # The families in which something could not be read or derived. None means: it may be any
        # family. A function that only lacks such a thing is not reported as a mistake.
        self._unread = {self._family(name) for name in natives_lost}
        self._underived = {self._family(name) for name in definitions_lost}
        self.bad |= self._unread | self._underived
        self._told: set[tuple[str, int, str]] = set()
        self._groups: list[ViewGroup] = []

    def read_natives(self, entries: Iterable[EntryValue]) -> None:
        """Read the native functions, and generate the variants that autogen makes from them."""
        before, self.bad = self.bad, set(self._unread)
        for entry, value in entries:
            function, mistakes = self._readers.natives.read(entry, value)
            if function is not None and not entry.doubtful:
                self.natives.append(function)
                continue
            self.mistakes.add(entry, mistakes)
            self._unread.add(self._family(value.get("func")))
        self.bad |= self._unread
        guesses = self._readers.guesses
        self._report_misfits(
            check_functions(self.natives, self._dialect, guesses, self._other_structured)
        )
        schemas = self._readers.natives.schemas
        self.declared = len(self.natives)
        generated, misfits = generate_variants(self.natives, self._dialect, schemas)
        self.natives += generated
        self._report_misfits(check_duplicates(self.natives, self.declared))
        self._report_misfits(misfits)
        self.bad_natives = frozenset(self.bad)
        self.bad |= before

    def derive(self, entries: Iterable[EntryValue]) -> list[DerivedEntry]:
        """Derive the info of each definition. Definitions with a mistake are left out."""
        grouped = group_by_view(self.natives, self._dialect)
        self._report_misfits(grouped.misfits)
        self._groups = grouped.groups
        index = FunctionIndex(grouped.functions, self._readers.guesses, self._other_names)
        first: dict[str, Entry] = {}
        for entry, value in entries:
            definition, mistakes = read_good_parts(
                value, self._dialect.autograd_keys, self._readers.guesses
            )
            if definition is not None:
                if not entry.doubtful:
                    self.read.append((entry, definition))
                derived, more = self._derive(entry, definition, index)
                mistakes += more
                if derived is not None:
                    mistakes += _defined_before(entry, definition, derived, first)
                # The info of a definition with a mistake would break further rules.
                if derived is not None and not mistakes and not entry.doubtful:
                    self.derived.append(DerivedEntry(entry, derived, definition))
                    continue
                self.wrong.append(WrongEntry(entry, definition, derived))
            elif isinstance(written := value.get("name"), str):
                mistakes = [index.explain(m, written) if m.code == "DL101" else m for m in mistakes]
            self.mistakes.add(entry, mistakes)
            self._underived |= self._families_of(value.get("name"), mistakes)
        self.bad |= self._underived
        return self.derived

    def match(self, numbers: list[tuple[int, ...]]) -> None:
        """Match all functions with their infos. `numbers` has those of each definition's ops."""
        self.numbers = numbers
        for (entry, derived, _), of_definition in zip(self.derived, self.numbers, strict=True):
            schema = derived.function.schema.text
            self.infos[schema] = with_numbers(derived, of_definition)
            self.definitions[schema] = entry
        defined = tuple(self.infos)
        self.copied_from = add_view_copy_derivatives(self.infos, self._groups, self._dialect)
        types = self._readers.derivatives.bindings.types
        self.matched, misfits, self.references = match_differentiability_info(
            self.natives, self.infos, self._dialect, types
        )
        self._report_matching(misfits)
        for schema in self.infos.keys() - defined:
            self.definitions.setdefault(schema, self.infos[schema].function.entry)

    @property
    def dialect(self) -> Dialect:
        """The release whose rules are followed."""
        return self._dialect

    @property
    def bindings(self) -> CppBindings:
        """How its functions look in C++."""
        return self._readers.derivatives.bindings

    def is_whole(self, function: NativeFunction) -> bool:
        """Whether nothing that a function may need has a mistake."""
        return not self.bad or not _may_miss(function, self.bad)

    def may_be_lost(self, name: str) -> bool:
        """Whether the function of this name may be one that could not be read."""
        return bool(self._unread) and _may_be(self._family(name), self._unread)

    def _derive(
        self, entry: Entry, definition: Definition, index: FunctionIndex
    ) -> tuple[Derived | None, list[Mistake]]:
        try:
            function = index.resolve(definition)
        except Invalid as invalid:
            formulas = check_formulas_alone(definition)
            if self._unread and _may_be(self._family(definition.specification), self._unread):
                return None, formulas
            replacement = self._blame.replacement(definition.specification)
            if replacement is not None:
                self.mistakes.add(replacement, [told_of_replacement(entry, invalid).at("func")])
                return None, formulas
            return None, [invalid.at("name"), *formulas]
        return self._readers.derivatives.create_differentiability_info(definition, function)

    def _family(self, schema: Value) -> str | None:
        """The family of a schema, whether or not it can be read; None if that cannot be told."""
        if not isinstance(schema, str):
            return None
        name = schema.partition("(")[0].rpartition("::")[2]
        try:
            return family_of(self._readers.natives.schemas.name(name).base)
        except Invalid:
            return None

    def _families_of(self, schema: Value, mistakes: Iterable[Mistake]) -> set[str | None]:
        """The families that a wrong definition may be of: that of its name, and those meant."""
        meant = [name for m in mistakes if m.code in ("DL101", "DL405") for name in m.meant]
        if isinstance(schema, str):
            meant.append(first_word(schema))
        return {self._family(schema), *(self._family(name) for name in meant if name)}

    def _report_misfits(self, misfits: Sequence[Misfit]) -> None:
        for misfit in misfits:
            self.bad |= {family_of(f.name.base) for f in (misfit.function, *misfit.others)}
            if self._unread and _may_miss(misfit.function, self._unread):
                continue
            moved = self._blame.moved(misfit)
            own = Found(misfit.function.entry, misfit.invalid.at(misfit.key))
            entry, mistake = moved or own
            mistake = msgspec.structs.replace(mistake, elsewhere=_elsewhere(misfit, entry))
            # An entry that is written twice breaks several of these rules, and one of an overlay
            # may break several functions by one rule.
            group = "twice" if mistake.code in _DUPLICATES else mistake.code if moved else ""
            if group:
                told = (entry.file, entry.line, group)
                if told in self._told:
                    continue
                self._told.add(told)
            self.mistakes.add(entry, [mistake])

    def _report_matching(self, misfits: Sequence[Misfit]) -> None:
        """Report what matching found: at a function's definition or, without one, at its entry."""
        made = [(entry.entry, entry.derived.function) for entry in self.derived]
        for function, invalid, _, _ in misfits:
            self.bad.add(family_of(function.name.base))
            if self._underived and _may_miss(function, self._underived):
                continue
            definition = self.definitions.get(function.schema.text)
            later = None if definition is not None else self._blame.definition(function, made)
            if definition is not None:
                self.mistakes.add(definition, [invalid.at()])
            elif later is not None:
                self.mistakes.add(later, [told_of_definition(function, invalid).at("name")])
            else:
                self._report_misfits([Misfit(function, invalid)])


def _defined_before(
    entry: Entry, definition: Definition, derived: Derived, first: dict[str, Entry]
) -> list[Mistake]:
    """The mistake that an earlier file defines the function already (DL415).

    `first` has the first entry for each function so far, by schema. Two definitions in one file
    are no mistake: upstream takes the first.
    """
    function = derived.function
    other = first.setdefault(function.schema.text, entry)
    if other.file == entry.file:
        return []
    message = f"`{function.qualified}` is defined twice: here and at {other.file}:{other.line}"
    return [
        Mistake(
            code="DL415",
            message=message,
            path=("name",),
            words=definition.specification,
            remedies=(remove_entry(),),
            elsewhere=(Elsewhere("the other definition", other.file, other.line),),
        )
    ]


def _elsewhere(misfit: Misfit, entry: Entry) -> tuple[Elsewhere, ...]:
    """The other entries that a misfit is about. The mistake itself is that of `entry`."""
    places = {(entry.file, entry.line)}
    found = []
    for function in (misfit.function, *misfit.others):
        file, line = function.entry.file, function.entry.line
        if (file, line) not in places:
            places.add((file, line))
            name = function.qualified
            found.append(Elsewhere(f"`{name}` is declared here", file, line, words=name))
    return tuple(found)


def _may_be(family: str | None, families: set[str | None]) -> bool:
    return family is None or None in families or family in families


def _may_miss(function: NativeFunction, families: set[str | None]) -> bool:
    """Whether something that a function lacks may be in these families.

    It may if the function's own family is one of them, or that of its `structured_delegate`.
    """
    delegate = function.structured_delegate
    names = (function.name,) if delegate is None else (function.name, delegate)
    return any(_may_be(family_of(name.base), families) for name in names)
