"""Which entry a mistake between two of them is of: the one of the later file.

The files are laid over one another, and the earlier ones are right without the later ones. So what
is wrong between an entry of PyTorch's and one of an overlay is a mistake of the overlay, whichever
of the two breaks the rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from derivload.diagnostics import Invalid
from derivload.engine.families import family_of
from derivload.engine.overlays import Replaced
from derivload.native.function import NativeFunction
from derivload.native.generation import Misfit
from derivload.schema.names import read_operator_name
from derivload.sources.entries import Entry
from derivload.sources.mistakes import Found

_NAMESPACES = "torchgen does not look at namespaces: give this operator another name or overload"
_FIT = "write this entry so that it fits the other one"


class Blame:
    """The order of the files of one load, by name, and what overlays replaced in them."""

    def __init__(self, *orders: Sequence[str], replaced: Iterable[Replaced] = ()) -> None:
        """Each of `orders` has the names of a file and its overlays."""
        self._ranks = {name: rank for names in orders for rank, name in enumerate(names)}
        self._replaced = tuple(replaced)

    def moved(self, misfit: Misfit) -> Found | None:
        """The misfit as a mistake of a later entry; None if it is one of the function's own.

        That entry is the last of those that the rule is about, or one that took the place of
        another entry of the function's family.
        """
        function, invalid, _, others = misfit
        message = f"this makes {_shown(function)} wrong: {invalid.message}"
        last = max(others, key=lambda other: self._rank(other.entry), default=function)
        if self._rank(last.entry) > self._rank(function.entry):
            help_ = _FIT if last.namespace == function.namespace else _NAMESPACES
            moved = Invalid(invalid.code, message, last.qualified, help_)
            return Found(last.entry, moved.at("func"))
        for replaced in self._replaced:
            if self._rank(replaced.new) > self._rank(function.entry) and _are_related(
                replaced.name, function
            ):
                moved = Invalid(invalid.code, message, replaced.name, _FIT)
                return Found(replaced.new, moved.at("func"))
        return None

    def definition(
        self, function: NativeFunction, definitions: Iterable[tuple[Entry, NativeFunction]]
    ) -> Entry | None:
        """The definition of a later file that a function without one gets its formulas from."""
        plain = function.name.base.removeprefix("_foreach_")
        later = [
            entry
            for entry, other in definitions
            if self._rank(entry) > self._rank(function.entry)
            and (other.signatures.loose == function.signatures.loose or other.name.base == plain)
        ]
        return later[-1] if later else None

    def replacement(self, schema: str) -> Entry | None:
        """The entry that took the place of the one with this schema."""
        found = [r.new for r in self._replaced if f" {schema}\n" in f"{r.old.text}\n"]
        return found[-1] if found else None

    def _rank(self, entry: Entry) -> int:
        return self._ranks.get(entry.file, 0)


def _are_related(name: str, function: NativeFunction) -> bool:
    """Whether an operator of this name is of the family of a function."""
    try:
        base = read_operator_name(name, namespaces=True).base.rpartition("::")[2]
    except Invalid:
        return False
    return family_of(base) == family_of(function.name.base)


def _shown(function: NativeFunction) -> str:
    return f"`{function.qualified}` ({function.entry.file}:{function.entry.line})"


def told_of_definition(function: NativeFunction, invalid: Invalid) -> Invalid:
    """The mistake of a function as one of the definition that it gets its formulas from."""
    message = f"this makes {_shown(function)} wrong: {invalid.message}"
    return Invalid(invalid.code, message, help=invalid.help)


def told_of_replacement(definition: Entry, invalid: Invalid) -> Invalid:
    """The mistake of a definition as one of the entry that changed its function."""
    where = f"{definition.file}:{definition.line}"
    message = f"this leaves the definition at {where} without its function: {invalid.message}"
    return Invalid(invalid.code, message, help="define its derivatives in an overlay too")
