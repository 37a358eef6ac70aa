"""Functions with all that is known of each, and the filters that choose among them.

`derivload list` has the filters as options. They are predicates over values, so that whatever else
shows operators can use them, and count with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from derivload.derivatives.model import (
    DifferentiabilityInfo,
    DifferentiabilityRecord,
    FunctionRecord,
    SavedAttribute,
)
from derivload.engine.asked import NamePattern, read_patterns
from derivload.engine.facts import FunctionFacts, read_facts
from derivload.native.function import qualified
from derivload.schema.names import read_operator_name

if TYPE_CHECKING:
    from derivload.engine.lines import DocumentLines

_FOREACH: Final = "_foreach_"
WHOLE_TENSOR: Final = re.compile(r"\bat::(?:Tensor|TensorList|ITensorListRef)\b")
"""What the C++ type of a saved value has in it if that is a whole tensor, or a list of them."""
_FUNCTIONS: Final = msgspec.json.Decoder(FunctionRecord)
_DEFINITIONS: Final = msgspec.json.Decoder(DifferentiabilityRecord)


class Operator(NamedTuple):
    """One function, with its record, its facts, and the info that it uses, by dispatch key.

    `dispatch_keys` are those that it has kernels for, also through the function that it delegates
    to, and by a backend. `has_foreach` tells that a foreach function applies it to each tensor.
    `is_from_overlay` tells that an entry of an overlay declares or defines it, and `warnings` are
    the codes of those about it; nobody may have looked for either.
    """

    record: FunctionRecord
    facts: FunctionFacts
    info: Mapping[str, DifferentiabilityInfo]
    dispatch_keys: tuple[str, ...]
    has_foreach: bool
    is_from_overlay: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def overload(self) -> str:
        """The name with the overload, and without a namespace."""
        return self.record.schema.partition("(")[0]

    @property
    def name(self) -> str:
        """The name with overload, and with the namespace unless that is aten."""
        return qualified(self.facts.namespace, self.overload)

    @property
    def names(self) -> tuple[str, str, str]:
        """The names by which it can be asked for: with overload, without, and as functional."""
        base = self.overload.partition(".")[0]
        return self.overload, base, base.rstrip("_")

    @property
    def nodes(self) -> tuple[str, ...]:
        """The backward nodes that it makes. An out variant makes none."""
        if self.record.kind == "out":
            return ()
        matched = (self.record.differentiability or {}).values()
        return tuple(dict.fromkeys(info.op for info in matched if info.op is not None))

    @property
    def saved_inputs(self) -> list[SavedAttribute]:
        """What its backward nodes save of the inputs."""
        return [saved for info in self._used() for saved in info.all_saved_inputs]

    @property
    def saved_outputs(self) -> list[SavedAttribute]:
        """What its backward nodes save of the outputs."""
        return [saved for info in self._used() for saved in info.all_saved_outputs]

    def _used(self) -> Iterable[DifferentiabilityInfo]:
        return self.info.values() if self.nodes else ()


def join_operators(lines: DocumentLines) -> list[Operator]:
    """The functions of a load, from the lines of its documents and its facts, in their order."""
    functions = [_FUNCTIONS.decode(line) for line in lines.functions]
    infos = {}
    for line in (*lines.records, *lines.generated):
        record = _DEFINITIONS.decode(line)
        infos[record.schema] = record.dispatch
    facts = [read_facts(line) for line in lines.facts or ()]
    keys = {fact.schema.partition("(")[0]: fact.dispatch_keys for fact in facts}
    applied = {
        read_operator_name(base, namespaces=True).base.removeprefix(_FOREACH)
        for function in functions
        if (base := function.schema.partition("(")[0]).startswith(_FOREACH)
    }
    return [
        Operator(
            record=function,
            facts=fact,
            info=_info_of(function, infos),
            dispatch_keys=_with_those_of_delegate(fact, keys),
            has_foreach=_base(function) in applied,
        )
        for function, fact in zip(functions, facts, strict=True)
    ]


def _with_those_of_delegate(
    fact: FunctionFacts, keys: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """The dispatch keys of a function; `keys` has those of all, by name."""
    if fact.structured_delegate is None:
        return fact.dispatch_keys
    return tuple(sorted({*fact.dispatch_keys, *keys.get(fact.structured_delegate, ())}))


def _base(function: FunctionRecord) -> str:
    return read_operator_name(function.schema.partition("(")[0], namespaces=True).base


def _info_of(
    function: FunctionRecord, infos: Mapping[str, Mapping[str, DifferentiabilityInfo]]
) -> Mapping[str, DifferentiabilityInfo]:
    for matched in (function.differentiability or {}).values():
        return infos.get(function.schema) or infos.get(matched.schema, {})
    return {}


def has_no_derivative(operator: Operator) -> bool:
    """Whether autograd can do nothing: no backward node, nor a kernel that it sees through."""
    record = operator.record
    is_seen_through = record.has_composite_implicit_autograd_kernel
    return record.kind != "out" and not operator.nodes and not is_seen_through


def has_no_forward(operator: Operator) -> bool:
    """Whether there is a backward formula, and no forward formula."""
    return bool(operator.nodes) and not any((operator.record.forward_derivatives or {}).values())


def saves_input(operator: Operator) -> bool:
    """Whether its backward node keeps an input alive: a whole tensor, or a list of them."""
    return any(WHOLE_TENSOR.search(saved.type) for saved in operator.saved_inputs)


def saves_tensor(operator: Operator) -> bool:
    """Whether its backward node keeps any whole tensor alive, an input or an output."""
    saved = [*operator.saved_inputs, *operator.saved_outputs]
    return any(WHOLE_TENSOR.search(one.type) for one in saved)


Predicate = Callable[[Operator], bool]

FLAGS: Final[dict[str, Predicate]] = {
    "no-derivative": has_no_derivative,
    "no-forward": has_no_forward,
    "saves-input": saves_input,
    "saves-tensor": saves_tensor,
    "composite": lambda operator: operator.record.has_composite_implicit_autograd_kernel,
    "foreach": lambda operator: operator.has_foreach,
    "from-overlay": lambda operator: operator.is_from_overlay,
    "has-warnings": lambda operator: bool(operator.warnings),
}
"""The filters that have no value, by name."""


def with_tag(tag: str) -> Predicate:
    """The filter of functions with a tag."""
    return lambda operator: tag in operator.record.tags


def with_dispatch_key(key: str) -> Predicate:
    """The filter of functions with a kernel for a dispatch key."""
    return lambda operator: key in operator.dispatch_keys


def asked_for(texts: Sequence[str], operators: Sequence[Operator]) -> Predicate:
    """The filter of functions that any of these names and patterns means."""
    patterns = []
    for text in texts:
        candidates = read_patterns(text)
        meant = [c for c in candidates if any(_means(c, operator) for operator in operators)]
        patterns.append(meant[0] if meant else candidates[0])
    return lambda operator: any(_means(pattern, operator) for pattern in patterns)


def _means(pattern: NamePattern, operator: Operator) -> bool:
    return pattern.means(operator.facts.namespace, operator.names, operator.nodes)


def chosen(operators: Iterable[Operator], filters: Sequence[Predicate]) -> list[Operator]:
    """The functions that pass all filters, in their order."""
    return [operator for operator in operators if all(passes(operator) for passes in filters)]
