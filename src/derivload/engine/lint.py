"""All warnings about a load: about each definition, and about duplicates.

Only `check` asks for warnings, so that no other command pays for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from derivload.derivatives.formula_names import called_names
from derivload.derivatives.lint import DefinitionLinter
from derivload.diagnostics import Diagnostic, Mistake
from derivload.engine.inputs import InputEntries, NotCertainError
from derivload.engine.load import LoadedTexts, Texts
from derivload.engine.pipeline import DerivedEntry, Load
from derivload.engine.state import content_of
from derivload.native.function import NativeFunction
from derivload.sources.entries import Entry
from derivload.sources.mistakes import Found, Mistakes
from derivload.sources.places import Placer
from derivload.sources.splitting import Split


class Warnings(NamedTuple):
    """The warnings about a load, sorted by place.

    `are_of_families` tells that each warning was found by looking at one family of operators
    alone, so an edit in one family cannot change the warnings about another. If there are no
    warnings, it tells the same of their absence.
    """

    diagnostics: list[Diagnostic]
    are_of_families: bool


def find_warnings(loaded: LoadedTexts, texts: Texts) -> Warnings:
    """The warnings about a load of these texts (DL601 to DL607).

    There are no warnings about an entry with an error, nor about things that only an error hides.
    """
    linter = _Linter(loaded.load)
    placer = Placer({text.name: text.text for text in texts.of_entries})
    found = [*placer.place_all(linter.find()), *loaded.warnings]
    return Warnings(sorted(set(found)), linter.is_of_families)


def is_without(load: Load) -> bool:
    """Whether a load of some families certainly has no warning.

    True only if that holds whatever the entries of the other families are.
    """
    linter = _Linter(load)
    return not linter.find() and linter.is_of_families


def content_without_warnings(
    loaded: LoadedTexts, texts: Texts, splits: Sequence[Split] = ()
) -> bytes | None:
    """What `Session.content` gives after this load; None where that may be None."""
    inputs = InputEntries(texts, None, splits)
    try:
        inputs.check_whole(loaded.whole)
        return content_of(inputs.natives, inputs.definitions, sorted(loaded.tags))
    except NotCertainError:
        return None


class _Linter:
    """Finds the warnings about one load.

    `is_of_families` tells that no check had to look at the formulas of other definitions.
    """

    def __init__(self, load: Load) -> None:
        self._load = load
        self._called: set[str] | None = None

    @property
    def is_of_families(self) -> bool:
        return self._called is None

    def find(self) -> Mistakes:
        load = self._load
        found = Mistakes()
        for entry, mistake in _definitions_twice(load.derived):
            found.add(entry, [mistake])
        definitions = DefinitionLinter(self._is_called)
        for made in load.derived:
            if not found.is_crowded(made.entry.file):
                found.add(made.entry, definitions.check(made.definition, made.derived))
        wrong = {(entry.file, entry.line) for entry, _ in load.mistakes}
        for entry, mistake in _operators_twice(load.natives[: load.declared], wrong):
            found.add(entry, [mistake])
        return found

    def _is_called(self, name: str) -> bool:
        if self._called is None:
            self._called = {
                name
                for made in self._load.derived
                for formulas in made.definition.dispatch
                for _, formula in formulas.formulas
                for name in called_names(formula)
            }
        return name in self._called


def _definitions_twice(derived: list[DerivedEntry]) -> Iterator[Found]:
    first: dict[str, Entry] = {}
    for made in derived:
        function = made.derived.function
        other = first.setdefault(function.schema.text, made.entry)
        if other is not made.entry:
            message = (
                f"`{function.qualified}` is already defined at {_place(other)}; only this "
                "definition counts"
            )
            specification = made.definition.specification
            yield Found(made.entry, Mistake("DL601", message, ("name",), specification))


def _operators_twice(
    declared: list[NativeFunction], wrong: set[tuple[str, int]]
) -> Iterator[Found]:
    first: dict[str, NativeFunction] = {}
    for function in declared:
        name = function.name.text
        other = first.setdefault(name, function)
        if other is function or (function.entry.file, function.entry.line) in wrong:
            continue
        where = _place(other.entry)
        message = f"`{other.qualified}` is already declared at {where}, with other arguments"
        help_ = ""
        if function.entry.file != other.entry.file:
            help_ = "give this another overload name, or put it in its place with --override"
        yield Found(function.entry, Mistake("DL605", message, ("func",), name, help=help_))


def _place(entry: Entry) -> str:
    return f"{entry.file}:{entry.line}"
