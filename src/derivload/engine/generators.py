"""Finds what PyTorch's generators refuse of a load, and where the cause stands in its entries.

The rules are in `generators/`. Each looks at one family of functions alone, so a session keeps what
it found of the families that an edit does not touch. A family with an error is left out: what the
generators refuse of it may follow from that.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, cast

from derivload.derivatives.definition import Definition
from derivload.derivatives.info import split_names
from derivload.diagnostics import Mistake, Path, Remedy
from derivload.engine.lint import Possible, id_of
from derivload.engine.texts import collector_off
from derivload.generators.check import Loaded, check
from derivload.generators.subject import Refusal
from derivload.generators.tables import TABLES
from derivload.remedies import remove

if TYPE_CHECKING:
    from derivload.engine.pipeline import Load


# More of a load are not reported.
_MOST: Final = 10_000
_SCHEMAS: Final = (("func",), ("name",))


def find_refused(load: Load) -> list[Possible]:
    """What the generators of the release refuse of a load (DL801 to DL842), each thing once."""
    if load.refused is None:  # as with `lint`
        with collector_off():
            load.refused = list(itertools.islice(_find(load), _MOST))
    return cast("list[Possible]", load.refused)


def _find(load: Load) -> Iterator[Possible]:
    tables = TABLES[load.dialect.version]
    refusals = check(Loaded(load.matched, load.infos), tables, load.bindings)
    whole = [refusal for refusal in refusals if load.is_whole(refusal.function)]
    places = _Places(load) if whole else None
    told = set()
    # Of a definition, what goes for its own function is told before what goes for others.
    for refusal in sorted(whole, key=lambda r: r.function.schema.text != r.definition):
        assert places is not None
        found = places.of(refusal)
        key = (found.of_native, found.at, found.mistake.code, found.mistake.path)
        if key not in told:
            told.add(key)
            yield found


class _Places:
    """The positions of the entries of a load."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._natives = {id(f.entry): at for at, f in enumerate(load.natives[: load.declared])}
        self._definitions: dict[str, tuple[int, Definition]] = {}
        for at, made in enumerate(load.derived):
            schema = made.derived.function.schema.text
            self._definitions.setdefault(schema, (at, made.definition))

    def of(self, refusal: Refusal) -> Possible:
        """Where a refusal stands; one of a definition that is not found, at its function."""
        schema = self._load.copied_from.get(refusal.definition, refusal.definition)
        function = refusal.function
        made = self._definitions.get(schema)
        if made is None:
            mistake = _mistake(refusal, (refusal.path or "func",))
            at, entry = self._natives[id(function.entry)], function.entry
        else:
            at, definition = made
            mistake = _mistake(refusal, _path_in(definition, refusal))
            entry = self._load.derived[at].entry
        id_ = id_of(entry, mistake)
        return Possible(id_, function.qualified, mistake, of_native=made is None, at=at)


def _mistake(refusal: Refusal, path: Path) -> Mistake:
    is_there = refusal.path in ("", path[-1])
    # The words of a formula that nobody wrote are in the schema of its function.
    is_on_key = refusal.on_key and is_there and path not in _SCHEMAS
    return Mistake(
        refusal.code,
        refusal.message,
        path,
        refusal.words if is_there else "",
        is_on_key,
        refusal.help,
        meant=refusal.meant,
        remedies=refusal.remedies or _without(refusal, path),
    )


def _without(refusal: Refusal, path: Path) -> tuple[Remedy, ...]:
    """The remedy of a formula for what is no tensor."""
    is_formula = refusal.code == "DL805" and path[-1:] == refusal.var_names
    return (remove(*path),) if is_formula else ()


def _path_in(definition: Definition, refusal: Refusal) -> Path:
    if refusal.path:
        return (refusal.path,)
    for formulas in definition.dispatch:
        if formulas.dispatch_key != refusal.dispatch_key or not refusal.var_names:
            continue
        for raw_names, _ in formulas.formulas:
            if split_names(raw_names) == refusal.var_names:
                return (*formulas.path, raw_names)
    return ("name",)
