"""Finds the function of a definition and, if there is none, what is wrong with the schema.

A definition names its function by the whole schema. Somebody who copies or edits a schema makes a
mistake in one place of it. So if there is a function of that name, the message underlines what
differs from the most similar one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from derivload.derivatives.definition import Definition
from derivload.derivatives.info import canonical_function
from derivload.diagnostics import Invalid, Mistake, occurrence_of
from derivload.engine.families import first_word
from derivload.native.function import NativeFunction
from derivload.patterns import lazy
from derivload.remedies import write
from derivload.spelling import Guesses, operators_of
from derivload.tuples import NamedTuple

_TOKEN: Final = lazy(r"\w+|\s+|[-=]>|.")
# A schema of so many tokens is not compared: the time grows with their square.
_MOST_TOKENS: Final = 600
_MOST_OVERLOADS: Final = 20
_LISTED: Final = 5
# How like the schemas must be, from 0 to 1.
_LEAST: Final = 0.6


class FunctionIndex:
    """The functions by schema and by signature. `other_names` gives names of further ones."""

    def __init__(
        self,
        functions: Sequence[NativeFunction],
        guesses: Guesses,
        other_names: Callable[[], Iterable[str]],
    ) -> None:
        self._other_names = other_names
        self._by_schema: dict[str, NativeFunction] = {}
        self._by_signature: dict[str, list[NativeFunction]] = {}
        self._guesses = guesses
        # For suggestions when a function is unknown. Filled when that first happens.
        self._overloads: dict[str, list[str]] = {}
        self._names: set[str] = set()
        for function in functions:
            self._by_schema[function.schema.text] = function
            self._by_signature.setdefault(function.signatures.exact, []).append(function)

    def resolve(self, definition: Definition) -> NativeFunction:
        """The canonical function of a definition. Raises Invalid (DL405, DL406)."""
        function = self._by_schema.get(definition.specification)
        if function is None:
            raise self._unknown(definition)
        return canonical_function(self._by_signature[function.signatures.exact], definition.name)

    def explain(self, mistake: Mistake, written: str) -> Mistake:
        """The mistake that a text is no schema, with what differs from the schema that is meant."""
        alike = self._known_overloads().get(first_word(written), [])[:_MOST_OVERLOADS]
        place = None
        if self._guesses.can_compare(written, alike):
            place = nearest_difference(written, alike)
        if place is None or mistake.remedies:
            return mistake
        return msgspec.structs.replace(
            mistake,
            words=place.words,
            help=place.help,
            occurrence=place.occurrence,
            remedies=(write(place.schema, path=("name",)),),
        )

    def _known_overloads(self) -> dict[str, list[str]]:
        if not self._overloads:
            for schema, function in self._by_schema.items():
                self._overloads.setdefault(function.cpp_name, []).append(schema)
                self._names.add(function.name.name)
            self._names.update(self._other_names())
        return self._overloads

    def _unknown(self, definition: Definition) -> Invalid:
        written = definition.specification
        message = f"there is no function `{written}`"
        overloads = self._known_overloads().get(definition.name)
        if overloads is None:
            head = written.partition("(")[0]
            meant = [name for name in operators_of(head) if name.partition(".")[0] in self._names]
            close = meant[:1] or self._guesses.nearest(definition.name, self._names, 3)
            words = head if meant else definition.name
            return Invalid("DL405", message, words, meant=close)
        listed = "; ".join(f"`{schema}`" for schema in overloads[:_LISTED])
        alike = overloads[:_MOST_OVERLOADS]
        place = None
        if self._guesses.can_compare(written, alike):
            place = nearest_difference(written, alike)
        if place is None:
            help_ = f"the functions of that name are: {listed}"
            return Invalid("DL405", message, written, help_)
        return Invalid(
            code="DL405",
            message=message,
            words=place.words,
            help=place.help,
            occurrence=place.occurrence,
            remedies=[write(place.schema, written)],
        )


class Misspelling(NamedTuple):
    """The words of a schema that differ from another one, `schema`, and what to write instead.

    `occurrence` is as in Mistake.
    """

    words: str
    occurrence: int
    help: str
    schema: str


def nearest_difference(written: str, schemas: Sequence[str]) -> Misspelling | None:
    """Where a schema differs from the most similar of others; None if it is like none of them."""
    tokens = list(_TOKEN.finditer(written))
    if len(tokens) > _MOST_TOKENS:
        return None
    from difflib import SequenceMatcher

    matcher: SequenceMatcher[str] = SequenceMatcher(autojunk=False)
    matcher.set_seq2([token[0] for token in tokens])
    best, schema, its_tokens = _LEAST, "", []
    for other in schemas:
        others = _TOKEN.findall(other)
        if len(others) > _MOST_TOKENS:
            continue
        matcher.set_seq1(others)
        if matcher.quick_ratio() > best and matcher.ratio() > best:
            best, schema, its_tokens = matcher.ratio(), other, others
    if not schema:
        return None
    matcher.set_seq1(its_tokens)
    ops = [op for op in matcher.get_opcodes() if op[0] != "equal"]
    (_, first, _, begin, _), (_, _, last, _, end) = ops[0], ops[-1]
    help_ = f"the function is `{schema}`"
    wanted = "".join(its_tokens[first:last]).strip(" ,")
    shown = tokens[begin:end]
    if len(ops) > 1:
        pass
    elif not "".join(token[0] for token in shown).strip(" ,"):
        around = tokens[max(0, begin - 1) : end + 1]
        shown = [token for token in around if token[0][-1].isalnum()][:1] or around
        help_ = f"`{wanted}` is missing here: {help_}" if wanted else help_
    else:
        help_ = f"write `{wanted}`: {help_}" if wanted else f"remove it: {help_}"
    start = shown[0].start()
    words = written[start : shown[-1].end()].strip(" ,")
    return Misspelling(words, occurrence_of(written, words, start), help_, schema)
