"""What is known of each function besides the records of the documents: its kernels, its origin.

The documents say what torchgen computes. The facts say what the entries of a function say besides:
which dispatch keys it has kernels for, what autogen makes of it, to which function it delegates,
and which entries it comes from. `places.json`, `show`, `list` and `diff` need them.

Facts do not hold lines: a comment moves lines and changes no fact. They call an entry by the name
of its operator.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from derivload.engine.lines import encode_line

if TYPE_CHECKING:
    from derivload.engine.pipeline import Load


class FunctionFacts(msgspec.Struct, frozen=True, gc=False):
    """What the entries of a function say besides the records of the documents.

    `dispatch_keys` are the keys that it has kernels for, sorted; one that delegates has its kernels
    at the function `structured_delegate`. `autogen` are the variants that its entry asks
    for. `declared` is the name of the operator whose entry in native_functions.yaml it comes from:
    its own, or that of the function that it was generated from; "" if that is not known. `defined`
    is the same for its definition in derivatives.yaml, "" without one. `declared_twin` and
    `defined_twin` count the entries of that name before it, for there may be several.
    """

    schema: str
    namespace: str = ""
    dispatch_keys: tuple[str, ...] = ()
    structured_delegate: str | None = None
    autogen: tuple[str, ...] = ()
    declared: str = ""
    defined: str = ""
    defined_twin: int = 0
    declared_twin: int = 0


_FACTS: Final = msgspec.json.Decoder(FunctionFacts)


def read_facts(line: bytes) -> FunctionFacts:
    """The facts on a line. Raises msgspec.MsgspecError."""
    return _FACTS.decode(line)


def facts_of(load: Load) -> dict[str, bytes]:
    """The facts of all functions of a load, by schema: a line of JSON each."""
    # A generated function has the very entry of the function that it was generated from.
    makers: dict[int, tuple[str, int]] = {}
    counts: Counter[str] = Counter()
    for function in load.natives[: load.declared]:
        makers[id(function.entry)] = function.qualified, counts[function.qualified]
        counts[function.qualified] += 1
    origins = Origins(load)
    definitions = _definitions_of(load)
    lines = {}
    for function, record, _ in load.matched:
        matched = record.differentiability
        origin = origins.of(next(iter(matched.values())).schema) if matched else ""
        defined, twin = definitions.get(origin, ("", 0))
        declared, declared_twin = makers.get(id(function.entry), ("", 0))
        delegate = function.structured_delegate
        facts = FunctionFacts(
            schema=record.schema,
            namespace=function.namespace,
            dispatch_keys=tuple(sorted(function.dispatch)),
            structured_delegate=None if delegate is None else delegate.text,
            autogen=tuple([name.text for name in function.autogen]),
            declared=declared,
            defined=defined,
            defined_twin=twin,
            declared_twin=declared_twin,
        )
        lines[record.schema] = encode_line(facts)
    return lines


def _definitions_of(load: Load) -> dict[str, tuple[str, int]]:
    """The definition of each function, by schema: the name in it, and which of that name it is."""
    counts: Counter[str] = Counter()
    found = {}
    for made in load.derived:
        name = made.definition.specification.partition("(")[0]
        found[made.derived.function.schema.text] = name, counts[name]  # of two, the last counts
        counts[name] += 1
    return found


class Origins:
    """Says for which function the formulas of each function were written."""

    def __init__(self, load: Load) -> None:
        self._copied_from = load.copied_from
        self._references = load.references
        generated = [m.generated for m in load.matched if m.generated is not None]
        self.generated = {record.schema: record.dispatch for record in generated}
        """The formulas that were made from those of another function, by schema."""

    def of(self, schema: str) -> str:
        """The schema of the function that has the definition of a function's formulas.

        That is the function itself, but for a copying variant of a view, and for a foreach function
        whose formulas were made from a reference.
        """
        reference = self.reference(schema)
        return self._copied_from.get(reference, reference)

    def reference(self, schema: str) -> str:
        """The schema of the function that a foreach function applies to each tensor.

        Any other function is its own reference.
        """
        return self._references.get(schema, schema)
